"""The documented rules of the Conversions API for one request's events.

What belongs here: what makes Meta refuse a request. What does not: tokens, pixels and HTTP (`app`). Written against
Meta's documentation; subcodes are those that Meta documents or that were seen publicly, and an error of shape carries
none, as in all of the Graph API.
"""

import ipaddress
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from trackai_pipelines.capi_sandbox.refusals import Refusal, bad_event, parameter

MOST_EVENTS = 1000
ACTION_SOURCES = frozenset(
    {
        "website", "app", "phone_call", "chat", "email", "physical_store", "system_generated", "business_messaging",
        "other",
    }
)  # fmt: skip
HASHED = frozenset({"em", "ph", "fn", "ln", "ge", "db", "ct", "st", "zp", "country", "external_id"})
_PLAIN = frozenset({"client_ip_address", "client_user_agent", "fbc", "fbp"})
# Parameters of other channels, taken as they are.
_OTHER = frozenset(
    {
        "subscription_id", "fb_login_id", "lead_id", "anon_id", "madid", "page_id", "page_scoped_user_id", "ctwa_clid",
        "ig_account_id", "ig_sid",
    }
)  # fmt: skip
# User data that identifies nobody: all of it is in one of these sets.
_TOO_LITTLE = (
    frozenset({"ct", "country", "st", "zp", "ge", "client_user_agent"}),
    frozenset({"db", "client_user_agent"}),
    frozenset({"fn", "ge"}),
    frozenset({"ln", "ge"}),
)
_DAY_SECONDS = 86_400
_DAYS = 7
_STORE_DAYS = 62
# More would make the answer long and the work slow; the first ones show what to fix.
_MOST_MESSAGES = 10

_hash = re.compile(r"[0-9a-f]{64}").fullmatch
_any_hash = re.compile(r"[0-9a-fA-F]{64}").fullmatch
# The time is in milliseconds: thirteen digits from 2001 to 2286.
_fbc = re.compile(r"fb\.[0-9]+\.[0-9]{13}\.[^.\s]\S*").fullmatch
# Meta is not known to refuse these, and takes them for no click.
_no_click = re.compile(
    r"fb\.[0-9]+\.[0-9]+\.(undefined|null|none|nan|0|\{.*\}|%7b.*%7d)(\..*)?", re.IGNORECASE
).fullmatch
# Meta's own parameter builder appends a mark of its version.
_fbp = re.compile(r"fb\.[0-9]+\.[0-9]{13}\.[0-9]+(\.[A-Za-z0-9_-]+)?").fullmatch
_web_address = re.compile(r"https?://.", re.IGNORECASE).match
_number = re.compile(r"-?[0-9]+(\.[0-9]+)?").fullmatch


class _Order(msgspec.Struct, frozen=True):
    order_id: str | None = None


class _NamedEvent(msgspec.Struct, frozen=True):
    event_id: str | None = None
    custom_data: _Order = _Order()


class _Named(msgspec.Struct, frozen=True):
    data: list[_NamedEvent]


class Events(msgspec.Struct, frozen=True):
    """A request's events that obey the rules: as sent, decoded, and with Meta's remarks about them."""

    raw: Sequence[bytes | memoryview]
    decoded: Sequence[dict[str, Any]]
    messages: list[str]


def fields_of(body: bytes) -> dict[str, msgspec.Raw] | Refusal:
    """Return the top-level fields of a request's body, undecoded."""
    try:
        return msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        return parameter("the body must be a JSON object")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return parameter(f"the body is not JSON: {error}")


def names_of(body: bytes) -> frozenset[str]:
    """Return the ids and the orders of the events in a request's body; an empty set if it cannot be read."""
    try:
        events = msgspec.json.decode(body, type=_Named).data
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return frozenset()
    names = (name for event in events for name in (event.event_id, event.custom_data.order_id))
    return frozenset(name for name in names if name is not None)


def events_of(fields: Mapping[str, msgspec.Raw], now: datetime) -> Events | Refusal:
    """Return the events of a request, or the first reason why all of them are refused."""
    try:
        for name in ("partner_agent", "test_event_code"):
            if name in fields and not isinstance(msgspec.json.decode(fields[name]), str):
                return parameter(f"param {name} must be a string")
        if "data" not in fields:
            return parameter("param data is required")
        raw = msgspec.json.decode(fields["data"], type=list[msgspec.Raw])
        if not raw:
            return parameter("param data must be non-empty")
        if len(raw) > MOST_EVENTS:
            return parameter(f"param data must have at most {MOST_EVENTS} elements, it has {len(raw)}")
        decoded = [msgspec.json.decode(one) for one in raw]
    except msgspec.ValidationError:
        return parameter("param data must be an array")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return parameter(f"the body is not JSON: {error}")
    moment = now.timestamp()
    messages: list[str] = []
    for index, event in enumerate(decoded):
        refusal = refusal_of(event, f"data[{index}]", moment)
        if refusal is not None:
            return refusal
        if len(messages) < _MOST_MESSAGES:
            messages += _remarks(event, f"data[{index}]")
    return Events([memoryview(one) for one in raw], decoded, messages[:_MOST_MESSAGES])


def refusal_of(event: object, at: str, now: float) -> Refusal | None:
    """Return why Meta refuses this event, or None; `at` is its place in the request, `now` in seconds since 1970."""
    if not isinstance(event, dict):
        return parameter(f"param {at} must be an object")
    name = event.get("event_name")
    if type(name) is not str or not name.strip():
        return parameter(f"param {at}.event_name is required, as a string")
    source = event.get("action_source")
    if type(source) is not str or source not in ACTION_SOURCES:
        return parameter(f"param {at}.action_source must be one of {', '.join(sorted(ACTION_SOURCES))}")
    event_id = event.get("event_id")
    if event_id is not None and (type(event_id) is not str or not event_id):
        return parameter(f"param {at}.event_id must be a string that is not empty")
    url = event.get("event_source_url")
    if url is not None and (type(url) is not str or not _web_address(url)):
        return parameter(f"param {at}.event_source_url must be a URL with http or https")
    user = event.get("user_data")
    if type(user) is not dict:
        return parameter(f"param {at}.user_data is required, as an object")
    return (
        _of_time(event.get("event_time"), source, at, now)
        or _of_user(user, f"{at}.user_data")
        or _of_custom(event.get("custom_data"), name, at)
        or _of_options(event, at)
    )


def _of_time(seconds: object, source: str, at: str, now: float) -> Refusal | None:
    if type(seconds) is not int:
        return parameter(f"param {at}.event_time is required, as an integer of seconds since 1970")
    if seconds > now:
        return parameter(f"param {at}.event_time is in the future by {seconds - now:.0f} seconds")
    days = _STORE_DAYS if source == "physical_store" else _DAYS
    if now - seconds > days * _DAY_SECONDS:
        return bad_event(
            2804003,
            "Event Timestamp Too Old",
            f"The timestamp of this event is too far in the past. Send events within {days} days.",
            f"{at}.event_time is {(now - seconds) / _DAY_SECONDS:.2f} days old, {days} are allowed",
        )
    return None


def _of_user(user: Mapping[str, Any], at: str) -> Refusal | None:
    present = set()
    for name, value in user.items():
        if value is None or value == [] or value == "":
            continue
        if name in HASHED:
            for one in value if type(value) is list else (value,):
                if type(one) is not str or not _hash(one):
                    return _not_hashed(name, f"{at}.{name}")
        elif name in _PLAIN:
            refusal = _of_plain(name, value, f"{at}.{name}")
            if refusal is not None:
                return refusal
        elif name not in _OTHER:
            continue
        present.add(name)
    if any(present <= few for few in _TOO_LITTLE):
        return bad_event(
            2804050,
            "You Haven't Added Sufficient Customer Information Parameter Data For This Event",
            "This event has no customer information parameters, or a combination so broad that it is unlikely to "
            "be effective for matching.",
            f"{at} has only {', '.join(sorted(present)) or 'nothing'}",
        )
    return None


def _not_hashed(name: str, at: str) -> Refusal:
    return bad_event(
        2804016,
        "User Parameter Not Hashed",
        f"The {name} parameter isn't hashed. Hash all user parameters as SHA-256, except for client user agent, "
        "client IP address, click ID and browser ID.",
        f"{at} is not 64 lower-case hexadecimal digits",
    )


def _of_plain(name: str, value: object, at: str) -> Refusal | None:
    if name in ("fbc", "fbp"):
        if type(value) is str and (_fbc if name == "fbc" else _fbp)(value):
            return None
        return bad_event(
            2804001,
            f"Invalid {name} Parameter",
            f"Your server is sending an invalid {name} value. Its form is "
            + ("fb.subdomain_index.creation_time.fbclid." if name == "fbc" else "fb.subdomain_index.creation_time.n."),
            f"{at} is malformed",
        )
    if type(value) is not str:
        return parameter(f"param {at} must be a string")
    if _any_hash(value):
        return parameter(f"param {at} must not be hashed")
    if name == "client_ip_address" and not _is_address(value):
        return parameter(f"param {at} must be an IPv4 or IPv6 address")
    return None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _of_custom(custom: object, event_name: str, at: str) -> Refusal | None:
    if custom is None:
        custom = {}
    if type(custom) is not dict:
        return parameter(f"param {at}.custom_data must be an object")
    value, currency = custom.get("value"), custom.get("currency")
    purchase = event_name == "Purchase"
    if (value is not None or purchase) and not _is_amount(value):
        return _no_value("value", f"{at}.custom_data.value is not a number")
    if (currency is not None or purchase) and not (type(currency) is str and currency.upper() in _currencies()):
        return _no_value("currency", f"{at}.custom_data.currency is not an ISO 4217 code")
    return None


def _no_value(name: str, reason: str) -> Refusal:
    return bad_event(
        2804009,
        f"Missing {name.capitalize()} for Purchase Event",
        f"Your purchase event doesn't have a valid {name}. Add value and currency.",
        reason,
    )


def _is_amount(value: object) -> bool:
    # Meta's own examples hold the value as text.
    if type(value) is str:
        return _number(value) is not None
    return type(value) is int or (type(value) is float and math.isfinite(value))


@cache
def _currencies() -> frozenset[str]:
    from iso4217 import Currency

    return frozenset(currency.code for currency in Currency)


def _of_options(event: Mapping[str, Any], at: str) -> Refusal | None:
    if type(event.get("opt_out", False)) is not bool:
        return parameter(f"param {at}.opt_out must be true or false")
    options = event.get("data_processing_options")
    if options is None or options == []:
        return None
    if options != ["LDU"]:
        return parameter(f'param {at}.data_processing_options must be [] or ["LDU"]')
    for name, allowed in (("country", (0, 1)), ("state", (0, 1000))):
        value = event.get(f"data_processing_options_{name}")
        if type(value) is not int or value not in allowed:
            return parameter(f"param {at}.data_processing_options_{name} must be {allowed[0]} or {allowed[1]}")
    return None


def _remarks(event: Mapping[str, Any], at: str) -> list[str]:
    """Return remarks about what Meta documents as required but accepts without, and what it ignores."""
    user = event["user_data"]
    remarks = [
        f"{at}.user_data.{name} is not a parameter that is known; it was ignored"
        for name in user
        if name not in HASHED and name not in _PLAIN and name not in _OTHER
    ]
    if _no_click(user.get("fbc") or ""):
        remarks.append(f"{at}.user_data.fbc has no click id: send no fbc where there is no fbclid")
    if event["action_source"] == "website":
        if not event.get("event_source_url"):
            remarks.append(f"{at}: event_source_url is required for website events")
        if not user.get("client_user_agent"):
            remarks.append(f"{at}: client_user_agent is required for website events")
    return remarks
