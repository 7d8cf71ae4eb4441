"""What a click or a conversion may say besides: items, other networks' click ids, where it happened, what it may be
used for. Each is optional: what of it cannot be used is left out and noted, and the row is kept.

What belongs here: each value in its form for the database, "" for none. What does not: which columns a record has
(`landing`), and what Meta is told of them (`delivery.events`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from trackai_pipelines.customer_information.placeholders import is_placeholder
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.amounts import number_of
from trackai_pipelines.ingest.context import Context
from trackai_pipelines.ingest.outcomes import Refused

CLICK_IDS = ("gclid", "wbraid", "gbraid", "ttclid", "msclkid")
"""Click ids of Google (three), TikTok and Microsoft, by the names of their URL parameters."""

ACTION_SOURCES = frozenset(
    {"app", "business_messaging", "chat", "email", "other", "phone_call", "physical_store", "system_generated"}
    | {"website"}
)
"""Meta's names for where an event happened."""
_BY_LETTERS = {name.replace("_", ""): name for name in ACTION_SOURCES} | {"web": "website"}
# Longest texts, in characters.
_LONGEST_ID = 512
_LONGEST_TITLE = 200
_CLICK_ID = re.compile(r"[^\s\x00-\x1f\x7f\ud800-\udfff]{1,512}")
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_YES, _NO = (
    frozenset({"true", "t", "yes", "y", "1", "1.0", "on"}),
    frozenset({"false", "f", "no", "n", "0", "0.0", "off", ""}),
)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class HasClickIds(Protocol):
    """A record with these columns, of any type."""

    click_ids: object
    gclid: object
    wbraid: object
    gbraid: object
    ttclid: object
    msclkid: object


def click_ids_of(record: HasClickIds, context: Context) -> str:
    """Return other networks' click ids as a JSON object by the names of CLICK_IDS; a column goes before `click_ids`."""
    # Most files have none of these; spelled out, the test costs them next to nothing.
    if (
        record.click_ids is record.gclid is record.wbraid is None
        and record.gbraid is record.ttclid is record.msclkid is None
    ):
        return ""
    given = _object_of(record.click_ids, context)
    found = {}
    for name in CLICK_IDS:
        value = _click_id_of(getattr(record, name), name, context) or _click_id_of(given.get(name), name, context)
        if value:
            found[name] = value
            context.note(name, "kept, but not matched: only Meta's click ids are")
    if not given.keys() <= set(CLICK_IDS):
        context.leave_out("click_ids", f"only {', '.join(CLICK_IDS)} are kept")
    return _ENCODER.encode(found).decode() if found else ""


def contents_of(value: object, context: Context) -> str:
    """Return items as a JSON list of objects with `id`, and perhaps `quantity`, `price` and `title`.

    An item is an object with these names (or Meta's `item_price`), or an id alone. One without a usable id is left out,
    and so are titles, and at last items, that make the list longer than fields.MAX_TEXT characters.
    """
    if value is None:
        return ""
    given = _decoded(value)
    if isinstance(given, Mapping | str | int) and not isinstance(given, bool):
        given = [given]
    if not isinstance(given, list | tuple):
        return context.leave_out("contents", "not a list of items")
    items = [item for item in (_item_of(item, context) for item in given) if item]
    text = _text_of(items)
    if len(text) > fields.MAX_TEXT:
        context.leave_out("contents", "titles, because the list is too long")
        items = [{name: value for name, value in item.items() if name != "title"} for item in items]
        text = _text_of(items)
    if len(text) > fields.MAX_TEXT:
        context.leave_out("contents", "the last items, because the list is too long")
        text = _text_of(list(_fitting(items)))
    return text


def action_source_of(value: object, context: Context) -> str:
    """Return one of Meta's names, given in any case and spelling; "" for none, which is a website's.

    A name that is not on Meta's list becomes `other`, which is what Meta calls a place that it does not list.
    """
    if value is None:
        return ""
    text = value.strip() if isinstance(value, str) else "?"
    if not text or text in ACTION_SOURCES:
        return text
    known = _BY_LETTERS.get(re.sub(r"[\s_.-]+", "", text).lower())
    if known is None:
        context.note("action_source", "not one of Meta's: taken for other")
    return known or "other"


def restriction_of(value: object, column: str, context: Context) -> str:
    """Return "t" for a restriction that is asked for, and "" where none is.

    A value that says neither yes nor no restricts: too narrow a use harms nobody.
    """
    if value is None:
        return ""
    text = str(value).strip().lower() if isinstance(value, int | float | Decimal | str) else "?"
    if text in _NO:
        return ""
    if text not in _YES:
        context.note(column, "neither true nor false: taken for true")
    return "t"


def _object_of(value: object, context: Context) -> Mapping[str, object]:
    given = _decoded(value)
    if given is None:
        return {}
    if isinstance(given, Mapping):
        return given
    context.leave_out("click_ids", "not an object")
    return {}


def _click_id_of(value: object, name: str, context: Context) -> str:
    if value is None:
        return ""
    text = value.strip() if isinstance(value, str) else ""
    if _CLICK_ID.fullmatch(text) and not is_placeholder(text):
        return text
    return context.leave_out(name, "not a click id") if value != "" else ""


def _item_of(given: object, context: Context) -> dict[str, Any] | None:
    if not isinstance(given, Mapping):
        given = {"id": given}
    item_id = _plain_text(given.get("id"))
    if not item_id or len(item_id) > _LONGEST_ID or is_placeholder(item_id):
        context.leave_out("contents", "an item without a usable id")
        return None
    item: dict[str, Any] = {"id": item_id}
    quantity = _number_of(given.get("quantity"), "quantity", context)
    if quantity is not None:
        if quantity == quantity.to_integral_value() and quantity > 0:
            item["quantity"] = int(quantity)
        else:
            context.leave_out("contents", "a quantity that is no whole number above 0")
    price = given.get("price")
    amount = _number_of(given.get("item_price") if price is None else price, "price", context)
    if amount is not None:
        if amount >= 0:
            item["price"] = Decimal(f"{amount.quantize(Decimal('0.0001')).normalize():f}")
        else:
            context.leave_out("contents", "a negative price")
    title = _plain_text(given.get("title"))
    if title:
        item["title"] = title[:_LONGEST_TITLE]
    return item


def _number_of(value: object, part: str, context: Context) -> Decimal | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = number_of(value, part)
    except (Refused, ArithmeticError):
        number = Decimal("nan")
    if number.is_finite() and abs(number) <= fields.MAX_VALUE:
        return number
    context.leave_out("contents", f"a {part} that is no number")
    return None


def _plain_text(value: object) -> str:
    """Return text in one line; a whole number stands for its digits; "" for everything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return ""
    try:
        text = fields.text_of(value, "")
    except (Refused, ValueError, ArithmeticError):
        return ""
    return _NOT_TEXT.sub(" ", text).strip()


def _decoded(value: object) -> object:
    """Return what a text holds as JSON, False for broken JSON; other texts, and what is no text, as they are."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    if not text:
        return None
    if text[0] not in "[{":
        return text
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return False


def _text_of(items: list[dict[str, Any]]) -> str:
    return _ENCODER.encode(items).decode() if items else ""


def _fitting(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    length = 2
    for item in items:
        length += len(_ENCODER.encode(item).decode()) + 1
        if length > fields.MAX_TEXT:
            return
        yield item
