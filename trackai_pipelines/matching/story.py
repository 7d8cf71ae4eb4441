"""Why one conversion was, or was not, matched: its facts, its attempts and what each outcome means.

What belongs here: the story of a single conversion. What does not: how it is printed (cli).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement

MEANING = {
    "hit": "a click of this tenant with the same key lies in the window; the newest one was taken",
    "no_key": "the conversion carries no value for this",
    "malformed_key": "the conversion carries a value, but not in Meta's format, so it names no click",
    "no_candidate": "no click of this tenant has this key",
    "outside_window": "clicks with this key exist, but none inside the window",
}


@dataclass(frozen=True)
class Story:
    """A conversion, what was decided about it, and the window that its clicks had to lie in."""

    tenant_id: str
    id: int
    slug: str
    status: str
    lookback_days: int
    email_matching: bool
    order_id: str | None
    value: Decimal
    currency: str
    occurred_at: datetime
    created_at: datetime
    click_key: str | None
    browser_key: str | None
    has_email: bool
    strategy: str | None
    matched_at: datetime | None
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
    def verdict(self) -> str:
        """One sentence: what became of the conversion, and why."""
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


def explain(connection: Connection, tenant: str, gateway: str, event_id: str) -> tuple[Story, list[Attempt]] | None:
    """The story and attempts of a conversion; `tenant` is a slug or an id. None when there is no such conversion."""
    with connection.cursor(row_factory=class_row(Story)) as stories:
        key = {"tenant": tenant, "gateway": gateway, "event_id": event_id}
        story = stories.execute(statement("matching/explain_conversion"), key).fetchone()
    if story is None:
        return None
    with connection.cursor(row_factory=class_row(Attempt)) as attempts:
        found = attempts.execute(
            statement("matching/explain_attempts"), {"tenant_id": story.tenant_id, "conversion_id": story.id}
        ).fetchall()
    return story, found
