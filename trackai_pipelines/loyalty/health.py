"""What doctor finds of loyalty programs: days that nobody evaluated.

What belongs here: the finding. What does not: the question, which an asset check asks as well (reconcile_tiers.py).
"""

from collections.abc import Iterator

from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.loyalty.reconcile_tiers import days_left_out

_SHOWN = 5


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield a finding of evaluated days."""
    said = days_left_out(checkup.connection, checkup.now)
    if not said:
        yield Finding("loyalty days", Level.OK, "every program is evaluated up to the day that is due")
        return
    more = f"; and {len(said) - _SHOWN:,} more" if len(said) > _SHOWN else ""
    fix = "Let the daemon run, which evaluates them every hour (hourly_loyalty), or run `trackai loyalty evaluate`."
    yield Finding("loyalty days", Level.WARN, "; ".join(said[:_SHOWN]) + more, fix)
