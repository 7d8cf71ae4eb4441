"""Masking: nothing personal survives, what an operator needs does, and no input makes it slow or large."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from trackai_pipelines.ingest.masking import masked, masked_text

EMAIL = "ana.souza+loja@example.com"
DIGEST = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"


def as_stored(copy: object) -> str:
    """The copy as JSON, as it goes to the database: what it must not hold is looked for here."""
    return json.dumps(copy, ensure_ascii=False, allow_nan=False)


PAYLOAD = {
    "id": "545e7d21-8fc4-4906-8fba-dcd7889f6481",
    "hottok": "h0ttok-value",
    "creation_date": 1763247745737,
    "event": "PURCHASE_APPROVED",
    "data": {
        "product": {"name": "Curso de Gelo", "support_email": "suporte@example.com"},
        "buyer": {
            "name": "Ana Souza",
            "email": EMAIL,
            "checkout_phone": "11987654321",
            "checkout_phone_code": "55",
            "document": "12345678909",
            "address": {"street": "Rua das Flores", "number": "315", "city": "Recife", "zipcode": "50000-000"},
        },
        "payer": {"identification": {"type": "CPF", "number": "12345678909"}},
        "phone": {"area_code": "11", "number": 987654321},
        "order": {"order_number": "1234567890", "transaction": "HP16015479281022", "value": Decimal("-49.90")},
        "fbc": "fb.1.1700000000000.IwAR0abcDEF",
        "fbp": "fb.1.1596403881668.1116446470",
        "customer_email_hash": DIGEST.upper(),
        "paidAt": "2025-04-08T14:43:43.575271-03:00",
        "currency": "ZZZ",
        "ip": "203.0.113.7",
        "note_attributes": [{"name": "whatsapp", "value": "11 98765-4321"}, {"name": "colour", "value": "green"}],
        "landing_site": f"/p?email={EMAIL.replace('@', '%40')}&fbclid=IwAR0abc&phone=11987654321",
    },
}


def test_what_is_personal_is_masked() -> None:
    stored = as_stored(masked(PAYLOAD))
    for personal in (
        *("ana.souza", "suporte@", "Ana Souza", "987654321", "98765-4321", "12345678909", "Rua das Flores"),
        *("315", "50000-000", "Recife", "h0ttok-value"),
    ):
        assert personal not in stored, personal


def test_what_tells_the_reason_stays() -> None:
    stored = as_stored(masked(PAYLOAD))
    for readable in (
        *("545e7d21-8fc4-4906-8fba-dcd7889f6481", "1763247745737", "PURCHASE_APPROVED", "Curso de Gelo"),
        *("1234567890", "HP16015479281022", "-49.90", "fb.1.1700000000000.IwAR0abcDEF", "ZZZ", "203.0.113.7"),
        *("fb.1.1596403881668.1116446470", DIGEST.upper(), "2025-04-08T14:43:43.575271-03:00", "fbclid=IwAR0abc"),
        *("colour", "green"),
    ):
        assert readable in stored, readable


@pytest.mark.parametrize(
    "text",
    [
        "falar com ana.souza@example.com hoje",
        "mailto:ANA.SOUZA@EXAMPLE.COM",
        "x=1&email=ana.souza%40example.com&y=2",
        "ana.souza%2540example.com",
        "ana.souza\uff20example.com",
        '{"email":"ana.souza@example.com"}',
        '{\\"email\\":\\"ana.souza@example.com\\"}',
        "ana.souza\\u0040example.com",
        "ana.souza@",
        "a\0n\0a\0.\0s\0o\0u\0z\0a\0@\0e\0x\0",
    ],
)
def test_emails_in_texts(text: str) -> None:
    for copy in (masked({"note": text}), masked({text: 1}), masked_text(text), masked_text(text.encode())):
        stored = as_stored(copy).lower()
        assert "ana.souza" not in stored
        assert "a\\\\u0000n" not in stored


@pytest.mark.parametrize(
    "text", ["+55 11 98765-4321", "ligue (11) 98765-4321", "11 98765-4321", "%2B5511987654321", "5511987654321"]
)
def test_phones_in_texts(text: str) -> None:
    for copy in (masked({"note": text}), masked([text]), masked_text(f"a,{text},b")):
        assert "4321" not in as_stored(copy)


@pytest.mark.parametrize(
    "text",
    [
        "x5511987654321",
        "5511987654321x",
        "tel11987654321fim",
        "x14155504321",
        "x(11) 98765-4321x",
        "tel11 98765-4321x",
        "ligue+55 11 98765-4321x",
        "\u3500511987654321\u2c22\u2200",
        "\u00e9(11) 98765-4321\u00e9",
        "\u00e911-98765-4321\u00e9",
    ],
)
def test_letters_that_touch_its_digits_do_not_hide_a_phone(text: str) -> None:
    """Broken lines are cut and joined anywhere, and bytes of UTF-16 read one byte off look like letters."""
    assert "4321" not in as_stored(masked_text(text))
    assert "4321" not in as_stored(masked_text(f'"u-1","{text}"'.encode("utf-8", "replace")))


@pytest.mark.parametrize(
    "text",
    [
        *("x5511987654321", "5511987654321x", "x(11) 98765-4321x", "tel11 98765-4321x", "ligue+55 11 98765-4321x"),
        *("\u3500511987654321\u2c22\u2200", "\u00e9(11) 98765-4321\u00e9", "\u00e911-98765-4321\u00e9"),
    ],
)
def test_letters_that_touch_its_digits_do_not_hide_a_certain_phone_in_a_value(text: str) -> None:
    assert "4321" not in as_stored(masked({"note": text, "list": [text]}))


@pytest.mark.parametrize("before", ["%20", "%C3", "\\x20", "\\u00e9", '{"a":"\\\\u00e9'])
@pytest.mark.parametrize("phone", ["5511987654321", "11 98765-4321", "11987654321"])
def test_the_digits_of_an_escape_are_not_the_phone_s(before: str, phone: str) -> None:
    assert "4321" not in as_stored(masked_text(f"x{before}{phone}"))
    if phone != "11987654321":
        assert "4321" not in as_stored(masked({"note": f"x{before}{phone}"}))


def test_a_byte_that_is_no_text_does_not_hide_the_phone_after_it() -> None:
    assert "4321" not in as_stored(masked_text(b'\xc35511987654321"\xff(11) 98765-4321 \xe911987654321'))


@pytest.mark.parametrize(
    "line",
    [
        '"1"\t"55115511987654321"\t"2026-03-01T12:00:00Z"',
        "a|https://shop.example.com/p?fbclid=89wAR5511987654321|Sorocaba",
        "5511987654321" + "5511987654321" * 9,
        "9" * 5000 + "5511987654321",
    ],
)
def test_texts_that_run_into_each_other_hide_no_phone(line: str) -> None:
    assert "5511987654321" not in as_stored(masked_text(line))


@pytest.mark.parametrize("more", ["9" * 20, "9" * 3_000, "a" * 25, "undefined" * 3, "0" * 51])
@pytest.mark.parametrize("phone", ["5511987654321", "14155504321"])
def test_what_is_glued_to_a_phone_makes_no_hash_of_it(phone: str, more: str) -> None:
    """A hash in a field of a phone is shown, as it says why the row was refused; it changes between letters and
    digits all the time."""
    assert masked({"phone": phone + more}) == {"phone": "[phone masked]"}
    assert phone not in as_stored(masked_text(f'{{"phone": "{phone}{more}", '))


@pytest.mark.parametrize(
    "text",
    [
        *("HP16015479281022", "evt_12345678901", "pi_3N_12345678901_abc", "cus_11987654321"),
        *(DIGEST, DIGEST.upper(), "d41d8cd98f00b204e9800998ecf8427e", "545e7d21-8fc4-4906-8fba-dcd7889f6481"),
    ],
)
def test_ids_with_letters_stay(text: str) -> None:
    assert masked({"note": text, "order_id": text}) == {"note": text, "order_id": text}
    assert masked_text(f'{{"note": "{text}", ') == f'{{"note": "{text}", '


NO_PHONES = st.one_of(
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-3))])).map(datetime.isoformat),
    st.datetimes().map(lambda moment: f"{moment:%Y-%m-%d %H:%M:%S}"),
    st.dates().map(date.isoformat),
    st.decimals(0, 10**10, places=2).map(str),
    st.integers(0, 10**7).map(lambda number: f"R$ {number // 100:,}.{number % 100:02}"),
    st.integers(0, 10**9 - 1).map(str),
    st.from_regex(r"\A(?:HP|ORD-|evt_|pi_|#)[0-9]{4,9}\Z"),
    st.uuids().map(str),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
    st.ip_addresses(v=4).map(str),
    st.from_regex(r"\Afb\.1\.17[0-9]{11}\.[A-Za-z_-]{20,60}\Z"),
)


@given(NO_PHONES, st.sampled_from(["note", "text", "status", "reason", "title"]))
def test_what_is_no_phone_is_not_called_one(text: str, field: str) -> None:
    assert masked({field: text}) == {field: text}
    assert masked({"order_id": text, "created_at": text, "list": {"amount": text}}) == {
        "order_id": text,
        "created_at": text,
        "list": {"amount": text},
    }


@given(st.emails(domains=st.just("example.com")), st.sampled_from(["note", "email", "phone_or_email", "order_id"]))
def test_an_address_is_not_called_a_phone(email: str, field: str) -> None:
    shown = as_stored(masked({field: email}))
    assert email not in shown
    assert "[phone masked]" not in shown or "phone" in field


@given(st.integers(10**9, 10**13 - 1), st.sampled_from(["order_id", "transaction", "created", "amount", "sku", "id"]))
def test_digits_in_a_field_of_ids_amounts_or_times_stay(number: int, field: str) -> None:
    assume(not re.fullmatch("55[1-9][1-9]9[0-9]{8}", str(number)))
    assert masked({field: str(number), "payload": {field: number}}) == {field: str(number), "payload": {field: number}}


def test_a_bare_phone_in_the_wrong_column() -> None:
    """A row with a field too few: the number stands under another name."""
    assert masked({"currency": "11987654321", "order_id": "11987654321"}) == {
        "currency": "[phone masked]",
        "order_id": "11987654321",
    }


def test_a_broken_line_keeps_what_tells_the_reason() -> None:
    line = (
        '{"gateway_event_id": "12345678901", "occurred_at": "2025-04-08T14:43:43.575271-03:00", "fbp": '
        '"fb.1.1596403881668.1116446470", "email_hash": "' + DIGEST + '", "phone": "(11) 98765-4321", '
        '"contact": 11987654321, "token": "s3cret, value", "next_payment_date": "2025-04-22T16:09:04.032882-03:00", '
        '"client_ip": "203.113.100.107", "full_name": "Ana Souza", "value": 49.9'
    )
    shown = str(masked_text(line))
    for readable in (
        *("12345678901", "2025-04-08T14:43:43.575271-03:00", "fb.1.1596403881668.1116446470", DIGEST, "49.9"),
        *("2025-04-22T16:09:04.032882-03:00", "203.113.100.107"),
    ):
        assert readable in shown, readable
    for personal in ("4321", "s3cret", 'value",', "Ana Souza"):
        assert personal not in shown, personal


def test_ids_do_not_hide_phones_in_words_that_end_like_them() -> None:
    assert "987654321" not in str(masked_text("paid: 11987654321 contacts: 11987654321"))


def test_bytes_that_are_no_text_are_shown() -> None:
    assert masked_text(b"caf\xe9,\0,1") == "caf\\xe9,\\u0000,1"


def test_json_that_postgresql_refuses_is_made_visible() -> None:
    copy = masked({"a\0": "x\0y", "b": "\ud800", "c": float("nan"), "d": Decimal("Infinity"), "e": 10**5000})
    assert copy == {
        "a\\u0000": "x\\u0000y",
        "b": "\\ud800",
        "c": "nan",
        "d": "Infinity",
        "e": "[a number of 16,610 bits]",
    }


def test_values_of_columns() -> None:
    moment = datetime(2025, 4, 8, tzinfo=UTC)
    row = {"at": moment, "key": UUID(int=7), "raw": b"\xff", "phone": 11987654321, "email": None, "mobile": ""}
    assert masked(row) == {
        "at": "2025-04-08T00:00:00+00:00",
        "key": "00000000-0000-0000-0000-000000000007",
        "raw": "\\xff",
        "phone": "[phone masked]",
        "email": None,
        "mobile": "",
    }


def test_keys_that_masking_makes_equal_are_all_kept() -> None:
    assert masked({"a@example.com": 1, "b@example.com": 2}) == {"[e-mail masked]": 1, "[e-mail masked] (2)": 2}


@pytest.mark.parametrize("before", range(1960, 2010, 7))
def test_the_cut_comes_after_the_masking(before: int) -> None:
    text = "x " * (before // 2) + f" {EMAIL} +5511987654321 " + "y" * 5000
    for copy in (masked(text), masked_text(text)):
        shown = str(copy)
        assert "ana." not in shown
        assert "5511" not in shown
        assert len(shown) < 2100
        assert shown.endswith(" characters in all]")


def test_where_masking_shortens_the_head_no_half_address_appears() -> None:
    text = f"{'a' * 100}@{'b' * 100}.example.com " * 11 + "y" * 120 + "ana.souza@example.com" + " z" * 9999
    for start in range(0, 200, 5):
        assert "ana.s" not in str(masked(text[start:]))


@pytest.mark.parametrize(
    "payload",
    [
        {"items": [{"name": "\U0001f600" * 3000}] * 10_000},
        {f"field {number}": EMAIL for number in range(100_000)},
        [[[]]] * 100_000,
        {"data": {"a": list(range(1_000_000))}, "id": 7},
        "@" * 10_000_000,
        "+1 (" * 2_500_000,
        "phone=" * 1_600_000,
        "%40" * 3_300_000,
        "\0" * 10_000_000,
        "a" * 10_000_000,
    ],
    ids=lambda payload: f"{type(payload).__name__}-{len(payload)}",
)
def test_any_size_is_bounded(payload: object) -> None:
    """Work that grew with the square of such a size would not come to an end."""
    copy = masked(payload)
    line = masked_text(payload) if isinstance(payload, str) else None
    assert len(as_stored(copy).encode()) <= 64_000
    assert len(as_stored(line).encode()) <= 64_000


def test_what_lies_beyond_the_bounds_is_not_looked_at() -> None:
    class Counted(list[str]):
        looked_at = 0

        def __iter__(self) -> Iterator[str]:
            for entry in super().__iter__():
                type(self).looked_at += 1
                yield entry

    masked({"items": Counted(["x" * 1_000] * 100_000)})
    assert Counted.looked_at < 100


def test_what_is_left_out_is_counted() -> None:
    stored = as_stored(masked({"data": {"a": ["x" * 1000] * 1000}, "z": 1}))
    assert stored.endswith(
        '"[not kept: the payload is too large]", "[944 more entries not kept]"]}, "...": "[1 more fields not kept]"}'
    )
    assert as_stored(masked({"a": "x" * 1000, "b": ["y" * 2000] * 27, "c": "z" * 1900, "d": 1})).endswith(
        '"c": "[not kept: the payload is too large]", "...": "[1 more fields not kept]"}'
    )


def test_any_depth_is_bounded() -> None:
    payload: object = EMAIL
    for _ in range(900):
        payload = {"a": [payload]}
    assert "nested deeper than 32 levels" in as_stored(masked(payload))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


@given(JSON_VALUES)
def test_any_payload_becomes_storable_json(payload: object) -> None:
    stored = as_stored(masked(payload))
    stored.encode()
    assert "\\u0000" not in stored.replace("\\\\u0000", "")


@given(st.text() | st.binary())
def test_any_line_becomes_storable_json(line: str | bytes) -> None:
    stored = as_stored(masked_text(line))
    stored.encode()
    assert "\\u0000" not in stored.replace("\\\\u0000", "")


@given(
    st.emails(),
    st.text(max_size=20),
    st.sampled_from(["", " ", "<", '"', "email=", "\n", "\u3000"]),
    st.sampled_from(["note", "email", "value", "\u00e9"]),
)
def test_no_email_survives(email: str, around: str, before: str, key: str) -> None:
    text = f"{around}{before}{email} {around}"
    for copy in (masked({key: text, email: [text]}), masked_text(text), masked_text(text.encode("utf-8", "replace"))):
        assert email not in as_stored(copy).replace('\\"', '"').replace("\\\\", "\\")


NUMBERS = st.from_regex(r"\A[1-9][0-9] ?\(?[1-9][0-9]\)? ?9[0-9]{4}[ -]?[0-9]{4}\Z")


@given(NUMBERS, st.text(alphabet="ab ,;.\u00e9\u3500", max_size=20))
def test_no_phone_survives(number: str, around: str) -> None:
    for copy in (
        masked({"note": f"{around} +{number} {around}", "Mobile": number, "phone": {"number": number}}),
        masked_text(f"{around} {number},{around}"),
        masked_text(f'{around}"phone":"{number}"{around}'),
        masked_text(f"{around}{number}{around}"),
        masked_text(f"{around}+{number}{around}"),
    ):
        assert number not in as_stored(copy)
