"""Forms of SQL that are refused, or silently wrong, once tenants live on several nodes or behind a connection pooler.

`python -m lint.sql_forms` checks every file below sql/ but schema.sql; lint/sql_forms.toml lists what is excepted and
why. PostgreSQL's own parser reads the files, so comments and strings cannot confuse it. Bodies of functions are strings
to it: they are not looked into. What does not belong here: style, which sqruff checks.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pglast import ast, enums, parse_sql
from pglast.parser import ParseError

ROOT = Path(__file__).resolve().parents[1]
EXCEPTIONS = Path(__file__).with_suffix(".toml")

RULES = {
    "unparsed": "PostgreSQL's parser does not understand it",
    "no-header": "the file does not open with a comment: what it does, by which index, what it guarantees",
    "clock-in-update": "the clock is read in an UPDATE or in DO UPDATE: pass the time as a parameter, or use excluded",
    "clock-in-insert-select": "the clock is read in INSERT ... SELECT: pass the time as a parameter",
    "uncounted-upsert": "the row count of INSERT ... SELECT ... ON CONFLICT is wrong on many nodes: count RETURNING",
    "lock-across-tenants": "FOR UPDATE or FOR SHARE without a condition on one tenant_id",
    "several-commands": "several commands in one statement cannot be prepared: one a file",
    "several-alterations": "several subcommands in one ALTER TABLE: one each",
    "check-with-column": "ADD COLUMN with a constraint: add the column, then a named constraint",
    "column-statistics": "ALTER COLUMN ... SET (n_distinct)",
    "detach-concurrently": "DETACH CONCURRENTLY: use a plain DETACH with a lock time-out as the fallback",
    "node-local-figure": "sizes, row estimates and sequences are those of one node: pg_total_relation_size, reltuples, "
    "last_value",
    "order-by-id": "ids are no order of time: order by the time first",
    "trigger": "a trigger does not see other nodes' rows: do it in the statement",
    "session-state": "SET without LOCAL, LISTEN, a session's advisory lock or a temporary table without ON COMMIT DROP "
    "outlive the transaction behind a pooler",
}

_CLOCKS = {"now", "clock_timestamp", "statement_timestamp", "transaction_timestamp", "timeofday"}
_SESSION_LOCKS = {"pg_advisory_lock", "pg_try_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock_shared"}
_NODE_LOCAL = {"pg_total_relation_size", "pg_relation_size", "pg_table_size", "currval", "lastval"}
# psycopg's parameters, and the identifiers that psycopg.sql puts in.
_PARAMETER = re.compile(r"%\(\w+\)[sbt]")
_COMPOSED = re.compile(r"\{\w*\}")
_ASSIGNMENTS = re.compile(r"\bSET \{\w*\}")


def findings(text: str, *, migration: bool = False) -> set[str]:
    """Return the names of the rules that a file's text breaks."""
    found = set() if text.startswith("--") else {"no-header"}
    try:
        statements = [raw.stmt for raw in parse_sql(_plain(text))]
    except ParseError:
        return found | {"unparsed"}
    if len(statements) > 1 and not migration:
        found.add("several-commands")
    # Inside a CREATE FUNCTION, a setting is the function's.
    if any(isinstance(statement, ast.VariableSetStmt) and not statement.is_local for statement in statements):
        found.add("session-state")
    return found.union(*(_broken_by(node) for statement in statements for node in _walk(statement)))


def _plain(text: str) -> str:
    """Return the text with something in each place that psycopg fills."""
    text = _ASSIGNMENTS.sub("SET composed = 1", _PARAMETER.sub("$1", text))
    return _COMPOSED.sub("composed", text)


def _walk(node: Any) -> Iterator[ast.Node]:
    yield node
    for name in node:
        value = getattr(node, name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, ast.Node):
                yield from _walk(child)


def _broken_by(node: Any) -> Iterator[str]:
    match node:
        case ast.UpdateStmt() | ast.InferClause() if _reads_clock(node):
            yield "clock-in-update"
        case ast.OnConflictClause() if _reads_clock(node):
            yield "clock-in-update"
        case ast.InsertStmt(selectStmt=ast.SelectStmt(valuesLists=None) as source):
            if _reads_clock(source):
                yield "clock-in-insert-select"
            if node.onConflictClause and not node.returningClause:
                yield "uncounted-upsert"
        case ast.SelectStmt():
            if node.lockingClause and not _keeps_to_a_tenant(node.whereClause):
                yield "lock-across-tenants"
            if node.sortClause and _name(node.sortClause[0].node) == "id":
                yield "order-by-id"
        case ast.AlterTableStmt():
            yield from _broken_by_alter(node)
        case ast.CreateTrigStmt():
            yield "trigger"
        case ast.FuncCall() if node.funcname[-1].sval in _NODE_LOCAL:
            yield "node-local-figure"
        case ast.ColumnRef() if _name(node) in {"reltuples", "last_value"}:
            yield "node-local-figure"
        case ast.FuncCall() if node.funcname[-1].sval in _SESSION_LOCKS:
            yield "session-state"
        case ast.ListenStmt():
            yield "session-state"
        case ast.CreateStmt() | ast.CreateTableAsStmt() if _outlives_its_transaction(node):
            yield "session-state"


def _broken_by_alter(node: Any) -> Iterator[str]:
    kinds = enums.AlterTableType
    if len(node.cmds) > 1:
        yield "several-alterations"
    for command in node.cmds:
        if command.subtype == kinds.AT_AddColumn and any(
            constraint.contype in {enums.ConstrType.CONSTR_CHECK, enums.ConstrType.CONSTR_FOREIGN}
            for constraint in command.def_.constraints or ()
        ):
            yield "check-with-column"
        if command.subtype == kinds.AT_SetOptions:
            yield "column-statistics"
        if command.subtype == kinds.AT_DetachPartition and command.def_.concurrent:
            yield "detach-concurrently"


def _outlives_its_transaction(node: Any) -> bool:
    if isinstance(node, ast.CreateStmt):
        persistence, on_commit = node.relation.relpersistence, node.oncommit
    else:
        persistence, on_commit = node.into.rel.relpersistence, node.into.onCommit
    return bool(persistence == "t" and on_commit != enums.OnCommitAction.ONCOMMIT_DROP)


def _reads_clock(node: Any) -> bool:
    return any(
        (isinstance(part, ast.FuncCall) and part.funcname[-1].sval in _CLOCKS) or isinstance(part, ast.SQLValueFunction)
        for part in _walk(node)
    )


def _keeps_to_a_tenant(where: Any) -> bool:
    return where is not None and any(
        isinstance(part, ast.A_Expr)
        and part.kind == enums.A_Expr_Kind.AEXPR_OP
        and part.name[0].sval == "="
        and _name(part.lexpr) == "tenant_id"
        and isinstance(part.rexpr, ast.ParamRef)
        for part in _walk(where)
    )


def _name(node: Any) -> str | None:
    last = node.fields[-1] if isinstance(node, ast.ColumnRef) else None
    return last.sval if isinstance(last, ast.String) else None


def check(folder: Path, exceptions: dict[str, dict[str, str]]) -> list[str]:
    """Return a line for each finding below `folder` that is not excepted, and for each exception that has no finding.

    `exceptions` is a reason by file (below `folder`, without `.sql`) and rule. Files in a folder `duckdb` are not
    PostgreSQL's and are left out.
    """
    lines = []
    paths = [path for path in sorted(folder.rglob("*.sql")) if path != folder / "schema.sql"]
    for path in paths:
        name = str(path.relative_to(folder).with_suffix(""))
        if "duckdb" in path.parts:
            continue
        found = findings(path.read_text(encoding="utf-8"), migration=name.startswith("migrations/"))
        excepted = set(exceptions.get(name, {}))
        lines += [f"{path}: {RULES[rule]} ({rule})" for rule in sorted(found - excepted)]
        lines += [f"{path}: the exception {rule!r} is not needed any more" for rule in sorted(excepted - found)]
    known = {str(path.relative_to(folder).with_suffix("")) for path in paths}
    return lines + [f"{name}: excepted, but there is no such file" for name in sorted(set(exceptions) - known)]


def main() -> None:
    """Print the findings of sql/ and benchmarks/sql/; exit 1 where there are any."""
    exceptions = tomllib.loads(EXCEPTIONS.read_text(encoding="utf-8"))
    lines = check(ROOT / "sql", exceptions)
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.exit(1 if lines else 0)


if __name__ == "__main__":
    main()
