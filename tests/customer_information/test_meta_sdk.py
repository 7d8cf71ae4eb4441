"""Agreement with Meta's own SDK (`facebook-business`) wherever that follows Meta's documentation.

Each difference is a test of its own: it names what the documentation says and what the SDK does instead.
"""

from string import ascii_letters, ascii_lowercase, digits

import pycountry
import pytest
from facebook_business.adobjects.serverside.normalize import Normalize
from hypothesis import assume, given
from hypothesis import strategies as st

from trackai_pipelines.customer_information.contact import email_hash, phone_hash
from trackai_pipelines.customer_information.hashing import sha256_hex
from trackai_pipelines.customer_information.parameters import hashed_parameters

# Composed letters of names, none of which changes its form in lower case.
LETTERS = ascii_letters + "áàâãäçéêëíñóôõöúüÁÀÂÃÄÇÉÊËÍÑÓÔÕÖÚÜßøåæłşğ정민王李"
SPACE = st.sampled_from(["", " ", "\t", "\n", "  "])
WORDS = st.lists(st.text(LETTERS, min_size=1, max_size=12), min_size=1, max_size=4).map(" ".join)


def ours(name: str, value: str, country: str | None = None) -> str | None:
    return hashed_parameters({name: value}, country).get(name)


def theirs(name: str, value: str) -> str | None:
    found = Normalize.normalize_field(name, value)
    assert found is None or isinstance(found, str)
    return found


@given(st.emails(), SPACE, SPACE)
def test_emails(address: str, before: str, after: str) -> None:
    value = f"{before}{address}{after}"
    assert email_hash(value) == theirs("em", value)


# Theirs knows no numbering plan: a trunk prefix after the country's code stays. No number here has one.
@given(
    st.builds(int, st.from_regex(r"(1[2-9]|33[1-9]|44[1-9]|55[1-8]|351[1-9])[0-9]{8,9}", fullmatch=True)),
    st.sampled_from(["", " ", "-"]),
    st.sampled_from(["+", "00"]),
)
def test_phones_with_their_country_code(number: int, separator: str, prefix: str) -> None:
    value = prefix + separator.join(str(number))
    assert phone_hash(value, None) == theirs("ph", value)


@pytest.mark.parametrize("name", ["fn", "ln"])
@given(value=WORDS, before=SPACE, after=SPACE)
def test_names(name: str, value: str, before: str, after: str) -> None:
    assert ours(name, f"{before}{value}{after}") == theirs(name, f"{before}{value}{after}")


@given(WORDS, st.sampled_from([".", "-", " - ", ". ", "(", ")"]))
def test_cities(value: str, noise: str) -> None:
    city = value.replace(" ", noise)
    assert ours("ct", city) == theirs("ct", city)


@given(st.text(ascii_letters, min_size=2, max_size=2) | WORDS)
def test_states_that_are_codes_or_have_none(value: str) -> None:
    """With a country that has no table of ours; in the two that have one, codes are all that is comparable."""
    assert ours("st", value, "fr") == theirs("st", value)
    if len(value) == 2:
        assert ours("st", value, "br") == ours("st", value, "us") == theirs("st", value)


@given(st.text(ascii_letters + digits + " ", max_size=10))
def test_postal_codes_without_a_dash(value: str) -> None:
    assume(value.strip())
    assert ours("zp", value, "gb") == theirs("zp", value)


@given(st.from_regex(r"\A[0-9]{5}(-[0-9]{4})?\Z"))
def test_postal_codes_of_the_united_states(value: str) -> None:
    assert ours("zp", value, "us") == theirs("zp", value)


@given(st.sampled_from([country.alpha_2 for country in pycountry.countries]), SPACE)
def test_country_codes(code: str, space: str) -> None:
    for value in (f"{space}{code}{space}", code.lower()):
        assert ours("country", value) == theirs("country", value)


@given(st.sampled_from(["f", "m", "F", " M "]))
def test_genders(value: str) -> None:
    assert ours("ge", value) == theirs("ge", value)


@given(st.dates().filter(lambda day: 1900 <= day.year < 2100).map(lambda day: day.strftime("%Y%m%d")), SPACE)
def test_birth_dates_in_their_form(value: str, space: str) -> None:
    assert ours("db", value + space) == theirs("db", value + space)


@given(st.text(ascii_lowercase + digits + "-_", min_size=1, max_size=31), SPACE)
def test_customer_ids(value: str, space: str) -> None:
    assert ours("external_id", value + space) == theirs("external_id", value + space)


@given(st.from_regex(r"\A[0-9a-fA-F]{64}\Z"))
def test_hashes_are_passed_on(value: str) -> None:
    for name in ("fn", "ln", "ct", "st", "zp", "country", "db", "ge", "external_id"):
        assert ours(name, value) == theirs(name, value)
    assert email_hash(value) == phone_hash(value, None) == theirs("em", value)


def test_difference_names_keep_their_punctuation_in_the_sdk() -> None:
    """Documented: lower case with no punctuation."""
    assert ours("fn", "O'Brien") == sha256_hex("obrien")
    assert theirs("fn", "O'Brien") == sha256_hex("o'brien")


def test_difference_cities_lose_their_digits_in_the_sdk() -> None:
    """Documented: no punctuation, no special characters, no spaces; nothing of digits."""
    assert ours("ct", "25 de Mayo") == sha256_hex("25demayo")
    assert theirs("ct", "25 de Mayo") == sha256_hex("demayo")


def test_difference_apostrophes_of_cities_stay_in_the_sdk() -> None:
    assert ours("ct", "Santa Bárbara d'Oeste") == sha256_hex("santabárbaradoeste")
    assert theirs("ct", "Santa Bárbara d'Oeste") == sha256_hex("santabárbarad'oeste")


def test_difference_names_of_states_stay_names_in_the_sdk() -> None:
    """Documented: the two-letter code."""
    for name, country, code in (("California", "us", "ca"), ("São Paulo", "br", "sp")):
        assert ours("st", name, country) == sha256_hex(code)
        assert theirs("st", name) == sha256_hex(name.lower().replace(" ", ""))


def test_difference_postal_codes_end_at_their_dash_in_the_sdk() -> None:
    """Documented: no spaces and no dash; only a ZIP code of the United States is cut."""
    assert ours("zp", "01310-100", "br") == sha256_hex("01310100")
    assert theirs("zp", "01310-100") == sha256_hex("01310")


def test_difference_names_of_countries_are_refused_by_the_sdk() -> None:
    """Documented: `United States` is an example, hashed as `us`."""
    assert ours("country", "United States") == sha256_hex("us")
    with pytest.raises(TypeError, match="Invalid format for country"):
        theirs("country", "United States")


def test_difference_birth_dates_are_not_read_by_the_sdk() -> None:
    """Documented: YYYYMMDD; the printed example is given as 2/16/1997."""
    assert ours("db", "2/16/1997") == sha256_hex("19970216")
    assert theirs("db", "2/16/1997") == sha256_hex("2/16/1997")


def test_difference_genders_in_words_are_not_read_by_the_sdk() -> None:
    """Documented: f or m."""
    assert ours("ge", "Female") == sha256_hex("f")
    assert theirs("ge", "Female") == sha256_hex("female")


def test_difference_customer_ids_lose_their_case_in_the_sdk() -> None:
    """Documented: any unique id of the advertiser's; nothing of case."""
    assert ours("external_id", "Cus_9aB") == sha256_hex("Cus_9aB")
    assert theirs("external_id", "Cus_9aB") == sha256_hex("cus_9ab")


def test_difference_md5_is_passed_on_by_the_sdk() -> None:
    """Documented: SHA-256 is the only hash."""
    value = "d41d8cd98f00b204e9800998ecf8427e"
    assert ours("external_id", value) == sha256_hex(value)
    assert theirs("external_id", value) == value


def test_difference_white_space_is_hashed_by_the_sdk() -> None:
    assert ours("fn", "  ") is None
    assert theirs("fn", "  ") == sha256_hex("")


def test_difference_phones_without_a_country_code_are_hashed_as_they_are_by_the_sdk() -> None:
    """Documented: with the country code always."""
    assert phone_hash("(11) 99999-0000", "BR") == sha256_hex("5511999990000")
    assert phone_hash("(11) 99999-0000", None) is None
    assert theirs("ph", "(11) 99999-0000") == sha256_hex("11999990000")
