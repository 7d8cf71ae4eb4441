"""Validation: whether Meta would take an event. Meta refuses a whole request for one bad event, so it is checked here.

The rules are Meta's ("Server event parameters", "Customer information parameters", "Standard parameters" of the
Conversions API). Here: an event in, a problem or None out. Not here: how an event is made (`events`), and what happens
to one that may not be sent (`dispatcher`). No sentence repeats a buyer's data.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import ip_address
from typing import Any

from trackai_pipelines.customer_information.hashing import is_sha256
from trackai_pipelines.delivery.cookies import well_formed_fbc, well_formed_fbp
from trackai_pipelines.money import is_currency

ACTION_SOURCES = frozenset(
    {"website", "app", "phone_call", "chat", "email", "physical_store", "system_generated", "business_messaging"}
    | {"other"}
)
HASHED = ("em", "ph", "fn", "ln", "ct", "st", "zp", "country", "db", "ge", "external_id")
# How old an event may be when it arrives at Meta, and how long a request may take to get there.
LONGEST_AGE = timedelta(days=7)
LONGEST_AGE_IN_STORE = timedelta(days=62)
MARGIN = timedelta(minutes=1)

# User data that is too broad to find a person by (Meta's 100/2804050): all of it is in one of these sets.
_TOO_WEAK = (
    frozenset({"ct", "country", "st", "zp", "ge", "client_user_agent"}),
    frozenset({"db", "client_user_agent"}),
    frozenset({"fn", "ge"}),
    frozenset({"ln", "ge"}),
)
# The longest name of a custom event ("Conversion tracking" of the pixel, which shares its events with the API).
_LONGEST_NAME = 50


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an event may not be sent: a code of ours, and a sentence that says what is wrong and how to fix it."""

    failure: str
    message: str


def problem_of(event: Mapping[str, Any], *, now: datetime) -> Problem | None:
    """Return the first reason why Meta would refuse the event if it were sent at `now`; None if it would take it.

    The event may be as it was built, or as decoded from its JSON.
    """
    for rule in (_what_happened, _when_it_happened, _who_bought, _cookies_and_browser, _what_was_paid, _restrictions):
        problem = rule(event, now)
        if problem is not None:
            return problem
    return None


def warnings_of(event: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each lack that Meta accepts but that makes the event worth less."""
    found = []
    if event.get("action_source") == "website":
        if not event.get("event_source_url"):
            found.append("a website's event without event_source_url: pass on the address of the checkout page")
        if not event["user_data"].get("client_user_agent"):
            found.append("a website's event without client_user_agent: pass on the buyer's user agent")
    if event.get("custom_data", {}).get("value") == 0:
        found.append(
            "the value is 0: Meta takes it as a sale without revenue; if the sale was not free, correct its amount at "
            "the gateway and send a conversion of its own"
        )
    return found


def _what_happened(event: Mapping[str, Any], now: datetime) -> Problem | None:
    name, event_id, source = event.get("event_name"), event.get("event_id"), event.get("action_source")
    if not isinstance(name, str) or not name.strip():
        return Problem("bad_event_name", "event_name is missing: give the conversion a name such as Purchase")
    if len(name) > _LONGEST_NAME:
        return Problem(
            "bad_event_name",
            f"event_name has {len(name)} characters; Meta takes at most {_LONGEST_NAME}: use a shorter name",
        )
    if not isinstance(event_id, str) or not event_id.strip():
        return Problem("bad_event_id", "event_id is missing: without it Meta would count the sale twice")
    if not isinstance(source, str) or source not in ACTION_SOURCES:
        return Problem("bad_action_source", f"action_source must be one of {', '.join(sorted(ACTION_SOURCES))}")
    url = event.get("event_source_url")
    if url is not None and not (isinstance(url, str) and url.lower().startswith(("http://", "https://"))):
        return Problem("bad_url", "event_source_url must begin with http:// or https://: give a whole address or none")
    return None


def _when_it_happened(event: Mapping[str, Any], now: datetime) -> Problem | None:
    seconds = event.get("event_time")
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return Problem("bad_event_time", "event_time must be a whole number of seconds since 1970")
    try:
        happened = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return Problem("bad_event_time", "event_time lies outside the calendar: it must be seconds, not milliseconds")
    longest = LONGEST_AGE_IN_STORE if event.get("action_source") == "physical_store" else LONGEST_AGE
    if now - happened > longest - MARGIN:
        return Problem(
            "too_old",
            f"the sale of {happened:%Y-%m-%d %H:%M:%S} UTC is older than the {longest.days} days within which Meta "
            "takes events, and can no longer be delivered: find out what held it up, before it holds up later ones",
        )
    if happened > now:
        return Problem(
            "in_future",
            f"the sale of {happened:%Y-%m-%d %H:%M:%S} UTC lies in the future, and Meta takes no such event: it waits "
            "until then; correct the producer's clock or time zone",
        )
    return None


def _who_bought(event: Mapping[str, Any], now: datetime) -> Problem | None:
    user_data = event.get("user_data")
    if not isinstance(user_data, Mapping):
        return Problem("no_user_data", "user_data is missing: an event needs at least one thing known of the buyer")
    for name in HASHED:
        if name in user_data and not _all_hashed(user_data[name]):
            return Problem(
                "bad_hash",
                f"user_data.{name} must be SHA-256 in 64 lower-case hex digits: give the value raw, or its hash",
            )
    known = {name for name, value in user_data.items() if value}
    if not known:
        return Problem(
            "little_user_data",
            "nothing is known of the buyer: pass on e-mail, phone, click id, browser id or address of the buyer",
        )
    if any(known <= weak for weak in _TOO_WEAK):
        return Problem(
            "little_user_data",
            f"only {', '.join(sorted(known))} is known of the buyer, which Meta refuses as too little: "
            "pass on e-mail, phone, click id, browser id or IP address too",
        )
    return None


def _cookies_and_browser(event: Mapping[str, Any], now: datetime) -> Problem | None:
    user_data = event["user_data"]
    checks: tuple[tuple[str, str, Callable[[str], object], str], ...] = (
        (
            "fbc",
            "bad_fbc",
            well_formed_fbc,
            "must read fb.<index>.<ms>.<fbclid>: pass on the cookie unchanged, or none",
        ),
        (
            "fbp",
            "bad_fbp",
            well_formed_fbp,
            "must read fb.<index>.<ms>.<number>: pass on the cookie unchanged, or none",
        ),
        ("client_ip_address", "bad_ip", _is_address, "must be an IPv4 or IPv6 address, never hashed"),
        ("client_user_agent", "bad_user_agent", str.strip, "must be the browser's own text, never empty"),
    )
    for name, failure, check, expected in checks:
        value = user_data.get(name)
        if value is not None and not (isinstance(value, str) and check(value)):
            return Problem(failure, f"user_data.{name} {expected}")
    return None


def _what_was_paid(event: Mapping[str, Any], now: datetime) -> Problem | None:
    custom_data = event.get("custom_data", {})
    if not isinstance(custom_data, Mapping):
        return Problem("no_value", "custom_data must hold value and currency")
    value, currency = custom_data.get("value"), custom_data.get("currency")
    needed = event.get("event_name") == "Purchase"
    if value is None and needed:
        return Problem("no_value", "a Purchase needs custom_data.value: give the conversion the amount paid")
    if currency is None and (needed or value is not None):
        return Problem("no_currency", "an amount needs custom_data.currency: give the conversion one such as BRL")
    if value is not None and not _is_amount(value):
        return Problem("bad_value", "custom_data.value must be a number of 0 or more: give the amount paid")
    if currency is not None and not (isinstance(currency, str) and is_currency(currency)):
        return Problem(
            "bad_currency", "custom_data.currency is no currency code of ISO 4217: give the conversion one such as BRL"
        )
    return None


def _restrictions(event: Mapping[str, Any], now: datetime) -> Problem | None:
    if not isinstance(event.get("opt_out", False), bool):
        return Problem("bad_opt_out", "opt_out must be true or false: set it at the tenant")
    options = event.get("data_processing_options", [])
    country = event.get("data_processing_options_country", 0)
    state = event.get("data_processing_options_state", 0)
    if options not in ([], ["LDU"]) or country not in (0, 1) or state not in (0, 1000):
        return Problem(
            "bad_data_processing",
            "limited data use takes the option LDU with country 0 or 1 and state 0 or 1000: set them at the tenant",
        )
    return None


def _all_hashed(value: object) -> bool:
    """Return whether the value is a hash, or a list of at least one hash."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return bool(value) and all(isinstance(item, str) and is_sha256(item) for item in value)
    return isinstance(value, str) and is_sha256(value)


def _is_address(value: str) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return "%" not in value


def _is_amount(value: object) -> bool:
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        return False
    # Comparing a NaN of Decimal raises, hence the order.
    return Decimal(value).is_finite() and value >= 0
