"""Refusals: the errors that the Graph API answers with, in its own shape.

What belongs here: codes, statuses and texts of errors. What does not: when an event is refused (`rules`).
"""

from typing import Any

import msgspec

_MEANINGS = {
    1: "An unknown error occurred",
    2: "Service temporarily unavailable",
    4: "Application request limit reached",
    10: "Application does not have permission for this action",
    17: "User request limit reached",
    100: "Invalid parameter",
    102: "Session key invalid or no longer valid",
    190: "Invalid OAuth access token - Cannot parse access token",
    200: "Permissions error",
    341: "Application limit reached",
    368: "The action attempted has been deemed abusive or is otherwise disallowed",
    613: "Calls to this api have exceeded the rate limit",
    80000: "There have been too many calls to this ad account's insights",
    80003: "There have been too many calls to this custom audience",
    80004: "There have been too many calls to this ad-account",
    80014: "There have been too many calls to this catalogue",
}
# Only these say how long to wait, each in the header of its kind of limit.
ACCOUNT_LIMITS = frozenset({17, 613})
BUSINESS_LIMITS = frozenset({80000, 80003, 80004, 80014})
_TRANSIENT = frozenset({1, 2, 4, 341, *ACCOUNT_LIMITS, *BUSINESS_LIMITS})


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One error answer; `reason` is our own text for the record and is not sent."""

    code: int
    subcode: int | None = None
    status: int = 400
    type: str = "OAuthException"
    message: str = "Invalid parameter"
    title: str | None = None
    detail: str | None = None
    reason: str

    def body(self, trace: str) -> dict[str, Any]:
        """Return the answer's JSON, without the fields that the Graph API omits."""
        error: dict[str, Any] = {"message": self.message, "type": self.type, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        error["is_transient"] = self.code in _TRANSIENT
        if self.title is not None:
            error["error_user_title"] = self.title
            error["error_user_msg"] = self.detail
        return {"error": {**error, "fbtrace_id": trace}}


def parameter(text: str) -> Refusal:
    """Refuse a parameter that is missing or malformed; the Graph API names it, without a subcode."""
    return Refusal(code=100, message=f"(#100) {text}", reason=text)


def bad_event(subcode: int, title: str, detail: str, reason: str) -> Refusal:
    """Refuse an event as the Conversions API does: the answer does not say which event it is, the `reason` does."""
    return Refusal(code=100, subcode=subcode, title=title, detail=detail, reason=reason)


def wrong_token(reason: str) -> Refusal:
    """Refuse an access token that is missing or not accepted."""
    return Refusal(code=190, status=401, message=_MEANINGS[190], reason=reason)


def unknown_object(name: str) -> Refusal:
    """Refuse a pixel that does not exist, or that the token may not use."""
    return Refusal(
        code=100,
        subcode=33,
        type="GraphMethodException",
        message=(
            f"Unsupported post request. Object with ID '{name}' does not exist, cannot be loaded due to missing "
            "permissions, or does not support this operation"
        ),
        reason=f"there is no pixel {name}",
    )


def unknown_path(path: str) -> Refusal:
    """Refuse an address that the API does not have."""
    return Refusal(code=2500, message=f"Unknown path components: {path}", reason=f"unknown path {path}")


def requested_refusal(code: int, subcode: int | None, status: int | None, message: str | None) -> Refusal:
    """Return an error that a misbehaviour asks for, with its own status or else the one of its code."""
    return Refusal(
        code=code,
        subcode=subcode,
        status=status or _status_of(code),
        message=message or f"(#{code}) {_MEANINGS.get(code, 'An error that the sandbox was asked to return')}",
        reason="requested",
    )


def _status_of(code: int) -> int:
    if code in (1, 2):
        return 500
    if code == 190:
        return 401
    return 403 if code == 10 or 200 <= code <= 299 else 400
