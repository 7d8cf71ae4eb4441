"""Tracking keys of a sale: fbclid, fbc and fbp, out of dedicated fields or of free text that passes them on.

Sellers hand the keys through a checkout in whatever field the gateway lets through (`src`, `sck`, `utm_*`, metadata).
What belongs here: finding them there. What does not: judging them; a malformed key is a fact and is passed on as it
came, and nothing is put together that was not there.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

_FIELDS = {"fbclid": "fbclid", "fbc": "fbc", "_fbc": "fbc", "fbp": "fbp", "_fbp": "fbp"}
_SEPARATOR = re.compile(r"[?#&|;,\s]+")
_PAIR = re.compile(r"""["'{]*_?(?P<name>fbclid|fbc|fbp)["']*[=:]["']*(?P<value>[^"'}]+)["'}]*""")
# A token on its own: with a number at its end it is a browser's id, with anything else a click's cookie.
_BARE = re.compile(r"fb\.[0-9]+\.[0-9]+\.(?P<id>[^.]{1,512})(\.[^.]*)?")
# Gateways let far less through; longer text is no carrier of keys.
_LONGEST_TEXT = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """The keys of one sale, as they came."""

    fbclid: str | None = None
    fbc: str | None = None
    fbp: str | None = None


def tracking_keys(*sources: object) -> Tracking:
    """The keys in the sources: mappings with fields of these names, and texts that carry them.

    A dedicated field (`fbc`, `_fbc`, `fbp`, `_fbp`, `fbclid`) goes before free text, an earlier source before a
    later one. Free text is a query (`fbclid=...&fbp=...`), separated pairs (`fbc:...|fbp:...`) or a bare token.
    """
    found: dict[str, str] = {}
    for source in sources:
        if isinstance(source, Mapping):
            for name, value in _dedicated(source):
                found.setdefault(name, value)
    for source in sources:
        for text in _free_texts(source):
            for name, value in _carried(text):
                found.setdefault(name, value)
    return Tracking(fbclid=found.get("fbclid"), fbc=found.get("fbc"), fbp=found.get("fbp"))


def query_of(address: object) -> Mapping[str, str]:
    """The query of a web address or path as a mapping, each name's first value; empty where there is none."""
    if not isinstance(address, str):
        return {}
    try:
        pairs = parse_qsl(urlsplit(address[:_LONGEST_TEXT]).query)
    except ValueError:
        return {}
    return dict(reversed(pairs))


def named_values(items: object) -> Mapping[str, object]:
    """A list of {"name": ..., "value": ...} as a mapping; whatever is shaped otherwise is left out."""
    if not isinstance(items, list):
        return {}
    return {
        item["name"]: item.get("value")
        for item in items
        if isinstance(item, Mapping) and isinstance(item.get("name"), str)
    }


def _dedicated(source: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for field, value in source.items():
        name = _FIELDS.get(field.lower())
        if name and isinstance(value, str) and value.strip():
            yield name, value


def _free_texts(source: object) -> Iterator[str]:
    values = source.values() if isinstance(source, Mapping) else (source,)
    for value in values:
        # Every carrier of a key has its name or its prefix in it; most texts have neither.
        if isinstance(value, str) and "fb" in value and len(value) <= _LONGEST_TEXT:
            yield value


def _carried(text: str) -> Iterator[tuple[str, str]]:
    if "=" not in text and "%3d" in text.lower():
        text = unquote(text)
    for part in _SEPARATOR.split(text):
        pair = _PAIR.fullmatch(part)
        if pair:
            yield pair["name"], unquote(pair["value"])
            continue
        bare = _BARE.fullmatch(part)
        if bare:
            yield ("fbp" if bare["id"].isdecimal() else "fbc"), part
