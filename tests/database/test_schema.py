"""What the schema itself guarantees, whichever program writes."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection, errors, sql

_NOW = datetime.now(UTC).replace(microsecond=0)
_HASH = "0123456789abcdef" * 4
AddTenant = Callable[..., str]
# Tables that stand outside the rule: rows may have no tenant yet.
_BEFORE_A_TENANT = {"setup_sessions", "ingest_rejects"}
# One catalogue for all tenants, with what each has of its own next to it: reference tables on several nodes.
_CATALOGUE = {"feature_flag_rollouts", "feature_flag_versions", "feature_flag_audit_log", "feature_flag_plans"}


def _insert(connection: Connection, table: str, row: dict[str, Any], returning: str = "tenant_id") -> Any:
    insert = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING {}").format(
        sql.Identifier("trackai", table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
        sql.Identifier(returning),
    )
    found = connection.execute(insert, row).fetchone()
    assert found is not None
    return found[0]


def _conversion(**columns: object) -> dict[str, Any]:
    return {
        "tenant_id": "t-acme",
        "gateway": "stripe",
        "gateway_event_id": uuid.uuid4().hex,
        "value": "10.50",
        "currency": "EUR",
        "occurred_at": _NOW,
        **columns,
    }


def _click(**columns: object) -> dict[str, Any]:
    return {"tenant_id": "t-acme", "fbclid": "abc", "created_at": _NOW, **columns}


_WRONG = [
    ("conversions", _conversion(value="NaN")),
    ("conversions", _conversion(value="-0.01")),
    ("conversions", _conversion(value="1000000000000.01")),
    ("conversions", _conversion(currency="eur")),
    ("conversions", _conversion(currency="EU")),
    ("conversions", _conversion(customer_email_hash="ann@example.com")),
    ("conversions", _conversion(customer_email_hash=_HASH.upper())),
    ("conversions", _conversion(customer_phone_hash=_HASH[:-1])),
    ("conversions", _conversion(occurred_at=_NOW + timedelta(days=3), created_at=_NOW)),
    ("conversions", _conversion(gateway="")),
    ("conversions", _conversion(gateway_event_id="")),
    ("clicks", _click(created_at=_NOW + timedelta(days=3), ingested_at=_NOW)),
    ("identities", {"tenant_id": "t-acme", "email_hash": "ann@example.com"}),
    ("identities", {"tenant_id": "t-acme", "phone_hash": "+5511999999999"}),
    ("tenants", {"id": "t", "slug": "Not A Slug", "name": "x"}),
    ("tenants", {"id": "t", "slug": "x", "name": "x", "status": "gone"}),
    ("tenants", {"id": "t", "slug": "x", "name": "x", "lookback_days": -1}),
    ("tenants", {"id": "t", "slug": "x", "name": "x", "updated_at": _NOW - timedelta(days=1)}),
    ("funnels", {"tenant_id": "t-acme", "id": "f", "name": "f", "status": "live"}),
    ("match_queue", {"tenant_id": "t-acme", "conversion_id": 1, "cause": "whim"}),
    ("dispatch_circuits", {"tenant_id": "t-acme", "state": "ajar"}),
    ("retention_policies", {"table_name": "x", "keep": "1 day", "action": "forget"}),
    ("retention_policies", {"table_name": "x", "keep": "0", "action": "drop"}),
]
_WRONG_IN_THE_LOG: list[dict[str, Any]] = [
    {"strategy": "guess"},
    {"outcome": "maybe"},
    {"attempt": 0},
    {"outcome": "hit"},
    {"processing_ms": -1},
]


@pytest.fixture
def acme(add_tenant: AddTenant) -> str:
    return add_tenant("acme")


def test_checks_refuse_what_is_wrong(connection: Connection, acme: str) -> None:
    for table, row in _WRONG:
        with pytest.raises(errors.CheckViolation):
            _insert(connection, table, row, returning=next(iter(row)))


def test_the_log_refuses_what_is_wrong(connection: Connection, acme: str) -> None:
    row = {
        "tenant_id": acme,
        "conversion_id": 1,
        "attempt": 1,
        "strategy": "fbc",
        "outcome": "no_key",
        "processing_ms": 1,
    }
    assert _insert(connection, "match_log", row) == acme
    for change in _WRONG_IN_THE_LOG:
        with pytest.raises(errors.CheckViolation):
            _insert(connection, "match_log", {**row, **change})


def test_attributions_refuse_what_is_wrong(connection: Connection, acme: str) -> None:
    conversion = _insert(connection, "conversions", _conversion(), "id")
    click = _insert(connection, "clicks", _click(), "id")
    row = {"tenant_id": acme, "conversion_id": conversion, "strategy": "guess"}
    with pytest.raises(errors.CheckViolation):
        _insert(connection, "matched_attributions", row)
    with pytest.raises(errors.CheckViolation):
        _insert(connection, "matched_attributions", {**row, "strategy": "unmatched", "click_id": click})


def test_a_conversion_is_never_changed(connection: Connection, acme: str) -> None:
    _insert(connection, "conversions", _conversion())
    with pytest.raises(errors.RestrictViolation, match="immutable"):
        connection.execute("UPDATE trackai.conversions SET value = 0")


def test_a_sale_is_there_once_for_each_tenant_and_gateway(
    connection: Connection, acme: str, add_tenant: AddTenant
) -> None:
    row = _conversion(gateway_event_id="evt_1", sale_key="sale-1")
    other = add_tenant("other")
    _insert(connection, "conversions", row)
    with pytest.raises(errors.UniqueViolation):
        _insert(connection, "conversions", row)
    with pytest.raises(errors.UniqueViolation, match="one_per_sale"):
        _insert(connection, "conversions", {**row, "gateway_event_id": "evt_2"})
    _insert(connection, "conversions", {**row, "gateway": "shopify"})
    _insert(connection, "conversions", {**row, "tenant_id": other})


def test_a_deleted_click_leaves_its_identities_and_attributions(connection: Connection, acme: str) -> None:
    click = _insert(connection, "clicks", _click(), "id")
    conversion = _insert(connection, "conversions", _conversion(), "id")
    _insert(connection, "identities", {"tenant_id": acme, "email_hash": _HASH, "click_id": click})
    attribution = {"tenant_id": acme, "conversion_id": conversion, "click_id": click, "strategy": "fbc"}
    _insert(connection, "matched_attributions", attribution)
    connection.execute("DELETE FROM trackai.clicks")
    assert connection.execute("SELECT tenant_id, click_id FROM trackai.identities").fetchall() == [(acme, None)]
    kept = connection.execute("SELECT id, click_id, match_strategy, sent_to_capi FROM trackai.v_conversions")
    assert kept.fetchall() == [(conversion, None, "fbc", False)]


def test_a_tenant_cannot_point_at_anothers_click(connection: Connection, acme: str, add_tenant: AddTenant) -> None:
    click = _insert(connection, "clicks", _click(), "id")
    with pytest.raises(errors.ForeignKeyViolation):
        _insert(connection, "identities", {"tenant_id": add_tenant("other"), "click_id": click})


def test_rows_written_by_plain_sql_are_queued(connection: Connection, acme: str) -> None:
    conversion = _insert(connection, "conversions", _conversion(), "id")
    assert connection.execute("SELECT conversion_id, cause FROM trackai.match_queue").fetchall() == [
        (conversion, "new")
    ]


@pytest.mark.parametrize("rows", [999, 1000, 2500])
def test_each_row_of_a_statement_is_queued_once_even_one_whose_number_is_queued_already(
    connection: Connection, acme: str, rows: int
) -> None:
    connection.execute(
        "INSERT INTO trackai.match_queue (tenant_id, conversion_id, cause) VALUES ('t-acme', 500, 'rematch')"
    )

    connection.execute(
        """
        INSERT INTO trackai.conversions (tenant_id, id, gateway, gateway_event_id, value, currency, occurred_at)
        SELECT 't-acme', n, 'stripe', n::text, 1, 'EUR', now() FROM generate_series(1, %s) n
        """,
        [rows],
    )

    queued = connection.execute("SELECT conversion_id, cause FROM trackai.match_queue ORDER BY 1").fetchall()
    assert queued == [(number, "rematch" if number == 500 else "new") for number in range(1, rows + 1)]


def test_every_key_of_a_tenants_table_leads_with_the_tenant(connection: Connection) -> None:
    keys = connection.execute(
        """
        SELECT t.relname, i.relname, a.attname
        FROM pg_index x
        JOIN pg_class t ON t.oid = x.indrelid
        JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0]
        WHERE x.indisunique AND t.relnamespace = 'trackai'::regnamespace
          AND EXISTS (SELECT 1 FROM pg_attribute o WHERE o.attrelid = t.oid AND o.attname = 'tenant_id')
        """
    ).fetchall()
    assert len(keys) > 12
    assert [key for key in keys if key[2] != "tenant_id" and key[0] not in _BEFORE_A_TENANT | _CATALOGUE] == []


def test_columns_with_times_carry_their_zone(connection: Connection) -> None:
    naive = connection.execute(
        """
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'trackai' AND data_type = 'timestamp without time zone'
        """
    ).fetchall()
    assert naive == []


def test_a_bad_insert_names_its_rule(connection: Connection, acme: str) -> None:
    with pytest.raises(psycopg.Error, match="conversions_times_in_order"):
        _insert(connection, "conversions", _conversion(occurred_at=_NOW + timedelta(days=3), created_at=_NOW))


def test_every_table_and_column_is_described(connection: Connection) -> None:
    """Dagster's UI and psql show the descriptions; views have them too. Partitions show their table's."""
    described = connection.execute(
        """
        SELECT c.relname, a.attname, coalesce(d.description, '')
        FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
        LEFT JOIN pg_description d
            ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = greatest(a.attnum, 0)
        WHERE c.relnamespace = 'trackai'::regnamespace
          AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND NOT c.relispartition
          -- tableoid stands for the table itself, whose description has the number 0.
          AND (a.attnum > 0 OR a.attname = 'tableoid')
        """
    ).fetchall()
    assert {"clicks", "match_log", "v_conversions"} <= {table for table, _, _ in described}
    assert [f"{table}.{column}" for table, column, text in described if not text.strip()] == []
