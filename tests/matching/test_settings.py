"""Matching reads the settings of the sale's moment, and a sale whose moment has none is neither lost nor guessed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from matching.facts import SALE, decided, insert_backlog, insert_click, insert_sale, log_of
from matching.gates import override
from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.matching.drain import drain, work_waiting
from trackai_pipelines.matching.retained import in_reach

AddTenant = Callable[..., str]
MICROSECOND = timedelta(microseconds=1)


def settings_of(connection: Connection, tenant: str) -> list[tuple[str, str, int, bool]]:
    rows = connection.execute(
        "SELECT effective_from::text, effective_to::text, lookback_days, email_matching "
        "FROM trackai.matching_settings WHERE tenant_id = %s ORDER BY effective_from",
        [tenant],
    )
    return [(first, last, days, email) for first, last, days, email in rows]


def add_past_the_trigger(connection: Connection, slug: str, **columns: Any) -> str:
    row = {"lookback_days": 90, "email_matching": False, **columns}
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            "INSERT INTO trackai.tenants (id, slug, name, lookback_days, email_matching) VALUES (%s, %s, %s, %s, %s)",
            [f"t-{slug}", slug, slug, row["lookback_days"], row["email_matching"]],
        )
    return f"t-{slug}"


def test_a_period_begins_with_its_first_moment(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme", lookback_days=1)
    override(connection, tenant, "lookback_days", "7", SALE)
    insert_click(connection, tenant, SALE - timedelta(days=3), fbclid="k")
    sales = {"before": SALE - MICROSECOND, "at": SALE, "after": SALE + MICROSECOND}
    for event, at in sales.items():
        insert_sale(connection, tenant, event, fbclid="k", occurred_at=at)
    drain(connection, run_id="test")
    assert {event: strategy for event, (strategy, _) in decided(connection).items()} == {
        "before": "unmatched",
        "at": "fbc",
        "after": "fbc",
    }


def test_one_entry_is_read_for_each_sale(connection: Connection, add_tenant: AddTenant) -> None:
    """However many periods a tenant has, and whatever the server knows of them."""
    connection.execute("ALTER TABLE trackai.matching_settings SET (autovacuum_enabled = off)")
    tenants = [add_tenant(f"shop{place}") for place in range(5)]
    connection.execute("ANALYZE trackai.matching_settings")
    for number in range(30):
        for tenant in tenants:
            override(connection, tenant, "lookback_days", str(60 + number), SALE - timedelta(hours=40 - number))
    assert len(settings_of(connection, tenants[0])) == 31
    insert_backlog(connection, tenants, 1_000)
    read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'matching_settings'"
    connection.execute("SELECT pg_stat_force_next_flush()")
    (before,) = connection.execute(read).fetchone() or (0,)
    drain(connection, run_id="test", batch_size=100)
    connection.execute("SELECT pg_stat_force_next_flush()")
    (after,) = connection.execute(read).fetchone() or (0,)
    # A sale that stays unmatched is looked at twice.
    assert 1_000 <= after - before <= 2_000


def test_email_is_tried_where_the_sale_says_so(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme")
    override(connection, tenant, "email_matching", "true", SALE)
    override(connection, tenant, "email_matching", "false", SALE + timedelta(hours=2))
    click = insert_click(connection, tenant, SALE - timedelta(days=3), fbclid="k")
    connection.execute(
        "INSERT INTO trackai.identities (tenant_id, email_hash, click_id) VALUES (%s, %s, %s)",
        [tenant, "a" * 64, click],
    )
    sales = {
        hours: insert_sale(
            connection, tenant, str(hours), customer_email_hash="a" * 64, occurred_at=SALE + timedelta(hours=hours)
        )
        for hours in (-1, 1, 3)
    }
    drain(connection, run_id="test")
    assert decided(connection) == {"-1": ("unmatched", None), "1": ("email", click), "3": ("unmatched", None)}
    assert [strategy for _, strategy, _ in log_of(connection, sales[-1])] == ["fbc", "fbp"]
    assert [strategy for _, strategy, _ in log_of(connection, sales[1])] == ["fbc", "fbp", "email"]


@pytest.mark.parametrize("waiting", [1, 40])
def test_late_facts_are_compared_by_the_settings_of_the_sale(
    connection: Connection, add_tenant: AddTenant, waiting: int
) -> None:
    """Of two sales with one key, an arrived click or identity makes only that one due whose settings let it hit."""
    tenant = add_tenant("acme", lookback_days=1)
    for key, value in (("lookback_days", "7"), ("email_matching", "true")):
        override(connection, tenant, key, value, SALE)
    for number in range(waiting):
        insert_sale(connection, tenant, f"other {number}", fbclid=f"x{number}")
    for event, at in (("before", SALE - MICROSECOND), ("after", SALE)):
        insert_sale(connection, tenant, f"click {event}", fbclid="k", occurred_at=at)
        insert_sale(connection, tenant, f"identity {event}", customer_email_hash="a" * 64, occurred_at=at)
    drain(connection, run_id="before")
    connection.execute(
        "INSERT INTO trackai.clicks (tenant_id, fbclid, created_at) "
        "SELECT %s, CASE n WHEN 1 THEN 'k' ELSE 'none' || n END, %s FROM generate_series(1, 10) n",
        [tenant, SALE - timedelta(days=3)],
    )
    assert drain(connection, run_id="clicks").late == 1
    connection.execute(
        "INSERT INTO trackai.identities (tenant_id, email_hash, click_id) "
        "SELECT tenant_id, %s, id FROM trackai.clicks WHERE fbclid = 'k'",
        ["a" * 64],
    )
    assert drain(connection, run_id="identities").late == 1
    strategies = {event: strategy for event, (strategy, _) in decided(connection).items() if "other" not in event}
    assert strategies == {
        "click before": "unmatched",
        "click after": "fbc",
        "identity before": "unmatched",
        "identity after": "email",
    }


def test_a_tenant_added_past_the_trigger_is_matched_by_its_columns(connection: Connection) -> None:
    tenant = add_past_the_trigger(connection, "muted", lookback_days=3, email_matching=True)
    plain = add_past_the_trigger(connection, "plain")
    for owner in (tenant, plain):
        insert_click(connection, owner, SALE - timedelta(days=5), fbclid="k")
        connection.execute(
            "INSERT INTO trackai.identities (tenant_id, email_hash, click_id) VALUES (%s, %s, %s)",
            [owner, "a" * 64, insert_click(connection, owner, SALE - timedelta(days=1))],
        )
        insert_sale(connection, owner, f"sale of {owner}", fbclid="k", customer_email_hash="a" * 64)
    assert settings_of(connection, tenant) == settings_of(connection, plain) == []
    drain(connection, run_id="test")
    assert {event: strategy for event, (strategy, _) in decided(connection).items()} == {
        f"sale of {tenant}": "email",
        f"sale of {plain}": "fbc",
    }
    assert settings_of(connection, tenant) == [("-infinity", "infinity", 3, True)]
    assert settings_of(connection, plain) == [("-infinity", "infinity", 90, False)]
    said = connection.execute("SELECT change_reason FROM trackai.feature_flag_audit_log WHERE tenant_id = %s", [tenant])
    assert said.fetchall() == [("set as a column of the tenant",)] * 2


@pytest.mark.parametrize("cause", ["new", "recheck", "rematch"])
def test_a_period_that_is_gone_is_made_again(connection: Connection, add_tenant: AddTenant, cause: str) -> None:
    tenant = add_tenant("acme", lookback_days=1)
    override(connection, tenant, "lookback_days", "7", SALE - timedelta(hours=1))
    if cause != "new":
        insert_sale(connection, tenant, "sale", fbclid="k")
        drain(connection, run_id="before")
    periods = settings_of(connection, tenant)
    assert len(periods) == 2
    connection.execute("DELETE FROM trackai.matching_settings WHERE effective_from > '-infinity'")
    insert_click(connection, tenant, SALE - timedelta(days=3), fbclid="k")
    if cause == "new":
        insert_sale(connection, tenant, "sale", fbclid="k")
    elif cause == "rematch":
        connection.execute("INSERT INTO trackai.match_queue SELECT tenant_id, id, 'rematch' FROM trackai.conversions")
    drain(connection, run_id="test")
    assert settings_of(connection, tenant) == periods
    assert decided(connection)["sale"][0] == "fbc"


def test_what_cannot_be_settled_waits(connection: Connection, add_tenant: AddTenant) -> None:
    """A batch whose settings cannot be read or made fails, and is matched once they can."""
    tenant = add_tenant("acme")
    insert_click(connection, tenant, SALE - timedelta(days=1), fbclid="k")
    insert_sale(connection, tenant, "sale", fbclid="k")
    connection.execute("ALTER TABLE trackai.matching_settings RENAME TO unreadable")
    with pytest.raises(psycopg.errors.UndefinedTable):
        drain(connection, run_id="unreadable")
    connection.execute("ALTER TABLE trackai.unreadable RENAME TO matching_settings")
    connection.execute("DELETE FROM trackai.matching_settings")
    connection.execute(
        "CREATE OR REPLACE FUNCTION trackai.settle_matching(tenant_ids text[]) RETURNS void LANGUAGE sql RETURN NULL"
    )
    with pytest.raises(Exception, match=r"has no row of trackai\.matching_settings.*: t-acme"):
        drain(connection, run_id="never settled")
    assert decided(connection) == {}
    assert work_waiting(connection).conversions == 1
    connection.execute(
        "INSERT INTO trackai.matching_settings VALUES (%s, '-infinity', 'infinity', 90, false, 0, 0)", [tenant]
    )
    drain(connection, run_id="settled")
    assert decided(connection)["sale"][0] == "fbc"


def test_clicks_stay_as_long_as_any_period_reaches(connection: Connection, add_tenant: AddTenant) -> None:
    def longest() -> int | None:
        row = connection.execute(statement("matching/longest_lookback")).fetchone()
        assert row is not None
        return row[0]  # type: ignore[no-any-return]

    assert longest() is None
    tenant = add_tenant("acme", lookback_days=10)
    add_tenant("gone", lookback_days=400, status="retired")
    assert longest() == 10
    override(connection, tenant, "lookback_days", "45", datetime(2020, 1, 1, tzinfo=UTC))
    override(connection, tenant, "lookback_days", "5", datetime(2020, 1, 2, tzinfo=UTC))
    assert longest() == 45
    override(connection, tenant, "lookback_days", "200", datetime(2100, 1, 1, tzinfo=UTC))
    assert longest() == 200
    today = SALE.date()
    days = [today - timedelta(days=back) for back in (202, 201, 200)]
    assert [day for day, _ in in_reach(connection, days, today)] == days[2:]
    # Nobody knows how far back the sales of a tenant without settings look.
    add_past_the_trigger(connection, "unknown")
    assert longest() == 3650
