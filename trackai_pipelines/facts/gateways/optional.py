"""What a payload may say besides the sale: its items, other networks' click ids, whether it renews a subscription.

What belongs here: reading these where they are, and nothing where they are not or cannot be read: none of it may refuse
a sale. What does not: what of it is kept in the end (`facts.details`), Meta's keys (`tracking`).
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from trackai_pipelines.facts.details import CLICK_IDS
from trackai_pipelines.facts.gateways.payload import amount, text
from trackai_pipelines.ingest.outcomes import MalformedPayload

_NAMES = "|".join(CLICK_IDS)
_CARRIED = re.compile(
    rf"""(?:^|[?&#|;,\s"'{{])(?P<name>{_NAMES})["']?\s*[=:]\s*["']?(?P<value>[^\s"'&#|;,}}]+)""", re.IGNORECASE
)
# Gateways let far less through; longer text is no carrier of click ids.
_LONGEST_TEXT = 8192
_RENEWAL = "system_generated"


def number_at(payload: object, path: str, *, decimals: int = 0) -> Decimal | None:
    """Return the number at the path, of which the last `decimals` digits are minor units; None where there is none."""
    try:
        return amount(payload, path).scaleb(-decimals)
    except MalformedPayload:
        return None


def items_of(
    listed: object,
    *,
    item_id: str,
    title: str,
    quantity: str | None = None,
    price: str | None = None,
    decimals: int = 0,
) -> tuple[dict[str, Any], ...]:
    """Return the items of a list, or the one that an object is, as `Sale.contents` has them, by their paths in an item.

    `price` is that of a unit, with `decimals` digits of minor units. What has no id is left out.
    """
    found: list[dict[str, Any]] = []
    for entry in listed if isinstance(listed, list) else [listed]:
        known = text(entry, item_id)
        if known is None:
            continue
        item: dict[str, Any] = {"id": known}
        if quantity is not None and (count := number_at(entry, quantity)) is not None:
            item["quantity"] = count
        if price is not None and (of_a_unit := number_at(entry, price, decimals=decimals)) is not None:
            item["price"] = of_a_unit
        if name := text(entry, title):
            item["title"] = name
        found.append(item)
    return tuple(found)


def other_click_ids(*sources: object) -> dict[str, str]:
    """Return other networks' click ids in the sources: mappings with fields of their names, and texts that carry them.

    A field goes before text, an earlier source before a later one.
    """
    found: dict[str, str] = {}
    for source in sources:
        if isinstance(source, Mapping):
            for field, value in source.items():
                name = field.lower() if isinstance(field, str) else ""
                if name in CLICK_IDS and isinstance(value, str) and value.strip():
                    found.setdefault(name, value.strip())
    for source in sources:
        for carrier in _texts(source):
            for pair in _CARRIED.finditer(carrier):
                found.setdefault(pair["name"].lower(), unquote(pair["value"]))
    return found


def source_of_renewal(renews: bool) -> str | None:
    """Return Meta's `action_source` of a charge: a renewal happens without the buyer, the first one on a website.

    Source: Conversions API, server event parameters, `action_source`.
    """
    return _RENEWAL if renews else None


def is_later_charge(payload: object, *paths: str) -> bool:
    """Whether the charge's number within its subscription, at the first path that has a number, is above 1."""
    for path in paths:
        number = number_at(payload, path)
        if number is not None:
            return number > 1
    return False


def _texts(source: object) -> Iterator[str]:
    for value in source.values() if isinstance(source, Mapping) else (source,):
        # Most texts have none of what the names end in.
        if isinstance(value, str) and len(value) <= _LONGEST_TEXT:
            lowered = value.lower()
            if any(ending in lowered for ending in ("clid", "clkid", "braid")):
                yield unquote(value) if "=" not in value and "%3d" in lowered else value
