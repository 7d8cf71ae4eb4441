"""migrate, what other commands do about a schema that is not current, and how failures are explained."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from processes import process
from typer.testing import Result

from trackai_pipelines.terminal.failures import in_words

Run = Callable[..., Result]


@pytest.fixture
def empty(home: Path, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment's event database has no schema."""
    monkeypatch.setenv("TRACKAI_DATABASE_URL", empty_database_url)
    return empty_database_url


def test_brings_an_empty_database_up_to_date_once(run: Run, empty: str) -> None:
    first = run("migrate")
    assert first.exit_code == 0
    assert first.stdout.startswith("applied ")
    assert "made 98 partitions" in first.stdout
    again = run("migrate")
    assert again.exit_code == 0
    assert again.stdout == ""
    assert "Nothing to do" in again.stderr


def test_makes_missing_partitions_of_a_current_schema(run: Run, empty: str) -> None:
    run("migrate")
    with psycopg.connect(empty) as connection:
        last = connection.execute(
            "SELECT max(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'trackai.match_log'::regclass"
        ).fetchone()
        assert last is not None
        connection.execute(psycopg.sql.SQL("DROP TABLE {}").format(psycopg.sql.Identifier(*last[0].split("."))))
    result = run("migrate")
    assert result.exit_code == 0
    assert "made 1 partitions" in result.stdout


@pytest.mark.processes
def test_two_at_once_both_succeed(empty: str) -> None:
    both = [process("migrate") for _ in range(2)]
    outputs = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], outputs
    assert sum("applied" in out for out, _ in outputs) == 1


@pytest.mark.parametrize(
    "command",
    [
        ["match", "--json"],
        ["rematch", "--from", "2026-01-01", "--to", "2026-01-01"],
        ["aggregate", "--from", "2026-01-01", "--to", "2026-01-01"],
        ["explain", "shop", "stripe", "1"],
        ["ingest", "."],
        ["tenant", "list"],
        ["env"],
    ],
)
def test_a_database_of_ones_own_is_not_migrated_unasked(run: Run, empty: str, command: list[str]) -> None:
    result = run(*command)
    assert result.exit_code == 1
    assert "Run `trackai migrate`" in result.stderr
    assert result.stdout == ""
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT to_regnamespace('trackai')").fetchone() == (None,)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone:hunter2@127.0.0.1:1/nowhere",
        "mysql://someone:hunter2@localhost/nowhere",
        "postgresql://someone:hunter2@127.0.0.1:x/nowhere",
    ],
)
@pytest.mark.parametrize("command", ["migrate", "match", "env"])
def test_an_unusable_url_is_explained_without_its_password(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, url: str, command: str
) -> None:
    monkeypatch.setenv("TRACKAI_DATABASE_URL", url)
    result = run(command)
    assert result.exit_code == 1
    assert "TRACKAI_DATABASE_URL" in result.stderr
    assert "hunter2" not in result.output
    assert "Traceback" not in result.output


def test_a_missing_partition_is_in_words(
    trackai: Run,
    connection: psycopg.Connection,
    add_tenant: Callable[..., str],
    add_sale: Callable[..., None],
) -> None:
    add_sale(add_tenant("shop"), "event")
    partitions = connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'trackai.match_log'::regclass"
    ).fetchall()
    for (name,) in partitions:
        connection.execute(psycopg.sql.SQL("DROP TABLE {}").format(psycopg.sql.Identifier(*name.split("."))))
    result = trackai("match")
    assert result.exit_code == 1
    assert "A day has no partition" in result.stderr
    trackai("migrate")
    assert trackai("match").exit_code == 0


def test_a_lost_privilege_is_in_words(trackai: Run, connection: psycopg.Connection, database_url: str) -> None:
    connection.execute("CREATE ROLE reader_of_nothing")
    try:
        with psycopg.connect(database_url) as other:
            other.execute("SET ROLE reader_of_nothing")
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
                other.execute("SELECT 1 FROM trackai.tenants")
    finally:
        connection.execute("DROP ROLE reader_of_nothing")
    assert in_words(raised.value).startswith("The database refuses: permission denied")


def test_no_command_or_an_unknown_one_is_bad_usage(run: Run) -> None:
    assert run().exit_code == 2
    assert run("mach").exit_code == 2
    assert run("--help").exit_code == 0
