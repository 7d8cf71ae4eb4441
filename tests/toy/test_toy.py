"""A domain that touches no other file works from end to end: from its landing file to the last trace of a person.

What belongs here: what a domain gets by declaring itself. What does not: how each mechanism does it.
"""

import difflib
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from psycopg import Connection
from toy.domain import TOY
from typer.testing import CliRunner, Result
from web.serving import served

import trackai_pipelines
from trackai_pipelines import domains
from trackai_pipelines.cli import build_app
from trackai_pipelines.customer_information.contact import email_hash
from trackai_pipelines.database.defs.resources import EventDatabase
from trackai_pipelines.database.partitions import create_partitions_ahead
from trackai_pipelines.database.statements import shipped
from trackai_pipelines.definitions import build_definitions
from trackai_pipelines.domain import tables_of
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.web.app import build_app as build_web

WITH_TOY = (*DOMAINS, TOY)
TODAY = datetime.now(UTC).date()
# Older than the 30 days of the toy's policy, and older than the ten after which personal fields go.
OLD = TODAY - timedelta(days=40)
EMAIL = "ana@example.com"

Run = Callable[..., Result]


@pytest.fixture
def toy_table(connection: Connection[Any]) -> None:
    """What the domain's migration does, and the next maintenance."""
    connection.execute(Path(__file__).with_name("migration.sql").read_bytes())
    tables = tables_of(WITH_TOY)
    create_partitions_ahead(connection, tables, today=TODAY)
    create_partitions_ahead(connection, tables, today=OLD, days=1)


@pytest.fixture
def run(trackai: Run, toy_table: None) -> Run:
    """`trackai` with the toy domain among the others, on this test's database."""

    def invoke(*arguments: str | Path) -> Result:
        result = CliRunner().invoke(build_app(WITH_TOY), [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result

    return invoke


@pytest.fixture
def landing(home: Path, add_tenant: Callable[..., str]) -> Path:
    """A tenant's landing folder with three calls: two of one person, one on an old day, and one of another person."""
    add_tenant("acme", default_country="BR")
    folder = home / "landing" / "acme"
    folder.mkdir(parents=True)
    calls = [
        {"call_id": "old", "called_at": f"{OLD}T10:00:00Z", "email": EMAIL, "user_id": "u1", "order_id": "O1"},
        {"call_id": "new", "called_at": f"{TODAY}T00:00:01Z", "email": EMAIL, "user_id": "u1", "order_id": "O1"},
        {"call_id": "other", "called_at": f"{OLD}T11:00:00Z", "email": "eva@example.com"},
    ]
    more = {"seconds": 60, "ip": "203.0.113.77", "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0"}
    refused = {"call_id": "never"}
    lines = [json.dumps({**call, **more}) for call in calls] + [json.dumps(refused)]
    (folder / "toy_calls.jsonl").write_text("\n".join(lines))
    return folder


def test_registration_is_an_import_and_a_name() -> None:
    before = Path(domains.__file__).read_text(encoding="utf-8")
    after = before.replace("\nDOMAINS", "from toy.domain import TOY\n\nDOMAINS", 1).replace("\n)\n", "\n    TOY,\n)\n")
    diff = difflib.ndiff(before.splitlines(), after.splitlines())
    changed = [line for line in diff if line[0] in "+-" and line[1:].strip()]
    assert changed == ["+ from toy.domain import TOY", "+     TOY,"]
    registered: dict[str, Any] = {}
    exec(after, registered)
    assert registered["DOMAINS"] == WITH_TOY


def test_nothing_else_knows_the_domain() -> None:
    package, statements = Path(trackai_pipelines.__file__).parent, shipped("sql")
    files = [path for root in (package, statements) for path in root.rglob("*.*") if path.suffix in (".py", ".sql")]
    assert len(files) > 300
    assert [path.name for path in files if "toy" in path.read_text(encoding="utf-8").lower()] == []


def test_a_file_is_loaded_archived_restored_and_a_person_erased(
    run: Run, landing: Path, connection: Connection[Any], home: Path
) -> None:
    run("ingest", landing)
    assert _calls(connection) == {"old", "new", "other"}
    assert _hashes(connection) == {email_hash(EMAIL), email_hash("eva@example.com")}
    (reason,) = connection.execute("SELECT reason FROM trackai.ingest_rejects").fetchall()
    assert "called_at is missing" in reason[0]

    # Old rows lose what the declaration says, then their day leaves for an archive.
    run("retention")
    run("retention")
    assert _calls(connection) == {"new"}
    assert len(list((home / "archive" / "toy_calls").rglob("*.parquet"))) == 1
    run("restore", "toy_calls", str(OLD))
    assert _calls(connection) == {"old", "new", "other"}
    kept = connection.execute(
        "SELECT host(ip), user_agent, email_hash, user_id FROM trackai.toy_calls WHERE call_id = 'old'"
    ).fetchone()
    assert kept == ("203.0.113.0", "Firefox", None, "u1")

    # By the e-mail address in the table; by the user whom it belongs to where the hash has gone.
    connection.execute(
        "INSERT INTO trackai.users (tenant_id, id, email_hash) VALUES ('t-acme', 'u1', %s)", [email_hash(EMAIL)]
    )
    run("erase", "--tenant", "acme", "--email", EMAIL, "--yes")
    left = connection.execute(
        "SELECT call_id, user_id, email_hash, ip, user_agent FROM trackai.toy_calls ORDER BY call_id"
    ).fetchall()
    assert left[:2] == [("new", None, None, None, None), ("old", None, None, None, None)]
    assert left[2][4] == "Firefox"
    assert _in_archives(home, "u1") == []


def test_archived_rows_of_a_person_are_erased(run: Run, landing: Path, connection: Connection[Any], home: Path) -> None:
    run("ingest", landing)
    connection.execute("UPDATE trackai.retention_policies SET anonymise_after = NULL WHERE table_name = 'toy_calls'")
    run("retention")
    run("retention")
    assert _calls(connection) == {"new"}
    assert _in_archives(home, str(email_hash(EMAIL))) == ["old"]
    run("erase", "--tenant", "acme", "--email", EMAIL, "--yes")
    assert _in_archives(home, str(email_hash(EMAIL))) == []
    assert _in_archives(home, str(email_hash("eva@example.com"))) == ["other"]


def test_people_see_it(run: Run, landing: Path, connection: Connection[Any], home: Path) -> None:
    run("ingest", landing)
    connection.execute(
        "INSERT INTO trackai.conversions (tenant_id, gateway, gateway_event_id, order_id, value, currency, occurred_at)"
        " VALUES ('t-acme', 'stripe', 'evt_1', 'O1', 10, 'BRL', now())"
    )
    assert "toy" in run("--help").stdout
    assert "180" in run("toy", "count").stdout
    assert "The buyer called 2 times." in run("explain", "acme", "stripe", "evt_1").stdout
    assert "3 calls" in CliRunner().invoke(build_app(WITH_TOY), ["doctor"]).stdout
    run("report")
    (page,) = (home / "reports").glob("*.html")
    assert "Hotline" in page.read_text()
    assert "3 calls of 180 seconds, of &lt;everybody&gt;." in page.read_text()


def test_its_route_answers(run: Run, landing: Path, database_url: str) -> None:
    run("ingest", landing)
    with served(build_web(WITH_TOY, database_url)) as client:
        assert client.get("/toy/acme/calls").json() == {"calls": 3, "seconds": 180}


def test_dagster_shows_it(run: Run, landing: Path, database_url: str) -> None:
    location = build_definitions(resources={"domains": WITH_TOY, "database": EventDatabase(url=database_url)})
    with dg.DagsterInstance.ephemeral() as instance:
        loaded = location.resolve_job_def("ingest_landing_files").execute_in_process(instance=instance)
        assert loaded.success
        materialised = loaded.get_asset_materialization_events()
        assert [event.asset_key for event in materialised] == [dg.AssetKey("toy_calls")]
        counted = location.resolve_job_def("count_calls").execute_in_process(instance=instance)
        assert counted.asset_materializations_for_node("toy_totals")[0].metadata["calls"].value == 3
        assert [check.passed for check in counted.get_asset_check_evaluations()] == [True]
        ahead = location.resolve_job_def("maintain_partitions").execute_in_process(instance=instance)
        assert ahead.success


@pytest.mark.processes
@pytest.mark.slow
def test_the_demo_proves_it(server_home: Path) -> None:
    migrated = CliRunner().invoke(build_app(), ["migrate"])
    assert migrated.exit_code == 0, migrated.output
    _migrate_toy()
    before = dict(os.environ)
    try:
        result = CliRunner().invoke(build_app(WITH_TOY), ["demo", "--exit", "--days", "1", "--conversions", "200"])
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert result.exit_code == 0, result.output
    assert "Ground truth: every call was counted." in " ".join(result.output.split())


def _migrate_toy() -> None:
    import psycopg

    from trackai_pipelines.database.server import event_database_url
    from trackai_pipelines.settings import Settings

    with psycopg.connect(event_database_url(Settings()), autocommit=True) as connection:
        connection.execute(Path(__file__).with_name("migration.sql").read_bytes())


def _calls(connection: Connection[Any]) -> set[str]:
    return {call for (call,) in connection.execute("SELECT call_id FROM trackai.toy_calls")}


def _hashes(connection: Connection[Any]) -> set[str]:
    return {found for (found,) in connection.execute("SELECT email_hash FROM trackai.toy_calls")}


def _in_archives(home: Path, value: str) -> list[str]:
    """The calls in archives with this value anywhere on them."""
    from pyarrow import parquet

    return [
        row["call_id"]
        for path in (home / "archive" / "toy_calls").rglob("*.parquet")
        for row in parquet.read_table(path).to_pylist()
        if value in map(str, row.values())
    ]
