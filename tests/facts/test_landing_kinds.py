"""What a row may be: every rule with its reason, and the same row from every format."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest

from trackai_pipelines.facts.landing import CLICKS, CONVERSIONS, IDENTITIES, KINDS, ConversionRecord, records_of
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.context import Context, Owner, owners_by_name
from trackai_pipelines.ingest.outcomes import LeftOut, Refused, Row
from trackai_pipelines.ingest.records import Fields
from trackai_pipelines.ingest.rows import RowReader
from trackai_pipelines.ingest.streams import Line

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ACME, GLOBEX = Owner("t-1", "acme", "BR"), Owner("t-2", "globex", None)
COLUMNS = {kind.name: kind.columns for kind in KINDS}
READERS = {kind.name: RowReader(kind) for kind in KINDS}
click_row = RowReader(CLICKS).of_record
identity_row = RowReader(IDENTITIES).of_record
conversion_row = RowReader(CONVERSIONS).of_record
SALE = {
    "tenant": "acme",
    "gateway": "stripe",
    "gateway_event_id": "evt_1",
    "value": 129.9,
    "currency": "BRL",
    "occurred_at": "2026-03-10T11:00:00Z",
}
HASH = sha256(b"x").hexdigest()
ANA = sha256(b"ana@example.com").hexdigest()


def _context(folder: str = "landing") -> Context:
    return Context(owners_by_name([ACME, GLOBEX]), folder, NOW + timedelta(hours=24))


def _line(**values: Any) -> Line:
    return Line(1, json.dumps(values).encode())


def _columns(kind: str, row: Row) -> dict[str, str]:
    return dict(zip(COLUMNS[kind], row.text.split("\t"), strict=True))


def _sale(**changes: Any) -> dict[str, str]:
    return _columns("conversions", conversion_row(_line(**(SALE | changes)), _context()))


def _refusal(kind: str, values: dict[str, Any], folder: str = "landing") -> str:
    with pytest.raises(Refused) as refusal:
        READERS[kind].of_record(_line(**values), _context(folder))
    with pytest.raises(Refused) as same:
        READERS[kind].of_record(Fields(1, None, values), _context(folder))
    assert str(same.value) == str(refusal.value)
    return str(refusal.value)


def test_a_conversion_of_a_json_line() -> None:
    row = _sale(
        email=" Ana@Example.com ",
        phone="(11) 91234-5678",
        fbc="fb.1.2.x",
        client_ip="2001:DB8::0001",
        order_id=17,
        created_at="1999-01-01T00:00:00Z",
        colour="left out",
    )
    assert {name: value for name, value in row.items() if value} == {
        "tenant_id": "t-1",
        "gateway": "stripe",
        "gateway_event_id": "evt_1",
        "order_id": "17",
        "event_name": "Purchase",
        "value": "129.9000",
        "currency": "BRL",
        "occurred_at": "2026-03-10T11:00:00+00:00",
        "fbc": "fb.1.2.x",
        "customer_email_hash": ANA,
        "customer_phone_hash": sha256(b"5511912345678").hexdigest(),
        "client_ip": "2001:db8::1",
    }


@pytest.mark.parametrize(
    ("named", "folder", "expected"),
    [
        ({"tenant": "acme"}, "landing", "t-1"),
        ({"tenant": " t-1 "}, "landing", "t-1"),
        ({"tenant_id": "t-2"}, "landing", "t-2"),
        ({"tenant": "acme", "tenant_id": "t-1"}, "acme", "t-1"),
        ({}, "globex", "t-2"),
        ({"tenant": ""}, "globex", "t-2"),
    ],
)
def test_the_tenant_is_named_by_slug_id_or_folder(named: dict[str, str], folder: str, expected: str) -> None:
    values = {name: value for name, value in SALE.items() if name != "tenant"} | named
    row = conversion_row(_line(**values), _context(folder))
    assert _columns("conversions", row)["tenant_id"] == expected


@pytest.mark.parametrize(
    ("named", "folder", "reason"),
    [
        ({}, "landing", "no tenant: neither tenant nor tenant_id is given, and the folder 'landing' is none"),
        ({"tenant": "nobody"}, "acme", "tenant 'nobody' is not known; expected the slug or id of a tenant"),
        ({"tenant": "acme", "tenant_id": "t-2"}, "landing", "tenant_id 't-2' contradicts the tenant 'acme'"),
        ({"tenant": "globex"}, "acme", "tenant 'globex' contradicts the tenant 'acme'"),
        ({"tenant": ["acme"]}, "landing", "tenant is a list; expected text"),
    ],
)
def test_unknown_and_contradicting_tenants_are_refused(named: dict[str, Any], folder: str, reason: str) -> None:
    values = {name: value for name, value in SALE.items() if name != "tenant"} | named
    assert _refusal("conversions", values, folder).startswith(reason)


def test_reasons_never_show_addresses_or_numbers() -> None:
    for value in ("ana.souza@example.com", "+55 11 91234-5678"):
        for field in ("tenant", "currency", "value", "occurred_at"):
            reason = _refusal("conversions", SALE | {field: value})
            assert value not in reason
            assert value.upper() not in reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gateway": None}, "gateway is missing"),
        ({"gateway": "g" * 65}, "gateway has 65 characters; at most 64 are taken"),
        ({"gateway_event_id": "  "}, "gateway_event_id is missing"),
        ({"gateway_event_id": "e" * 513}, "gateway_event_id has 513 characters; at most 512 are taken"),
        ({"gateway_event_id": 1.5}, "gateway_event_id is a number with decimals; expected text"),
        ({"gateway_event_id": True}, "gateway_event_id is true or false; expected text"),
        ({"value": None}, "value is missing"),
        ({"value": ""}, "value is missing"),
        ({"value": "12,90"}, "value '12,90' is not a number"),
        ({"value": "NaN"}, "value is NaN; expected a finite number"),
        ({"value": "Infinity"}, "value is Infinity; expected a finite number"),
        ({"value": "sNaN"}, "value is sNaN; expected a finite number"),
        ({"value": True}, "value is true or false; expected a number"),
        ({"value": -0.01}, "value is negative"),
        ({"value": "1000000000000.0001"}, "value is above 10^12"),
        ({"value": "1e999999"}, "value is above 10^12"),
        ({"currency": "BRLL"}, "currency 'BRLL' is not an ISO 4217 code"),
        ({"currency": "ZZZ"}, "currency 'ZZZ' is not an ISO 4217 code"),
        ({"currency": None}, "currency '' is not an ISO 4217 code"),
        ({"occurred_at": None}, "occurred_at is missing"),
        ({"occurred_at": "yesterday"}, "occurred_at 'yesterday' is not a time; expected ISO 8601"),
        ({"occurred_at": "2026-02-30T00:00:00Z"}, "occurred_at '2026-02-30T00:00:00Z' is not a time"),
        ({"occurred_at": "2026-03-11T12:00:01Z"}, "occurred_at 2026-03-11T12:00:01Z is more than 24 hours ahead"),
        ({"occurred_at": "1999-12-31T23:59:59Z"}, "occurred_at 1999-12-31T23:59:59Z is before the year 2000"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at is out of range"),
        ({"occurred_at": 0}, "occurred_at 1970-01-01T00:00:00Z is before the year 2000"),
        ({"occurred_at": -1}, "occurred_at is not an epoch"),
        ({"occurred_at": 10**20}, "occurred_at is not an epoch"),
        ({"occurred_at": "2026-03-10"}, "occurred_at 2026-03-10 is a date without a time of day"),
        ({"occurred_at": "20260310"}, "occurred_at 2026-03-10 is a date without a time of day"),
        ({"occurred_at": 46091}, "occurred_at 2026-03-10 is a date without a time of day"),
        ({"occurred_at": {}}, "occurred_at is an object; expected a time"),
        ({"order_id": "a\0b"}, "order_id holds a NUL character"),
        ({"order_id": "a" * 4097}, "order_id has 4,097 characters; at most 4,096 are taken"),
        ({"gateway_event_id": "\ud800"}, "gateway_event_id holds half a surrogate pair"),
    ],
)
def test_refused_conversions(changes: dict[str, Any], reason: str) -> None:
    assert _refusal("conversions", SALE | changes).startswith(reason)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0.0000"),
        ("12.3400", "12.3400"),
        (0.1 + 0.2, "0.3000"),
        ("0.1234", "0.1234"),
        ("0.12340000001", "0.1234"),
        (10**12, "1000000000000.0000"),
        ("1e3", "1000.0000"),
        (" 7 ", "7.0000"),
        (99.99, "99.9900"),
    ],
)
def test_amounts_keep_four_decimals_exactly(value: Any, expected: str) -> None:
    assert _sale(value=value)["value"] == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-10T11:00:00", "2026-03-10T11:00:00+00:00"),
        ("2026-03-10 11:00:00.25", "2026-03-10T11:00:00.250000+00:00"),
        ("2026-03-10T08:00:00-03:00", "2026-03-10T11:00:00+00:00"),
        ("20260310T110000Z", "2026-03-10T11:00:00+00:00"),
        (1773140400, "2026-03-10T11:00:00+00:00"),
        (1773140400.5, "2026-03-10T11:00:00.500000+00:00"),
        (1773140400123, "2026-03-10T11:00:00.123000+00:00"),
        ("1773140400", "2026-03-10T11:00:00+00:00"),
        ("1773140400123", "2026-03-10T11:00:00.123000+00:00"),
        ("2026-03-11T12:00:00Z", "2026-03-11T12:00:00+00:00"),
    ],
)
def test_times_are_iso_8601_or_an_epoch(value: Any, expected: str) -> None:
    assert _sale(occurred_at=value)["occurred_at"] == expected


@pytest.mark.parametrize(
    "value",
    [
        datetime.fromisoformat("2026-03-10"),
        datetime(2026, 3, 9, 21, tzinfo=timezone(timedelta(hours=-3))),
    ],
)
def test_times_of_parquet_are_utc_unless_they_say_otherwise(value: Any) -> None:
    row = conversion_row(Fields(1, None, SALE | {"occurred_at": value}), _context())
    assert _columns("conversions", row)["occurred_at"] == "2026-03-10T00:00:00+00:00"


@pytest.mark.parametrize("value", [129.9, Decimal("129.90"), "129.90", "129.9"])
@pytest.mark.parametrize("event_id", [5, 5.0, Decimal(5), "5", " 5 ", b"5"])
def test_other_types_of_other_formats_give_the_same_row(value: Any, event_id: Any) -> None:
    row = conversion_row(Fields(1, None, SALE | {"value": value, "gateway_event_id": event_id}), _context())
    assert row == conversion_row(_line(**(SALE | {"gateway_event_id": "5"})), _context())


def test_hashes_are_lower_cased_and_unusable_contacts_are_no_reason_to_lose_a_sale() -> None:
    row = _sale(customer_email_hash=HASH.upper(), phone="12", email="ana@example.com")
    assert row["customer_email_hash"] == HASH
    assert row["customer_phone_hash"] == ""
    assert _sale(email="not an address")["customer_email_hash"] == ""


def test_malformed_keys_are_facts_and_special_characters_are_escaped_for_copy() -> None:
    row = _sale(fbc="gar\tbage\\N", fbp="\r\n", fbclid=" ")
    assert (row["fbc"], row["fbp"], row["fbclid"]) == ("gar\\tbage\\\\N", "\\r\\n", " ")


def test_the_longest_texts_pass() -> None:
    row = _sale(fbclid="a" * 4096, client_user_agent="é" * 8192)
    assert (len(row["fbclid"]), len(row["client_user_agent"])) == (4096, 8192)


def test_a_line_that_is_no_object_is_refused() -> None:
    for raw in (b"[1]", b'"text"', b"null", b"1"):
        with pytest.raises(Refused, match="not a JSON object"):
            conversion_row(Line(1, raw), _context())
    with pytest.raises(Refused, match="not valid UTF-8"):
        conversion_row(Line(1, json.dumps(SALE).encode()[:-1] + b',"x":"\xff"}'), _context())


def test_a_click_without_an_id_gets_one_from_its_content() -> None:
    content = {"tenant": "acme", "fbclid": "x", "ip": "1.2.3.4", "created_at": "2026-03-10T11:00:00Z"}
    first = click_row(_line(**content), _context())
    same = click_row(
        _line(**(content | {"tenant": "t-1", "created_at": "2026-03-10T08:00:00-03:00", "fbc": ""})), _context()
    )
    other = click_row(_line(**(content | {"tenant": "globex"})), _context())
    assert first == same
    name = _columns("clicks", first)["external_id"]
    assert name.startswith("row:")
    assert len(name) == 36
    assert _columns("clicks", other)["external_id"] != name
    assert _columns("clicks", click_row(_line(**content, external_id=7), _context()))["external_id"] == "7"


def test_clicks_name_their_funnel_and_may_lack_a_time() -> None:
    row = click_row(_line(tenant="acme", funnel_id=3), _context())
    assert row.references == (("funnel_id", "t-1", "3"),)
    assert _columns("clicks", row)["created_at"] == ""
    assert "created_at 2026-03-12" in _refusal("clicks", {"tenant": "acme", "created_at": "2026-03-12"})


def test_identities_need_a_hash_and_may_name_a_click() -> None:
    row = identity_row(_line(tenant="acme", email="ana@example.com", click_external_id=" c-1 "), _context())
    assert row.references == ()
    assert _columns("identities", row)["email_hash"] == ANA
    assert _columns("identities", row)["click_external_id"] == "c-1"
    by_number = identity_row(_line(tenant="acme", phone_hash=HASH, click_id=12), _context())
    assert by_number.references == (("click_id", "t-1", "12"),)
    for given in ({}, {"email": "nobody"}, {"phone": "12"}):
        assert _refusal("identities", {"tenant": "acme", **given}).startswith("neither a usable email nor")
    for click in ("c-1", "-1", str(2**63), "²"):
        left = identity_row(_line(tenant="acme", email_hash=HASH, click_id=click), context := _context())
        assert (left.references, _columns("identities", left)["click_id"]) == ((), "")
        reason = "not a click's number; a producer's own id goes into click_external_id"
        assert context.taken_left_out() == (LeftOut("click_id", reason),)


def test_a_phone_without_a_country_is_completed_with_the_tenants_own() -> None:
    phone = "(11) 91234-5678"
    row = identity_row(_line(tenant="acme", phone=phone), _context())
    assert _columns("identities", row)["phone_hash"] == sha256(b"5511912345678").hexdigest()
    assert _refusal("identities", {"tenant": "globex", "phone": phone}).startswith("neither")


def test_a_gateways_sale_is_held_to_the_same_rules() -> None:
    sale = Sale(
        gateway_event_id="evt_1",
        sale_key="order 1",
        value=Decimal("10.5"),
        currency="BRL",
        occurred_at=NOW,
        email="ana@example.com",
    )
    (record,) = records_of(lambda _: iter([sale]), "kiwify", {})
    assert isinstance(record, ConversionRecord)
    row = _columns("conversions", READERS["conversions"].of_payload(record, 1, _context("acme")))
    assert (row["tenant_id"], row["gateway"], row["sale_key"], row["value"]) == (
        "t-1",
        "kiwify",
        "order 1",
        "10.5000",
    )
    assert row["customer_email_hash"] == ANA
    with pytest.raises(Refused, match="no tenant"):
        READERS["conversions"].of_payload(record, 1, _context("nobody"))


def test_addresses_never_get_through_in_other_columns() -> None:
    row = _sale(
        event_source_url="https://shop.example/thanks?email=Ana%40example.com&src=ana@example.com",
        order_id="ana@example.com-1",
        client_user_agent="app/1 (bob@example.com)",
        fbc="fb.1.1700000000000.ana@example.com",
    )
    assert not [
        value for value in row.values() if "@" in value or "%40" in value or "example.com" in value.lower()[24:]
    ]
    assert row["event_source_url"].startswith("https://shop.example/thanks?email=[e-mail ")
    other = _sale(order_id="bob@example.com-1")
    assert other["order_id"] != row["order_id"], "orders that differ in the address alone stay two orders"
    click = _columns("clicks", click_row(_line(tenant="acme", utm_term="ana@example.com"), _context()))
    assert click["utm_term"].startswith("[e-mail ")


@pytest.mark.parametrize("phone", ["5,51199E+12", "5.51199E+12", 5.51199e17])
def test_a_phone_that_a_spreadsheet_shortened_is_nobodys(phone: Any) -> None:
    with_email = SALE | {"email": "ana@example.com"}
    rows = [conversion_row(Fields(1, None, with_email | {"phone": shown}), _context()) for shown in (None, str(phone))]
    assert rows[0] == rows[1]
