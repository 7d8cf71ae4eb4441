"""What a payload may say besides the sale: its items, other networks' click ids, whether it renews a subscription.

What belongs here: reading these where they are, and nothing where they are not or cannot be read: none of it may refuse
a sale. What does not: what of it is kept in the end (`facts.details`), Meta's keys (`tracking`).
"""

from decimal import Decimal
from typing import Any

from trackai_pipelines.facts.gateways.payload import amount, text
from trackai_pipelines.facts.gateways.tracking import tracking_keys
from trackai_pipelines.ingest.outcomes import MalformedPayload

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
    return dict(tracking_keys(*sources).click_ids)


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
