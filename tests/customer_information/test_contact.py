"""E-mail addresses, phone numbers and IP addresses: the rules, what cannot be used, and the work it takes."""

import sys
from collections.abc import Callable
from decimal import Decimal
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.customer_information.contact import email_hash, normalised_email, phone_hash
from trackai_pipelines.customer_information.hashing import already_hashed, is_sha256, sha256_hex
from trackai_pipelines.customer_information.phone import normalised_phone

MOBILE = "5511999990000"


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        (" Ana@Example.COM\n", "ana@example.com"),
        ("\u00a0ana@example.com\u3000", "ana@example.com"),
        ("josé@exemplo.com.br", "josé@exemplo.com.br"),
        ("teste", None),
        ("@example.com", None),
        ("ana@", None),
        ("ana maria@example.com", None),
        ("ana\0@example.com", None),
        ("ana\ud800@example.com", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_an_email_is_trimmed_and_lower_case_or_nothing(given_value: object, expected: str | None) -> None:
    assert normalised_email(given_value) == expected
    assert email_hash(given_value) == (sha256_hex(expected) if expected else None)


@pytest.mark.parametrize(
    ("given_value", "country", "expected"),
    [
        ("+55 (11) 99999-0000", None, MOBILE),
        ("+55 11 99999.0000", "US", MOBILE),
        ("0055 11 99999-0000", None, MOBILE),
        (MOBILE, None, MOBILE),
        (MOBILE, "BR", MOBILE),
        (MOBILE, "US", MOBILE),
        (int(MOBILE), "BR", MOBILE),
        ("551133334444", "BR", "551133334444"),
        ("(11) 99999-0000", "BR", MOBILE),
        ("011 99999-0000", "BR", MOBILE),
        ("0 15 11 99999-0000", "br", MOBILE),
        # 55 is an area of Brazil as well as its calling code.
        ("55 99999-0000", "BR", "5555999990000"),
        ("650 555 1212", "US", "16505551212"),
        ("16505551212", "US", "16505551212"),
        # A full number of a range that is not assigned.
        ("555-625-1199", "US", "15556251199"),
        ("+44 (0)20 7946 0958", None, "442079460958"),
        ("06 1234 5678", "IT", "390612345678"),
        ("+1 650 555 1212 ext. 5", None, "16505551212"),
        ("\uff0b55 11 \u0669\u0669\u0669\u0669\u0669-0000", None, MOBILE),
        # Nothing says which country, or which area, these are of.
        ("11999990000", None, None),
        ("4155551212", None, None),
        ("99999-0000", "BR", None),
        ("11999990000", "XX", None),
        ("99999999999999999900", "BR", None),
        ("+0511999990000", None, None),
        ("n/a", "BR", None),
        ("", "BR", None),
        ("9" * 100_000, "BR", None),
        (None, "BR", None),
        (True, "BR", None),
        (-5511999990000, "BR", None),
    ],
)
def test_a_phone_is_completed_or_dropped(given_value: object, country: str | None, expected: str | None) -> None:
    assert normalised_phone(given_value, country) == expected
    assert phone_hash(given_value, country) == (sha256_hex(expected) if expected else None)


def test_a_hash_is_passed_on() -> None:
    digest = sha256_hex("ana@example.com")
    assert email_hash(f" {digest.upper()} ") == digest
    assert phone_hash(digest, None) == digest
    assert already_hashed(digest[:-1]) is None
    assert already_hashed("g" * 64) is None
    assert already_hashed(None) is None
    assert is_sha256(digest)
    assert not any(map(is_sha256, (digest.upper(), f" {digest}", digest[1:], f"{digest}\n", "g" * 64)))


@given(st.text())
def test_any_text_gives_a_hash_or_nothing(text: str) -> None:
    for result in (email_hash(text), phone_hash(text, "BR"), phone_hash(text, None)):
        assert result is None or already_hashed(result) == result


@given(st.integers(min_value=10**6, max_value=10**14), st.sampled_from(["", " ", "-", "."]))
def test_separators_change_nothing(number: int, separator: str) -> None:
    digits = f"+{number}"
    assert normalised_phone(separator.join(digits), None) == normalised_phone(digits, None)


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        (" 203.0.113.7 ", "203.0.113.7"),
        ("2001:DB8::1", "2001:db8::1"),
        ("0.0.0.0", None),
        ("::", None),
        ("fe80::1%eth0", None),
        ("203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("unknown", None),
        (None, None),
        (Decimal(7), None),
    ],
)
def test_addresses(given_value: object, expected: str | None) -> None:
    assert address_of(given_value) == expected


def _calls(function: Callable[[], object]) -> int:
    """How many calls a function makes, of Python's and of C's."""
    made = 0

    def count(_: FrameType, event: str, __: object) -> None:
        nonlocal made
        made += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return made


@pytest.mark.parametrize("phone", ["+55 11 99999-0000", "5511999990000", "+351 911 999 990"])
def test_a_hash_takes_few_steps(phone: str) -> None:
    """A load makes millions: addresses, and numbers with their country's code, do not go through the library of
    numbering plans, which takes more than a hundred calls for a number."""
    phone_hash(phone, "BR")
    assert _calls(lambda: email_hash("Ana.Maria@Example.com")) < 20
    assert _calls(lambda: phone_hash(phone, "BR")) < 40
