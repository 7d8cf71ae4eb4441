"""What stands for "none" is recognised in every spelling and encoding, and nothing that Meta makes is taken for it."""

import base64
from hashlib import sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trackai_pipelines.customer_information.placeholders import is_placeholder, known_contact, known_parameters

# Written by hand, not taken from the list: what bug reports and pages show.
SEEN = [
    "undefined", "Undefined", "UNDEFINED", '"undefined"', "'undefined'", "%22undefined%22", "%2522undefined%2522",
    "%75ndefined", "%2575%256E%2564%2565%2566%2569%256E%2565%2564", "undefined,undefined", "undefined-null",
    "null", "NULL", "null+", "+null", "%20null", "null%0A", "%C2%A0null", "“null”", "&quot;null&quot;",
    "&#34;null&#34;",
    "none", "None", "nil", "NaN", "n/a", "N/A", "n%2Fa", "NA", "void", "true", "False", "0", "00", "0-0", "string",
    "-", "--", "_", "+", "%20", "***", '""', "{}", "[]", "()", "%7B%7D", "[object", "null]", "[redacted]",
    "[object%20Object]", "%5Bobject+Object%5D", "object+Object", "notset", "not_set", "(not+set)", "%28not%20set%29",
    "(direct)", "{{x}}", "{x}", "${x}", "#{x}", "{%x%}", "__X__", "__x__", "%5F%5FX%5F%5F", "%7Bx%7D", "%257Bx%257D",
    "{{fbclid}}", "%7B%7Bfbclid%7D%7D", "%%FBCLID%%", "%fbclid%", "%25fbclid%25", "<fbclid>", "%3Cfbclid%3E",
    "&lt;fbclid&gt;", "<?=$_GET['fbclid']?>", "[fbclid]", "[[click_id]]", "$fbclid", "%24click_id", "@@click@@",
    "##click##",
    "*|CLICK|*", "||click||", "FBCLID", "fbclid", "fbc", "_fbc", "click_id", "clickid", "YOUR_FBCLID", "fbclid_here",
    "nao_informado", "vazio", "{{" + "a_very_long_name_of_a_macro_" * 3 + "}}",
    "__CAMPAIGN_CLICK_IDENTIFIER_OF_THE_AD__",
]  # fmt: skip
# Short ids of other programs, tests and encodings that lost nothing; and words that only begin like one.
OTHERS = [
    "AbC", "abc", "x", "a", "n", "1", "10", "100", "-1", "click0", "click-1", "click", "id", "test", "test123",
    "IwAR1",
    "nullable", "undefinedness", "Null1", "nonesuch", "nano", "nn", "0x0", "_a", "a__", "__a", "a_null",
    "IwAR0abc%3D",
    "AA==", "IwAR0%2Babc", "%41%42", "a&b", "fb", "object1", "truefalse", "a{", "}a", "a>b<c",
]  # fmt: skip
WORDS = ("undefined", "null", "none", "nan", "0", "n/a", "not set", "{{x}}", "{x}", "[object Object]", "")
FRAMES = ("__X__", "%x%", "(x)", "*|x|*", "@@x@@", "#x#", "$x")


@pytest.mark.parametrize("text", SEEN)
def test_what_stands_for_none_is_recognised(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", OTHERS)
def test_other_short_texts_may_be_click_ids(text: str) -> None:
    assert not is_placeholder(text)


@st.composite
def encoded(draw: st.DrawFn, words: st.SearchStrategy[str]) -> str:
    """A word in any case, with marks around it, some or all of it percent-encoded once, twice or three times."""
    word = draw(words)
    text = "".join(draw(st.sampled_from((sign.upper(), sign.lower()))) for sign in word)
    marks = st.text("\"'+ -" if word in FRAMES else "\"'+ -_.,;:\t\u00a0\u201c", max_size=3)
    text = draw(marks) + text + draw(marks)
    times = draw(st.integers(0, 3))
    if times:
        letters, signs = draw(st.booleans()), draw(st.booleans())
        text = "".join(
            "".join(f"%{byte:02X}" for byte in sign.encode())
            if sign == "%" or (letters if sign.isalnum() else signs)
            else sign
            for sign in text
        )
    text = text.replace("%", "%" + "25" * max(0, times - 1))
    return "".join(text.replace(".", "%2E").split())


@given(encoded(st.sampled_from(WORDS + FRAMES)))
def test_no_case_and_no_encoding_makes_a_key_of_it(text: str) -> None:
    assert text == "" or is_placeholder(text)


@given(st.binary(min_size=24, max_size=380), st.sampled_from(("", "IwAR", "IwY2xjaw", "IwZXh0bgNhZW0")))
@example(b"\xff" * 24, "")
@example(b"\x9e\xe9\x65" * 8, "")
def test_no_id_of_metas_form_is_refused(random: bytes, start: str) -> None:
    made = start + base64.urlsafe_b64encode(random).decode().rstrip("=")
    # Two underscores on either side are a template's; Meta's ids begin with a letter.
    assert made.startswith("_") or not is_placeholder(made)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{31,511}", fullmatch=True))
def test_long_texts_of_letters_and_digits_are_ids(text: str) -> None:
    assert not is_placeholder(text)


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "undefined", "Undefined", "NULL", "null", "None", "nan", "NaN", "n/a", "(not set)",
        "[object Object]",
        "{{email}}", "{email}", "-", "0", "000000000", "0" * 15, "11111111111", "99999999", "123456789", "1234567890",
        "test@test.com", "teste@teste.com", "teste@teste.com.br", "email@example.com", "test@example.com",
        "user@example.com", "teste@gmail.com", "naotem@gmail.com", "seu@email.com", "a@a.com", "foo@bar.com",
        "noreply@example.com", "undefined@undefined.com", "[email protected]",
    ],
)  # fmt: skip
def test_the_hash_of_a_placeholder_is_nobodys(text: str) -> None:
    assert known_contact(_hash(text)) is None
    assert known_parameters({"external_id": _hash(text)}) == {}


@pytest.mark.parametrize(
    "text",
    [
        "ana.souza@example.com", "someone@example.com", "maria.teste@gmail.com", "contest@test.com", "t@gmail.com",
        "5511987654321", "12345678901", "5511999999999", "2222222222", "Undefined@example.org ",
    ],
)  # fmt: skip
def test_the_hash_of_a_persons_contact_stays(text: str) -> None:
    assert known_contact(_hash(text)) == _hash(text)
    assert known_contact(None) is None


def test_people_and_places_may_be_called_null() -> None:
    hashes = {"fn": _hash("nil"), "ln": _hash("null"), "ct": _hash("none"), "country": _hash("na"), "zp": _hash("0")}
    assert known_parameters(hashes) == hashes
    assert known_parameters({**hashes, "st": _hash(""), "db": _hash("undefined"), "ge": _hash("nan")}) == hashes
