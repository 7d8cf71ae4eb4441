"""Payloads out of their envelopes: lists, texts of JSON, base64 and gzip, one inside the other.

What belongs here: taking payloads out, and the bounds. What does not: what an envelope is (`envelopes`), and where a
document ends in a file (`documents`).
"""

import base64
import binascii
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from trackai_pipelines.ingest.documents import documents
from trackai_pipelines.ingest.envelopes import Envelope, around
from trackai_pipelines.ingest.outcomes import Refused
from trackai_pipelines.ingest.records import Unreadable, canonical_json, sha256
from trackai_pipelines.ingest.streams import Notes

# SNS in SQS in Lambda with a gateway's list inside is four. More is nothing that anybody sends.
_DEEPEST = 8
# What all compressed parts of a document may come to.
_MOST_UNPACKED = 64_000_000
_GZIP = b"\x1f\x8b"


class NotOpened(Refused):
    """An envelope without a payload, or with one that cannot be taken out. `shown` is what may be kept of it."""

    def __init__(self, reason: str, shown: object, inside: object = None) -> None:
        super().__init__(reason)
        self.shown = shown
        self.digest = sha256(canonical_json([shown, inside]))


@dataclass(slots=True)
class _Room:
    """How many bytes may still be unpacked of a document."""

    left: int = _MOST_UNPACKED


def opened(value: object) -> Iterator[object]:
    """Yield the payloads of a document, whatever is around them; the value itself where nothing is.

    What cannot be taken out is yielded as a NotOpened, without the text that could not be read: nobody can tell what
    is in it.
    """
    return _opened(value, _DEEPEST, _Room())


def is_an_envelope(value: object) -> bool:
    """Return whether a value is around a payload, or around several."""
    return isinstance(value, Mapping) and around(value) is not None


def _opened(value: object, deepest: int, room: _Room) -> Iterator[object]:
    if isinstance(value, list):
        if deepest == 0:
            yield NotOpened(f"more than {_DEEPEST} lists and envelopes are around the payload", None)
            return
        for entry in value:
            yield from _opened(entry, deepest - 1, room)
        return
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "[", '"'} and deepest:
        # A text of JSON in JSON, perhaps encoded more than once.
        try:
            inside = _values(value.encode("utf-8", "surrogatepass"))
        except Refused as refusal:
            yield NotOpened(f"a text of JSON: {refusal}", None, value)
            return
        for entry in inside:
            yield from _opened(entry, deepest - 1, room)
        return
    envelope = around(value) if isinstance(value, Mapping) else None
    if envelope is None:
        yield value
    elif not envelope.holds:
        yield NotOpened(f"no payload: {envelope.name}", value)
    elif deepest == 0:
        yield NotOpened(f"more than {_DEEPEST} lists and envelopes are around the payload", None)
    else:
        assert isinstance(value, Mapping)
        for holder, key in _places(value, envelope.payload.split(".")):
            yield from _taken_out(envelope, value, holder, key, deepest - 1, room)


def _taken_out(
    envelope: Envelope, value: Mapping[str, object], holder: Any, key: Any, deepest: int, room: _Room
) -> Iterator[object]:
    inside = holder[key] if isinstance(holder, list) else holder.get(key)
    if inside is None or inside == "":
        yield NotOpened(f"no payload: {envelope.name} without anything in it", holder)
        return
    if not isinstance(inside, str):
        yield from _opened(inside, deepest, room)
        return
    try:
        for part in _parts(inside, envelope, value, room):
            yield from _opened(part, deepest, room)
    except Refused as refusal:
        shown = {name: entry for name, entry in holder.items() if name != key} if isinstance(holder, Mapping) else None
        yield NotOpened(f"{envelope.name}: {refusal}", shown, inside)


def _parts(text: str, envelope: Envelope, value: Mapping[str, object], room: _Room) -> list[object]:
    """Return the values of a text inside an envelope. Raises Refused."""
    encoding = envelope.encoding
    if encoding == "request":
        encoding = "base64" if value.get("isBase64Encoded") is True else "json"
    raw = text.encode("utf-8", "surrogatepass") if encoding == "json" else _decoded(text)
    if raw.startswith(_GZIP):
        raw = _unpacked(raw, room)
    return _values(raw)


def _values(raw: bytes) -> list[object]:
    """Return the documents of a body. Raises Refused where one of them cannot be read."""
    values: list[object] = []
    for document in documents(BytesIO(raw), Notes()):
        if isinstance(document, Unreadable):
            raise Refused(document.reason)
        values.append(document.value)
    return values


def _decoded(text: str) -> bytes:
    # With the signs of URLs or without, padded or not, in lines or in one.
    plain = "".join(text.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused("its payload is not base64") from error


def _unpacked(raw: bytes, room: _Room) -> bytes:
    unpacked = zlib.decompressobj(wbits=31)
    try:
        whole = unpacked.decompress(raw, room.left + 1)
    except zlib.error as error:
        raise Refused("its payload is damaged gzip") from error
    if not unpacked.eof:
        raise Refused("its payload is gzip that is cut off, or unpacks to too much")
    room.left -= len(whole)
    return whole


def _places(value: object, path: list[str]) -> Iterator[tuple[Any, Any]]:
    """Yield what holds each payload, and under which key or number."""
    step, *rest = path
    if step == "*":
        # What is no list has no entry that could be missed: it is one that cannot be opened.
        entries = value if isinstance(value, list) else [value]
        for number, entry in enumerate(entries):
            if rest:
                yield from _places(entry, rest)
            else:
                yield entries, number
    elif not isinstance(value, Mapping):
        yield {}, step
    elif rest:
        yield from _places(value.get(step), rest)
    else:
        yield value, step
