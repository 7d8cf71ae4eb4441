"""What the rooms declare holds: in the catalogue of a migrated database, in Dagster, and in the folders.

What belongs here: one test for each rule that keeps a domain in one place. What does not: what a domain does, and who
may import whom (`make lint`, lint/imports.py).
"""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import dagster as dg
import pytest
from psycopg import Connection

from trackai_pipelines.domain import Domain, Table
from trackai_pipelines.domains import DOMAINS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "trackai_pipelines"
Columns = dict[str, dict[str, str]]
TABLES = [(domain, table) for domain in DOMAINS for table in domain.tables]

# Tables and the types of their columns; a partition counts as its parent's.
_COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'trackai'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""
_PERSONAL = re.compile(
    r"(^|_)ip$|user_agent$|^(fbclid|fbc|fbp)$|_hash$|(^|_)(email|phone)(_|$)|^user_id$|(^|_)name$|_key$"
    r"|^customer_information$|^click_ids$|^event_source_url$|^payload$|^event$|^input$|^changed$"
)
# A count or a flag says nothing about a person, whatever it is called.
_SAYS_SOMETHING = {"text", "character", "inet", "jsonb", "bytea"}
# Columns that look personal and are not, with the reason.
_NOT_PERSONAL = {
    ("archives", "table_name"): "a table",
    ("retention_policies", "table_name"): "a table",
    ("retention_steps", "table_name"): "a table",
    ("campaigns", "name"): "an advertiser's campaign",
    ("funnels", "name"): "an advertiser's funnel",
    ("ad_accounts", "name"): "an advertiser's account",
    ("ad_campaign_names", "name"): "an advertiser's campaign",
    ("ad_cost_statements", "campaign_name"): "an advertiser's campaign",
    ("ad_cost_statements", "adset_name"): "an advertiser's ad set",
    ("ad_cost_statements", "ad_name"): "an advertiser's ad",
    ("attribution_sets", "set_key"): "campaigns or channels",
    ("campaign_analytics_segments", "segment_name"): "a segment of many people",
    ("tenants", "name"): "a company",
    ("feature_flags", "name"): "a feature",
    ("feature_flags", "owner_email"): "a team of the operator",
    ("feature_flag_segments", "name"): "a segment of many people",
    ("feature_flag_clients", "name"): "an app",
    ("feature_flag_rollouts", "variant_key"): "a variant of a feature",
    ("feature_flag_usage", "variant_key"): "a variant of a feature",
    ("feature_flag_versions", "flag_key"): "a feature",
    ("feature_flag_audit_log", "flag_key"): "a feature",
    ("ab_tests", "name"): "a test",
    ("ab_tests", "test_key"): "a test",
    ("ab_test_daily_results", "variant_name"): "a variant of a test",
    ("ab_test_daily_totals", "variant_name"): "a variant of a test",
    ("ab_test_results", "variant_name"): "a variant of a test",
    ("leases", "name"): "a resident run",
    ("failed_starts", "name"): "a resident run",
    ("window_figures", "name"): "a resident run",
    ("conversions", "event_name"): "a kind of event, such as Purchase",
    ("conversions", "sale_key"): "the gateway's id of a sale",
    ("refunds", "sale_key"): "the gateway's id of a sale",
    ("sale_names", "sale_key"): "the gateway's id of a sale",
    ("sale_names", "name"): "a gateway's id of a sale",
    ("erasures", "changed"): "numbers of rows",
    ("loyalty_members", "user_id"): "the app's id: users says of whom, until it is erased",
    ("sales_ledger", "user_id"): "the app's id: users says of whom, until it is erased",
    ("creator_sales_daily", "user_id"): "the app's id: users says of whom, until it is erased",
    ("tier_checkpoints", "user_id"): "the app's id: users says of whom, until it is erased",
    ("tiers", "tier_name"): "a tier of many people",
    ("mission_progress", "user_id"): "the app's id: users says of whom, until it is erased",
    ("raffle_participations", "user_id"): "the app's id: users says of whom, until it is erased",
    ("missions", "display_name"): "a mission",
    ("rewards", "name"): "a reward",
    ("redemptions", "cycle_key"): "how often a reward can be claimed",
    ("redemptions", "claim_key"): "the app's name of a request",
    ("setup_sessions", "input"): "what an operator entered about a tenant",
}


@cache
def _source(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _columns(connection: Connection) -> Columns:
    found: Columns = defaultdict(dict)
    for table, column, kind in connection.execute(_COLUMNS):
        found[table][column] = kind
    return found


@pytest.fixture
def columns(connection: Connection) -> Columns:
    """The type of each column of each table of schema `trackai`."""
    return _columns(connection)


def _personal_columns(table: Table) -> set[str]:
    personal = table.personal
    if personal is None:
        return set()
    found_by = (personal.email_hash, personal.phone_hash, personal.user_id, personal.contact_key, personal.conversion)
    shrinks = (*personal.shrinks.stays, *personal.shrinks.becomes) if personal.shrinks else ()
    # Rows that lose something by their age say so.
    stamp = ("anonymised_at",) if personal.by_age and not personal.conversion else ()
    named = (*found_by, *shrinks, *personal.texts, *personal.clear, *personal.quotes, *personal.by_age, *stamp)
    return {column for column in named if column is not None}


# Tables -----------------------------------------------------------------------------------------------------------


def _tables_without_one_owner(columns: Columns) -> set[str]:
    owners = Counter(table.name for _, table in TABLES)
    return {name for name in {*columns, *owners} if owners[name] != 1 or name not in columns}


def test_every_table_has_one_owner(columns: Columns) -> None:
    assert _tables_without_one_owner(columns) == set()


def test_a_table_without_an_owner_is_found(connection: Connection) -> None:
    connection.execute("CREATE TABLE trackai.stray (tenant_id text, id bigint)")
    assert _tables_without_one_owner(_columns(connection)) == {"stray"}


def test_declared_columns_exist(columns: Columns) -> None:
    for _, table in TABLES:
        declared = {*table.key, *_personal_columns(table), *([table.time] if table.time else [])}
        if table.personal and table.personal.by_age and table.personal.conversion is None:
            declared.add("anonymised_at")
        assert declared <= set(columns[table.name]), table.name
        if table.time:
            assert columns[table.name][table.time] in ("timestamp with time zone", "date"), table.name


def test_declared_keys_are_unique_in_the_database(connection: Connection) -> None:
    keys = connection.execute(
        """
        SELECT t.relname, array_agg(a.attname::text ORDER BY a.attname)
        FROM pg_index x
        JOIN pg_class t ON t.oid = x.indrelid
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (x.indkey)
        WHERE x.indisunique AND x.indpred IS NULL AND t.relnamespace = 'trackai'::regnamespace
        GROUP BY t.relname, x.indexrelid
        """
    ).fetchall()
    unique = {(name, tuple(key)) for name, key in keys}
    for _, table in TABLES:
        key = set(table.key)
        held = any(name == table.name and set(of) <= key for name, of in unique)
        # A log is written so often that it has no unique index; its writer keeps the key.
        assert held or table.leaves == "partition", table.name


def _personal_and_undeclared(columns: Columns) -> set[tuple[str, str]]:
    declared: set[tuple[str, str]] = set()
    for _, table in TABLES:
        every = table.personal is not None and table.personal.delete
        declared |= {(table.name, column) for column in (columns[table.name] if every else _personal_columns(table))}
    looks = {
        (table, column)
        for table, of in columns.items()
        for column, kind in of.items()
        if _PERSONAL.search(column) and kind in _SAYS_SOMETHING
    }
    return looks - declared - set(_NOT_PERSONAL)


def test_every_column_that_looks_personal_is_declared(columns: Columns) -> None:
    assert _personal_and_undeclared(columns) == set()


def test_a_personal_column_that_nobody_declares_is_found(connection: Connection) -> None:
    before = _personal_and_undeclared(_columns(connection))
    connection.execute("ALTER TABLE trackai.tenants ADD COLUMN owner_email text")
    connection.execute("ALTER TABLE trackai.clicks ADD COLUMN last_ip inet")
    found = _personal_and_undeclared(_columns(connection))
    assert found - before == {("tenants", "owner_email"), ("clicks", "last_ip")}


def test_no_excuse_is_stale(columns: Columns) -> None:
    for table, column in _NOT_PERSONAL:
        if table in columns:
            assert column in columns[table]
            assert _PERSONAL.search(column)


def test_a_table_that_leaves_has_its_retention(connection: Connection) -> None:
    policies = {name for (name,) in connection.execute("SELECT table_name FROM trackai.retention_policies")}
    leaving = {table.name for _, table in TABLES if table.leaves != "never"}
    assert leaving <= policies
    assert all(table.time for _, table in TABLES if table.name in leaving)


def test_a_need_is_of_a_table_that_another_room_declares() -> None:
    owners = {table.name: domain.name for domain, table in TABLES}
    for domain in DOMAINS:
        for need in domain.needs:
            assert owners[need.table] != domain.name, need.table


def test_partitions_are_declared(connection: Connection) -> None:
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'trackai'::regnamespace AND relkind = 'p'"
    )
    declared = {table.name for _, table in TABLES if table.leaves == "partition" or table.span}
    assert {name for (name,) in found} == declared


def test_the_columns_of_a_landing_kind_exist(columns: Columns) -> None:
    for domain in DOMAINS:
        for kind in domain.kinds():
            assert set(kind.columns) <= set(columns[kind.table]), kind.name


# What Dagster and the command line show ---------------------------------------------------------------------------


def _definitions() -> Iterator[tuple[Domain, dg.Definitions]]:
    for domain in DOMAINS:
        if domain.definitions:
            yield domain, domain.definitions()
        if domain.definitions_for:
            yield domain, domain.definitions_for(DOMAINS)


def test_assets_are_in_their_domains_group() -> None:
    """An asset that stands for a table is in the group of the table's owner, whoever materialises it."""
    owners = {table.name: domain.name for domain, table in TABLES}
    for domain, definitions in _definitions():
        for asset in definitions.assets or ():
            assert isinstance(asset, dg.AssetsDefinition | dg.AssetSpec)
            for spec in asset.specs if isinstance(asset, dg.AssetsDefinition) else [asset]:
                name = spec.key.to_user_string()
                assert spec.group_name == owners.get(name, domain.name), name
                assert spec.description, name


def test_everything_in_dagster_is_described() -> None:
    for _, definitions in _definitions():
        for check in definitions.asset_checks or ():
            for spec in check.check_specs:
                assert spec.description, spec.name
        for named in (*(definitions.jobs or ()), *(definitions.sensors or ()), *(definitions.schedules or ())):
            assert named.description, named.name


def test_commands_say_what_they_do() -> None:
    for domain in DOMAINS:
        assert domain.says.endswith("."), domain.name
        for command in domain.commands:
            assert command.says.endswith("."), command.name
            assert callable(command.load()), command.name


# Rooms ------------------------------------------------------------------------------------------------------------


def test_names_are_those_of_the_packages() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/domain.py")}
    assert {domain.name for domain in DOMAINS} == rooms
    assert len(DOMAINS) == len(rooms)


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_a_room_has_tests_and_a_page(domain: Domain) -> None:
    assert list((ROOT / "tests" / domain.name).rglob("test_*.py"))
    assert (ROOT / "docs" / f"{domain.name}.md").is_file()


def _statements() -> set[str]:
    """The names of all statements; migrations and the generated schema are none."""
    paths = [path.relative_to(ROOT / "sql").with_suffix("") for path in (ROOT / "sql").glob("*/**/*.sql")]
    return {path.as_posix() for path in paths if path.parts[0] != "migrations"}


def _named_statements() -> Iterator[tuple[str, str]]:
    """Rooms, and the statements that a string in one of their modules names."""
    known = _statements()
    for module in _modules():
        for node in ast.walk(_source(module)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in known:
                yield _room(module), node.value


def test_every_statement_is_called_by_its_own_room_only() -> None:
    callers = set(_named_statements())
    assert {name for _, name in callers} == _statements()
    assert {(room, name) for room, name in callers if name.partition("/")[0] != room} == set()


def test_a_class_name_means_one_thing() -> None:
    places = defaultdict(list)
    for module in _modules():
        for node in ast.walk(_source(module)):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(module.relative_to(PACKAGE)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_a_module_is_short_or_says_why() -> None:
    for module in _modules():
        lines = module.read_text(encoding="utf-8").count("\n")
        docstring = ast.get_docstring(_source(module)) or ""
        assert lines <= 400 or "400 lines" in docstring, f"{module} has {lines} lines"
