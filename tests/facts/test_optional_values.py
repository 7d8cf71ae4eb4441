"""An optional value that cannot be used is left out and noted; only what makes a row what it is refuses it."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from hashlib import md5, sha256
from typing import Any

import pytest
from facts.payloads import PAID

from trackai_pipelines.facts.landing import CONVERSIONS, KINDS
from trackai_pipelines.ingest.context import Context, Owner, owners_by_name
from trackai_pipelines.ingest.outcomes import LeftOut, NotTaken, Refused
from trackai_pipelines.ingest.records import Fields
from trackai_pipelines.ingest.rows import RowReader
from trackai_pipelines.ingest.streams import Line

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
READERS = {kind.name: RowReader(kind) for kind in KINDS}
COLUMNS = {kind.name: kind.columns for kind in KINDS}
HASH, MD5 = sha256(b"ana@example.com").hexdigest(), md5(b"ana@example.com").hexdigest()
PHONE = sha256(b"5511987654321").hexdigest()
RECORDS: dict[str, dict[str, Any]] = {
    "clicks": {"external_id": "k1"},
    "identities": {"email_hash": HASH, "external_id": "i1"},
    "conversions": {
        "gateway": "shop",
        "gateway_event_id": "e-1",
        "value": "129.90",
        "currency": "BRL",
        "occurred_at": "2026-03-10T11:00:00Z",
    },
    "users": {"id": "7", "updated_at": "2026-03-10T11:00:00Z"},
    "campaigns": {"campaign_id": "c1", "updated_at": "2026-03-10T11:00:00Z"},
}


def rows_of(kind: str, **values: Any) -> tuple[dict[str, str], tuple[LeftOut, ...]]:
    """Return the row of the record, and what it goes without; the same from JSON and from named values."""
    found = []
    for record in (Line(1, json.dumps(RECORDS[kind] | values).encode()), Fields(1, None, RECORDS[kind] | values)):
        context = Context(owners_by_name([Owner("t-1", "acme", "BR")]), "acme", NOW + timedelta(hours=24))
        row = READERS[kind].of_record(record, context)
        found.append((dict(zip(COLUMNS[kind], row.text.split("\t"), strict=True)), context.taken_left_out()))
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("kind", "column", "value", "reason"),
    [
        ("conversions", "client_ip", "10.0.0.1", "not a public IP address"),
        ("conversions", "client_ip", ["203.0.113.7"], "cannot be read"),
        ("conversions", "client_user_agent", "a" * 8_193, "longer than 8,192 characters"),
        ("conversions", "client_user_agent", {"a": 1}, "cannot be read"),
        ("conversions", "client_user_agent", "\ud800", "cannot be read"),
        ("conversions", "event_source_url", "https://example.com/" + "x" * 8_193, "longer than 8,192 characters"),
        ("conversions", "event_source_url", True, "cannot be read"),
        ("conversions", "fbclid", "a\0b", "holds a NUL character"),
        ("conversions", "fbclid", "a" * 4_097, "longer than 4,096 characters"),
        ("conversions", "fbc", {"a": 1}, "cannot be read"),
        ("conversions", "customer_email_hash", MD5, "not a SHA-256"),
        ("conversions", "customer_email_hash", "g" * 64, "not a SHA-256"),
        ("conversions", "customer_phone_hash", HASH + "0", "not a SHA-256"),
        ("conversions", "email", "n/a", "not an e-mail address"),
        ("conversions", "phone", "98765-4321", "not a whole phone number, or without a country"),
        ("conversions", "phone", "5.51199E+12", "has lost its digits in a spreadsheet or a column of floats"),
        ("conversions", "phone", False, "cannot be read"),
        ("conversions", "first_name", MD5, "no text that can be hashed"),
        ("conversions", "zip", {"a": 1}, "no text that can be hashed"),
        ("conversions", "birth_date", "1997-02-30", "not a date of birth, or its day and month cannot be told apart"),
        ("conversions", "gender", "?", "neither female nor male"),
        ("conversions", "country", "Atlantis", "not a country"),
        ("clicks", "ip", "unknown", "not a public IP address"),
        ("clicks", "funnel_id", ["a"], "cannot be read"),
        ("clicks", "funnel_id", "4.50789E+11", "too long, or without all its digits"),
        ("identities", "click_id", {"a": 1}, "cannot be read"),
        ("identities", "click_id", "k-1", "not a click's number; a producer's own id goes into click_external_id"),
        ("identities", "click_external_id", "a" * 513, "too long, or without all its digits"),
        ("clicks", "utm_term", "a" * 4_097, "longer than 4,096 characters"),
        ("clicks", "utm_source", ["a"], "cannot be read"),
        ("clicks", "user_agent", "a\0b", "holds a NUL character"),
        ("identities", "phone_hash", "12", "not a SHA-256"),
        ("identities", "phone", "n/a", "not a whole phone number, or without a country"),
        ("identities", "created_at", "yesterday", "cannot be read"),
        ("identities", "created_at", "1999-01-01T00:00:00Z", "not a time of this system"),
        ("users", "email_hash", MD5, "not a SHA-256"),
        ("users", "created_at", {}, "cannot be read"),
        ("users", "created_at", "2199-01-01T00:00:00Z", "not a time of this system"),
        ("campaigns", "created_at", "1970-01-01T00:00:00Z", "not a time of this system"),
    ],
)
def test_a_value_is_left_out_and_its_row_is_kept(kind: str, column: str, value: Any, reason: str) -> None:
    row, left_out = rows_of(kind, **{column: value})
    assert left_out == (LeftOut(column, reason),)
    assert (row, ()) == rows_of(kind)


@pytest.mark.parametrize(
    ("gateway", "path"),
    [
        ("guru", "infrastructure.ip"),
        ("hotmart", "data.purchase.buyer_ip"),
        ("kirvano", "ip"),
        ("kiwify", "Customer.ip"),
        ("mercadopago", "additional_info.ip_address"),
        ("monetizze", "comprador.ip"),
        ("perfectpay", "customer.ip"),
        ("shopify", "client_details.browser_ip"),
        ("shopify", "browser_ip"),
        ("woocommerce", "customer_ip_address"),
    ],
)
@pytest.mark.parametrize(
    ("ip", "stored", "noted"),
    [
        ("10.0.0.1", "", 1),
        ("unknown", "", 1),
        (["203.0.113.7"], "", 1),
        (7, "", 1),
        ("203.0.113.7, 10.0.0.1", "203.0.113.7", 0),
        ("[2001:DB8::1]:443", "2001:db8::1", 0),
        ("", "", 0),
        ("  ", "", 0),
        (None, "", 0),
    ],
)
def test_an_address_in_a_webhook_is_read_and_left_out_as_in_a_file(
    gateway: str, path: str, ip: Any, stored: str, noted: int
) -> None:
    payload: Any = deepcopy(PAID[gateway])
    if path == "browser_ip":
        payload["client_details"] = None
    *steps, last = path.split(".")
    inside = payload
    for step in steps:
        inside = inside.setdefault(step, {})
    inside[last] = ip
    (sale,) = CONVERSIONS.webhooks[gateway](payload)
    assert not isinstance(sale, NotTaken)
    context = Context(owners_by_name([Owner("t-1", "acme", "BR")]), "acme", datetime.max.replace(tzinfo=UTC))
    row = READERS["conversions"].of_payload(sale, 1, context)
    assert row.text.split("\t")[CONVERSIONS.columns.index("client_ip")] == stored
    assert context.taken_left_out() == (LeftOut("client_ip", "not a public IP address"),) * noted


def test_white_space_is_no_value() -> None:
    blank = dict.fromkeys(("client_ip", "email", "phone", "customer_email_hash", "first_name", "gender"), "  ")
    assert rows_of("conversions", **blank) == rows_of("conversions")


def test_a_contact_that_can_be_used_stands_in_for_a_hash_that_cannot() -> None:
    row, left_out = rows_of(
        "conversions",
        customer_email_hash=MD5,
        email="Ana@Example.com",
        customer_phone_hash="-",
        phone="0xx11 98765-4321",
    )
    assert (row["customer_email_hash"], row["customer_phone_hash"]) == (HASH, PHONE)
    assert {value.column for value in left_out} == {"customer_email_hash", "customer_phone_hash"}
    row, left_out = rows_of("identities", email_hash=MD5, phone="+55 011 98765-4321")
    assert (row["email_hash"], row["phone_hash"], left_out) == ("", PHONE, (LeftOut("email_hash", "not a SHA-256"),))


def test_an_identity_without_any_contact_is_none() -> None:
    with pytest.raises(Refused, match="neither a usable email nor a usable phone"):
        rows_of("identities", email_hash=MD5, phone="n/a")


@pytest.mark.parametrize("event_name", ["Lead", "complete registration", "quiz_finished"])
@pytest.mark.parametrize(
    ("values", "columns"),
    [
        ({"value": "n/a"}, ["value"]),
        ({"value": ["129.90"], "currency": {"a": 1}}, ["value", "currency"]),
        ({"value": True}, ["value"]),
        ({"value": "1.2.3,4"}, ["value"]),
    ],
)
def test_a_value_that_is_no_number_costs_no_event_but_a_purchase(
    event_name: str, values: dict[str, Any], columns: list[str]
) -> None:
    row, left_out = rows_of("conversions", **values, event_name=event_name)
    assert row["value"] == ""
    assert [value.column for value in left_out] == columns
    for purchase in ("Purchase", "purchase", None, ""):
        with pytest.raises(Refused, match="value"):
            rows_of("conversions", **values, event_name=purchase)


@pytest.mark.parametrize("column", sorted(RECORDS["conversions"]))
def test_what_makes_a_sale_a_sale_refuses_it(column: str) -> None:
    assert column not in CONVERSIONS.optional
    with pytest.raises(Refused):
        rows_of("conversions", **{column: {"a": 1}})
