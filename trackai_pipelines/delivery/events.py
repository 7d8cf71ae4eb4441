"""Events: what Meta receives about a sale, and the ids that make it count once.

Here: a sale and its click become one event in Meta's field names, and events become one request. Not here: whether an
event may be sent (`validate`), how a buyer's data is hashed (`customer_information`), and sending (`dispatcher`).
Everything is built from the sale and its click alone: the same sale makes the same event at any time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from trackai_pipelines.customer_information.appendix import without_long_appendix
from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.customer_information.hashing import sha256_hex
from trackai_pipelines.customer_information.placeholders import known_contact, known_parameters
from trackai_pipelines.delivery.cookies import fbc_to_send, well_formed_fbclid, well_formed_fbp
from trackai_pipelines.event_names import event_name_of
from trackai_pipelines.money import is_currency, minor_units

# The keys that predict how well Meta can match an event; coverage counts them.
KEYS = ("em", "ph", "fbc", "fbp", "client_ip_address", "client_user_agent", "external_id")
# Names the sending software, which lets Meta's support tell our events from a browser's.
_PARTNER_AGENT = "trackai-pipelines"
# An unknown currency keeps the decimals that the database keeps: its event is refused by name, not by a crash.
_DECIMALS_OF_NO_CURRENCY = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="deterministic")


@dataclass(frozen=True, slots=True)
class Recipient:
    """A tenant as the receiver of events. `sent_event_id` is `registry` or `order`."""

    tenant_id: str
    slug: str
    pixel_id: str | None
    sent_event_id: str
    limited_data_use: bool
    ldu_country: int
    ldu_state: int
    opt_out: bool
    test_event_code: str | None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Recipient":
        """Return the recipient in a row that has its columns among others."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class AttributedSale:
    """A conversion with its matched click: all that an event is made of.

    `value` is in units of the currency, times have zones, hashes are 64 hex digits, `customer_information` holds
    hashes by Meta's names, `contents` items as `facts.details` has them. The `click_*` are None where no click was
    matched.
    """

    conversion_id: int
    gateway: str
    gateway_event_id: str
    sale_key: str | None
    order_id: str | None
    event_name: str
    value: Decimal | None
    currency: str | None
    occurred_at: datetime
    fbclid: str | None
    fbc: str | None
    fbp: str | None
    email_hash: str | None
    phone_hash: str | None
    customer_information: Mapping[str, str] | None
    client_ip: str | None
    client_user_agent: str | None
    event_source_url: str | None
    contents: Sequence[Any] | None
    action_source: str | None
    limited_data_use: bool | None
    opt_out: bool | None
    click_fbclid: str | None
    click_fbc: str | None
    click_fbp: str | None
    click_ip: str | None
    click_user_agent: str | None
    click_created_at: datetime | None


def registry_event_id(tenant_id: str, sale: AttributedSale, *, apart: bool = False) -> str:
    """Return the id by which a sale is delivered once (`stable_event_id`).

    `apart`: the id of a sale whose order, event name, value and currency are those of another sale of its gateway.
    """
    return stable_event_id(
        tenant_id,
        order=order_of(sale.order_id, sale.gateway, sale.gateway_event_id),
        event_name=sale.event_name,
        value=sale.value,
        currency=sale.currency,
        apart=(sale.gateway, sale.gateway_event_id) if apart else (),
    )


def stable_event_id(
    tenant_id: str,
    *,
    order: str,
    event_name: str,
    value: Decimal | None,
    currency: str | None,
    apart: tuple[str, ...] = (),
) -> str:
    """Return an event id of 64 hex digits that is the same however the amount is written.

    It is the SHA-256 of tenant, order, event name, value and currency, joined with `|`; the value has exactly the
    decimals of its currency, and is empty where there is none. The name is a standard event's in Meta's spelling.
    `apart` follows where two sales have all of this in common.
    """
    code = (currency or "").upper()
    amount = "" if value is None else f"{_amount(value, code):f}"
    return sha256_hex("|".join((tenant_id, order, event_name_of(event_name), amount, code, *apart)))


def order_of(order_id: str | None, gateway: str, gateway_event_id: str) -> str:
    """Return the order that a sale is known by; without one its gateway's event, so two sales never share an id."""
    return order_id if order_id and order_id.strip() else f"{gateway}:{gateway_event_id}"


def event_of(recipient: Recipient, sale: AttributedSale, *, apart: bool = False) -> dict[str, Any]:
    """Return one event in Meta's field names ("Server event parameters" of the Conversions API).

    The sale's own values come first; its click completes them. A malformed fbc, fbp or page address is left out,
    because Meta would refuse the whole request for it; so is the hash of a placeholder, which is no buyer's. A page is
    a website's only. What the tenant or the sale asks to be restricted is. `apart` is `registry_event_id`'s.
    """
    custom_data: dict[str, Any] = {}
    if sale.value is not None:
        custom_data["value"] = _amount(sale.value, sale.currency or "")
    if sale.currency:
        custom_data["currency"] = sale.currency.upper()
    if sale.order_id and sale.order_id.strip():
        custom_data["order_id"] = sale.order_id
    custom_data |= _items(sale.contents or ())
    source = sale.action_source or "website"
    event: dict[str, Any] = {
        "event_name": event_name_of(sale.event_name),
        "event_time": (sale.occurred_at - _EPOCH) // timedelta(seconds=1),
        "event_id": _sent_event_id(recipient, sale, apart=apart),
        "action_source": source,
        "user_data": _user_data(sale),
    }
    if custom_data:
        event["custom_data"] = custom_data
    if source == "website" and (sale.event_source_url or "").lower().startswith(("http://", "https://")):
        event["event_source_url"] = without_long_appendix(sale.event_source_url or "")
    if recipient.limited_data_use or sale.limited_data_use:
        event["data_processing_options"] = ["LDU"]
        event["data_processing_options_country"] = recipient.ldu_country
        event["data_processing_options_state"] = recipient.ldu_state
    if recipient.opt_out or sale.opt_out:
        event["opt_out"] = True
    return event


def encoded(event: Mapping[str, Any]) -> bytes:
    """Return the event as JSON, the same bytes for the same event; amounts are numbers with all their decimals."""
    return _ENCODER.encode(event)


def request_body(events: Sequence[bytes], recipient: Recipient) -> bytes:
    """Return the body of a request that carries the events byte for byte."""
    options = {"partner_agent": _PARTNER_AGENT}
    if recipient.test_event_code:
        options["test_event_code"] = recipient.test_event_code
    return b'{"data":[%b],%b' % (b",".join(events), _ENCODER.encode(options)[1:])


def keys_of(event: Mapping[str, Any]) -> frozenset[str]:
    """Return the keys of KEYS that the event carries."""
    return frozenset(key for key in KEYS if event["user_data"].get(key))


def _sent_event_id(recipient: Recipient, sale: AttributedSale, *, apart: bool) -> str:
    """Return the id that Meta compares with the browser's; a tenant's page may be able to build only the short one."""
    if recipient.sent_event_id == "order":
        order = order_of(None if apart else sale.order_id, sale.gateway, sale.gateway_event_id)
        return f"{order}.{event_name_of(sale.event_name)}"
    return registry_event_id(recipient.tenant_id, sale, apart=apart)


def _items(contents: Sequence[Any]) -> dict[str, Any]:
    """Return the items in the names of Meta's custom data, without those, or what of them, it would not understand."""
    items = [item for item in map(_item, contents) if item]
    if not items:
        return {}
    return {
        "contents": items,
        "content_ids": [item["id"] for item in items],
        "content_type": "product",
        "num_items": sum(item.get("quantity", 1) for item in items),
    }


def _item(stored: Any) -> dict[str, Any] | None:
    item_id = stored.get("id") if isinstance(stored, Mapping) else None
    if not isinstance(item_id, str | int) or isinstance(item_id, bool) or not str(item_id).strip():
        return None
    item: dict[str, Any] = {"id": str(item_id).strip()}
    quantity, price, title = stored.get("quantity"), stored.get("price"), stored.get("title")
    if type(quantity) is int and quantity > 0:
        item["quantity"] = quantity
    if type(price) in (int, float) and price >= 0:
        item["item_price"] = price
    if isinstance(title, str) and title.strip():
        item["title"] = title
    return item


def _amount(value: Decimal, currency: str) -> Decimal:
    """Return the amount with exactly the decimals of its currency.

    Decimals that the currency does not have (49.995 BRL) are rounded to the nearest, halves up, as on an invoice.
    """
    code = currency.upper()
    decimals = minor_units(code) if is_currency(code) else _DECIMALS_OF_NO_CURRENCY
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def _user_data(sale: AttributedSale) -> dict[str, Any]:
    email, phone = known_contact(sale.email_hash), known_contact(sale.phone_hash)
    found: dict[str, Any] = {
        "em": [email] if email else None,
        "ph": [phone] if phone else None,
        **known_parameters(sale.customer_information or {}),
        "fbc": _fbc(sale),
        "fbp": well_formed_fbp(sale.fbp) or well_formed_fbp(sale.click_fbp),
        "client_ip_address": address_of(sale.client_ip) or address_of(sale.click_ip),
        "client_user_agent": (sale.client_user_agent or "").strip() or (sale.click_user_agent or "").strip(),
    }
    return {name: value for name, value in found.items() if value}


def _fbc(sale: AttributedSale) -> str | None:
    """Return the click cookie: the sale's, else the click's, else one built from an fbclid and the time of the click.

    Without a known click there is no cookie to build: the time in it is when the fbclid was first seen.
    """
    known = fbc_to_send(sale.fbc) or fbc_to_send(sale.click_fbc)
    if known or sale.click_created_at is None:
        return known
    fbclid = well_formed_fbclid(sale.click_fbclid) or well_formed_fbclid(sale.fbclid)
    if fbclid is None:
        return None
    # Meta asks for the index 1 in a cookie that a server makes.
    return f"fb.1.{(sale.click_created_at - _EPOCH) // timedelta(milliseconds=1)}.{fbclid}"
