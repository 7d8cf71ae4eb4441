"""Posting: what reports and sales become, what moves an entry, and what leaves it alone.

What does not belong here: adjustments and refunds (test_posted_refunds.py).
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from loyalty.sources import (
    NOW,
    add_creator,
    add_refund,
    add_report,
    add_sale,
    found_program,
    insert,
    net,
    post_once,
    posted,
    set_alias,
)
from psycopg import Connection, sql

VECTORS = json.loads((Path(__file__).parent / "vectors" / "loyalty.json").read_text())
SYNC = VECTORS["daily_sync"]
DAY = date(2026, 3, 2)
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def _deliver(connection: Connection[Any], tenant_id: str, line: dict[str, Any]) -> None:
    add_report(
        connection,
        tenant_id,
        line["item"],
        date.fromisoformat(line["report_day"]),
        line["amount"],
        units=line["units"],
        as_of=datetime.fromisoformat(line["as_of"]),
        post_date=date(2024, 1, 10),
        handle=line.get("handle", "h"),
    )


# Reports ----------------------------------------------------------------------------------------------------------


def test_the_daily_sync_as_it_was_delivered(connection: Connection[Any], tenant: str) -> None:
    lines = list(SYNC["deliveries"])
    for expected in SYNC["in_this_order"]:
        line = lines.pop(next(place for place, line in enumerate(lines) if line["file"] == expected["delivery"]))
        _deliver(connection, tenant, line)
        entries = [
            (entry["source_ref"], "c02", entry["revision"], date.fromisoformat(entry["sale_day"]),
             Decimal(entry["amount"]), entry["units"])
            for entry in expected["entries"]
        ]  # fmt: skip
        assert posted(connection, tenant) == entries, line["file"]


def test_any_order_of_the_daily_sync_gives_the_same_days(connection: Connection[Any], tenant: str) -> None:
    """300 orders, each of a creator of its own, posted after every third line."""
    expected = {
        (date.fromisoformat(day["sale_day"]), "csv"): (Decimal(day["amount"]), day["units"])
        for day in SYNC["net_by_sale_day"]
    }
    chance = Random(7)
    orders = {f"u{number}": chance.sample(SYNC["deliveries"], len(SYNC["deliveries"])) for number in range(300)}
    for user in orders:
        add_creator(connection, tenant, user, tiktok=user)
    for place in range(len(SYNC["deliveries"])):
        for user, lines in orders.items():
            line = lines[place]
            _deliver(connection, tenant, {**line, "item": f"{user}-{line['item']}", "handle": user})
        if place % 3 == 0:
            post_once(connection, tenant)
    post_once(connection, tenant)
    assert net(connection, tenant) == {(user, *day): sold for user in orders for day, sold in expected.items()}


def test_a_handle_that_is_mapped_to_somebody_else_takes_its_entries_along(
    connection: Connection[Any], tenant: str
) -> None:
    add_report(connection, tenant, "v1", date(2024, 1, 10), 80)
    entries = posted(connection, tenant)
    set_alias(connection, tenant, "tiktok", "h", "c03")
    entries += posted(connection, tenant)
    expected = [
        (entry["source_ref"], entry["user_id"], entry["revision"], date(2024, 1, 10),
         Decimal(entry["amount"]), entry["units"])
        for entry in SYNC["handle_remapped_from_c02_to_c03"]
    ]  # fmt: skip
    assert entries == expected


def test_a_handle_that_is_somebody_elses_from_a_day_on_keeps_what_was_before(
    connection: Connection[Any], tenant: str
) -> None:
    for number, amount in enumerate((10, 30, 60)):
        add_report(connection, tenant, "v1", DAY + timedelta(days=number), amount)
    post_once(connection, tenant)
    set_alias(connection, tenant, "tiktok", "h", "c03", DAY + timedelta(days=1))
    post_once(connection, tenant)
    assert net(connection, tenant) == {
        ("c02", DAY, "csv"): (10, 1),
        ("c03", DAY + timedelta(days=1), "csv"): (20, 0),
        ("c03", DAY + timedelta(days=2), "csv"): (30, 0),
    }


def test_an_absent_line_changes_nothing_and_a_zero_does(connection: Connection[Any], tenant: str) -> None:
    add_report(connection, tenant, "v1", DAY, 50)
    add_report(connection, tenant, "v2", DAY, 70)
    post_once(connection, tenant)
    add_report(connection, tenant, "v1", DAY + timedelta(days=1), 55)
    post_once(connection, tenant)
    assert net(connection, tenant)["c02", DAY, "csv"] == (120, 2)
    add_report(connection, tenant, "v2", DAY + timedelta(days=2), 0, units=0)
    post_once(connection, tenant)
    assert net(connection, tenant)["c02", DAY + timedelta(days=2), "csv"] == (-70, -1)


def test_a_first_figure_counts_for_videos_since_sales_from_alone(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("globex")
    found_program(connection, tenant, sales_from=date(2026, 3, 1))
    add_creator(connection, tenant, "c02", tiktok="h")
    add_report(connection, tenant, "old", DAY, 1000, post_date=date(2026, 2, 28))
    add_report(connection, tenant, "@h", DAY, 500, post_date=None)
    add_report(connection, tenant, "new", DAY, 7, post_date=date(2026, 3, 1))
    add_report(connection, tenant, "daily", DAY, 3, post_date=None, basis="daily")
    add_report(connection, tenant, "old", DAY + timedelta(days=1), 1001, post_date=date(2026, 2, 28), units=2)
    post_once(connection, tenant)
    assert net(connection, tenant) == {
        ("c02", DAY, "csv"): (10, 2),
        ("c02", DAY + timedelta(days=1), "csv"): (1, 1),
    }


def test_a_video_posted_before_a_window_counts_on_the_days_of_its_sales(
    connection: Connection[Any], tenant: str
) -> None:
    """Its figure is cumulative: what is sold in March counts in March, whenever it was posted."""
    for day, amount in ((date(2025, 12, 20), 100), (date(2026, 3, 1), 180), (date(2026, 6, 30), 200)):
        add_report(connection, tenant, "v1", day, amount, post_date=date(2025, 12, 19))
    post_once(connection, tenant)
    sold = {day: amount for (_, day, _), (amount, _) in net(connection, tenant).items()}
    assert sold == {date(2025, 12, 20): 100, date(2026, 3, 1): 80, date(2026, 6, 30): 20}


def test_only_counted_syncs_count(connection: Connection[Any], tenant: str) -> None:
    add_report(connection, tenant, "v1", DAY, 50, source="other")
    assert posted(connection, tenant) == []
    found_program(connection, tenant, valid_from=date(2026, 3, 3), report_sources=["cruva", "other"])
    add_report(connection, tenant, "v1", DAY + timedelta(days=1), 80, source="other")
    post_once(connection, tenant)
    assert net(connection, tenant) == {("c02", date(2026, 3, 3), "csv"): (30, 0)}


def test_unknown_handles_wait_or_become_members(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant = add_tenant("globex")
    found_program(connection, tenant)
    add_report(connection, tenant, "v1", DAY + timedelta(days=1), 50, handle="new", post_date=DAY)
    assert posted(connection, tenant) == []
    found_program(connection, tenant, valid_from=date(2024, 1, 1), auto_enrol=True)
    assert post_once(connection, tenant).enrolled == 1
    # A line of the day before comes late: the handle is the same creator's on that day too.
    add_report(connection, tenant, "v1", DAY, 20, handle="new")
    post_once(connection, tenant)
    assert net(connection, tenant) == {
        ("tiktok:new", DAY, "csv"): (20, 1),
        ("tiktok:new", DAY + timedelta(days=1), "csv"): (30, 0),
    }
    member = connection.execute("SELECT user_id, enrolled_on, total_sales FROM trackai.loyalty_members").fetchall()
    assert member == [("tiktok:new", DAY, 50)]


# Conversions ------------------------------------------------------------------------------------------------------


def test_a_sale_is_the_creators_whose_code_its_click_has(connection: Connection[Any], tenant: str) -> None:
    add_sale(connection, tenant, "e1", AT, 100, link=" C2 ")
    add_sale(connection, tenant, "e2", AT, 0, link="C3", strategy="email")
    add_sale(connection, tenant, "e3", AT, 50, link="c2")
    add_sale(connection, tenant, "e4", AT, 50, link=None)
    add_sale(connection, tenant, "e5", AT, 50, strategy="unmatched")
    add_sale(connection, tenant, "e6", AT, 50, strategy="pending")
    add_sale(connection, tenant, "e7", AT, None, link="C2", currency=None, event_name="Lead")
    assert posted(connection, tenant) == [
        ("stripe:e1", "c02", 1, DAY, 100, 1),
        ("stripe:e2", "c03", 1, DAY, 0, 1),
        ("stripe:e7", "c02", 1, DAY, 0, 1),
    ]
    # A code that is told later finds its sales.
    set_alias(connection, tenant, "link", "c2", "c03")
    assert posted(connection, tenant) == [("stripe:e3", "c03", 1, DAY, 50, 1)]
    assert posted(connection, tenant) == []


def test_a_code_of_somebody_else_moves_the_sale_and_a_lost_one_does_not(
    connection: Connection[Any], tenant: str
) -> None:
    sale = add_sale(connection, tenant, "e1", AT, 100, link="C2")
    add_refund(connection, tenant, "r1", sale, 30)
    post_once(connection, tenant)
    set_alias(connection, tenant, "link", "C2", "c03")
    post_once(connection, tenant)
    there = {("c03", DAY, "conversion"): (100, 1), ("c03", NOW.date(), "refund"): (-30, 0)}
    assert net(connection, tenant) == there
    connection.execute("DELETE FROM trackai.creator_aliases")
    post_once(connection, tenant)
    connection.execute("DELETE FROM trackai.clicks")
    post_once(connection, tenant)
    assert net(connection, tenant) == there


def test_an_excluded_gateway_is_not_credited_and_a_match_taken_back_goes(
    connection: Connection[Any], add_tenant: Callable[..., str]
) -> None:
    tenant = add_tenant("globex")
    found_program(connection, tenant, excluded_gateways=["tiktokshop"])
    add_creator(connection, tenant, "c02", link="C2")
    add_sale(connection, tenant, "e1", AT, 100, link="C2", gateway="tiktokshop")
    add_sale(connection, tenant, "e2", AT, 40, link="C2")
    assert [entry[0] for entry in posted(connection, tenant)] == ["stripe:e2"]
    connection.execute("UPDATE trackai.matched_attributions SET strategy = 'unmatched', click_id = NULL")
    assert posted(connection, tenant) == [("stripe:e2", "c02", 2, DAY, -40, -1)]


@pytest.mark.parametrize("field", ["utm_term", "utm_source", "utm_campaign"])
def test_the_code_may_be_in_another_field(
    connection: Connection[Any], add_tenant: Callable[..., str], field: str
) -> None:
    tenant = add_tenant("globex")
    found_program(connection, tenant, credit_field=field)
    add_creator(connection, tenant, "c02", link="C2")
    add_sale(connection, tenant, "e1", AT, 100, link="C9")
    connection.execute(sql.SQL("UPDATE trackai.clicks SET {} = 'C2'").format(sql.Identifier(field)))
    assert [entry[1] for entry in posted(connection, tenant)] == ["c02"]


def test_buyers_may_earn_by_what_they_buy(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    tenant = add_tenant("globex")
    found_program(connection, tenant, credit_field="buyer")
    add_creator(connection, tenant, "c02")
    insert(connection, "users", tenant_id=tenant, id="stranger")
    for event, user in (("e1", "c02"), ("e2", "stranger")):
        sale = add_sale(connection, tenant, event, AT, 100, link="C2")
        insert(
            connection,
            "user_conversions",
            tenant_id=tenant,
            user_id=user,
            conversion_id=sale,
            linked_by="email",
            linked_at=NOW,
        )
    assert [entry[:2] for entry in posted(connection, tenant)] == [("stripe:e1", "c02")]
    connection.execute("DELETE FROM trackai.user_conversions")
    assert posted(connection, tenant) == []


@pytest.mark.parametrize("session_zone", ["UTC", "Asia/Tokyo"])
def test_the_day_of_a_sale_is_that_of_the_programs_zone(
    connection: Connection[Any], add_tenant: Callable[..., str], session_zone: str
) -> None:
    """Whatever the session's own zone is."""
    connection.execute("SELECT set_config('timezone', %s, false)", [session_zone])
    for number, case in enumerate(VECTORS["sale_day"]):
        tenant = add_tenant(f"t{number}")
        found_program(connection, tenant, time_zone=case["time_zone"], valid_from=date(2000, 1, 1))
        add_creator(connection, tenant, "c02", link="C2")
        set_alias(connection, tenant, "link", "C2", "c02", date(2000, 1, 1))
        at = datetime.fromisoformat(case["occurred_at"])
        add_sale(connection, tenant, "e1", at, 100, link="C2", created_at=max(at, NOW))
        assert [str(entry[3]) for entry in posted(connection, tenant)] == [case["sale_day"]], case


def test_rules_of_another_zone_hold_from_their_own_day(connection: Connection[Any], tenant: str) -> None:
    """Every moment is a sale of exactly one version, and a day that is posted stays."""
    found_program(connection, tenant, valid_from=date(2026, 3, 3), time_zone="Pacific/Auckland")
    hours = [datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour) for hour in range(48)]
    for number, at in enumerate(hours):
        add_sale(connection, tenant, f"e{number}", at, 1, link="C2")
    entries = {entry[0]: entry[3] for entry in posted(connection, tenant)}
    assert len(entries) == 48
    # 2026-03-02 11:00 UTC is midnight in Auckland, 13 hours ahead.
    assert [entries[f"stripe:e{number}"] for number, at in enumerate(hours)] == [
        date(2026, 3, 2) if at < datetime(2026, 3, 2, 11, tzinfo=UTC) else (at + timedelta(hours=13)).date()
        for at in hours
    ]
    connection.execute("UPDATE trackai.loyalty_programs SET time_zone = 'UTC'")
    assert posted(connection, tenant) == []


# Postings ---------------------------------------------------------------------------------------------------------


def test_postings_are_counted_and_summed(connection: Connection[Any], tenant: str) -> None:
    add_sale(connection, tenant, "e1", AT, 100, link="C2")
    add_sale(connection, tenant, "e2", AT, 7, link="C3", currency="EUR")
    first = post_once(connection, tenant)
    assert (first.entries, dict(first.amounts)) == (2, {"USD": Decimal(100), "EUR": Decimal(7)})
    add_sale(connection, tenant, "e3", AT, 1, link="C2")
    assert post_once(connection, tenant).posting_no == 2
    rows = connection.execute("SELECT posting_no, entries, amount_by_currency FROM trackai.ledger_postings").fetchall()
    assert rows == [(1, 2, {"USD": "100.0000", "EUR": "7.0000"}), (2, 1, {"USD": "1.0000"})]


def test_no_session_setting_of_the_zone_changes_a_posting(connection: Connection[Any], tenant: str) -> None:
    add_sale(connection, tenant, "e1", AT, 100, link="C2")
    digests = []
    for zone in ("UTC", "Pacific/Kiritimati"):
        connection.execute("SELECT set_config('timezone', %s, false)", [zone])
        with connection.transaction(force_rollback=True):
            post_once(connection, tenant)
            digests += connection.execute("SELECT digest FROM trackai.ledger_postings").fetchall()
    assert digests[0] == digests[1]
