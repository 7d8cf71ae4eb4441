"""The roles of the docs: an application changes flags, analysts read figures, and neither rewrites history."""

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, LiteralString, cast

import pytest
from psycopg import Connection, errors, sql

DOCS = Path(__file__).resolve().parents[2] / "docs" / "flags.md"


@pytest.fixture
def roles(connection: Connection[Any]) -> Iterator[dict[str, str]]:
    """Roles named as in the docs, with a suffix of this test's; their grants are those of the docs."""
    names = {name: f"{name}_{uuid.uuid4().hex[:12]}" for name in ("backend", "analytics")}
    (grants,) = re.findall(r"### Roles.*?```sql\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    for name, role in names.items():
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        grants = re.sub(rf"\b{name}\b", role, grants)
    connection.execute(sql.SQL(cast("LiteralString", grants)))
    yield names
    connection.execute("RESET ROLE")
    for role in names.values():
        connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(role)))
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def act_as(connection: Connection[Any], role: str) -> None:
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))


def test_an_application_changes_flags_and_its_changes_are_recorded(
    connection: Connection[Any], roles: dict[str, str]
) -> None:
    act_as(connection, roles["backend"])
    connection.execute("UPDATE trackai.feature_flags SET enabled = true WHERE key = 'community_feed'")
    connection.execute("INSERT INTO trackai.feature_flags (key, name, category) VALUES ('new', 'New', 'UI')")
    connection.execute("DELETE FROM trackai.feature_flags WHERE key = 'new'")
    found = connection.execute(
        "SELECT flag_key, action, version IS NOT NULL FROM trackai.feature_flag_audit_log ORDER BY id DESC LIMIT 3"
    ).fetchall()
    assert found == [("new", "DELETE", True), ("new", "CREATE", True), ("community_feed", "TOGGLE", True)]


@pytest.mark.parametrize("table", ["feature_flag_versions", "feature_flag_audit_log"])
@pytest.mark.parametrize("change", ["UPDATE {} SET flag_key = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("name", ["backend", "analytics"])
def test_nobody_rewrites_history(
    connection: Connection[Any], roles: dict[str, str], name: str, change: LiteralString, table: str
) -> None:
    act_as(connection, roles[name])
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(sql.SQL(change).format(sql.Identifier("trackai", table)))


def test_analysts_read_figures_and_nothing_else(connection: Connection[Any], roles: dict[str, str]) -> None:
    act_as(connection, roles["analytics"])
    assert connection.execute("SELECT count(*) FROM trackai.v_active_feature_flags").fetchone() == (7,)
    assert connection.execute("SELECT count(*) FROM trackai.feature_flag_analytics").fetchone() == (0,)
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM trackai.feature_flag_usage")
