"""What doctor finds of tests: nights that were left out, tests that nobody is assigned in, and uneven variants.

What belongs here: the findings. What does not: the questions that the asset checks ask as well (reconcile.py).
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Checkup, Finding, Level
from trackai_pipelines.experiments.reconcile import (
    changed_configurations,
    uncomputed_tests,
    uneven_linkage,
    uneven_splits,
)

QUIET = timedelta(days=3)
"""A running test in which nobody is assigned for so long has probably lost its code, or its files."""
GRACE = timedelta(hours=6)
"""Tests are computed at 01:00 UTC; later, a night was left out."""
_SHOWN = 5


def health(checkup: Checkup) -> Iterator[Finding]:
    """Yield a finding of computed days, of assignments, of what was frozen, and of variants."""
    connection, now = checkup.connection, checkup.now
    yield _of(
        "test days",
        uncomputed_tests(connection, now - GRACE).faults,
        "every test has figures of the last night",
        "Let the daemon run, which computes them at 01:00 UTC (nightly_experiments), or run compute_experiments.",
    )
    quiet = connection.execute(statement("experiments/unassigned_tests"), {"before": now - QUIET})
    yield _of(
        "test users",
        [f"{tenant}: nobody was assigned in {test} for {QUIET.days} days" for tenant, test in quiet],
        "every running test takes users",
        "See that the app asks for variants, or that files ab_assignments* arrive; or complete the test.",
    )
    yield _of(
        "test configurations",
        changed_configurations(connection).faults,
        "none was changed after its start",
        "Such a test has no winner. Put the row back as it was, or complete it and start a new one.",
    )
    yield _of(
        "test variants",
        [*uneven_splits(connection).faults, *uneven_linkage(connection).faults],
        "split, linked and tracked alike",
        "Such a test has no winner. Look for a redirect, a cache or a bot that only one variant meets.",
    )


def _of(check: str, said: Sequence[str], fine: str, fix: str) -> Finding:
    if not said:
        return Finding(check, Level.OK, fine)
    more = f"; and {len(said) - _SHOWN:,} more" if len(said) > _SHOWN else ""
    return Finding(check, Level.WARN, "; ".join(said[:_SHOWN]) + more, fix)
