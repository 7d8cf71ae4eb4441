"""Sales, clicks and recipients to make events of, for the tests of what is sent."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from trackai_pipelines.delivery.events import AttributedSale, Recipient

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SOLD = datetime(2026, 3, 10, 11, 59, 30, 987654, tzinfo=UTC)
CLICKED = datetime(2026, 3, 9, 8, 0, 0, 123999, tzinfo=UTC)
CLICKED_MS = 1773043200123
FBC, FBP = "fb.1.1773043100000.IwAR0abc-DEF_x", "fb.1.1773043000000.1116446470"
EMAIL, PHONE, NAME = "a" * 64, "b" * 64, "c" * 64


def recipient(**changes: Any) -> Recipient:
    """A tenant that sends all it can, with changes."""
    plain: dict[str, Any] = {
        "tenant_id": "t-acme",
        "slug": "acme",
        "pixel_id": "1234567890",
        "sent_event_id": "registry",
        "limited_data_use": False,
        "ldu_country": 0,
        "ldu_state": 0,
        "opt_out": False,
        "test_event_code": None,
    }
    return Recipient(**plain | changes)


def sale(**changes: Any) -> AttributedSale:
    """A sale of 49.90 BRL of which nothing else is known, with changes."""
    plain: dict[str, Any] = dict.fromkeys(AttributedSale.__dataclass_fields__) | {
        "conversion_id": 7,
        "gateway": "stripe",
        "gateway_event_id": "evt_7",
        "order_id": "order-7",
        "event_name": "Purchase",
        "value": Decimal("49.9000"),
        "currency": "BRL",
        "occurred_at": SOLD,
    }
    return AttributedSale(**plain | changes)


def known_sale(**changes: Any) -> AttributedSale:
    """A sale with all that can be known of its buyer, and a click with other values."""
    known: dict[str, Any] = {
        "fbclid": "IwAR0abc-DEF_x",
        "fbc": FBC,
        "fbp": FBP,
        "email_hash": EMAIL,
        "phone_hash": PHONE,
        "customer_information": {"fn": NAME, "external_id": NAME},
        "client_ip": "203.0.113.7",
        "client_user_agent": "Mozilla/5.0",
        "event_source_url": "https://shop.example.com/thanks",
        "click_fbclid": "IwAR1other",
        "click_fbc": "fb.1.1773043200000.IwAR1other",
        "click_fbp": "fb.1.1773043000000.222",
        "click_ip": "2001:db8::7",
        "click_user_agent": "Other/1.0",
        "click_created_at": CLICKED,
    }
    return sale(**known | changes)
