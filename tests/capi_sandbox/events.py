"""Events to send: a sale that breaks no rule, and the same with something else in it."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
PIXEL = "100000000000001"
HASH = "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5"
DAY = 86_400


def sale(event_id: str | None = "sale-1", **fields: Any) -> dict[str, Any]:
    """A purchase a minute ago with all that Meta wants, changed by `fields`; None takes a field away."""
    event = {
        "event_name": "Purchase",
        "event_time": int(NOW.timestamp()) - 60,
        "event_id": event_id,
        "action_source": "website",
        "event_source_url": "https://shop.example/thanks",
        "user_data": {"em": [HASH], "client_user_agent": "Mozilla/5.0", "client_ip_address": "203.0.113.7"},
        "custom_data": {"value": 49.9, "currency": "BRL"},
        **fields,
    }
    return {name: value for name, value in event.items() if value is not None}


def person(**user_data: Any) -> dict[str, Any]:
    """A sale whose buyer is known by these alone."""
    return sale(user_data=user_data)


def aged(seconds: float, **fields: Any) -> dict[str, Any]:
    """A sale of that long ago."""
    return sale(event_time=int(NOW.timestamp() - seconds), **fields)
