"""The linters of SQL refuse bad statements and bad migrations, and accept those of the project."""

import subprocess
import sys
from pathlib import Path

import pytest

from lint.sql_forms import check, findings

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
HEAD = "-- What it does.\n"


def _run(tool: str, *arguments: object) -> int:
    command = [str(TOOLS / tool), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("SELECT FROM WHERE", "unparsed"),
        ("UPDATE t SET at = now() WHERE tenant_id = %(tenant)s", "clock-in-update"),
        ("UPDATE t SET a = 1 WHERE at < clock_timestamp()", "clock-in-update"),
        ("INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET at = now()", "clock-in-update"),
        (
            "INSERT INTO t AS o (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2 WHERE o.at < current_timestamp",
            "clock-in-update",
        ),
        ("INSERT INTO t (a) SELECT now() FROM s", "clock-in-insert-select"),
        ("INSERT INTO t (a) SELECT a FROM s ON CONFLICT DO NOTHING", "uncounted-upsert"),
        ("SELECT a FROM t WHERE b = 1 FOR UPDATE", "lock-across-tenants"),
        ("SELECT 1; SELECT 2", "several-commands"),
        ("ALTER TABLE t ADD COLUMN a int, ADD COLUMN b int", "several-alterations"),
        ("ALTER TABLE t ADD COLUMN a int CHECK (a > 0)", "check-with-column"),
        ("ALTER TABLE t ALTER COLUMN a SET (n_distinct = 5)", "column-statistics"),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", "detach-concurrently"),
        ("SELECT pg_total_relation_size('t')", "node-local-figure"),
        ("SELECT reltuples FROM pg_class", "node-local-figure"),
        ("SELECT a FROM t ORDER BY id DESC LIMIT 1", "order-by-id"),
        (
            "CREATE TRIGGER g AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION f()",
            "trigger",
        ),
        ("SET work_mem = '1GB'", "session-state"),
        ("LISTEN news", "session-state"),
        ("SELECT pg_advisory_lock(1)", "session-state"),
        ("CREATE TEMP TABLE t (a int)", "session-state"),
    ],
)
def test_a_bad_form_is_found(statement: str, rule: str) -> None:
    assert findings(HEAD + statement) == {rule}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE t SET at = %(now)s WHERE tenant_id = %(tenant)s",
        "INSERT INTO t (a) SELECT a FROM s ON CONFLICT DO NOTHING RETURNING a",
        "INSERT INTO t (a) VALUES (now())",
        "SELECT a FROM t WHERE tenant_id = %(tenant)s AND b = 1 FOR UPDATE",
        "SELECT a FROM {table} ORDER BY created_at, id",
        "CREATE TEMP TABLE t ON COMMIT DROP AS SELECT a FROM s",
        "SELECT pg_advisory_xact_lock(1)",
        "SELECT 'UPDATE t SET at = now()'",
    ],
)
def test_a_good_form_is_accepted(statement: str) -> None:
    assert findings(HEAD + statement) == set()


def test_a_statement_without_a_header_is_found() -> None:
    assert findings("SELECT 1") == {"no-header"}


def test_an_exception_has_to_be_needed(tmp_path: Path) -> None:
    (tmp_path / "bad.sql").write_text(HEAD + "SET work_mem = '1GB'")
    (tmp_path / "good.sql").write_text(HEAD + "SELECT 1")
    assert len(check(tmp_path, {})) == 1
    assert check(tmp_path, {"bad": {"session-state": "a reason"}}) == []
    assert len(check(tmp_path, {"bad": {"session-state": "a reason"}, "good": {"trigger": "a reason"}})) == 1
    assert len(check(tmp_path, {"bad": {"session-state": "a reason"}, "gone": {"trigger": "a reason"}})) == 1


@pytest.mark.processes
def test_style_is_checked(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.sql", tmp_path / "bad.sql"
    good.write_text(HEAD + "SELECT t.a FROM trackai.t WHERE t.b = %(b)s\n")  # noqa: S608 - a file to lint
    bad.write_text(HEAD + "select t.a from trackai.t where t.b = null\n")  # noqa: S608 - a file to lint
    assert _run("sqruff", "--config", ROOT / ".sqruff", "lint", good) == 0
    assert _run("sqruff", "--config", ROOT / ".sqruff", "lint", bad) == 1


@pytest.mark.processes
def test_migrations_are_checked(tmp_path: Path) -> None:
    good, bad = tmp_path / "0099_good.sql", tmp_path / "0099_bad.sql"
    good.write_text(HEAD + "ALTER TABLE trackai.clicks ADD COLUMN more text;\n")
    bad.write_text(HEAD + "ALTER TABLE trackai.clicks ADD COLUMN more text NOT NULL;\n")
    assert _run("squawk", good) == 0
    assert _run("squawk", bad) == 1


def test_make_lint_runs_every_check() -> None:
    lint = (ROOT / "Makefile").read_text().split("\nlint:")[1].split("\n\n")[0]
    for check_of in ("ruff check", "ruff format --check", "mypy", "codespell", "lint-imports", "sqruff", "squawk"):
        assert check_of in lint
    for check_of in ("lint.sql_forms", "tests/test_domains.py", "tests/lint/test_schema.py"):
        assert check_of in lint
