"""Two tenants with the same test keys, users and e-mails never meet: in commands, files, views and the computation."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from experiments.shop import add_test
from experiments.world import assign, put_sale, put_user
from ingest.landing_zone import load_all, write_jsonl
from psycopg import Connection, sql
from typer.testing import Result

from trackai_pipelines.experiments.computing import compute_tests

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
VIEWS = ("ab_test_variants", "v_ab_test_periods", "v_ab_test_users", "v_ab_test_account", "v_ab_test_summary")
_TABLES = """
    SELECT c.relname FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE c.relnamespace = 'trackai'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


@pytest.fixture
def tests(connection: Connection[Any], add_tenant: Callable[..., str]) -> dict[str, int]:
    """Each tenant has a draft and a running test, five users with one e-mail each, and what these bought."""
    found = {}
    for slug in ("acme", "globex"):
        tenant = add_tenant(slug)
        add_test(connection, tenant, "checkout", start_date=NOW - 10 * DAY, created_at=NOW - 10 * DAY)
        columns = {"status": "running", "started_at": NOW - 9 * DAY, "currency": "BRL", "sample_size": 10}
        found[tenant] = add_test(connection, tenant, "banner", start_date=NOW - 9 * DAY, **columns)
        for place in range(5):
            user = f"u{place}"
            put_user(connection, tenant, user, user, NOW - 9 * DAY)
            assign(
                connection, tenant, found[tenant], user, "control" if place % 2 else "a", NOW - 8 * DAY, NOW - 8 * DAY
            )
            put_sale(connection, tenant, user, NOW - place * DAY, NOW, value=Decimal(place + 1))
    return found


def _rows(connection: Connection[Any], tenant: str) -> dict[str, list[str]]:
    found = {}
    for (name,) in connection.execute(_TABLES).fetchall():
        query = sql.SQL("SELECT t::text FROM trackai.{} t WHERE tenant_id = %s ORDER BY 1")
        found[name] = [row for (row,) in connection.execute(query.format(sql.Identifier(name)), (tenant,))]
    return found


def _seen(connection: Connection[Any], tenant: str) -> dict[str, list[str]]:
    """Return what the views say of a tenant, without its name and its tests' numbers."""
    query = sql.SQL("SELECT (to_jsonb(v) - %s::text[])::text FROM trackai.{} v WHERE tenant_id = %s ORDER BY 1")
    given = (["tenant_id", "test_id", "id"], tenant)
    return {name: [row for (row,) in connection.execute(query.format(sql.Identifier(name)), given)] for name in VIEWS}


def test_nothing_crosses(
    trackai: Callable[..., Result],
    connection: Connection[Any],
    database_url: str,
    tests: dict[str, int],
    tmp_path: Path,
) -> None:
    theirs, seen = _rows(connection, "t-globex"), _seen(connection, "t-globex")
    ours = _rows(connection, "t-acme")
    assert _seen(connection, "t-acme") == seen
    list(compute_tests(connection, NOW, tenant_id="t-acme"))
    assert _rows(connection, "t-globex") == theirs
    assert all(seen[name] for name in VIEWS if name != "v_ab_test_account")
    for arguments in (
        ("create", "checkout", "--variant", "a", "--replace"),
        ("create", "other", "--variant", "a"),
        ("plan", "checkout", "--lift", "0.5", "--baseline", "0.03"),
        ("start", "checkout", "--currency", "BRL"),
        ("assign", "checkout", "u1"),
        ("assign", "banner", "u9"),
        ("exclude", "u1", "--reason", "bot"),
        ("show", "banner"),
        ("what-if", "banner", "--window-days", "3"),
        ("replay", "banner", "--day", f"{NOW - 2 * DAY:%Y-%m-%d}", "--known-at", f"{NOW - DAY:%Y-%m-%d}"),
        ("list",),
        ("pause", "checkout"),
        ("resume", "checkout"),
        ("complete", "checkout"),
        ("archive", "checkout"),
        ("delete", "other"),
    ):
        result = trackai("experiments", *arguments, "--tenant", "acme")
        assert result.exit_code == 0, (arguments, result.output)
        assert "globex" not in result.output
        assert _rows(connection, "t-globex") == theirs, arguments
    record = {"tenant": "acme", "test_key": "banner", "assigned_at": NOW.isoformat()}
    write_jsonl(tmp_path / "ab_assignments.jsonl", *({**record, "user_id": f"u{n}", "variant": "a"} for n in range(9)))
    write_jsonl(tmp_path / "excluded_users.jsonl", {"tenant": "acme", "user_id": "u2"})
    assert sum(report.accepted for report in load_all(database_url, tmp_path)) > 4
    assert _rows(connection, "t-globex") == theirs
    assert _seen(connection, "t-globex") == seen
    changed = {name for name, rows in _rows(connection, "t-acme").items() if rows != ours[name]}
    assert changed >= {
        "ab_tests", "ab_test_events", "ab_test_assignments", "ab_test_reassignments", "excluded_users",
        "ab_test_outcomes", "ab_test_daily_totals",
    }  # fmt: skip
    known = connection.execute(
        "SELECT count(*) FROM trackai.ab_test_users_as_known('t-acme', %s, 'infinity')", (tests["t-globex"],)
    )
    assert known.fetchone() == (0,)
