"""Tracking keys of a sale: fbclid, fbc and fbp, and other networks' click ids, out of dedicated fields or of free text.

Sellers hand the keys through a checkout in whatever field the gateway lets through (`src`, `sck`, `utm_*`, metadata),
and what lies between may encode them: once or twice for a web address, as JSON, as base64url. What belongs here:
finding them there. What does not: judging them; a malformed key is a fact and is passed on as it came, and nothing is
put together that was not there. Nor looking up the click that a text may name by its producer's id: that takes the
clicks (`facts/fill_in_named_clicks`).
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from trackai_pipelines.customer_information.placeholders import is_placeholder
from trackai_pipelines.facts.details import CLICK_IDS

_FIELDS = {"fbclid": "fbclid", "fbc": "fbc", "_fbc": "fbc", "fbp": "fbp", "_fbp": "fbp"} | {n: n for n in CLICK_IDS}
_SEPARATOR = re.compile(r"[?#&|;,\s]+")
_SPACED = re.compile(r"""\s*([=:])\s*""")
_PAIR = re.compile(
    rf"""["'{{\[\\]*_?(?P<name>fbclid|fbc|fbp|{"|".join(CLICK_IDS)})[\\"']*[=:][\\"']*(?P<value>[^"'}}\]\\]+)[\\"'}}\]]*"""
)
# A token on its own: with a number at its end it is a browser's id, with anything else a click's cookie.
_BARE = re.compile(r"fb\.[0-9]{1,3}\.[0-9]+\.(?P<id>[^.]{1,512})(\.[^.]*)?")
# A click's id on its own. The older begin with IwAR; the newer with two letters for where the click was, and a word of
# four letters in base64, such as ZXh0bg (extn). Words of people do not happen to be that.
_CLICK_ID = re.compile(r"IwAR[0-9A-Za-z_-]{20,508}|[A-Z][A-Za-z](?P<word>[0-9A-Za-z_-]{5}[AQgw])[0-9A-Za-z_-]{16,504}")
_PLACES = ("Iw", "PA")
_BASE64 = re.compile(r"[0-9A-Za-z_+/-]{12,}={0,2}")
# What may be the id that a producer gave to a click (its `external_id`): short texts are anything, from an affiliate's
# number to the name of a campaign.
_NAME = re.compile(r"[!-~]{8,512}")
_MOST_NAMES = 20
# Gateways let far less through; longer text is no carrier of keys.
_LONGEST_TEXT = 8192
# What is encoded more often than that is nobody's doing.
_MOST_LAYERS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """The keys of one sale, as they came. `click_ids` has other networks', by the names of `details.CLICK_IDS`.

    `names` are the texts that may be a click's `external_id`, of a sale that has no click id of Meta's.
    """

    fbclid: str | None = None
    fbc: str | None = None
    fbp: str | None = None
    click_ids: Mapping[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()


def tracking_keys(*sources: object) -> Tracking:
    """The keys in the sources: mappings with fields of these names, and texts that carry them.

    A dedicated field (`fbc`, `_fbc`, `fbp`, `_fbp`, `fbclid`, `gclid`, ...) goes before free text, an earlier source
    before a later one. Free text is a query (`fbclid=...&fbp=...`), separated pairs (`fbc:...|fbp:...`), JSON, a bare
    cookie, or a bare click id that looks like one of Meta's.
    """
    found: dict[str, str] = {}
    # In the order of the sources, each once.
    names: dict[str, None] = {}
    for source in sources:
        if isinstance(source, Mapping):
            for name, value in _dedicated(source):
                found.setdefault(name, value)
    for source in sources:
        for text in _free_texts(source):
            for key, value in _carried(text, _MOST_LAYERS):
                if key is not None:
                    found.setdefault(key, value)
                elif len(names) < _MOST_NAMES:
                    names[value] = None
    return Tracking(
        fbclid=found.get("fbclid"),
        fbc=found.get("fbc"),
        fbp=found.get("fbp"),
        click_ids={name: found[name].strip() for name in CLICK_IDS if name in found},
        names=() if "fbclid" in found or "fbc" in found else tuple(names),
    )


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
    for name_of_field, value in source.items():
        name = _FIELDS.get(name_of_field.lower()) if isinstance(name_of_field, str) else None
        if name and isinstance(value, str) and value.strip():
            yield name, value


def _free_texts(source: object) -> Iterator[str]:
    values = source.values() if isinstance(source, Mapping) else (source,)
    for value in values:
        if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
            yield value


def _carried(text: str, layers: int) -> Iterator[tuple[str | None, str]]:
    """Yield the keys in a text, and then those that show once a layer is taken off. A key without a name may be the id
    that a producer gave to a click."""
    for part in _SEPARATOR.split(_SPACED.sub(r"\1", text)):
        # The value of any other pair may be a pair or a bare key.
        pair = _PAIR.fullmatch(part) or _PAIR.fullmatch(part.partition("=")[2])
        bare = part.rpartition("=")[2].strip("\"'{}[]\\")
        cookie = _BARE.fullmatch(bare)
        if pair:
            yield pair["name"], unquote(pair["value"])
        elif cookie:
            yield ("fbp" if cookie["id"].isdecimal() else "fbc"), bare
        elif _is_click_id(bare):
            yield "fbclid", bare
        elif _NAME.fullmatch(bare) and "@" not in bare and not is_placeholder(bare):
            yield None, bare
    if layers:
        for inside in _layer_off(text):
            yield from _carried(inside, layers - 1)


def _layer_off(text: str) -> Iterator[str]:
    if "%" in text and (decoded := unquote(text)) != text:
        yield decoded
    stripped = text.strip()
    if stripped[:1] in {"{", "[", '"'}:
        with suppress(ValueError, RecursionError):
            yield from _texts_in(json.loads(stripped))
    elif _BASE64.fullmatch(stripped):
        try:
            padded = stripped.rstrip("=").replace("+", "-").replace("/", "_")
            inside = urlsafe_b64decode(padded + "=" * (-len(padded) % 4)).decode("ascii")
        except ValueError:
            return
        if all(sign.isprintable() or sign.isspace() for sign in inside):
            yield inside


def _texts_in(value: object) -> Iterator[str]:
    """The texts of a JSON value, each field as a pair."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        # A field's value is a text of its own as well: it may hold what its name does not say.
        for name, inside in value.items():
            if name.lower() in _FIELDS and isinstance(inside, str):
                yield f"{name.lower()}={inside}"
            else:
                yield from _texts_in(inside)
    elif isinstance(value, list):
        for inside in value:
            yield from _texts_in(inside)


def _is_click_id(token: str) -> bool:
    found = _CLICK_ID.fullmatch(token)
    if not found or found["word"] is None:
        return found is not None
    return token.startswith(_PLACES) and urlsafe_b64decode(found["word"] + "==").isalpha()
