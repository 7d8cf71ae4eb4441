"""What doctor finds of facts: refunds that wait for their sale."""

from collections.abc import Iterator
from datetime import timedelta

from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.facts.refunds import unlinked_refunds

_PATIENCE = timedelta(days=2)


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield one finding."""
    found = unlinked_refunds(checkup.connection, checkup.now - _PATIENCE)
    if found.overdue:
        said = f"{found.overdue:,} of {found.refunds:,} have had no sale since {found.oldest:%Y-%m-%d} or later"
        fix = "Load the files with their sales; sales from before the first load stay unknown. See docs/facts.md."
        yield Finding("refunds", Level.WARN, said, fix)
    else:
        yield Finding("refunds", Level.OK, f"{found.refunds:,}, of which {found.waiting:,} wait for their sale")
