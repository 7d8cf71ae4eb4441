"""Placeholders: what programs and forms write where they have no value (`undefined`, `{{fbclid}}`, `test@test.com`).

A placeholder looks like a value, and many buyers have it: they would be taken for one person. This is the only list.
SQL has it as `trackai.is_placeholder()` and `trackai.contact_hash()`, and a test compares them. A new entry needs a
migration that replaces the function (`python -m lint.placeholders` prints it) and, for `is_placeholder()`, rebuilds the
indexes of `clicks` that depend on it.

Here: which texts are placeholders of a key, and which hashes are nobody's. Not here: the form of a key
(`delivery.cookies`, `trackai.click_key()`), and what is done without it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache

from trackai_pipelines.customer_information.hashing import sha256_hex

# What languages, databases, spreadsheets, analytics and forms write for "no value", and the name of a key in place of
# its value. Marks may stand within, between and around phrases: `(not set)`, `null,null`, `"undefined"`, `N/A`, `0`.
_PHRASES = (
    "undefined", "null", "none", "nil", "nan", "n a", "void", "empty", "blank", "unknown", "missing", "redacted",
    "unset", "true", "false", "string", "object", "not set", "not provided", "not available", "not applicable",
    "not found", "no value", "no data", "nulo", "vazio", "vacio", "indefinido", "desconhecido", "desconocido",
    "nao informado", "nao definido", "fbclid", "fbc", "fbp", "click id", "facebook click id", "your fbclid",
    "your click id", "my fbclid", "insert fbclid", "fbclid here", "fbclid value", "fbclid param", "fbclid placeholder",
)  # fmt: skip
_MARK = "[^a-z0-9]"
_WORD = f"(0+|{'|'.join(phrase.replace(' ', f'{_MARK}*') for phrase in _PHRASES)})"
# Templates: {x}, {{x}}, ${x}, <x> and [x] anywhere in the value; (x), __x__, %x%, @x@, #x#, |x| and *|x|* around all of
# it but quotes; $x, a variable of a shell or of PHP. No quote is a sign of a frame, or a search might be slow.
_BRACKETS = (r"\{.*\}", "<.*>", r"\[.*\]")
_FRAMES = (r"\(.*\)", "__.*__", "%.*%", "@.*@", "#.*#", r"\*?\|.*\|\*?")
_QUOTES = r"""[ "'`\\+-]*"""
PATTERN = "|".join(
    (f"^{_MARK}*({_WORD}({_MARK}+|$))*$", *_BRACKETS, f"^{_QUOTES}({'|'.join(_FRAMES)}){_QUOTES}$", rf"^{_QUOTES}\$")
)
"""What a placeholder matches in lower case and decoded; Python and PostgreSQL read it alike."""
IN_PER_CENT = f"^{_QUOTES}%.*%{_QUOTES}$"
"""The template %x% before decoding: `%fb` may also be a byte."""
ENCODED_PERCENT = "%(25)+"
"""A per cent sign that was encoded once or more often, in lower case."""
ENTITY = "&(quot|apos|amp|nbsp|#x?[0-9a-f]+);"
"""Signs as HTML entities, in lower case."""

# Of letters, digits, - and _, and at least so long: that is what Meta's click ids are, and never a placeholder.
_SHORTEST_REAL = 32
_REAL = re.compile(r"[0-9A-Za-z-][0-9A-Za-z_-]*")
_UPPER_TO_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_PATTERN = re.compile(PATTERN, re.DOTALL)
_IN_PER_CENT = re.compile(IN_PER_CENT, re.DOTALL)
_ENCODED_PERCENT = re.compile(ENCODED_PERCENT)
_ENCODED = re.compile("%([0-9a-f]{2})")
_ENTITY = re.compile(ENTITY)

# Addresses that people type and programs fill in to get past a form: x@x.com, ...
_AT_THEMSELVES = (
    "a", "aa", "aaa", "abc", "admin", "asd", "asdf", "cliente", "customer", "demo", "dummy", "email", "example",
    "exemplo", "fake", "foo", "guest", "mail", "na", "nao", "naotem", "no", "noemail", "none", "noreply", "null",
    "prueba", "sample", "sememail", "teste", "test", "testing", "undefined", "user", "x", "xx", "xxx", "123",
    "1234", "123456",
)  # fmt: skip
_TOP_LEVELS = ("com", "com.br")
# ... x@ a domain that stands for a domain, ...
_IN_EXAMPLES = (
    "admin", "customer", "demo", "email", "example", "exemplo", "guest", "mail", "name", "no", "noemail", "nome",
    "none", "noreply", "null", "prueba", "seuemail", "teste", "test", "testing", "undefined", "user", "username",
    "usuario", "you", "youremail",
)  # fmt: skip
_EXAMPLE_DOMAINS = (
    "domain.com",
    "dominio.com",
    "email.com",
    "example.com",
    "example.org",
    "exemplo.com",
    "exemplo.com.br",
)
# ... and x@ where real people are: only what no real person buys with.
_AT_PROVIDERS = (
    "email", "example", "exemplo", "naotem", "naotenho", "noemail", "none", "null", "sememail", "seuemail", "teste",
    "test", "undefined", "youremail",
)  # fmt: skip
_PROVIDERS = ("gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "yahoo.com.br")
_ADDRESSES = (
    "a@b.c", "a@b.com", "abc@xyz.com", "foo@bar.com", "foo@example.com", "seu@email.com", "john.doe@example.com",
    "johndoe@example.com", "jane.doe@example.com", "jenny.rosen@example.com", "sample@email.tst", "teste@teste",
    "test@test", "test@test.test", "test@localhost", "teste@test.com", "test@teste.com", "[email protected]",
)  # fmt: skip
# Spellings of words that are hashed as they stand; each also in capitals and with a capital.
_HASHED_WORDS = (
    "", " ", "undefined", "null", "none", "nil", "nan", "na", "n/a", "not set", "not_set", "(not set)", "not provided",
    "unknown", "empty", "false", "true", "missing", "redacted", "string", "nulo", "vazio", "-", "{}", "[]",
    "[object object]", "{{email}}", "{email}", "${email}", "%email%", "__email__", "{{phone}}", "{phone}", "email",
    "phone",
)  # fmt: skip
_HASHED_SPELLINGS = ("NaN", "N/a", "[object Object]", "[object Undefined]", "[object Null]")
# No country's numbers are these: no country code begins with 0, none is 999, and no area code of +1 begins with 1. A
# longer row that counts up is somebody's number (+1 234 567 8901).
_REPEATED_DIGITS = "019"
_LONGEST_NUMBER = 15
_COUNTING = "1234567890"


def is_placeholder(key: str) -> bool:
    """Return whether a click id, or the last segment of a cookie, stands for "none", however it is encoded.

    `key` is well formed: not empty, and without white space.
    """
    if len(key) >= _SHORTEST_REAL and _REAL.fullmatch(key):
        return False
    encoded = _ENCODED_PERCENT.sub("%", key.translate(_UPPER_TO_LOWER))
    return bool(_IN_PER_CENT.search(encoded) or _PATTERN.search(_decoded(encoded)))


def known_contact(digest: str | None) -> str | None:
    """Return the hash of an e-mail address, phone number or customer id; None if it is the hash of a placeholder."""
    return None if digest in _nobodys_hashes() else digest


def known_parameters(hashes: Mapping[str, str]) -> dict[str, str]:
    """Return the hashes by Meta's names (fn, ct, external_id, ...) without those of nothing.

    People and places are called Null, None and NA. So the word has to be one that is no name, unless it is an id.
    """
    nobodys, nothing = _nobodys_hashes(), _hashes_of_nothing()
    return {
        name: digest for name, digest in hashes.items() if digest not in (nobodys if name == "external_id" else nothing)
    }


def nobodys_texts() -> Iterator[str]:
    """Yield the texts whose hashes are nobody's, in the spellings that are hashed."""
    for word in _HASHED_WORDS:
        yield from (word, word.upper(), word.capitalize())
    yield from _HASHED_SPELLINGS
    # The hash of nothing, hashed again.
    yield sha256_hex("")
    yield from (f"{name}@{name}.{ending}" for name in _AT_THEMSELVES for ending in _TOP_LEVELS)
    yield from (f"{name}@{domain}" for name in _IN_EXAMPLES for domain in _EXAMPLE_DOMAINS)
    yield from (f"{name}@{domain}" for name in _AT_PROVIDERS for domain in _PROVIDERS)
    yield from _ADDRESSES
    yield from (digit * length for digit in _REPEATED_DIGITS for length in range(1, _LONGEST_NUMBER + 1))
    yield from (_COUNTING[:length] for length in range(2, len(_COUNTING) + 1))


def _decoded(encoded: str) -> str:
    """Return the text in lower case with its encoded signs; what is no printable ASCII becomes a space."""
    plain = _ENCODED.sub(lambda found: _sign(int(found[1], 16)), encoded)
    return _ENTITY.sub(" ", plain.replace("&lt;", "<").replace("&gt;", ">"))


def _sign(code: int) -> str:
    return chr(code).lower() if 0x20 <= code <= 0x7E else " "


@cache
def _nobodys_hashes() -> frozenset[str]:
    return frozenset(map(sha256_hex, nobodys_texts()))


@cache
def _hashes_of_nothing() -> frozenset[str]:
    return frozenset(map(sha256_hex, ("", " ", "undefined", "nan", "[object object]", "[object Object]", "not set")))
