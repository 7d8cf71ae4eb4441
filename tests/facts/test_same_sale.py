"""One payment that Stripe reports in several events is one conversion: in any order, redelivered, and at once."""

import json
import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from ingest.landing_zone import load_all
from psycopg import Connection

Event = dict[str, Any]

KINDS = {
    "session": "checkout.session.completed",
    "invoice": "invoice.paid",
    "intent": "payment_intent.succeeded",
    "charge": "charge.succeeded",
}
MONEY = {
    "session": {"object": "checkout.session", "payment_status": "paid", "amount_total": 4990},
    "invoice": {"object": "invoice", "status": "paid", "amount_paid": 4990},
    "intent": {"object": "payment_intent", "status": "succeeded", "amount": 4990, "amount_received": 4990},
    "charge": {"object": "charge", "status": "succeeded", "captured": True, "amount": 4990},
}
IDS = {"session": "cs_live_{}0000000000000000000000", "invoice": "in_{}", "intent": "pi_{}", "charge": "ch_{}"}


def event(kind: str, number: int, **fields: Any) -> Event:
    """An event of a payment; ids in its fields have the place of the number left open."""
    resource = {"id": IDS[kind], "currency": "brl"} | MONEY[kind] | fields
    made: Event = json.loads(
        json.dumps(
            {
                "id": f"evt_{kind}_{{}}",
                "object": "event",
                "type": KINDS[kind],
                "created": 1795780000 + list(KINDS).index(kind),
                "livemode": True,
                "data": {"object": resource},
            }
        ).replace("{}", str(number))
    )
    return made


# The events of one payment by the generation of Stripe's API: what each names.
CS, IN, PI, CH = IDS["session"], IDS["invoice"], IDS["intent"], IDS["charge"]
PAYMENTS: dict[str, dict[str, dict[str, Any]]] = {
    "checkout": {
        "session": {"payment_intent": PI, "invoice": None},
        "intent": {"latest_charge": CH, "invoice": None},
        "charge": {"payment_intent": PI, "invoice": None},
    },
    "checkout with an invoice afterwards": {
        "session": {"payment_intent": PI, "invoice": IN},
        "invoice": {"payment_intent": PI, "charge": CH},
        "intent": {"latest_charge": CH, "invoice": None},
        "charge": {"payment_intent": PI, "invoice": None},
    },
    "checkout since 2025": {
        "session": {"payment_intent": PI},
        "intent": {"latest_charge": CH, "payment_details": {"order_reference": CS}},
        "charge": {"payment_intent": PI},
    },
    "subscription": {
        "session": {"payment_intent": None, "invoice": IN, "subscription": "sub_{}"},
        "invoice": {"payment_intent": PI, "charge": CH},
        "intent": {"latest_charge": CH, "invoice": IN, "description": "Subscription creation"},
        "charge": {"payment_intent": PI, "invoice": IN, "description": "Subscription creation"},
    },
    "subscription before 2022": {
        "session": {"payment_intent": None, "invoice": IN},
        "invoice": {"payment_intent": PI, "charge": CH},
        "intent": {"charges": {"data": [{"id": CH, "object": "charge"}]}, "invoice": IN},
        "charge": {"payment_intent": PI, "invoice": IN},
    },
    "subscription since 2025": {
        "session": {"payment_intent": None, "invoice": IN},
        "invoice": {},
        "intent": {
            "latest_charge": CH,
            "description": "Subscription creation",
            "payment_details": {"order_reference": CS[:26]},
        },
        "charge": {"payment_intent": PI, "description": "Subscription creation"},
    },
    "renewal since 2025": {
        "invoice": {"payments": {"data": [{"payment": {"type": "payment_intent", "payment_intent": PI}}]}},
        "intent": {
            "latest_charge": CH,
            "description": "Subscription update",
            "payment_details": {"order_reference": IN},
        },
        "charge": {"payment_intent": PI, "receipt_url": "https://pay.stripe.com/receipts/invoices/x"},
    },
    "charge of an invoice without an intent": {
        "invoice": {"payment_intent": None, "charge": CH},
        "charge": {"payment_intent": None, "invoice": IN},
    },
    "charge alone": {"charge": {"payment_intent": None, "invoice": None}},
    "intent alone": {"intent": {"latest_charge": CH}, "charge": {"payment_intent": PI}},
}


def payment(name: str, number: int) -> list[Event]:
    return [event(kind, number, **fields) for kind, fields in PAYMENTS[name].items()]


def write(landing: Path, name: str, events: Iterable[Event]) -> Path:
    path = landing / "acme" / "webhooks" / "stripe" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(list(events)), encoding="utf-8")
    return path


def sales(connection: Connection) -> int:
    row = connection.execute("SELECT count(*) FROM trackai.conversions").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("name", PAYMENTS)
def test_a_payment_is_one_sale_in_any_order(
    database_url: str, connection: Connection, landing: Path, name: str
) -> None:
    # Each order is that of a payment of its own: the first file has the first event of each, and so on.
    orders = list(permutations(range(len(PAYMENTS[name]))))
    for place in range(len(PAYMENTS[name])):
        arriving = [payment(name, number)[order[place]] for number, order in enumerate(orders)]
        load_all(database_url, landing, write(landing, f"{place}", arriving))
    connection.rollback()
    events = connection.execute("SELECT gateway_event_id FROM trackai.conversions").fetchall()
    assert sorted(int(event_id.rsplit("_", 1)[1]) for (event_id,) in events) == list(range(len(orders)))
    # Redelivered, all of it in one file, and each file again.
    everything = [found for number in range(len(orders)) for found in payment(name, number)]
    load_all(database_url, landing, write(landing, "again", everything))
    load_all(database_url, landing)
    connection.rollback()
    assert sales(connection) == len(orders)


@pytest.mark.parametrize("name", PAYMENTS)
def test_each_event_that_counts_alone_is_a_sale_or_says_what_to_land(
    database_url: str, connection: Connection, landing: Path, name: str
) -> None:
    expected = 0
    for number, kind in enumerate(PAYMENTS[name]):
        load_all(database_url, landing, write(landing, kind, [payment(name, number)[number]]))
        connection.rollback()
        refused = connection.execute(
            "SELECT reason FROM trackai.ingest_rejects WHERE source LIKE %s", [f"%/{kind}.json"]
        ).fetchall()
        if refused:
            ((reason,),) = refused
            assert reason.endswith("of an invoice that it does not name; land the event invoice.paid")
            assert "2025" in name
        expected += not refused
        assert sales(connection) == expected


def test_events_of_many_payments_at_once_are_as_many_sales(
    database_url: str, connection: Connection, landing: Path
) -> None:
    names = [name for name in PAYMENTS if name not in {"charge alone", "intent alone"}]
    chosen = random.Random(7)
    events = [found for number in range(60) for found in payment(names[number % len(names)], number)] * 2
    chosen.shuffle(events)
    paths = [write(landing, f"{place:03}", events[place::24]) for place in range(24)]

    def load_some(seed: int) -> None:
        load_all(database_url, landing, *random.Random(seed).sample(paths, len(paths)))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(load_some, range(4)))
    connection.rollback()
    assert sales(connection) == 60
    doubled = connection.execute(
        "SELECT name FROM trackai.sale_names n LEFT JOIN trackai.conversions c "
        "ON c.tenant_id = n.tenant_id AND c.gateway = n.gateway AND c.sale_key = n.sale_key WHERE c.id IS NULL"
    ).fetchall()
    assert doubled == []


def test_of_the_events_of_one_file_the_one_that_says_most_is_the_sale(
    database_url: str, connection: Connection, landing: Path
) -> None:
    charge, intent = event("charge", 1, payment_intent=PI, invoice=None), event("intent", 1, latest_charge=CH)
    session = event(
        "session", 1, payment_intent=PI, metadata={"fbc": "fb.1.1700000000000.IwAR0"}, customer_email="ana@example.com"
    )
    load_all(database_url, landing, write(landing, "all", [charge, intent, session]))
    connection.rollback()
    found = connection.execute("SELECT gateway_event_id, fbc FROM trackai.conversions").fetchall()
    assert found == [("evt_session_1", "fb.1.1700000000000.IwAR0")]
    reasons = connection.execute("SELECT DISTINCT reason FROM trackai.ingest_rejects").fetchall()
    assert [reason.split(", ")[1] for (reason,) in reasons] == ["by event evt_session_1"]


def test_a_sale_from_before_its_names_were_noted_is_joined(
    database_url: str, connection: Connection, landing: Path
) -> None:
    first, *others = payment("checkout", 1)
    load_all(database_url, landing, write(landing, "before", [first]))
    connection.execute("DELETE FROM trackai.sale_names")
    connection.commit()
    load_all(database_url, landing, write(landing, "redelivered", [first]))
    load_all(database_url, landing, write(landing, "after", others))
    connection.rollback()
    assert sales(connection) == 1


def test_tenants_do_not_share_names(database_url: str, connection: Connection, landing: Path) -> None:
    path = write(landing, "all", payment("subscription", 1))
    other = landing / "globex" / "webhooks" / "stripe" / "all.json"
    other.parent.mkdir(parents=True)
    other.write_bytes(path.read_bytes())
    load_all(database_url, landing)
    connection.rollback()
    assert connection.execute("SELECT tenant_id FROM trackai.conversions ORDER BY 1").fetchall() == [
        ("t-acme",),
        ("t-globex",),
    ]


@pytest.mark.parametrize("kind", ["session", "invoice", "charge"])
@pytest.mark.parametrize("first", ["sale", "refund"])
def test_a_refund_finds_its_sale_by_any_of_its_names(
    database_url: str, connection: Connection, landing: Path, kind: str, first: str
) -> None:
    names = list(PAYMENTS["subscription"])
    events = payment("subscription", 1)
    refund = {
        "id": "evt_refund",
        "object": "event",
        "type": "refund.created",
        "created": 1795780100,
        "data": {
            "object": {
                "id": "re_1",
                "object": "refund",
                "status": "succeeded",
                "amount": 990,
                "currency": "brl",
                "charge": CH.replace("{}", "1"),
                "created": 1795780100,
            }
        },
    }
    arriving = [[events[names.index(kind)]], [events[names.index("invoice")]]]
    for place, batch in enumerate([*arriving, [refund]] if first == "sale" else [[refund], *arriving]):
        load_all(database_url, landing, write(landing, f"{place}", batch))
    connection.rollback()
    linked = connection.execute(
        "SELECT c.gateway_event_id, r.value FROM trackai.refunds r JOIN trackai.conversions c "
        "ON c.tenant_id = r.tenant_id AND c.id = r.conversion_id"
    ).fetchall()
    assert [(event_id, str(value)) for event_id, value in linked] == [(f"evt_{kind}_1", "9.9000")]
