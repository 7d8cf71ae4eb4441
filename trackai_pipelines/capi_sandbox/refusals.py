"""Refusals: the errors that the Graph API answers with, in its own shape.

What belongs here: codes, statuses and words of errors. What does not: when an event is refused (`rules`).
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
# Only these say how long to wait, each code in the header that its kind of limit is told by.
ACCOUNT_LIMITS = frozenset({17, 613})
BUSINESS_LIMITS = frozenset({80000, 80003, 80004, 80014})
_TRANSIENT = frozenset({1, 2, 4, 341, *ACCOUNT_LIMITS, *BUSINESS_LIMITS})


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One error answer; `reason` is our own words for the record and is not sent."""

    code: int
    subcode: int | None = None
    status: int = 400
    type: str = "OAuthException"
    message: str = "Invalid parameter"
    title: str | None = None
    detail: str | None = None
    reason: str

    def body(self, trace: str) -> dict[str, Any]:
        """The answer's JSON, with the fields that the Graph API leaves out left out."""
        told: dict[str, Any] = {"message": self.message, "type": self.type, "code": self.code}
        if self.subcode is not None:
            told["error_subcode"] = self.subcode
        told["is_transient"] = self.code in _TRANSIENT
        if self.title is not None:
            told["error_user_title"] = self.title
            told["error_user_msg"] = self.detail
        return {"error": {**told, "fbtrace_id": trace}}


def parameter(text: str) -> Refusal:
    """A parameter that is missing or has the wrong shape; the Graph API names it and gives no subcode."""
    return Refusal(code=100, message=f"(#100) {text}", reason=text)


def bad_event(subcode: int, title: str, detail: str, reason: str) -> Refusal:
    """An event that the Conversions API refuses; its answer does not say which one, the `reason` does."""
    return Refusal(code=100, subcode=subcode, title=title, detail=detail, reason=reason)


def wrong_token(reason: str) -> Refusal:
    """The access token is missing or not accepted."""
    return Refusal(code=190, status=401, message=_MEANINGS[190], reason=reason)


def unknown_object(name: str) -> Refusal:
    """There is no such pixel, or the token may not use it."""
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
    """Not an address of the API."""
    return Refusal(code=2500, message=f"Unknown path components: {path}", reason=f"unknown path {path}")


def told_to_refuse(code: int, subcode: int | None, status: int | None) -> Refusal:
    """An error that somebody asked for, with the status that goes with its code unless they gave one."""
    return Refusal(
        code=code,
        subcode=subcode,
        status=status or _status_of(code),
        message=f"(#{code}) {_MEANINGS.get(code, 'An error that the sandbox was told to answer with')}",
        reason="told to",
    )


def _status_of(code: int) -> int:
    if code in (1, 2):
        return 500
    if code == 190:
        return 401
    return 403 if code == 10 or 200 <= code <= 299 else 400
