"""Refunds while the facts around them age: none leaves or loses anything, and those that come late still count."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from declared import TABLES
from ingest.landing_zone import load_all, write_jsonl
from lifecycle.old_rows import insert, midnight, set_policies
from psycopg import Connection

from trackai_pipelines.clock import utc_now
from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.lifecycle.archive.manifest import archives
from trackai_pipelines.lifecycle.archive.store import Store, open_store
from trackai_pipelines.lifecycle.personal_data.anonymise import anonymise, due_to_anonymise
from trackai_pipelines.lifecycle.personal_data.erase import erase
from trackai_pipelines.lifecycle.retention.plan import plan_retention
from trackai_pipelines.match_rates.aggregate import days_to_net

AddTenant = Callable[..., str]
RunJob = Callable[..., dg.ExecuteInProcessResult]
DAY = timedelta(days=1)
TEN_DAYS = timedelta(days=10)
EMAIL = "a" * 64


@pytest.fixture
def today() -> date:
    return utc_now().date()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "archive"))


def refund(connection: Connection[Any], tenant: str, event: str, day: date, **columns: Any) -> None:
    row = {"tenant_id": tenant, "gateway": "shopify", "gateway_event_id": event, "value": 3, "currency": "BRL"}
    insert(connection, "refunds", {**row, "occurred_at": midnight(day), **columns})


def refunds(connection: Connection[Any]) -> list[dict[str, Any]]:
    found = connection.execute("SELECT to_jsonb(r) FROM trackai.refunds r ORDER BY gateway_event_id").fetchall()
    return [row for (row,) in found]


def rates(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT day, conversions, fbc, unmatched, pending, value_total, refunds, refunded_total "
        "FROM trackai.daily_match_rates ORDER BY day"
    ).fetchall()


def test_a_refund_stays_when_all_that_can_leave_has_left_and_a_late_one_still_counts(
    database_url: str,
    connection: Connection[Any],
    add_tenant: AddTenant,
    insert_click: Callable[..., int],
    insert_sale: Callable[..., int],
    run_job: RunJob,
    today: date,
    tmp_path: Path,
) -> None:
    acme, old = add_tenant("acme", lookback_days=5), today - 20 * DAY
    insert_click(acme, fbclid="C1", created_at=midnight(old))
    sale = insert_sale(acme, midnight(old) + timedelta(hours=1), fbclid="C1", customer_email_hash=EMAIL, order_id="O-1")
    refund(connection, acme, "re-1", old + DAY, original_event_id="event-1", conversion_id=sale)
    run_job("match_conversions", partition_key=today.isoformat())
    run_job("aggregate_match_rates", days=[old])
    counted = (old, 1, 1, 0, 0, Decimal(10), 1, Decimal(3))
    assert rates(connection) == [counted]
    before = refunds(connection)
    of_sale = {"tenant_id": acme, "conversion_id": sale, "day": old}
    insert(connection, "conversion_buyers", of_sale)
    journey = {"touches": 1, "shared_keys": 0, "truncated": False, "computed_at": midnight(today)}
    insert(connection, "conversion_journeys", {**of_sale, **journey})

    set_policies(
        connection,
        {"table_name": "clicks", "keep": TEN_DAYS, "grace": timedelta(0)},
        {"table_name": "conversions", "keep": 100 * DAY, "action": "anonymise", "anonymise_after": TEN_DAYS},
    )
    for _ in range(2):
        # The first one archives, the next one drops what was archived.
        run_job("apply_retention", partition_key=today.isoformat())
    assert [archive.table_name for archive in archives(connection)] == ["clicks"]
    assert connection.execute("SELECT count(*) FROM trackai.clicks").fetchone() == (0,)
    anonymous = connection.execute("SELECT customer_email_hash, anonymised_at IS NOT NULL FROM trackai.conversions")
    assert anonymous.fetchall() == [(None, True)]
    assert refunds(connection) == before
    assert days_to_net(connection, today) == []

    # It names the order alone, and neither the click nor who bought is known any more.
    late = {"tenant": "acme", "gateway": "shopify", "gateway_event_id": "re-2", "order_id": "O-1"}
    money = {"value": "2.50", "currency": "BRL", "occurred_at": midnight(today - DAY).isoformat()}
    landing = tmp_path / "landing"
    write_jsonl(landing / "refunds.jsonl", late | money)
    load_all(database_url, landing)
    assert [row["conversion_id"] for row in refunds(connection)] == [sale, sale]
    assert days_to_net(connection, today) == [old]
    run_job("aggregate_refunded_days", days=[old])
    assert rates(connection) == [(*counted[:6], 2, Decimal("5.5"))]


def test_a_policy_cannot_make_refunds_leave_or_lose_fields(
    connection: Connection[Any], add_tenant: AddTenant, today: date
) -> None:
    refund(connection, add_tenant("acme"), "re-1", today - 50 * DAY, order_id="O-1")
    set_policies(connection, {"table_name": "refunds", "keep": TEN_DAYS, "anonymise_after": TEN_DAYS})
    plan = plan_retention(connection, TABLES, today=today, dry_run=False)
    assert [(step.action, step.state) for step in plan.steps] == [("anonymise", "blocked"), ("archive", "blocked")]
    assert "no personal fields of refunds are declared" in (plan.steps[0].blocked_by or "")
    assert "rows of refunds are kept forever" in (plan.steps[1].blocked_by or "")
    with pytest.raises(ValueError, match="refunds has no personal fields"):
        anonymise(connection, TABLES, "refunds", today)
    with pytest.raises(ValueError, match="refunds"):
        due_to_anonymise(connection, TABLES, "refunds", today)
    assert len(refunds(connection)) == 1


def test_erasing_a_buyer_leaves_the_refund_with_its_sale(
    connection: Connection[Any], store: Store, add_tenant: AddTenant, insert_sale: Callable[..., int], today: date
) -> None:
    acme = add_tenant("acme")
    sale = insert_sale(acme, midnight(today - 3 * DAY), customer_email_hash=EMAIL, order_id="O-1")
    refund(connection, acme, "re-1", today - 2 * DAY, order_id="O-1", conversion_id=sale)
    before = refunds(connection)
    erased = erase(connection, store, DOMAINS, acme, email_hash=EMAIL)
    assert erased.conversions == 1
    assert connection.execute("SELECT id, customer_email_hash FROM trackai.conversions").fetchall() == [(sale, None)]
    assert refunds(connection) == before
    assert days_to_net(connection, today) == [today - 3 * DAY]
