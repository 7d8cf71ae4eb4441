"""What doctor finds of calls."""

from collections.abc import Iterator

from toy.calls import calls_and_seconds

from trackai_pipelines.domain import Checkup, Finding, Level


def health(checkup: Checkup) -> Iterator[Finding]:
    """Warn while nobody has called."""
    calls, _ = calls_and_seconds(checkup.connection)
    if calls:
        yield Finding("calls", Level.OK, f"{calls:,} calls")
    else:
        yield Finding("calls", Level.WARN, "nobody has called", "Call the hotline.")
