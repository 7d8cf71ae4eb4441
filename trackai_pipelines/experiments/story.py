"""What each test made of one sale, for `trackai explain`.

What belongs here: experiments' part of the story. What does not: classifying outcomes (outcomes.py), printing (cli).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import StoryPart

_REASONS = {"bot": "a bot", "employee": "an employee", "test_account": "a test account", "other": "excluded by hand"}


@dataclass(frozen=True, slots=True)
class Told:
    """A sale in a test that its user is assigned in."""

    test: str
    class_: str | None
    """None: the test has not been computed since."""
    variant: str | None
    """None, as `assigned_at`: the assignment has left."""
    occurred_at: datetime
    assigned_at: datetime | None
    window_days: int
    outcome_event: str
    currency: str | None
    sold_in: str | None
    reason: str | None
    """Why the user is excluded, if so."""

    def sentence(self) -> str:
        """Return e.g. `counted in checkout, variant a, 2.1 days after assignment`."""
        variant = f"variant {self.variant}, " if self.variant else ""
        if self.class_ == "counted":
            return f"counted in {self.test}, {variant}{self._after()}{self._without_revenue()}"
        if self.class_ is None:
            return f"in {self.test}, {variant}from its next computation on"
        return f"not counted in {self.test}: {self._why()}"

    def _why(self) -> str:
        reasons = {
            "conflicting_variants": "the user saw several variants",
            "outside_test_period": "the user was assigned outside the test's period",
            "excluded_user": f"the user is {_REASONS.get(self.reason or '', 'excluded')}",
            "other_event": f"only {self.outcome_event} counts",
            "before_assignment": f"it happened {self._after()}",
            "after_window": f"it happened {self._after()}, and the window is {self.window_days} days",
            "not_attributed": "it has no click, and only attributed sales count",
        }
        return reasons[self.class_ or ""]

    def _after(self) -> str:
        if self.assigned_at is None:
            return "some time after assignment"
        days = (self.occurred_at - self.assigned_at) / timedelta(days=1)
        return f"{abs(days):.1f} days {'after' if days >= 0 else 'before'} assignment"

    def _without_revenue(self) -> str:
        if self.currency is None or self.sold_in in (self.currency, None):
            return ""
        return f", without revenue: it is in {self.sold_in}, and the test in {self.currency}"


def story(connection: Connection[Any], tenant_id: str, conversion_id: int) -> Iterator[StoryPart]:
    """Yield a sentence for each test."""
    given = {"tenant_id": tenant_id, "conversion_id": conversion_id}
    with connection.cursor(row_factory=class_row(Told)) as cursor:
        for told in cursor.execute(statement("experiments/story_outcomes"), given):
            sentence = told.sentence()
            yield StoryPart(sentence=f"{sentence[0].upper()}{sentence[1:]}.")
