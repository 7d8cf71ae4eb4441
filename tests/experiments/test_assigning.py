"""Users get the variants that GrowthBook's SDKs give them, once: what is stored counts."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from experiments.shop import START, add_test, insert
from psycopg import Connection, sql
from typer.testing import Result

from trackai_pipelines.database.connection import connect
from trackai_pipelines.experiments.assigning import assign_users, variants_of
from trackai_pipelines.experiments.designs import read_design
from trackai_pipelines.experiments.refusals import UnknownTestError
from trackai_pipelines.flag_values.bucketing import bucket

# Computed by growthbook 4.0.0: the bucket of a seed and a user, and the variant (-1: none) by weights and coverage.
_VECTORS: dict[str, list[Any]] = json.loads((Path(__file__).parent / "vectors" / "split.json").read_text("utf-8"))
NOW = datetime.now(UTC)
NAMES = ("control", "a", "b", "c")


@pytest.fixture
def tenant(add_tenant: Callable[..., str]) -> str:
    """Return the tenant whose users are split."""
    return add_tenant("acme")


@pytest.fixture
def other(database_url: str) -> Iterator[Connection[Any]]:
    """Return a second connection."""
    with connect(database_url, name="other") as opened:
        yield opened


def _variant(connection: Connection[Any], tenant: str, key: str, user: str | None) -> str | None:
    found = connection.execute("SELECT trackai.ab_test_variant(%s, %s, %s)", (tenant, key, user)).fetchone()
    assert found is not None
    return found[0] if found[0] is None else str(found[0])


def _stored(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT tenant_id, user_id, variant_assigned, source FROM trackai.ab_test_assignments ORDER BY 1, 2"
    ).fetchall()


def test_buckets_are_growthbooks_in_python_and_sql(connection: Connection[Any]) -> None:
    rows = _VECTORS["bucket"]
    assert len(rows) == 80
    assert [bucket(seed, user) for seed, user, _ in rows] == [expected for _, _, expected in rows]
    given = [[row[0] for row in rows], [row[1] for row in rows]]
    found = connection.execute(
        "SELECT trackai.flag_bucket(seed, unit) FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY x (seed, unit, n)"
        " ORDER BY n",
        given,
    ).fetchall()
    assert [value for (value,) in found] == [expected for _, _, expected in rows]


def test_variants_are_growthbooks_in_python_and_sql(connection: Connection[Any], tenant: str) -> None:
    assert len(_VECTORS["assign"]) == 120
    for place, ((seed, weights, coverage), rows) in enumerate(
        groupby(_VECTORS["assign"], lambda row: (row[0], row[3], row[4]))
    ):
        cases = list(rows)
        names = dict(
            zip(("control_variant", "variant_a", "variant_b", "variant_c"), NAMES[: len(weights)], strict=False)
        )
        for equal in {False, len(set(weights)) == 1}:
            owner = f"t-{place}-{equal}"
            insert(connection, "tenants", id=owner, slug=owner, name=owner)
            settings = {"weights": None if equal else weights, "traffic_percent": coverage * 100, "hash_seed": seed}
            add_test(connection, owner, "split", status="running", started_at=START, **settings, **names)
            design = read_design(connection, owner, "split")
            users = [user for _, user, *_ in cases]
            expected = [None if index < 0 else NAMES[index] for *_, index in cases]
            in_python = variants_of(design, users)
            assert [in_python[user] for user in users] == expected
            assert [_variant(connection, owner, "split", user) for user in users] == expected
            assert _stored(connection) == sorted(
                (owner, user, name, "trackai") for user, name in in_python.items() if name is not None
            )
            connection.execute("DELETE FROM trackai.ab_test_assignments")


def test_what_is_stored_counts_whatever_the_hash_says(connection: Connection[Any], tenant: str) -> None:
    test = add_test(connection, tenant, "checkout", status="running", started_at=START)
    hashed = variants_of(read_design(connection, tenant, "checkout"), ["u1"])["u1"]
    stored = "a" if hashed == "control" else "control"
    insert(connection, "ab_test_assignments", tenant_id=tenant, test_id=test, user_id="u1", variant_assigned=stored)
    for status in ("draft", "running", "paused", "completed", "archived"):
        connection.execute("UPDATE trackai.ab_tests SET status = %s", (status,))
        assert _variant(connection, tenant, "checkout", "u1") == stored
        assert assign_users(connection, tenant, "checkout", ["u1"], NOW) == {"u1": stored}
    assert _stored(connection) == [(tenant, "u1", stored, "trackai")]


def test_two_callers_at_once_get_one_answer(connection: Connection[Any], other: Connection[Any], tenant: str) -> None:
    """The first has not committed when the second asks, and a user's hash would have it otherwise."""
    test = add_test(connection, tenant, "checkout", status="running", started_at=START)
    users = [f"u{number}" for number in range(2)]
    hashed = variants_of(read_design(connection, tenant, "checkout"), users)
    asks: tuple[Callable[[str], str | None], ...] = (
        lambda user: _variant(other, tenant, "checkout", user),
        lambda user: assign_users(other, tenant, "checkout", [user], NOW)[user],
    )
    with ThreadPoolExecutor(1) as threads:
        for user, ask in zip(users, asks, strict=True):
            stored = "a" if hashed[user] == "control" else "control"
            row = {"tenant_id": tenant, "test_id": test, "user_id": user, "variant_assigned": stored}
            with connection.transaction():
                insert(connection, "ab_test_assignments", **row)
                answer = threads.submit(ask, user)
                waits = "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted"
                while connection.execute(waits, (other.info.backend_pid,)).fetchone() == (0,):
                    assert not answer.done()
            assert answer.result(timeout=60) == stored


def test_nobody_is_assigned_outside_of_the_period(connection: Connection[Any], tenant: str) -> None:
    add_test(connection, tenant, "checkout", status="running", started_at=START)
    soon, ago = NOW + timedelta(hours=1), NOW - timedelta(hours=1)
    for number, closed in enumerate(
        (
            "status = 'paused'",
            "status = 'draft'",
            "status = 'completed'",
            "assigned_by = 'outside'",
            "started_at = NULL",
        )
    ):
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL("UPDATE trackai.ab_tests SET {}").format(sql.SQL(closed)))
            assert _variant(connection, tenant, "checkout", f"u{number}") is None
            assert assign_users(connection, tenant, "checkout", [f"u{number}"], NOW) == {f"u{number}": None}
    for column, moment in (("start_date", soon), ("started_at", soon), ("end_date", ago)):
        with connection.transaction(force_rollback=True):
            query = sql.SQL("UPDATE trackai.ab_tests SET {} = %s").format(sql.Identifier(column))
            connection.execute(query, (moment,))
            assert _variant(connection, tenant, "checkout", "u9") is None
            assert assign_users(connection, tenant, "checkout", ["u9"], NOW) == {"u9": None}
    for nobody in (None, "", "u" * 513):
        assert _variant(connection, tenant, "checkout", nobody) is None
    assert _variant(connection, tenant, "unknown", "u1") is None
    with pytest.raises(UnknownTestError):
        assign_users(connection, tenant, "unknown", ["u1"], NOW)
    assert _stored(connection) == []


def test_many_users_at_once_get_what_sql_gives_each(connection: Connection[Any], tenant: str) -> None:
    """Two tenants have tests of one key; only their seeds differ."""
    insert(connection, "tenants", id="t-other", slug="other", name="other")
    split = {"status": "running", "started_at": START, "traffic_percent": 60, "variant_b": "b"}
    add_test(connection, tenant, "checkout", **split)
    add_test(connection, "t-other", "checkout", **split, hash_seed="other")
    users = [f"user {number}\t\\N" for number in range(500)]
    by_copy = assign_users(connection, tenant, "checkout", [*users, *users[:3]], NOW)
    assert set(by_copy.values()) == {None, "control", "a", "b"}
    assert len(_stored(connection)) == sum(variant is not None for variant in by_copy.values())
    assert by_copy == {user: _variant(connection, tenant, "checkout", user) for user in users}
    assert by_copy != {user: _variant(connection, "t-other", "checkout", user) for user in users}
    before = _stored(connection)
    with connection.transaction():
        assert assign_users(connection, tenant, "checkout", users, NOW + timedelta(days=1)) == by_copy
        assert assign_users(connection, "t-other", "checkout", ["ana@example.com"], NOW).keys() == {"ana@example.com"}
    assert [row for row in _stored(connection) if "e-mail" not in row[1]] == before
    assert not any("@" in row[1] for row in _stored(connection))


def test_users_by_commands(trackai: Callable[..., Result], connection: Connection[Any], tenant: str) -> None:
    insert(connection, "tenants", id="t-other", slug="other", name="other")
    for owner in (tenant, "t-other"):
        add_test(connection, owner, "checkout", status="running", started_at=START, traffic_percent=1)
    outside = next(f"u{n}" for n in range(99) if bucket("checkout", f"u{n}") >= 9_900)
    inside = next(f"u{n}" for n in range(9_999) if bucket("checkout", f"u{n}") < 50)

    def run(*arguments: str, exit_code: int = 0) -> str:
        result = trackai("experiments", *arguments)
        assert result.exit_code == exit_code, result.output
        return " ".join(result.output.replace("│", " ").split())

    assert run("assign", "checkout", inside, "--tenant", "acme") == f"{inside} control"
    said = run("assign", "checkout", outside, "--tenant", "acme")
    assert said == f"{outside} is not in checkout, and sees control: 1 % of users take part, and this one does not."
    connection.execute("UPDATE trackai.ab_tests SET status = 'paused' WHERE tenant_id = 't-other'")
    said = run("assign", "checkout", inside, "--tenant", "other")
    assert said == f"{inside} is not in checkout, and sees control: it is paused."
    assert _stored(connection) == [(tenant, inside, "control", "trackai")]
    assert "a user's id has 1 to 512 characters" in run("assign", "checkout", "", "--tenant", "acme", exit_code=2)

    assert run("exclude", "u1", "--tenant", "acme", "--reason", "bot", "--by", "ana") == "u1 excluded: bot"
    assert run("exclude", "u1", "--tenant", "acme", "--reason", "other") == "u1 is excluded already."
    assert "a user's id" in run("exclude", "u" * 513, "--tenant", "acme", "--reason", "other", exit_code=2)
    excluded = connection.execute(
        "SELECT tenant_id, user_id, reason, created_by FROM trackai.excluded_users"
    ).fetchall()
    assert excluded == [(tenant, "u1", "bot", "ana")]
