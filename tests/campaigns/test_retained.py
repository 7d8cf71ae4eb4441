"""Clicks and contact hashes stay until the journeys and buyers that are made from them exist."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from declared import TABLES
from lifecycle.old_rows import insert, insert_archive, insert_clicks, midnight, set_policies
from psycopg import Connection

from trackai_pipelines.campaigns.retained import unready, without_journeys
from trackai_pipelines.lifecycle.retention.plan import plan_retention

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
SOLD = date(2026, 1, 20)
TODAY = date(2026, 6, 1)
Sell = Callable[..., int]


@pytest.fixture
def tenant(add_tenant: Callable[..., str]) -> str:
    return add_tenant("acme", lookback_days=10)


@pytest.fixture
def sell(connection: Connection[Any], tenant: str) -> Sell:
    """`sell(at)` inserts a matched sale; `strategy="unmatched"` one that is not, other columns are the conversion's."""
    numbers = iter(range(1, 1_000))

    def sold(at: datetime, *, strategy: str = "fbc", tenant_id: str = tenant, **columns: Any) -> int:
        number = next(numbers)
        row = {"gateway": "stripe", "gateway_event_id": f"e{number}", "value": 1, "currency": "BRL"}
        insert(connection, "conversions", {"tenant_id": tenant_id, "id": number, "occurred_at": at, **row, **columns})
        connection.execute("DELETE FROM trackai.match_queue")
        insert(connection, "matched_attributions", {"tenant_id": tenant_id, "conversion_id": number,
               "strategy": strategy, "attempts": 1, "matched_at": at})  # fmt: skip
        return number

    return sold


def journey(connection: Connection[Any], tenant: str, sale: int, day: date = SOLD) -> None:
    row = {"touches": 1, "shared_keys": 0, "truncated": False, "computed_at": midnight(TODAY)}
    insert(connection, "conversion_journeys", {"tenant_id": tenant, "conversion_id": sale, "day": day, **row})


def blocked(connection: Connection[Any], *days: date) -> dict[date, str]:
    return dict(without_journeys(connection, days))


def test_clicks_in_reach_of_a_sale_wait_for_its_journey(
    connection: Connection[Any], tenant: str, sell: Sell, add_tenant: Callable[..., str]
) -> None:
    sale = sell(midnight(SOLD) + timedelta(hours=12))
    sell(midnight(SOLD), strategy="unmatched")
    around = [SOLD + back * DAY for back in range(-12, 4)]
    wait = [SOLD + back * DAY for back in range(-10, 2)]
    found = blocked(connection, *around)
    assert sorted(found) == wait
    (said,) = set(found.values())
    assert said == (
        f"1 matched sales of {SOLD} to {SOLD}, whose journeys may need these clicks, have none: run `trackai campaigns "
        f"aggregate --from {SOLD} --to {SOLD}`"
    )
    # A window of its own decides, each tenant's for itself.
    connection.execute("UPDATE trackai.tenants SET journey_days = 3")
    add_tenant("wide", lookback_days=90)
    assert sorted(blocked(connection, *around)) == [SOLD + back * DAY for back in range(-3, 2)]
    journey(connection, tenant, sale)
    assert blocked(connection, *around) == {}
    assert blocked(connection) == {}


def test_the_sentence_names_all_days_to_compute(connection: Connection[Any], sell: Sell) -> None:
    for back in (0, 2, 30):
        sell(midnight(SOLD - back * DAY))
    assert "2 matched sales of 2026-01-18 to 2026-01-20" in blocked(connection, SOLD - 5 * DAY)[SOLD - 5 * DAY]


def test_journeys_in_the_archive_are_made(connection: Connection[Any], sell: Sell) -> None:
    sell(midnight(SOLD))
    insert_archive(connection, "conversion_journeys", SOLD, 1, keep_until=midnight(TODAY))
    assert blocked(connection, SOLD)
    connection.execute("UPDATE trackai.archives SET state = 'dropped', dropped_at = verified_at")
    assert blocked(connection, SOLD) == {}


def test_hashes_wait_for_buyers_and_journeys(connection: Connection[Any], tenant: str, sell: Sell) -> None:
    before = SOLD + DAY
    sell(midnight(SOLD))
    assert unready(connection, before) is None, "there is no hash that could be needed"
    bought = sell(midnight(SOLD - DAY), strategy="unmatched", customer_email_hash="a" * 64)
    matched = sell(midnight(before) - MICROSECOND, customer_phone_hash="b" * 64)
    sell(midnight(before), customer_phone_hash="c" * 64)
    assert unready(connection, before) == (
        f"the journeys or buyers of 2 sales of {SOLD - DAY} to {SOLD} are not known yet: run `trackai campaigns "
        f"aggregate --from {SOLD - DAY} --to {SOLD}`"
    )
    for sale in (bought, matched):
        insert(connection, "conversion_buyers", {"tenant_id": tenant, "conversion_id": sale, "day": SOLD})
    assert str(unready(connection, before)).startswith("the journeys or buyers of 1 sales")
    journey(connection, tenant, matched)
    assert unready(connection, before) is None


def test_a_plan_says_what_to_run(connection: Connection[Any], tenant: str, sell: Sell) -> None:
    sell(midnight(SOLD), customer_email_hash="a" * 64)
    insert_clicks(connection, tenant, [midnight(SOLD - 20 * DAY), midnight(SOLD - 5 * DAY)])
    set_policies(
        connection,
        {"table_name": "clicks", "keep": 60 * DAY},
        {"table_name": "conversions", "keep": 60 * DAY, "action": "anonymise"},
    )
    plan = plan_retention(connection, TABLES, today=TODAY, dry_run=True)
    said = {(step.table_name, step.day): step.blocked_by for step in plan.steps}
    assert said[("clicks", SOLD - 20 * DAY)] is None
    run = f"run `trackai campaigns aggregate --from {SOLD} --to {SOLD}`"
    assert str(said[("clicks", SOLD - 5 * DAY)]).endswith(run)
    assert str(said[("conversions", TODAY - 60 * DAY)]).endswith(run)
