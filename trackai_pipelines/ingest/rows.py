"""Rows of clicks, identities and conversions: from a record or a sale to the text that COPY takes, or a refusal.

Here: which fields a row has, which are required, whose row it is. Not here: what a single field may be
(`fields`), where records come from (`formats`), and the database (`writing`).

A JSON line is decoded straight into a struct; whatever that refuses takes the slower road through a dict, which
accepts the odd (an epoch for a time) and knows the exact reason for the rest. Both roads end in the same row.
Fields that are not named here are left out.
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

import msgspec

from trackai_pipelines.customer_information.contact import email_hash, phone_hash
from trackai_pipelines.facts import buyer
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.formats import Fields, Refused, json_value
from trackai_pipelines.ingest.personal import emails_hashed
from trackai_pipelines.ingest.streams import Line
from trackai_pipelines.ingest.tenants import Context, Tenant, Text
from trackai_pipelines.money import is_currency


class Reference(NamedTuple):
    """A row of another table that a row names and that must exist: a funnel's id or a click's number."""

    tenant_id: str
    value: str


class Row(NamedTuple):
    """A row as a line of COPY's text format with NULL as the empty string, and what must exist for it."""

    text: str
    reference: Reference | None = None


class _Click(msgspec.Struct, gc=False):
    tenant: Text = None
    tenant_id: Text = None
    external_id: Text = None
    funnel_id: Text = None
    fbclid: Text = None
    fbc: Text = None
    fbp: Text = None
    utm_source: Text = None
    utm_medium: Text = None
    utm_campaign: Text = None
    utm_content: Text = None
    utm_term: Text = None
    ip: str | None = None
    user_agent: Text = None
    created_at: datetime | None = None


class _Identity(msgspec.Struct, gc=False):
    tenant: Text = None
    tenant_id: Text = None
    external_id: Text = None
    email_hash: str | None = None
    phone_hash: str | None = None
    email: str | None = None
    phone: Text = None
    click_id: Text = None
    click_external_id: Text = None
    created_at: datetime | None = None


class _Conversion(msgspec.Struct, gc=False):
    tenant: Text = None
    tenant_id: Text = None
    gateway: str | None = None
    gateway_event_id: Text = None
    sale_key: Text = None
    order_id: Text = None
    event_name: str | None = None
    value: Decimal | None = None
    currency: str | None = None
    occurred_at: datetime | None = None
    fbclid: Text = None
    fbc: Text = None
    fbp: Text = None
    customer_email_hash: str | None = None
    customer_phone_hash: str | None = None
    email: str | None = None
    phone: Text = None
    # Of any type: what cannot be used is left out, and costs no sale.
    first_name: object = None
    last_name: object = None
    city: object = None
    state: object = None
    zip: object = None
    country: object = None
    birth_date: object = None
    gender: object = None
    customer_id: object = None
    client_ip: str | None = None
    client_user_agent: Text = None
    event_source_url: str | None = None


# The columns of a staging table, in order; the SQL files name them in the same order. Rows are written in the order
# of their texts, so the first columns say which of two events of one sale wins: the earlier.
STAGED: Mapping[str, tuple[str, ...]] = {
    "clicks": (
        "tenant_id",
        "external_id",
        "funnel_id",
        "fbclid",
        "fbc",
        "fbp",
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_content",
        "utm_term",
        "ip",
        "user_agent",
        "created_at",
    ),
    "identities": (
        "tenant_id",
        "external_id",
        "email_hash",
        "phone_hash",
        "click_id",
        "click_external_id",
        "created_at",
    ),
    "conversions": (
        "tenant_id",
        "gateway",
        "sale_key",
        "occurred_at",
        "gateway_event_id",
        "order_id",
        "event_name",
        "value",
        "currency",
        "fbclid",
        "fbc",
        "fbp",
        "customer_email_hash",
        "customer_phone_hash",
        "client_ip",
        "client_user_agent",
        "event_source_url",
        "customer_information",
    ),
}

_LONG_TEXTS = frozenset({"user_agent", "client_user_agent", "event_source_url"})
_MOMENTS = frozenset({"created_at", "occurred_at"})
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_CLICKS = msgspec.json.Decoder(_Click)
_IDENTITIES = msgspec.json.Decoder(_Identity)
_CONVERSIONS = msgspec.json.Decoder(_Conversion)
_Decoded = TypeVar("_Decoded", _Click, _Identity, _Conversion)


def click_row(record: Line | Fields, context: Context) -> Row:
    """A click. Without `created_at` it happened when it is loaded. Raises Refused."""
    click = _decoded(record, _CLICKS)
    tenant = context.tenant_of(click.tenant, click.tenant_id)
    funnel = fields.identifier_of(click.funnel_id, "funnel_id")
    values = (
        tenant.id,
        fields.identifier_of(click.external_id, "external_id"),
        funnel,
        click.fbclid or "",
        click.fbc or "",
        click.fbp or "",
        click.utm_source or "",
        click.utm_medium or "",
        click.utm_campaign or "",
        click.utm_content or "",
        click.utm_term or "",
        fields.ip_of(click.ip or "", "ip"),
        click.user_agent or "",
        _optional_time(click.created_at, context.latest),
    )
    text = _with_row_id(values, "clicks")
    return Row(text, Reference(tenant.id, funnel)) if funnel else Row(text)


def identity_row(record: Line | Fields, context: Context) -> Row:
    """An identity: a person's hash, and perhaps the click they came by. Raises Refused."""
    identity = _decoded(record, _IDENTITIES)
    tenant = context.tenant_of(identity.tenant, identity.tenant_id)
    email = fields.hash_of(identity.email_hash or "", "email_hash") or email_hash(identity.email) or ""
    phone = fields.hash_of(identity.phone_hash or "", "phone_hash") or _phone(identity.phone, tenant)
    if not email and not phone:
        raise Refused("neither a usable email nor a usable phone: expected email, phone or a hash of one")
    click = fields.identifier_of(identity.click_id, "click_id")
    if click and not (click.isascii() and click.isdigit() and int(click) < 2**63):
        raise Refused("click_id is not a click's number; a producer's own id goes into click_external_id")
    values = (
        tenant.id,
        fields.identifier_of(identity.external_id, "external_id"),
        email,
        phone,
        click,
        fields.identifier_of(identity.click_external_id, "click_external_id"),
        _optional_time(identity.created_at, context.latest),
    )
    text = _with_row_id(values, "identities")
    return Row(text, Reference(tenant.id, click)) if click else Row(text)


def conversion_row(record: Line | Fields, context: Context) -> Row:
    """A conversion. `created_at` of a record is not taken: that is when the row arrives here. Raises Refused."""
    return _conversion_row(_decoded(record, _CONVERSIONS), context)


def sale_row(sale: Sale, gateway: str, context: Context) -> Row:
    """The conversion of a gateway's sale, held to the rules of any other. Raises Refused."""
    record = _Conversion(
        gateway=gateway,
        gateway_event_id=sale.gateway_event_id,
        sale_key=sale.sale_key,
        order_id=sale.order_id,
        event_name=sale.event_name,
        value=sale.value,
        currency=sale.currency,
        occurred_at=sale.occurred_at,
        fbclid=sale.fbclid,
        fbc=sale.fbc,
        fbp=sale.fbp,
        email=sale.email,
        phone=sale.phone,
        client_ip=sale.client_ip,
        client_user_agent=sale.client_user_agent,
        event_source_url=sale.event_source_url,
        **sale.buyer,
    )
    return _conversion_row(record, context)


# How a record of each kind of file becomes a row, and which columns a file of that kind may have.
ROW_READERS: Mapping[str, Callable[[Line | Fields, Context], Row]] = {
    "clicks": click_row,
    "identities": identity_row,
    "conversions": conversion_row,
}
FILE_COLUMNS: Mapping[str, frozenset[str]] = {
    "clicks": frozenset(_Click.__struct_fields__),
    "identities": frozenset(_Identity.__struct_fields__),
    "conversions": frozenset(_Conversion.__struct_fields__) | {"created_at"},
}


def _conversion_row(sale: _Conversion, context: Context) -> Row:
    tenant = context.tenant_of(sale.tenant, sale.tenant_id)
    gateway = fields.identifier_of(sale.gateway, "gateway", longest=fields.MAX_GATEWAY)
    event_id = fields.identifier_of(sale.gateway_event_id, "gateway_event_id")
    if not gateway or not event_id:
        raise Refused(f"{'gateway_event_id' if gateway else 'gateway'} is missing; it tells events apart")
    if sale.value is None:
        raise Refused("value is missing; expected an amount such as 129.90")
    currency = (sale.currency or "").strip().upper()
    if not is_currency(currency):
        raise Refused(f"currency {fields.shown(currency)} is not an ISO 4217 code such as BRL")
    if sale.occurred_at is None:
        raise Refused("occurred_at is missing; expected the time of the sale in ISO 8601")
    email = fields.hash_of(sale.customer_email_hash or "", "customer_email_hash") or email_hash(sale.email) or ""
    phone = fields.hash_of(sale.customer_phone_hash or "", "customer_phone_hash") or _phone(sale.phone, tenant)
    values = (
        tenant.id,
        gateway,
        fields.identifier_of(sale.sale_key, "sale_key"),
        fields.time_of(sale.occurred_at, "occurred_at", context.latest).isoformat(),
        event_id,
        sale.order_id or "",
        sale.event_name or "Purchase",
        fields.amount_of(sale.value),
        currency,
        sale.fbclid or "",
        sale.fbc or "",
        sale.fbp or "",
        email,
        phone,
        fields.ip_of(sale.client_ip or "", "client_ip"),
        sale.client_user_agent or "",
        sale.event_source_url or "",
        buyer.customer_information(sale, tenant.default_country),
    )
    return Row(_copy_text(values, "conversions"))


def _decoded(record: Line | Fields, decoder: msgspec.json.Decoder[_Decoded]) -> _Decoded:
    if isinstance(record, Fields):
        return _from_values(record.values, decoder.type)
    raw = record.raw
    try:
        # The decoder does not look at the bytes of fields it leaves out.
        if not raw.isascii():
            raw.decode("utf-8")
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        values = json_value(raw)
    if not isinstance(values, dict):
        raise Refused("the line is not a JSON object; expected one object a line")
    return _from_values(values, decoder.type)


def _from_values(values: Mapping[str, object], struct: type[_Decoded]) -> _Decoded:
    typed: dict[str, Any] = {}
    for name in struct.__struct_fields__:
        value = values.get(name)
        if value is None or value == "":
            continue
        if name in _MOMENTS:
            typed[name] = fields.moment_of(value, name)
        elif name == "value":
            typed[name] = fields.value_of(value)
        elif name in buyer.PARAMETERS:
            typed[name] = fields.text_of(value, name) if isinstance(value, bytes) else value
        else:
            typed[name] = fields.text_of(value, name)
    return struct(**typed)


def _phone(phone: Text, tenant: Tenant) -> str:
    return (phone_hash(str(phone), tenant.default_country) or "") if phone else ""


def _optional_time(moment: datetime | None, latest: datetime) -> str:
    return "" if moment is None else fields.time_of(moment, "created_at", latest).isoformat()


def _with_row_id(values: tuple[Text, ...], kind: str) -> str:
    """The row's line; one without an external_id gets the hash of all it holds, the same at every loading."""
    text = _copy_text(values, kind)
    if values[1]:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return text.replace("\t\t", f"\trow:{digest}\t", 1)


def _copy_text(values: tuple[Text, ...], kind: str) -> str:
    try:
        text = "\t".join(values)  # type: ignore[arg-type]
    except TypeError:
        # Some of the texts were given as whole numbers.
        values = tuple(map(str, values))
        text = "\t".join(values)  # type: ignore[arg-type]
    # Nearly all rows pass here: short, and nothing to escape.
    if (
        len(text) > fields.MAX_KEY
        or "\\" in text
        or "\n" in text
        or "\r" in text
        or "\0" in text
        or "@" in text
        or "%40" in text
        or text.count("\t") != len(values) - 1
    ):
        return _checked_text(map(str, values), kind)
    return text


def _checked_text(values: "map[str]", kind: str) -> str:
    escaped = []
    for name, value in zip(STAGED[kind], values, strict=True):
        longest = fields.MAX_TEXT if name in _LONG_TEXTS else fields.MAX_KEY
        if len(value) > longest:
            raise Refused(f"{name} has {len(value):,} characters; at most {longest:,} are taken")
        if "\0" in value:
            raise Refused(f"{name} holds a NUL character; remove it")
        if "@" in value or "%40" in value:
            # A page's query, or an order number made of the buyer's address.
            value = emails_hashed(value)
        escaped.append(value.translate(_ESCAPES))
    return "\t".join(escaped)
