"""What all tests came to by UTC day: what Dagster plots, and what commands print.

What belongs here: reading computed days. What does not: computing them (computing.py), and one test (shown.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement

if TYPE_CHECKING:
    from trackai_pipelines.experiments.computing import ComputedTest

# Each has three or more figures a day.
_MOST_TESTS = 20


def changed_days(computed: "Iterable[ComputedTest]") -> set[date]:
    """Return the UTC days of which figures were written."""
    return {one.from_day + timedelta(days=n) for one in computed for n in range((one.to_day - one.from_day).days + 1)}


def figures_of_days(
    connection: Connection[Any], days: Sequence[date], tenant_id: str | None = None
) -> dict[date, dict[str, int | float]]:
    """Return what is plotted of each UTC day that has figures: tests, users, conversions, and some of each test."""
    shown: dict[date, dict[str, int | float]] = {}
    seen: dict[date, list[str]] = defaultdict(list)
    rows = connection.execute(statement("experiments/day_figures"), {"days": list(days), "tenant_id": tenant_id})
    for day, test, users, conversions, srm_p_value, variant, lift, p_value in rows:
        of_day = shown.setdefault(day, {"tests running": 0, "users": 0, "conversions": 0})
        if test not in seen[day]:
            seen[day].append(test)
            of_day["tests running"] += 1
            of_day["users"] += users
            of_day["conversions"] += conversions
        if len(seen[day]) <= _MOST_TESTS:
            known = {
                f"lift {test} {variant}": lift,
                f"p always valid {test} {variant}": p_value,
                f"srm p {test}": srm_p_value,
            }
            of_day.update({name: value for name, value in known.items() if value is not None})
    return shown
