"""Names, birth dates, genders and ids of buyers."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackai_pipelines.customer_information.person import (
    normalised_birth_date,
    normalised_customer_id,
    normalised_gender,
    normalised_name,
)

MONTHS = {
    1: "January Janeiro enero jan",
    2: "February fevereiro FEBRERO feb",
    3: "March março marzo mar",
    4: "April abril Abr",
    5: "May maio mayo",
    6: "June junho junio",
    7: "July julho julio",
    8: "August agosto aug",
    9: "September setembro septiembre sept",
    10: "October outubro octubre out",
    11: "November novembro noviembre",
    12: "December dezembro diciembre dez",
}


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        (" Mary ", "mary"),
        ("정", "정"),
        ("\u110c\u1165\u11bc", "정"),
        ("Valéry", "valéry"),
        ("Vale\u0301ry", "valéry"),
        ("JOÃO", "joão"),
        ("O'Brien", "obrien"),
        ("D\u2019Ávila", "dávila"),
        ("D\u00b4Ávila", "dávila"),
        ("Anna-Maria", "annamaria"),
        ("Maria  da\tSilva", "maria da silva"),
        ("Maria - Silva", "maria silva"),
        ("Sr. José, Jr.", "sr josé jr"),
        ("कृष्ण", "कृष्ण"),
        ("Ana\u200b\ufeff", "ana"),
        ("Ana\0\ud800", "ana"),
        ("", None),
        (" \t\u3000", None),
        ("-", None),
        (None, None),
        (True, None),
        (["Ana"], None),
    ],
)
def test_names(given_value: object, expected: str | None) -> None:
    assert normalised_name(given_value) == expected


@pytest.mark.parametrize(
    ("given_value", "country", "expected"),
    [
        ("2/16/1997", None, "19970216"),
        ("16/2/1997", None, "19970216"),
        ("16.02.1997", None, "19970216"),
        ("16 02 1997", None, "19970216"),
        ("02-16-1997", "br", "19970216"),
        ("1997-02-16", None, "19970216"),
        ("1997/2/16", None, "19970216"),
        ("19970216", None, "19970216"),
        (19970216, None, "19970216"),
        (19970216.0, None, "19970216"),
        (Decimal(19970216), None, "19970216"),
        ("16021997", None, "19970216"),
        ("02161997", None, "19970216"),
        ("1997-02-16T03:00:00.000Z", None, "19970216"),
        ("16/02/1997 00:00:00", None, "19970216"),
        (date(1997, 2, 16), None, "19970216"),
        (datetime(1997, 2, 16, 3, tzinfo=UTC), None, "19970216"),
        ("February 16th, 1997", None, "19970216"),
        ("16 de fevereiro de 1997", None, "19970216"),
        ("1997 feb 16", None, "19970216"),
        # The second of March, or the third of February.
        ("2/3/1997", "us", "19970203"),
        ("2/3/1997", "br", "19970302"),
        ("02031997", "pt", "19970302"),
        ("2/3/1997", None, None),
        ("3/3/1997", None, "19970303"),
        # The year of the century is a guess.
        ("16/02/97", None, None),
        ("31/02/1997", "br", None),
        ("1997-13-41", None, None),
        ("0000-00-00", None, None),
        ("1899-12-31", None, None),
        ("2100-01-01", None, None),
        ("16 Smarch Feb 1997", None, None),
        ("16 xyz 1997", None, None),
        ("1997", None, None),
        ("9" * 100_000, None, None),
        ("", None, None),
        ("  ", None, None),
        (None, None, None),
        (float("nan"), None, None),
        (Decimal("NaN"), None, None),
    ],
)
def test_birth_dates(given_value: object, country: str | None, expected: str | None) -> None:
    assert normalised_birth_date(given_value, country) == expected


@pytest.mark.parametrize("month", MONTHS)
def test_months_by_name(month: int) -> None:
    for name in MONTHS[month].split():
        assert normalised_birth_date(f"9 {name} 1980", None) == f"1980{month:02}09"


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)), st.sampled_from("/-. "), st.sampled_from([None, "us", "br"]))
def test_any_day_survives_any_way_of_writing_it(day: date, separator: str, country: str | None) -> None:
    expected = day.strftime("%Y%m%d")
    for text in (expected, day.isoformat(), separator.join((str(day.year), str(day.month), str(day.day)))):
        assert normalised_birth_date(text, country) == expected
    local = f"%m{separator}%d{separator}%Y" if country == "us" else f"%d{separator}%m{separator}%Y"
    unclear = country is None and day.day <= 12 and day.day != day.month
    assert normalised_birth_date(day.strftime(local), country) == (None if unclear else expected)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("f F female Female FEMININO feminina femenino mujer mulher woman", "f"),
        ("m M male Masculino masculino hombre homem man", "m"),
        ("x other outro na unknown 1", None),
    ],
)
def test_genders(words: str, expected: str | None) -> None:
    assert {normalised_gender(word) for word in words.split()} == {expected}
    assert normalised_gender(" ") is None


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        (" Cus_9aB ", "Cus_9aB"),
        (207119551, "207119551"),
        (207119551.0, "207119551"),
        ("", None),
        ("\n", None),
        ("a\0b", None),
        ("\ud800", None),
        (None, None),
        ({"id": 1}, None),
    ],
)
def test_customer_ids_keep_their_case(given_value: object, expected: str | None) -> None:
    assert normalised_customer_id(given_value) == expected
