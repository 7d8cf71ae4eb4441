"""The landing kinds of the facts: clicks, identities, and with the gateways' webhooks conversions and refunds.

What belongs here: which fields a record may have, what is required of them, and the columns that they become. What
does not: how files are read and rows written (`ingest`), what a single field may be (`ingest.fields`), and how a
gateway's payload is read (`gateways`).
"""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import partial
from operator import attrgetter

import msgspec

from trackai_pipelines.event_names import PURCHASE, event_name_of
from trackai_pipelines.facts import buyer, details
from trackai_pipelines.facts.contacts import hashed_email, hashed_phone, ip_of
from trackai_pipelines.facts.gateways import READERS, Reader
from trackai_pipelines.facts.gateways.no_sale import TEST
from trackai_pipelines.facts.refund import Refund
from trackai_pipelines.facts.refund_rows import RefundRecord, refund_record, refund_row
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.facts.same_sale import join
from trackai_pipelines.facts.users_and_campaigns import CAMPAIGNS, USERS
from trackai_pipelines.ingest import fields
from trackai_pipelines.ingest.context import Context, Text
from trackai_pipelines.ingest.kinds import Carried, Kind, SameThing, WebhookReader
from trackai_pipelines.ingest.outcomes import NotTaken, Refused
from trackai_pipelines.money import is_currency


class ClickRecord(msgspec.Struct, gc=False):
    """A click as a record of a file."""

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
    # Of any type: what cannot be used is left out, and costs no click.
    click_ids: object = None
    gclid: object = None
    wbraid: object = None
    gbraid: object = None
    ttclid: object = None
    msclkid: object = None


class IdentityRecord(msgspec.Struct, gc=False):
    """An identity as a record of a file: a person's contact, and perhaps the click they came by."""

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


class ConversionRecord(msgspec.Struct, gc=False):
    """A conversion as a record of a file, or as a gateway's sale."""

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
    contents: object = None
    click_ids: object = None
    gclid: object = None
    wbraid: object = None
    gbraid: object = None
    ttclid: object = None
    msclkid: object = None
    action_source: object = None
    limited_data_use: object = None
    opt_out: object = None


class SaleRecord(ConversionRecord, gc=False):
    """A conversion that a gateway's reader found."""

    test: str | None = None
    sale_names: tuple[str, ...] = ()
    click_names: tuple[str, ...] = ()


def _click_row(click: ClickRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(click.tenant, click.tenant_id)
    return (
        owner.id,
        fields.identifier_of(click.external_id, "external_id"),
        context.optional_id(click.funnel_id, "funnel_id"),
        click.fbclid or "",
        click.fbc or "",
        click.fbp or "",
        click.utm_source or "",
        click.utm_medium or "",
        click.utm_campaign or "",
        click.utm_content or "",
        click.utm_term or "",
        ip_of(click.ip, "ip", context),
        click.user_agent or "",
        fields.optional_time(click.created_at, "created_at", context.latest),
        details.click_ids_of(click, context),
    )


def _identity_row(identity: IdentityRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(identity.tenant, identity.tenant_id)
    email = hashed_email(identity.email_hash, identity.email, "email_hash", context)
    phone = hashed_phone(identity.phone_hash, identity.phone, "phone_hash", owner, context)
    if not email and not phone:
        raise Refused("neither a usable email nor a usable phone: expected email, phone or a hash of one")
    click = context.optional_id(identity.click_id, "click_id")
    if click and not (click.isascii() and click.isdigit() and int(click) < 2**63):
        click = context.leave_out("click_id", "not a click's number; a producer's own id goes into click_external_id")
    return (
        owner.id,
        fields.identifier_of(identity.external_id, "external_id"),
        email,
        phone,
        click,
        context.optional_id(identity.click_external_id, "click_external_id"),
        context.optional_time(identity.created_at, "created_at"),
    )


def _conversion_row(sale: ConversionRecord, context: Context) -> tuple[Text, ...]:
    owner = context.owner_of(sale.tenant, sale.tenant_id)
    if isinstance(sale, SaleRecord) and sale.test and not owner.take_test_payments:
        raise Refused(f"{TEST}: {sale.test}")
    gateway = fields.identifier_of(sale.gateway, "gateway", longest=fields.MAX_GATEWAY)
    event_id = fields.identifier_of(sale.gateway_event_id, "gateway_event_id")
    if not gateway or not event_id:
        raise Refused(f"{'gateway_event_id' if gateway else 'gateway'} is missing; it tells events apart")
    event_name = event_name_of(sale.event_name) if sale.event_name else PURCHASE
    value, currency = _paid(sale, event_name == PURCHASE, context)
    if sale.occurred_at is None:
        raise Refused("occurred_at is missing; expected the time of the sale in ISO 8601")
    email = hashed_email(sale.customer_email_hash, sale.email, "customer_email_hash", context)
    phone = hashed_phone(sale.customer_phone_hash, sale.phone, "customer_phone_hash", owner, context)
    return (
        owner.id,
        gateway,
        fields.identifier_of(sale.sale_key, "sale_key"),
        fields.time_text(sale.occurred_at, "occurred_at", context.latest),
        event_id,
        fields.identifier_of(sale.order_id, "order_id", longest=fields.MAX_KEY),
        event_name,
        value,
        currency,
        sale.fbclid or "",
        sale.fbc or "",
        sale.fbp or "",
        email,
        phone,
        ip_of(sale.client_ip, "client_ip", context),
        sale.client_user_agent or "",
        sale.event_source_url or "",
        buyer.customer_information(sale, owner.default_country, context),
        details.contents_of(sale.contents, context),
        details.click_ids_of(sale, context),
        details.action_source_of(sale.action_source, context),
        details.restriction_of(sale.limited_data_use, "limited_data_use", context),
        details.restriction_of(sale.opt_out, "opt_out", context),
    )


def _without_a_price(sale: Mapping[str, object]) -> frozenset[str]:
    """Return what a sale with these values can do without: any event but a purchase has no value of its own."""
    name = sale.get("event_name")
    named = isinstance(name, str) and name.strip() and event_name_of(name) != PURCHASE
    return frozenset({"value", "currency"}) if named else frozenset()


def _paid(sale: ConversionRecord, needed: bool, context: Context) -> tuple[str, str]:
    """Return value and currency. A purchase needs both; of another event what cannot be used is left out."""
    currency = (sale.currency or "").strip().upper()
    if sale.value is not None and is_currency(currency):
        try:
            return fields.amount_of(sale.value, context.note), currency
        except Refused:
            if needed:
                raise
            return context.leave_out("value", "not an amount from 0 to 10^12"), currency
    if needed:
        if sale.value is None:
            raise Refused("value is missing; expected an amount such as 129.90")
        raise Refused(f"currency {fields.shown(currency)} is not an ISO 4217 code such as BRL")
    if sale.value is not None:
        context.leave_out("value", "its currency is not an ISO 4217 code")
    elif is_currency(currency):
        return "", currency
    return "", context.leave_out("currency", "not an ISO 4217 code") if currency else ""


def records_of(
    read: Reader, gateway: str, payload: Mapping[str, object]
) -> Iterator[ConversionRecord | RefundRecord | NotTaken]:
    """Yield the sales and refunds of a payload, held to the rules of any other."""
    for found in read(payload):
        if isinstance(found, NotTaken):
            yield found
            continue
        if isinstance(found, Refund):
            yield refund_record(found, gateway)
            continue
        yield SaleRecord(
            gateway=gateway,
            contents=found.contents or None,
            click_ids=found.click_ids or None,
            **{name: getattr(found, name) for name in _AS_THEY_ARE},
            **found.buyer,
        )


_AS_THEY_ARE = {field.name for field in dataclasses.fields(Sale)} - {"buyer", "contents", "click_ids"}
# One reading of a payload for both kinds.
_WEBHOOKS: Mapping[str, WebhookReader] = {
    gateway: partial(records_of, read, gateway) for gateway, read in READERS.items()
}
CLICKS = Kind(
    name="clicks",
    says="Ad clicks that reached a landing page, with Meta's click id (`fbclid`, `fbc`) and browser id (`fbp`). "
    "Immutable; one row a click, deduplicated by the producer's `external_id`.",
    record=ClickRecord,
    columns=(
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
        "click_ids",
    ),
    row=_click_row,
    optional=frozenset({"fbclid", "fbc", "fbp", "utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"})
    | {"funnel_id", "ip", "user_agent", "click_ids", *details.CLICK_IDS},
    long_texts=frozenset({"user_agent"}),
    row_id="external_id",
    now="created_at",
    references={"funnel_id": "facts/unknown_funnels"},
    afterwards=("facts/register_staged_campaigns",),
    looks_into=("campaigns",),
)
IDENTITIES = Kind(
    name="identities",
    says="The person behind a click: hashed e-mail and phone, captured together with the click. Used for matching only "
    "by tenants that turned e-mail matching on.",
    record=IdentityRecord,
    # A click that is known by its external_id alone is linked by matching/link_identities.
    columns=("tenant_id", "external_id", "email_hash", "phone_hash", "click_id", "click_external_id", "created_at"),
    row=_identity_row,
    optional=frozenset({"email_hash", "phone_hash", "email", "phone", "click_id", "click_external_id", "created_at"}),
    row_id="external_id",
    now="created_at",
    references={"click_id": "facts/unknown_clicks"},
    looks_into=("clicks",),
)
CONVERSIONS = Kind(
    name="conversions",
    says="Paid sales, as payment gateways report them. Immutable; a webhook redelivered any number of times is one "
    "row. Everything refused is in `ingest_rejects` with its reason.",
    record=ConversionRecord,
    # Not in the order of a unique key: of several events of one sale the earliest wins.
    columns=(
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
        "contents",
        "click_ids",
        "action_source",
        "limited_data_use",
        "opt_out",
    ),
    row=_conversion_row,
    # When the row arrived: not the producer's to say.
    also_in_files=frozenset({"created_at"}),
    optional=frozenset({"fbclid", "fbc", "fbp", "customer_email_hash", "customer_phone_hash", "email", "phone"})
    | {"client_ip", "client_user_agent", "event_source_url", "contents", "click_ids", *details.CLICK_IDS}
    | {"action_source", "limited_data_use", "opt_out", *buyer.PARAMETERS},
    optional_where=_without_a_price,
    long_texts=frozenset({"client_user_agent", "event_source_url", "contents"}),
    afterwards=(
        "facts/link_staged_conversions",
        "facts/lock_links_of_sales",
        "facts/link_refunds_of_staged_conversions",
    ),
    looks_into=("users", "user_conversions", "refunds", "sale_names"),
    same_thing=SameThing(
        statement="facts/repeated_sales",
        columns=("tenant_id", "gateway", "gateway_event_id", "sale_key"),
        names=attrgetter("sale_names"),
        join=join,
    ),
    carried=Carried(
        statement="facts/fill_in_named_clicks",
        columns=("tenant_id", "gateway", "gateway_event_id"),
        names=attrgetter("click_names"),
    ),
    webhooks=_WEBHOOKS,
)
REFUNDS = Kind(
    name="refunds",
    says="Money that went back to buyers, refunds and chargebacks, as gateways report it: a part of a sale or all of "
    "it, each once. Linked with its sale whichever of them arrives first, and never sent to Meta.",
    record=RefundRecord,
    columns=(
        "tenant_id",
        "gateway",
        "gateway_event_id",
        "original_event_id",
        "sale_key",
        "order_id",
        "kind",
        "value",
        "currency",
        "occurred_at",
    ),
    row=refund_row,
    # When the row arrived: not the producer's to say.
    also_in_files=frozenset({"created_at"}),
    afterwards=("facts/lock_links_of_refunds", "facts/link_staged_refunds"),
    looks_into=("conversions", "sale_names"),
    webhooks=_WEBHOOKS,
)
# In the order in which they are loaded: clicks name campaigns, identities name clicks, conversions look for users,
# clicks and identities, and refunds for conversions.
KINDS = (CAMPAIGNS, USERS, CLICKS, IDENTITIES, CONVERSIONS, REFUNDS)
