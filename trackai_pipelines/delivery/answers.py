"""Answers: what came back for a request, and what to do about it.

Here: the classes of answers, by HTTP status, error code and subcode; Meta's own words; the waiting times in headers.
Not here: waiting and splitting (`dispatcher`, `circuit`), and whose fault a refusal is (`blame`). Texts of errors are
localised and may repeat what was sent, so they are never matched, and they are masked before they are passed on.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

# None of Meta's limits lasts longer; a header that says more is not believed.
LONGEST_WAIT = timedelta(hours=24)

# Codes by what they require ("Error handling" of the Graph API, "Rate limiting" of the Marketing API).
_RETRY = frozenset({1, 2, 341, 368})
_SLOW_DOWN = frozenset({4, 17, 613, 80000, 80003, 80004, 80014})
_SETUP = frozenset({10, 102, 190, *range(200, 300)})
INVALID_PARAMETER = 100
"""Meta's code for a parameter that it does not take, most often one event's."""

_UNKNOWN_OBJECT = 33
_EVENT_SUBCODES = range(2804000, 2805000)
_EVENT_FAILURES = {
    2804001: ("bad_fbc", "its fbc is malformed: pass on the cookie unchanged, or none"),
    2804003: ("too_old", "it is older than Meta takes: find out what held it up, before it holds up later ones"),
    2804009: ("no_value", "it lacks a value: give the conversion the amount paid"),
    2804010: ("no_currency", "it lacks a currency: give the conversion one such as BRL"),
    2804050: ("little_user_data", "too little is known of the buyer: pass on e-mail, phone, click or browser id too"),
}
_SETUP_FIXES = {
    190: "the access token is expired, revoked or wrong: replace it",
    102: "the session of the access token is over: replace the token",
    10: "the access token lacks a permission: give its user or system user access to the pixel",
}
# What undocumented refusals were seen to mean; each is a set-up problem more often than an event's.
_UNKNOWN_FIXES = {
    3: "the app lacks a capability: see its permissions",
    100: "a parameter is wrong",
    104: "the app asks for a proof of its secret: turn that off, or use a token of a system user",
    2635: "the version of the API is too old: set TRACKAI_CAPI_VERSION to a present one",
}
_WITHOUT_ANSWER = {
    "timeout": "no answer in time: whether Meta took the events is not known; they are sent again with the same ids",
    "connection": "the connection failed: the events are sent again with the same ids; if it keeps failing, check the "
    "network and TRACKAI_CAPI_URL",
}
_TOO_MANY_REQUESTS = 429
_LARGEST_INTEGER = 2**31 - 1
_TRACE_ID_SIGNS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_LONGEST_TRACE_ID = 100
LONGEST_SAID = 500
"""Characters of Meta's own message that are kept."""

# What Meta's messages may repeat, besides addresses, numbers and named secrets (`masked_raw_text`): access tokens,
# hashes, click and browser ids, and network addresses.
_REPEATED = re.compile(
    r"EAA[\w-]{4,}|(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{32,}|fb\.[0-9]+\.[0-9]+\.[^\s\"',;)\]}]+"
    r"|(?<![0-9.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9.])|(?<![0-9A-Fa-f:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{1,4}"
)
# More than is kept, because masking may shorten it, and bounded, because the patterns of masking want that.
_LONGEST_MASKED = 2000


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for a request. `transport` is None, or "timeout" or "connection" where there is no status."""

    http_status: int | None
    body: bytes
    headers: Mapping[str, str]
    transport: str | None


class AnswerKind(StrEnum):
    """What an answer requires: nothing more, a retry, a wait, a fix of the set-up, or finding out whose fault it is."""

    accepted = "accepted"
    retry = "retry"
    slow_down = "slow_down"
    setup = "setup"
    refused = "refused"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means.

    `failure` is a code of ours ("" for accepted), `message` a sentence without secrets, which quotes Meta's own,
    masked. `wait_seconds` is how long the tenant must wait, where Meta said so; an accepted answer may say so, too.
    Codes fit the database's integers.
    """

    kind: AnswerKind
    http_status: int | None
    code: int | None
    subcode: int | None
    fbtrace_id: str | None
    failure: str
    message: str
    wait_seconds: float | None

    @property
    def refusal(self) -> str:
        """The kind of a refusal: its code and subcode (`100/2804001`), else its HTTP status, or that no success was
        reported."""
        if self.code is not None:
            return f"{self.code}/{self.subcode}" if self.subcode is not None else str(self.code)
        return self.failure if self.failure == "unexpected_answer" else f"HTTP {self.http_status}"


def verdict_of(answer: Answer, *, sent: int) -> Verdict:
    """Return what an answer to a request with `sent` events means, whatever the answer holds; never raises."""
    body = _json_object(answer.body)
    error = body.get("error")
    error = error if isinstance(error, dict) else {}
    code, subcode = _integer(error.get("code")), _integer(error.get("error_subcode"))
    kind, failure, message = _judged(answer, body, code, subcode, sent)
    if kind is not AnswerKind.accepted and (said := said_by(error)):
        message = f'{message}; Meta says: "{said}"'
    return Verdict(
        kind,
        answer.http_status,
        code,
        subcode,
        _trace_id(error.get("fbtrace_id")) or _trace_id(body.get("fbtrace_id")),
        failure,
        message,
        _wait_seconds(answer.headers, throttled=kind is AnswerKind.slow_down),
    )


def _judged(
    answer: Answer, body: Mapping[str, Any], code: int | None, subcode: int | None, sent: int
) -> tuple[AnswerKind, str, str]:
    """Return the kind, our code and a sentence."""
    if answer.transport is not None:
        return AnswerKind.retry, answer.transport, _WITHOUT_ANSWER.get(answer.transport, _WITHOUT_ANSWER["connection"])
    status = answer.http_status or 0
    if code is not None or "error" in body:
        judged = _error(code, subcode)
        if judged is not None:
            return judged
    elif 200 <= status < 300:
        # `1 == True` in Python, hence the type.
        if type(body.get("events_received")) is int and body["events_received"] == sent:
            return AnswerKind.accepted, "", f"Meta took {sent} events"
        said = f"the answer (HTTP {status}) does not say that all {sent} events were received"
        fix = "they are sent again; if this persists, check that TRACKAI_CAPI_URL is Meta's"
        return AnswerKind.refused, "unexpected_answer", f"{said}: {fix}"
    if status >= 500:
        return AnswerKind.retry, "server_error", f"Meta's server failed (HTTP {status}): the events are sent again"
    if status == _TOO_MANY_REQUESTS:
        return AnswerKind.slow_down, "throttled", "too many requests (HTTP 429): the events wait"
    said = f"an answer that is not documented ({_named(status, code, subcode)})"
    fix = _UNKNOWN_FIXES.get(code or 0, "if this persists, look the code up in Meta's error reference")
    return AnswerKind.refused, "unknown_error", f"{said}: {fix}"


def _error(code: int | None, subcode: int | None) -> tuple[AnswerKind, str, str] | None:
    """Return what the codes mean; None for unknown codes."""
    named = _named(None, code, subcode)
    if code in _RETRY:
        return AnswerKind.retry, "server_error", f"Meta asks for a retry ({named}): the events are sent again"
    if code in _SLOW_DOWN:
        return (
            AnswerKind.slow_down,
            "throttled",
            f"Meta's rate limit is reached ({named}): the events wait",
        )
    if code is not None and code in _SETUP:
        fix = _SETUP_FIXES.get(code, "the access token may not send to this pixel: have access to it granted")
        return AnswerKind.setup, "setup", f"{fix} ({named}); the events are kept"
    if code == INVALID_PARAMETER and subcode == _UNKNOWN_OBJECT:
        fix = "the pixel does not exist or the access token may not see it: check the tenant's pixel_id and the token"
        return AnswerKind.setup, "setup", f"{fix} ({named}); the events are kept"
    if code == INVALID_PARAMETER and subcode in _EVENT_SUBCODES:
        assert subcode is not None
        failure, fix = _EVENT_FAILURES.get(subcode, ("bad_event", "look the subcode up in Meta's error reference"))
        return AnswerKind.refused, failure, f"Meta refuses an event ({named}): {fix}"
    return None


def said_by(error: Mapping[str, Any]) -> str:
    """Return Meta's own message of an error on one line, without tokens and personal data, up to LONGEST_SAID long."""
    from trackai_pipelines.ingest.personal import masked_raw_text

    texts = (error.get(name) for name in ("message", "error_user_title", "error_user_msg"))
    parts = dict.fromkeys(" ".join(text.split()) for text in texts if isinstance(text, str))
    # Without its last word, which the cut may have split.
    whole = ": ".join(part for part in parts if part)
    whole = whole if len(whole) <= _LONGEST_MASKED else whole[:_LONGEST_MASKED].rpartition(" ")[0]
    shown = masked_raw_text(_REPEATED.sub("[masked]", whole)).encode("utf-8", "replace").decode().replace("\0", "")
    return shown if len(shown) <= LONGEST_SAID else f"{shown[: LONGEST_SAID - 3]}..."


def _named(status: int | None, code: int | None, subcode: int | None) -> str:
    parts = [f"HTTP {status}"] if status is not None else []
    if code is not None:
        parts.append(f"code {code}" + (f", subcode {subcode}" if subcode is not None else ""))
    return ", ".join(parts) or "no code"


def _wait_seconds(headers: Mapping[str, str], *, throttled: bool) -> float | None:
    """Return the longest wait that the headers ask for.

    `estimated_time_to_regain_access` counts minutes and is above 0 only while calls are refused. `reset_time_duration`
    counts seconds until the usage is reset and is always there, so it is a wait only for a `throttled` tenant.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    waits = [
        _seconds(entry.get("estimated_time_to_regain_access"), 60)
        for usage in _json_object(lower.get("x-business-use-case-usage")).values()
        for entry in (usage if isinstance(usage, list) else [usage])
        if isinstance(entry, dict)
    ]
    account = _json_object(lower.get("x-ad-account-usage"))
    waits.append(_seconds(account.get("estimated_time_to_regain_access"), 60))
    if throttled:
        waits.append(_seconds(account.get("reset_time_duration"), 1))
        retry_after = (lower.get("retry-after") or "").strip()
        waits.append(float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else 0.0)
    longest = min(max(waits), LONGEST_WAIT.total_seconds())
    return longest if longest > 0 else None


def _seconds(value: object, unit: int) -> float:
    # NaN is not above 0, either.
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        return 0.0
    return float(min(value, LONGEST_WAIT.total_seconds())) * unit


def _json_object(text: bytes | str | None) -> dict[str, Any]:
    """Return the JSON object in the text; an empty one for anything else."""
    try:
        value = json.loads(text or "")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _integer(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_INTEGER:
        return value
    return None


def _trace_id(value: object) -> str | None:
    if isinstance(value, str) and 0 < len(value) <= _LONGEST_TRACE_ID and _TRACE_ID_SIGNS.issuperset(value):
        return value
    return None
