"""Cities, states, postal codes and countries; pycountry knows the standards from a source of its own."""

import unicodedata

import pycountry
import pytest

from trackai_pipelines.customer_information.codes import COUNTRIES, COUNTRY_NAMES
from trackai_pipelines.customer_information.place import (
    normalised_city,
    normalised_country,
    normalised_postal_code,
    normalised_state,
)


def without_accents(text: str) -> str:
    return unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode()


def test_all_states_of_brazil() -> None:
    states = pycountry.subdivisions.get(country_code="BR")
    assert len(states) == 27
    for state in states:
        code = state.code.removeprefix("BR-").lower()
        name = state.name
        for written in (name, without_accents(name), name.upper(), f" {without_accents(name).lower()} ", code.upper()):
            for country in ("br", None):
                assert normalised_state(written, country) == code, written
        assert normalised_state(state.code, None) == code


def test_all_states_of_the_united_states() -> None:
    for state in pycountry.subdivisions.get(country_code="US"):
        if state.type in {"State", "District"}:
            code = state.code.removeprefix("US-").lower()
            for written in (state.name, state.name.upper(), code, code.upper()):
                assert normalised_state(written, "us") == normalised_state(written, None) == code, written


@pytest.mark.parametrize(
    ("given_value", "country", "expected"),
    [
        # A state's name is another thing elsewhere.
        ("Amazonas", "co", "amazonas"),
        ("Georgia", "br", "georgia"),
        ("Île-de-France", "fr", "îledefrance"),
        ("Nuevo León", None, "nuevoleón"),
        ("N.Y.", None, "ny"),
        ("Washington, D.C.", "us", "dc"),
        ("", "br", None),
        ("  ", None, None),
        ("-", None, None),
        (None, None, None),
    ],
)
def test_states(given_value: object, country: str | None, expected: str | None) -> None:
    assert normalised_state(given_value, country) == expected


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ("New York", "newyork"),
        ("São Paulo", "sãopaulo"),
        ("Sa\u0303o Paulo", "sãopaulo"),
        ("Santa Bárbara d'Oeste", "santabárbaradoeste"),
        ("ST. LOUIS", "stlouis"),
        ("25 de Mayo", "25demayo"),
        ("", None),
        (" \n", None),
        (None, None),
    ],
)
def test_cities(given_value: object, expected: str | None) -> None:
    assert normalised_city(given_value) == expected


@pytest.mark.parametrize(
    ("given_value", "country", "expected"),
    [
        ("01310-100", "br", "01310100"),
        ("01.310-100", None, "01310100"),
        (1310100, "br", "1310100"),
        ("94035-1234", "us", "94035"),
        ("94035 1234", "us", "94035"),
        ("94035", "us", "94035"),
        (2139, "us", "02139"),
        ("94035-1234", None, "94035"),
        ("94035-1234", "br", "940351234"),
        ("SW1A 1AA", "gb", "sw1a1aa"),
        ("n/a", "us", None),
        ("", "us", None),
        (" - ", None, None),
        (None, None, None),
    ],
)
def test_postal_codes(given_value: object, country: str | None, expected: str | None) -> None:
    assert normalised_postal_code(given_value, country) == expected


def test_every_country_by_its_code() -> None:
    codes = {country.alpha_2.lower() for country in pycountry.countries}
    assert codes == COUNTRIES
    for code in codes:
        assert normalised_country(code.upper()) == normalised_country(f" {code}. ") == code


def test_no_name_is_of_another_country() -> None:
    """Where pycountry knows a name or an alpha-3 code of our table, it means the same country."""
    known = 0
    for name, code in COUNTRY_NAMES.items():
        assert code in COUNTRIES
        found = pycountry.countries.get(alpha_3=name.upper())
        known += found is not None
        assert found is None or found.alpha_2.lower() == code, name
    for country in pycountry.countries:
        names = {country.name, getattr(country, "common_name", country.name)}
        assert {normalised_country(name) for name in names} <= {country.alpha_2.lower(), None}, names
    assert known > 60


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [
        ("United States", "us"),
        ("united states of america", "us"),
        ("Estados Unidos da América", "us"),
        ("EE. UU.", "us"),
        ("U.S.A.", "us"),
        ("Brasil", "br"),
        ("BRAZIL", "br"),
        ("BRA", "br"),
        ("España", "es"),
        ("Japão", "jp"),
        ("UK", "gb"),
        ("Reino Unido", "gb"),
        ("Atlantis", None),
        ("zz", None),
        ("", None),
        (" ", None),
        (None, None),
        (55, None),
    ],
)
def test_countries(given_value: object, expected: str | None) -> None:
    assert normalised_country(given_value) == expected
