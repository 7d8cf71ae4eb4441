"""Moments as options of a command."""

from datetime import UTC, datetime

MOMENT_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S"]


def utc(given: datetime | None) -> datetime | None:
    """Return a moment of an option in UTC; one without a zone is UTC already."""
    if given is None:
        return None
    return given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
