"""The account, the story of one conversion, and key coverage: everything is explained, or found not to be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from delivery.scenes import Moment, Tokens, insert_sales, send_due
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.delivery.coverage import coverage_of_days
from trackai_pipelines.delivery.story import dispatch_story

AddTenant = Callable[..., str]


def _verdict(connection: Connection, tenant: str, sale: int, **options: object) -> str:
    story = dispatch_story(connection, tenant, sale, **options)  # type: ignore[arg-type]
    assert story is not None
    return story.verdict


def test_every_due_event_has_a_place_and_a_reason(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    acme = add_tenant("acme", pixel_id="1001")
    poor = add_tenant("poor", pixel_id="1002")
    asleep = add_tenant("asleep", pixel_id="1003")
    picky = add_tenant("picky", pixel_id="1004", dispatch_policy="matched")
    throttled = add_tenant("throttled", pixel_id="1005")
    (sent, *_), (bad,) = insert_sales(connection, acme, 7), insert_sales(connection, acme, 1, currency="XXQ")
    (tokenless, *_) = insert_sales(connection, poor, 3, ago=timedelta(hours=30))
    (asleep_sale, *_) = insert_sales(connection, asleep, 2)
    (unmatched,) = insert_sales(connection, picky, 1)
    (slowed,) = insert_sales(connection, throttled, 1)
    connection.execute("UPDATE trackai.tenants SET status = 'suspended' WHERE slug = 'asleep'")
    box.misbehave(do="error", status=400, code=17, wait_seconds=900, pixel="1005")
    clock = Moment()
    send_due(database_url, box.base_url, tokens=Tokens({"poor": None}), clock=clock)
    (ahead,) = insert_sales(connection, acme, 1, ago=timedelta(hours=-3))
    (next_one,) = insert_sales(connection, acme, 1)
    account = account_for(connection, clock=clock)
    assert sorted((place.slug, place.place, place.events) for place in account.places) == [
        ("acme", "failed", 1),
        ("acme", "sent", 7),
        ("acme", "waiting", 1),
        ("acme", "waiting", 1),
        ("asleep", "waiting", 2),
        ("picky", "not_due", 1),
        ("poor", "waiting", 3),
        ("throttled", "waiting", 1),
    ]
    shown = {
        sent: "Sent: Meta accepted it",
        bad: "Failed for good (bad_currency)",
        tokenless: "TRACKAI_CAPI_TOKEN_POOR",
        asleep_sale: "the tenant is suspended",
        unmatched: "matched sales only",
        slowed: "rate limit",
        ahead: "lies in the future",
        next_one: "queued for the next dispatch",
    }
    tenants: dict[int, str] = dict(connection.execute("SELECT id, tenant_id FROM trackai.conversions").fetchall())
    for sale, part in shown.items():
        assert part in _verdict(connection, tenants[sale], sale, clock=clock)
    reasons = " / ".join(place.reason for place in account.places)
    for part in ("TRACKAI_CAPI_TOKEN_POOR", "the tenant is suspended", "rate limit", "lies in the future"):
        assert part in reasons
    assert account.unexplained == 0
    oldest = min((place for place in account.places if place.place == "waiting"), key=lambda place: place.oldest)
    assert oldest.slug == "poor"
    age = account.at - oldest.oldest
    assert timedelta(hours=29, minutes=59) < age < timedelta(hours=30, minutes=1)


@pytest.mark.parametrize("tried", [False, True])
def test_an_event_that_left_the_queue_unseen_is_found(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox, tried: bool
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    (sale,) = insert_sales(connection, tenant, 1)
    if tried:
        box.misbehave(do="error", status=500)
        send_due(database_url, box.base_url, clock=Moment())
    connection.execute("DELETE FROM trackai.dispatch_queue")
    assert account_for(connection).unexplained == 1
    assert _verdict(connection, tenant, sale).startswith("Lost")


def test_a_request_under_way_is_reported_as_such(connection: Connection, add_tenant: AddTenant) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    (sale,) = insert_sales(connection, tenant, 1)
    connection.execute(
        "INSERT INTO trackai.dispatch_circuits (tenant_id, held_by, held_until)"
        " VALUES (%s, 'x', now() + interval '1 h')",
        (tenant,),
    )
    assert "on its way" in _verdict(connection, tenant, sale)
    assert [place.reason for place in account_for(connection).places] == ["a request is on its way"]


def test_the_story_has_every_attempt(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    (sale,) = insert_sales(connection, tenant, 1)
    box.misbehave(do="error", status=500, code=2)
    clock = Moment()
    send_due(database_url, box.base_url, clock=clock)
    clock.advance(minutes=1)
    send_due(database_url, box.base_url, clock=clock)
    story = dispatch_story(connection, tenant, sale)
    assert story is not None
    first, second = story.attempts
    assert (first.attempt, first.status, first.http_status, first.error_code) == (1, "failed", 500, 2)
    assert first.message is not None
    assert (second.attempt, second.status, second.failure, second.message) == (2, "success", None, None)
    assert first.payload_sha256 == second.payload_sha256
    assert "attempt 2" in story.verdict
    assert dispatch_story(connection, tenant, sale + 1) is None


def test_coverage_counts_what_was_sent(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    insert_sales(connection, tenant, 6)
    insert_sales(
        connection, tenant, 2, fbc="fb.1.1790000000000.abc", fbp="fb.1.1790000000000.77", client_ip="203.0.113.7"
    )
    insert_sales(connection, tenant, 2, fbp="fb.1.1790000000000.77", customer_email_hash=None)
    insert_sales(connection, tenant, 1, currency="XXQ")
    clicked = insert_sales(connection, tenant, 1, strategy="fbc", customer_email_hash=None)
    connection.execute("INSERT INTO trackai.clicks (tenant_id, fbclid) VALUES (%s, 'IwAR0')", (tenant,))
    connection.execute(
        "UPDATE trackai.matched_attributions SET click_id = (SELECT max(id) FROM trackai.clicks)"
        " WHERE conversion_id = %s",
        clicked,
    )
    send_due(database_url, box.base_url)
    connection.execute("DELETE FROM trackai.clicks")
    today = datetime.now(UTC).date()
    found = coverage_of_days(connection, today - timedelta(days=1), today)
    total = {key: sum(day.carrying[key] for day in found) for key in found[0].carrying}
    assert sum(day.events for day in found) == 11
    assert total == {
        "em": 8,
        "ph": 0,
        "fbc": 3,
        "fbp": 4,
        "client_ip_address": 2,
        "client_user_agent": 11,
        "external_id": 0,
    }
    assert {day.slug for day in found} == {"acme"}
    assert all(0 <= share <= 1 for day in found for share in day.shares.values())
