"""Checks of flags as tests make them, and a clock that they set."""

from datetime import UTC, datetime
from typing import Any

from trackai_pipelines.flag_values.buffer import SECOND, Check

NOON = int(datetime(2026, 3, 5, 12, tzinfo=UTC).timestamp()) * SECOND


class SetClock:
    """A clock that stands where a test puts it."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def check(user: str | None = "u1", **other: Any) -> Check:
    given = {"tenant_id": "t-acme", "flag_id": 1, "flag_version": 1, "override_version": 0, "user_id": user}
    given |= {"app_type": "web", "variant_key": "on", "user_segment": None, "reason": "STATIC", "error_code": None}
    return Check(**{**given, "value_used": True, **other})
