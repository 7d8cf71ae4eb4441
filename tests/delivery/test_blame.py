"""Whose fault a refusal is: a set-up that is wrong costs no event, and a bad event fails alone."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from delivery.scenes import Moment, circuit_of, insert_sales, outcomes, queued, send_due
from psycopg import Connection

from trackai_pipelines.capi_sandbox.client import Sandbox
from trackai_pipelines.capi_sandbox.server import sandbox
from trackai_pipelines.delivery.account import account_for
from trackai_pipelines.delivery.backlog import backlog_of
from trackai_pipelines.delivery.health import health
from trackai_pipelines.delivery.replay import enqueue_days
from trackai_pipelines.delivery.story import dispatch_story
from trackai_pipelines.domain import Checkup, Level

AddTenant = Callable[..., str]
EVERY = {"do": "error", "probability": 1}
KINDS: list[dict[str, Any]] = [
    {"code": 100, "subcode": 2804001},
    {"code": 100, "subcode": 2804030},
    {"code": 100, "subcode": 2804050},
    {"code": 100},
    {"code": 100, "subcode": 34},
    {"code": 100, "subcode": 38},
    {"code": 3},
    {"code": 104},
    {"code": 2635},
    {"code": 424242},
]


def dispatched(url: str, box: Sandbox, clock: Any, **changes: Any) -> None:
    """A dispatch and whatever can go out at the same moment."""
    send_due(url, box.base_url, clock=clock, **changes)


@pytest.mark.parametrize("kind", [*KINDS, {"code": 100, "subcode": 33}], ids=str)
def test_while_every_event_is_refused_none_is_given_up(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox, kind: dict[str, Any]
) -> None:
    tenant = add_tenant("acme", pixel_id="1001")
    sales, clock = insert_sales(connection, tenant, 6), Moment()
    box.misbehave(**EVERY, **kind)
    for _ in range(4):
        dispatched(database_url, box, clock)
        assert queued(connection) == sales
        assert circuit_of(connection, tenant)["state"] == "open"
        clock.advance(minutes=20)
    box.behave()
    clock.advance(hours=1)
    dispatched(database_url, box, clock)
    assert (queued(connection), box.pixel("1001").counted) == ([], 6)
    assert circuit_of(connection, tenant)["refusal"] is None


def test_a_thousand_refused_events_cost_few_requests_and_then_one_probe_at_a_time(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant, clock = add_tenant("acme", pixel_id="1001"), Moment()
    insert_sales(connection, tenant, 1000)
    box.misbehave(**EVERY, code=100, subcode=2804030)
    dispatched(database_url, box, clock)
    # Ten halvings, then five events that speak for themselves.
    assert box.pixel("1001").requests == 10 + 5
    for probe in range(1, 5):
        clock.now = circuit_of(connection, tenant)["retry_at"]
        dispatched(database_url, box, clock)
        assert box.pixel("1001").requests == 15 + probe
    probes = connection.execute(
        "SELECT conversion_id FROM trackai.dispatch_attempts ORDER BY id DESC LIMIT 4"
    ).fetchall()
    assert len(set(probes)) == 4, "another event tries each time"
    box.behave()
    clock.advance(hours=1)
    dispatched(database_url, box, clock)
    assert (queued(connection), box.pixel("1001").counted) == ([], 1000)
    assert box.pixel("1001").requests <= 15 + 4 + 3


def test_metas_message_is_shown_without_what_is_secret_or_personal(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant, clock = add_tenant("acme", pixel_id="1001"), Moment()
    sales = insert_sales(connection, tenant, 5)
    hidden = ["EAAGm0PX4ZCpsBAKsecret", "maria@example.com", "+55 11 98765-4321", "203.0.113.7", "a" * 64]
    said = f"The domain shop.example is not verified ({', '.join(hidden)})"
    box.misbehave(**EVERY, code=100, subcode=2804030, message=said + " x" * 500)
    dispatched(database_url, box, clock)
    story = dispatch_story(connection, tenant, sales[0], clock=clock)
    assert story is not None
    (backlog,) = backlog_of(connection, now=clock.now)
    assert backlog.held_back
    shown = [circuit_of(connection, tenant)["reason"], story.attempts[-1].message, story.verdict, backlog.reason]
    for text in shown:
        assert 'Meta says: "The domain shop.example is not verified (' in str(text)
        assert not [secret for secret in hidden if secret in str(text)]
        assert len(str(text)) < 500 + 500


def test_a_bad_oldest_event_does_not_keep_the_circuit_open(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant, clock = add_tenant("acme", pixel_id="1001"), Moment()
    (bad,) = insert_sales(connection, tenant, 1, order_id="bad", ago=timedelta(hours=5))
    good = insert_sales(connection, tenant, 8)
    box.misbehave(**EVERY, code=100, subcode=2804030)
    dispatched(database_url, box, clock)
    assert circuit_of(connection, tenant)["state"] == "open"
    box.behave()
    box.misbehave(**EVERY, code=100, subcode=2804030, events=["bad"])
    for _ in range(3):
        clock.advance(hours=1)
        dispatched(database_url, box, clock)
    found = outcomes(connection)
    assert [found[sale][-1] for sale in good] == [("success", None)] * 8
    assert found[bad][-1] == ("failed", "bad_event")
    assert queued(connection) == []


def test_a_sale_a_day_is_kept_until_it_is_known_whose_fault_it_is(
    database_url: str, connection: Connection, add_tenant: AddTenant
) -> None:
    """Never five events: each is tried again in the end, and sent once the set-up is right."""
    tenant, clock = add_tenant("acme", pixel_id="1001"), Moment()
    with sandbox(clock=clock) as box:
        box.misbehave(**EVERY, code=104)
        sales: list[int] = []
        for _ in range(3):
            sales += insert_sales(connection, tenant, 1, at=clock.now)
            for _ in range(4):
                clock.advance(hours=6)
                dispatched(database_url, box, clock)
            assert queued(connection) == sales
            assert circuit_of(connection, tenant)["state"] == "closed"
        (backlog,) = backlog_of(connection, now=clock.now)
        assert backlog.held_back
        assert f"Meta refused {len(sales)}" in backlog.reason
        (warned,) = [found for found in health(Checkup(connection, clock.now, ())) if found.check == "refusals"]
        assert warned.level is Level.WARN
        assert box.pixel("1001").requests == 4 + 8 + 12
        box.behave()
        clock.advance(hours=1)
        dispatched(database_url, box, clock)
        assert (queued(connection), box.pixel("1001").counted) == ([], 3)


def test_a_bad_event_alone_on_the_queue_waits_for_another_one(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant, clock = add_tenant("acme", pixel_id="1001"), Moment()
    (bad,) = insert_sales(connection, tenant, 1, order_id="bad")
    box.misbehave(**EVERY, code=100, subcode=2804050, events=["bad"])
    for _ in range(5):
        dispatched(database_url, box, clock)
        clock.advance(hours=1)
    assert queued(connection) == [bad]
    assert {failure for _, failure in outcomes(connection)[bad]} == {"refused_alone"}
    # The next sale goes out at once, and shows that the set-up is right.
    (good,) = insert_sales(connection, tenant, 1)
    dispatched(database_url, box, clock)
    assert outcomes(connection)[good] == [("success", None)]
    assert outcomes(connection)[bad][-1] == ("failed", "little_user_data")
    assert queued(connection) == []


def test_an_event_alone_ends_as_too_old_with_what_meta_said(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant, clock = add_tenant("acme", pixel_id="1001"), Moment()
    (bad,) = insert_sales(connection, tenant, 1)
    box.misbehave(**EVERY, code=100, subcode=2804050, message="More is needed")
    for _ in range(8):
        dispatched(database_url, box, clock)
        clock.advance(days=1)
    assert outcomes(connection)[bad][-1] == ("failed", "too_old")
    story = dispatch_story(connection, tenant, bad, clock=clock)
    assert story is not None
    assert 'Meta says: "More is needed"' in story.verdict
    assert account_for(connection, clock=clock, since=clock.now - timedelta(days=9)).totals == {"failed": 1}


def test_mixed_refusals_open_the_circuit_after_ten_events(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant, clock = add_tenant("acme", pixel_id="1001"), Moment()
    for number in range(12):
        insert_sales(connection, tenant, 1, order_id=f"order-{number}", ago=timedelta(minutes=60 - number))
        box.misbehave(**EVERY, **KINDS[number % 5], events=[f"order-{number}"])
    dispatched(database_url, box, clock)
    assert circuit_of(connection, tenant)["state"] == "open"
    assert len(queued(connection)) == 12


def test_what_was_given_up_before_is_sent_by_a_replay(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    tenant, clock = add_tenant("acme", pixel_id="1001"), Moment()
    (bad, good) = insert_sales(connection, tenant, 2, order_id="order-{n}")
    orders: dict[int, str] = dict(connection.execute("SELECT id, order_id FROM trackai.conversions").fetchall())
    box.misbehave(**EVERY, code=100, subcode=2804001, events=[orders[bad]])
    dispatched(database_url, box, clock)
    assert outcomes(connection)[bad][-1] == ("failed", "bad_fbc")
    assert outcomes(connection)[good][-1] == ("success", None)
    box.behave()
    day = clock.now.date()
    assert enqueue_days(connection, day - timedelta(days=1), day, clock=clock) == 1
    dispatched(database_url, box, clock)
    assert outcomes(connection)[bad][-1] == ("success", None)
    assert box.pixel("1001").counted == 2


class _Outages:
    """A clock that, asked for the n-th time, lets the sandbox refuse everything of the pixels whose turn it is."""

    def __init__(self, box: Sandbox, clock: Moment, begins: dict[int, list[dict[str, Any]]]) -> None:
        self.box, self.clock, self.begins, self.asked = box, clock, begins, 0

    def __call__(self) -> datetime:
        self.asked += 1
        for outage in self.begins.pop(self.asked, []):
            self.box.misbehave(**outage)
        return self.clock()


@pytest.mark.slow
def test_a_hundred_tenants_with_bad_events_and_wrong_set_ups_at_random_points(
    database_url: str, connection: Connection, add_tenant: AddTenant, box: Sandbox
) -> None:
    """Each has up to one bad event among good ones, and for most everything is refused for an hour, from a random
    moment on, often with the refusal of the bad event: good events are delivered once, and bad ones alone fail."""
    chance, clock = random.Random(11), Moment()
    good: dict[int, str] = {}
    bad: dict[int, str] = {}
    refused: list[dict[str, Any]] = []
    begins: dict[int, list[dict[str, Any]]] = {}
    without_outage: set[str] = set()
    for number in range(100):
        pixel, kind = str(1000 + number), chance.choice(KINDS)
        tenant = add_tenant(f"shop-{number}", pixel_id=pixel)
        count = chance.randrange(2, 25)
        place = chance.randrange(count)
        for n in range(count):
            is_bad = n == place and number % 3 > 0
            order = f"{pixel}-{n}"
            (sale,) = insert_sales(connection, tenant, 1, order_id=order, ago=timedelta(minutes=90 - n))
            (bad if is_bad else good)[sale] = pixel
            if is_bad:
                refused.append({**EVERY, **kind, "events": [order], "pixel": pixel})
        if number % 4:
            outage = {**EVERY, **(kind if chance.random() < 0.6 else chance.choice(KINDS)), "pixel": pixel}
            begins.setdefault(chance.randrange(1, 1200), []).append(outage)
        else:
            without_outage.add(pixel)
    for one in refused:
        box.misbehave(**one)
    outages = _Outages(box, clock, begins)
    dispatched(database_url, box, outages)
    found = outcomes(connection)
    for sale, pixel in bad.items():
        if pixel in without_outage:
            assert found[sale][-1][0] == "failed", pixel
            assert "refused" not in str(found[sale][-1][1]), "within one round"
    for later in begins.values():
        for outage in later:
            box.misbehave(**outage)
    begins.clear()
    for _ in range(4):
        dispatched(database_url, box, outages)
        clock.advance(minutes=15)
    waiting, found = set(queued(connection)), outcomes(connection)
    assert all(sale in waiting or found[sale][-1] == ("success", None) for sale in good), "an hour costs no event"
    box.behave()
    for one in refused:
        box.misbehave(**one)
    # The set-ups are right again, and each tenant sells once more.
    for number in range(100):
        (sale,) = insert_sales(connection, f"t-shop-{number}", 1, order_id=f"{1000 + number}-last")
        good[sale] = str(1000 + number)
    for _ in range(4):
        clock.advance(hours=1)
        dispatched(database_url, box, clock)
    found = outcomes(connection)
    assert {sale: found[sale][-1] for sale in good} == dict.fromkeys(good, ("success", None))
    assert {found[sale][-1][0] for sale in bad} == {"failed"}
    assert queued(connection) == []
    assert sum(pixel.counted for pixel in box.pixels().values()) == len(good)
    assert {event.accepted for event in box.events()} == {1}
