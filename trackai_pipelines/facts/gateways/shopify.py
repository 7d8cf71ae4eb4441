"""Shopify's orders, as its webhooks and its REST API send them (bare, or wrapped in `order`)."""

from collections.abc import Iterator, Mapping

from trackai_pipelines.customer_information.client_ip import address_of
from trackai_pipelines.facts.gateways.no_sale import marked
from trackai_pipelines.facts.gateways.payload import (
    amount,
    at,
    buyer,
    currency,
    moment,
    page_url,
    required_text,
    shown,
    text,
)
from trackai_pipelines.facts.gateways.tracking import named_values, query_of, tracking_keys
from trackai_pipelines.facts.sale import Sale
from trackai_pipelines.ingest.outcomes import NotTaken


def read(payload: Mapping[str, object]) -> Iterator[Sale | NotTaken]:
    """The sale of a paid order; an order in another state is no sale. Raises MalformedPayload."""
    wrapped = payload.get("order")
    order = wrapped if isinstance(wrapped, Mapping) else payload
    yield from marked("shopify order with test true" if order.get("test") is True else None, _read(order))


def _read(order: Mapping[str, object]) -> Iterator[Sale | NotTaken]:
    status = required_text(order, "financial_status")
    if status != "paid":
        reason = f"not a paid sale: shopify order that is {shown(status)}"
        yield NotTaken(reason=reason, event_id=text(order, "id"))
        return
    order_id = required_text(order, "id")
    landing_site = at(order, "landing_site")
    # What the shop notes down at checkout is nearer to the sale than the page the visit began on.
    keys = tracking_keys(named_values(at(order, "note_attributes")), query_of(landing_site))
    yield Sale(
        gateway_event_id=order_id,
        order_id=order_id,
        value=amount(order, "total_price"),
        currency=currency(order, "currency"),
        occurred_at=moment(order, "processed_at", "created_at"),
        fbclid=keys.fbclid,
        fbc=keys.fbc,
        fbp=keys.fbp,
        email=text(order, "email", "contact_email", "customer.email"),
        phone=text(order, "phone", "customer.phone"),
        buyer=_buyer(order),
        client_ip=address_of(text(order, "client_details.browser_ip", "browser_ip")),
        client_user_agent=text(order, "client_details.user_agent"),
        event_source_url=page_url(landing_site),
    )


def _buyer(order: Mapping[str, object]) -> dict[str, object]:
    """The buyer, with one address as a whole: a gift is shipped to somebody else, hence shipping is not looked at."""
    home = "billing_address" if at(order, "billing_address.country_code") else "customer.default_address"
    return buyer(
        order,
        first_name=("customer.first_name", "billing_address.first_name"),
        last_name=("customer.last_name", "billing_address.last_name"),
        city=f"{home}.city",
        state=(f"{home}.province_code", f"{home}.province"),
        zip=f"{home}.zip",
        country=(f"{home}.country_code", f"{home}.country"),
    )
