"""Phone numbers as people, tills and checkouts write them, against the numbering plans of every country."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import (
    SUPPORTED_REGIONS,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    example_number_for_type,
    format_number,
    is_valid_number,
)

from trackai_pipelines.customer_information.phone import assigned_phone, normalised_phone

MOBILE, LINE = "5511987654321", "551133334444"
KNOWN: list[tuple[str, PhoneNumber]] = [
    (region, number)
    for region in sorted(SUPPORTED_REGIONS)
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    if (number := example_number_for_type(region, kind)) is not None and is_valid_number(number)
]
EXTENSIONS = (
    "",
    " ext. 5",
    " ramal 12",
    " x5",
    ";ext=77",
    " #3",
    ", ramal: 101",
    " (ramal 4)",
    " extensão 21",
)


def e164(number: PhoneNumber) -> str:
    return format_number(number, PhoneNumberFormat.E164)[1:]


@st.composite
def spelled(draw: st.DrawFn) -> tuple[str, str, str]:
    """A number's region, one of its spellings, and its digits."""
    region, number = draw(st.sampled_from(KNOWN))
    digits = e164(number)
    code = str(number.country_code)
    national = digits[len(code) :]
    metadata = PhoneMetadata.metadata_for_region(region)
    trunk = draw(st.sampled_from(["", "0", "(0)"])) if metadata is not None and metadata.national_prefix == "0" else ""
    separator = draw(st.sampled_from(["", " ", "-", ".", " - "]))
    inside = separator.join((national[:2], national[2:5], national[5:]))
    written = draw(
        st.sampled_from(
            [
                format_number(number, PhoneNumberFormat.NATIONAL),
                format_number(number, PhoneNumberFormat.INTERNATIONAL),
                f"+{code}{separator}{trunk}{inside}",
                f"00{code}{separator}{trunk}{inside}",
                f"tel:+{code}-{inside}",
            ]
        )
    )
    return region, written + draw(st.sampled_from(EXTENSIONS)), digits


@given(spelled())
def test_a_number_of_any_country_in_any_spelling_is_its_digits(known: tuple[str, str, str]) -> None:
    region, written, digits = known
    assert normalised_phone(written, region) == digits


@given(spelled())
def test_a_number_with_its_code_needs_no_country(known: tuple[str, str, str]) -> None:
    _, written, digits = known
    if written.startswith(("+", "00", "tel:")):
        assert normalised_phone(written, None) == digits
        assert normalised_phone(written, "BR") == digits


@pytest.mark.parametrize(
    ("written", "country", "digits"),
    [
        # Trunk prefixes after the country's code, and where none is dialled.
        ("+55 011 98765-4321", None, MOBILE),
        ("55 011 98765-4321", "BR", MOBILE),
        ("55 011 98765-4321", None, MOBILE),
        ("0055 011 98765-4321", "US", MOBILE),
        ("+44 07911 123456", "BR", "447911123456"),
        ("+351 (0)912345678", None, "351912345678"),
        ("+7 8 495 123-45-67", None, "74951234567"),
        ("0650 253 0000", "US", "16502530000"),
        # Italy keeps its zero.
        ("+39 06 6982 1234", "BR", "390669821234"),
        ("+39 (0)6 6982 1234", None, "390669821234"),
        # Carriers of Brazil, chosen or to be chosen.
        ("0xx11 98765-4321", "BR", MOBILE),
        ("(0XX11) 98765-4321", "BR", MOBILE),
        ("0**11 3333-4444", "BR", LINE),
        ("0 15 11 98765-4321", "BR", MOBILE),
        ("+55 0 15 11 98765-4321", None, MOBILE),
        ("+55 (0xx11) 98765-4321", None, MOBILE),
        # Extensions, labels, two numbers, a second +, an appendix.
        ("(11) 3333-4444 ramal 12", "BR", LINE),
        ("+55 11 3333-4444 R: 123", None, LINE),
        ("+1 650-253-0000 x5", None, "16502530000"),
        ("Tel.: (11) 98765-4321", "BR", MOBILE),
        ("(11) 98765-4321 / (11) 3333-4444", "BR", MOBILE),
        ("+55 11 3333-4444 ou +55 11 98765-4321", None, LINE),
        ("+0055 11 98765-4321", None, MOBILE),
        (f"+{MOBILE}.AQYBAQIA", None, MOBILE),
        # An area code that is a country's, too; old numbers keep their digits.
        ("55 98765-4321", "BR", "5555987654321"),
        ("+55 11 8765-4321", "BR", "551187654321"),
        # Nothing says the country, or the area.
        ("11 98765-4321", None, None),
        ("98765-4321", "BR", None),
        ("ramal 12", "BR", None),
        ("+55", "BR", None),
    ],
)
def test_spellings(written: str, country: str | None, digits: str | None) -> None:
    assert normalised_phone(written, country) == digits


def test_a_number_that_no_plan_has_is_not_assigned() -> None:
    assert assigned_phone("11 98765-4321", "BR") == MOBILE
    assert assigned_phone("20 98765-4321", "BR") is None
    assert assigned_phone("+999 1234567", "BR") is None
    assert assigned_phone(None, "BR") is None
