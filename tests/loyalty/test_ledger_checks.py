"""Checks of the ledger: green on a world as it is, red after each corruption by SQL; and days of credit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, LiteralString

import pytest
from loyalty.sources import (
    NOW,
    add_creator,
    add_refund,
    add_report,
    add_sale,
    found_program,
    insert,
    post_once,
    set_alias,
)
from psycopg import Connection

from trackai_pipelines.loyalty.caches import rebuild_caches
from trackai_pipelines.loyalty.credit import credit_days
from trackai_pipelines.loyalty.reconcile import (
    caches_unlike_ledger,
    faults_of_credit,
    incomplete_syncs,
    sources_unlike_ledger,
    wrong_postings,
)
from trackai_pipelines.match_rates.aggregate import aggregate_days

DAY = date(2026, 3, 2)
_COPY: LiteralString = (
    "INSERT INTO trackai.sales_ledger (tenant_id, posting_no, source, currency, recorded_at, source_ref, user_id, "
    "revision, sale_day, amount, units) SELECT tenant_id, posting_no, source, currency, recorded_at, "
)
_OF_E1: LiteralString = " FROM trackai.sales_ledger WHERE source_ref = 'stripe:e1'"
_OF_R1: LiteralString = " FROM trackai.sales_ledger WHERE source_ref = 'stripe:r1'"
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def world(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with one conversion for each reason, reports, an adjustment and a refund; posted and counted."""
    tenant = add_tenant("acme")
    found_program(connection, tenant, excluded_gateways=["shop"])
    for user, code in (("c02", "C2"), ("c03", "C3")):
        add_creator(connection, tenant, user, link=code, tiktok=code.lower())
    sale = add_sale(connection, tenant, "e1", AT, 100, link="C2")
    add_sale(connection, tenant, "e2", AT, 20, link="C3")
    add_sale(connection, tenant, "e3", AT, 3, link="C9")
    add_sale(connection, tenant, "e4", AT, 4, link=" ")
    add_sale(connection, tenant, "e5", AT, 5, link="C2", gateway="shop")
    add_sale(connection, tenant, "e6", AT, 6, strategy="unmatched")
    add_sale(connection, tenant, "e7", AT, 7, strategy="pending")
    add_sale(connection, tenant, "e8", AT, 8, link="C2")
    connection.execute("DELETE FROM trackai.clicks WHERE id = (SELECT max(id) FROM trackai.clicks)")
    add_sale(connection, tenant, "e9", AT, 50, link="C2", currency="EUR")
    add_refund(connection, tenant, "r1", sale, 30)
    for number, amount in enumerate((10, 25)):
        add_report(connection, tenant, "v1", DAY + timedelta(days=number), amount, handle="c2")
    values = {"amount": 9, "amount_units": 1, "currency": "USD", "reason": "r", "adjustment_type": "bonus"}
    insert(connection, "sales_adjustments", tenant_id=tenant, user_id="c03", created_at=NOW, **values)
    post_once(connection, tenant)
    list(aggregate_days(connection, DAY, DAY, clock=lambda: datetime.now(UTC)))
    list(credit_days(connection, DAY, DAY, datetime.now(UTC)))
    return tenant


def _faults(connection: Connection[Any]) -> dict[str, list[str]]:
    return {
        "credit_reconciles": faults_of_credit(connection, [DAY])[0],
        "ledger_equals_sources": sources_unlike_ledger(connection),
        "posting_digests_hold": wrong_postings(connection),
        "caches_equal_ledger": caches_unlike_ledger(connection, NOW),
    }


@contextmanager
def _by_force(connection: Connection[Any]) -> Iterator[None]:
    """Change the ledger as nobody may."""
    connection.execute("SET session_replication_role = replica")
    yield
    connection.execute("RESET session_replication_role")


def test_every_conversion_has_one_reason(connection: Connection[Any], world: str) -> None:
    found = connection.execute(
        "SELECT currency, conversions, matched, credited, no_link, unknown_link, excluded, click_gone, unmatched, "
        "pending, value_conversions, value_matched, value_credited, value_no_link, value_unknown_link, value_excluded, "
        "value_click_gone, value_unmatched, value_pending, ledger_entries, ledger_value "
        "FROM trackai.loyalty_daily_credit ORDER BY currency"
    ).fetchall()
    usd = (8, 6, 2, 1, 1, 1, 1, 1, 1, 153, 140, 120, 4, 3, 5, 8, 6, 7, 2, 120)
    assert found == [("EUR", 1, 1, 1, *[0] * 6, 50, 50, 50, *[0] * 6, 1, 50), ("USD", *usd)]
    done = list(credit_days(connection, DAY, DAY, NOW))
    assert (done[0].conversions, done[0].credited, done[0].values["USD"]) == (9, 3, (Decimal(140), Decimal(120)))


def test_checks_are_green_before_and_red_after_their_corruption(connection: Connection[Any], world: str) -> None:
    assert not any(_faults(connection).values())
    assert faults_of_credit(connection, [DAY]) == ([], [])
    ledger = {"credit_reconciles", "posting_digests_hold", "caches_equal_ledger"}
    dated = ledger - {"credit_reconciles"}
    sources = {"ledger_equals_sources"}
    corruptions: dict[LiteralString, set[str]] = {
        "DELETE FROM trackai.sales_ledger WHERE source_ref = 'stripe:e1'": ledger,
        _COPY + "source_ref, user_id, 2, sale_day, amount, units" + _OF_E1: ledger,
        "UPDATE trackai.sales_ledger SET user_id = 'c03' WHERE source_ref = 'stripe:e1'": ledger,
        _COPY + "'stripe:e6', user_id, 1, sale_day, 6, 1" + _OF_E1: ledger,
        "UPDATE trackai.sales_ledger SET amount = 29 WHERE source_ref = 'stripe:e1'": ledger,
        "UPDATE trackai.sales_ledger SET sale_day = sale_day + 1 WHERE source_ref = 'stripe:e1'": ledger
        - {"credit_reconciles"},
        "UPDATE trackai.sales_ledger SET posting_no = 3 WHERE source = 'csv'": {"posting_digests_hold"},
        "UPDATE trackai.ledger_postings SET posting_no = 2": {"posting_digests_hold"},
        "UPDATE trackai.sales_reports SET amount = 11 WHERE report_day = '2026-03-02'": sources,
        _COPY + "source_ref, user_id, 2, sale_day, amount, units" + _OF_R1: dated | sources,
        "UPDATE trackai.creator_sales_daily SET amount = amount + 1 WHERE source = 'csv'": {"caches_equal_ledger"},
        "UPDATE trackai.loyalty_members SET total_sales = 1 WHERE user_id = 'c02'": {"caches_equal_ledger"},
        "UPDATE trackai.loyalty_daily_credit SET value_credited = value_credited + 1": {"credit_reconciles"},
        "UPDATE trackai.daily_match_rates SET value_matched = value_matched - 1": {"credit_reconciles"},
    }
    for corruption, red in corruptions.items():
        with connection.transaction(force_rollback=True):
            with _by_force(connection):
                connection.execute(corruption)
            assert {check for check, said in _faults(connection).items() if said} == red, corruption


def test_figures_older_than_the_facts_only_warn(connection: Connection[Any], world: str) -> None:
    add_sale(connection, world, "late", AT, 11, link="C2")
    wrong, stale = faults_of_credit(connection, [DAY])
    assert (wrong, len(stale)) == ([], 1)
    set_alias(connection, world, "link", "C9", "c03")
    post_once(connection, world)
    list(aggregate_days(connection, DAY, DAY))
    list(credit_days(connection, DAY, DAY, datetime.now(UTC)))
    assert faults_of_credit(connection, [DAY]) == ([], [])


def test_caches_are_made_again_from_the_ledger(connection: Connection[Any], world: str) -> None:
    with _by_force(connection):
        connection.execute("UPDATE trackai.loyalty_members SET total_units = 1000")
        connection.execute("DELETE FROM trackai.creator_sales_daily WHERE source = 'refund'")
        connection.execute("UPDATE trackai.creator_sales_daily SET sale_day = sale_day - 900 WHERE source = 'csv'")
    # Two members; one row missing, two in another place.
    assert rebuild_caches(connection, world, NOW) == 2 + 1 + 4
    assert (caches_unlike_ledger(connection, NOW), rebuild_caches(connection, world, NOW)) == ([], 0)


def test_a_sync_that_is_missing_or_cut_short_is_found(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("acme")
    found_program(connection, tenant)
    yesterday = NOW.date() - timedelta(days=1)
    assert [said.partition(": ")[2] for said in incomplete_syncs(connection, NOW)] == [
        f"cruva of {yesterday}: there is no report"
    ]
    about = {"tenant_id": tenant, "source": "cruva", "as_of": NOW, "amount": 0, "units": 0, "received_at": NOW}
    insert(connection, "sales_sync_days", report_day=yesterday - timedelta(days=1), lines=100, **about)
    insert(connection, "sales_sync_days", report_day=yesterday, lines=90, **about)
    assert incomplete_syncs(connection, NOW) == []
    connection.execute("UPDATE trackai.sales_sync_days SET lines = 89 WHERE report_day = %s", [yesterday])
    assert "89 lines, 100 the day before" in incomplete_syncs(connection, NOW)[0]
    connection.execute(
        "UPDATE trackai.sales_sync_days SET lines = 200, unassigned = 3 WHERE report_day = %s", [yesterday]
    )
    assert "3 of 200 lines are nobody's" in incomplete_syncs(connection, NOW)[0]
