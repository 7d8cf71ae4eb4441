"""Why one conversion was, or was not, matched: what was decided, its attempts, and what each outcome means.

What belongs here: matching's part of `trackai explain`. What does not: the facts (facts/story.py), printing (cli).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import StoryPart

MEANING = {
    "hit": "a click of this tenant with the same key lies in the window; the newest one was taken",
    "no_key": "the conversion carries no value for this",
    "malformed_key": "the conversion carries a value, but a placeholder or not in Meta's format, so it names no click",
    "no_candidate": "no click of this tenant has this key",
    "outside_window": "clicks with this key exist, but none inside the window",
}


@dataclass(frozen=True)
class Decision:
    """What was decided about a conversion, and the window that its clicks had to lie in."""

    slug: str
    status: str
    lookback_days: int
    email_matching: bool
    occurred_at: datetime
    strategy: str | None
    click_id: int | None
    clicked_at: datetime | None
    utm_source: str | None
    utm_campaign: str | None
    queued: str | None

    @property
    def window(self) -> tuple[datetime, datetime]:
        """(after, until): clicks later than the first and not later than the second are candidates."""
        return self.occurred_at - timedelta(days=self.lookback_days), self.occurred_at + timedelta(minutes=5)

    @property
    def sentence(self) -> str:
        """What became of the conversion, and why."""
        if self.strategy is None:
            if self.status not in ("provisioning", "active"):
                return f"Pending: tenant {self.slug} is {self.status}; it is matched once the tenant is active again."
            if self.queued is None:
                return "Never queued: run `trackai rematch` for the day of the sale to have it matched."
            return "Pending: it waits for the next micro-batch; `trackai match` runs one now."
        if self.strategy == "unmatched":
            return "Unmatched: no strategy found a click. It is tried again when a click arrives that fits."
        if self.click_id is None:
            return f"Matched by {self.strategy}; the click has been deleted since."
        return f"Matched by {self.strategy} to click {self.click_id}."


@dataclass(frozen=True)
class Attempt:
    """One row of the match log."""

    attempt: int
    strategy: str
    outcome: str
    click_id: int | None
    created_at: datetime
    run_id: str | None

    @property
    def meaning(self) -> str:
        """The outcome in words."""
        return MEANING[self.outcome]


def decision_on(connection: Connection, tenant_id: str, conversion_id: int) -> tuple[Decision, list[Attempt]] | None:
    """Return what was decided and the attempts in order; None when there is no such conversion."""
    key = {"tenant_id": tenant_id, "conversion_id": conversion_id}
    with connection.cursor(row_factory=class_row(Decision)) as decisions:
        decision = decisions.execute(statement("matching/story"), key).fetchone()
    if decision is None:
        return None
    with connection.cursor(row_factory=class_row(Attempt)) as attempts:
        return decision, attempts.execute(statement("matching/story_attempts"), key).fetchall()


def story(connection: Connection, tenant_id: str, conversion_id: int) -> Iterator[StoryPart]:
    """Yield the window and the click, the attempts, and the decision in a sentence."""
    found = decision_on(connection, tenant_id, conversion_id)
    if found is None:
        return
    decision, attempts = found
    after, until = decision.window
    rows: list[tuple[object, ...]] = [
        ("e-mail matching", "on" if decision.email_matching else "off"),
        ("window", f"clicks after {_second(after)}, until {_second(until)} ({decision.lookback_days} days)"),
    ]
    if decision.clicked_at is not None:
        rows += [
            ("clicked", decision.clicked_at),
            ("source", decision.utm_source),
            ("campaign", decision.utm_campaign),
        ]
    yield StoryPart(columns=("matching", ""), rows=rows)
    yield StoryPart(
        columns=("attempt", "strategy", "outcome", "meaning", "click", "at"),
        rows=[
            (str(a.attempt), a.strategy, a.outcome, a.meaning, str(a.click_id or "-"), a.created_at) for a in attempts
        ],
        sentence=decision.sentence,
    )


def _second(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
