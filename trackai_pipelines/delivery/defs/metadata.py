"""Delivery's metadata: what the Dagster UI shows of its asset and checks.

What belongs here: small tables and figures. What does not: where they come from (delivery/).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import dagster as dg

from trackai_pipelines.delivery.account import Place
from trackai_pipelines.delivery.backlog import Backlog
from trackai_pipelines.delivery.coverage import Coverage
from trackai_pipelines.delivery.events import KEYS
from trackai_pipelines.delivery.report import DispatchReport

OUTCOMES = ("sent", "failed", "retried", "sandbox")
"""What became of attempts, as DispatchReport counts them."""

ROWS_SHOWN = 20
"""Rows of a table that are shown; one more row sums the rest, because a thousand tenants every few minutes would fill
Dagster's storage."""

Cell = str | int
Metadata = dict[str, int | float | str | dg.MetadataValue]


def table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> dg.MetadataValue:
    """Return a table of at most ROWS_SHOWN of at least one row; whole numbers are aligned to the right."""
    shown, rest = list(rows[:ROWS_SHOWN]), rows[ROWS_SHOWN:]
    if rest:
        shown.append([f"{len(rest):,} more", *(_sum(column) for column in list(zip(*rest, strict=True))[1:])])
    ruler = ["---:" if isinstance(cell, int) else "---" for cell in rows[0]]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(map(_text, row))} |" for row in [columns, ruler, *shown]))


def _sum(column: Iterable[Cell]) -> Cell:
    numbers = [cell for cell in column if isinstance(cell, int)]
    return sum(numbers) if numbers else ""


def _text(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else " ".join(cell.split()).replace("|", r"\|")


def outcomes_of(report: DispatchReport, day: date) -> dict[str, Counter[str]]:
    """Return what a dispatch did with the sales of a UTC day: events by outcome and slug."""
    return {
        outcome: Counter({slug: count for (slug, sold_on), count in counted.items() if sold_on == day})
        for outcome, counted in report.outcomes.items()
    }


def outcome_metadata(outcomes: Mapping[str, Counter[str]]) -> Metadata:
    """Return events by outcome, in total and by tenant; tenants in trouble come first."""
    counts = [outcomes[outcome] for outcome in OUTCOMES]
    sent, failed, retried, sandbox = counts
    slugs = sorted(
        {slug for count in counts for slug in count},
        key=lambda slug: (-failed[slug], -retried[slug], -sent[slug], slug),
    )
    totals: Metadata = {outcome: count.total() for outcome, count in zip(OUTCOMES, counts, strict=True)}
    if slugs:
        # Few ever use the sandbox.
        shown = OUTCOMES if sandbox else OUTCOMES[:-1]
        rows: list[list[Cell]] = [[slug, *(outcomes[outcome][slug] for outcome in shown)] for slug in slugs]
        totals["by tenant"] = table(["tenant", *shown], rows)
    return totals


def pace_metadata(requests: int, failed_requests: int, sent: int, seconds: float) -> Metadata:
    """Return requests and the speed of one dispatcher; `seconds` is the time of all dispatchers together."""
    return {
        "requests": requests,
        "failed requests": failed_requests,
        "events per second": round(sent / seconds, 1) if seconds else 0.0,
    }


def waiting_metadata(places: Sequence[Place | Backlog], *, sold_before: datetime | None = None) -> Metadata:
    """Return how much waits; and list it by tenant and reason, the oldest sale first, all or only older sales."""
    found: Metadata = {"waiting": sum(place.events for place in places)}
    listed = [place for place in places if sold_before is None or place.oldest < sold_before]
    if listed:
        oldest_first = sorted(listed, key=lambda place: (place.oldest, place.slug))
        rows: list[list[Cell]] = [
            [place.slug, place.events, f"{place.oldest:%Y-%m-%d %H:%M}", place.reason] for place in oldest_first
        ]
        found["waiting by tenant"] = table(["tenant", "events", "oldest sale (UTC)", "why"], rows)
    return found


def coverage_metadata(coverage: Sequence[Coverage]) -> Metadata:
    """Return the share of a day's accepted events that carry each key that Meta matches by, in total and by tenant."""
    if not coverage:
        return {}
    events = sum(of.events for of in coverage)
    carried = {key: sum(of.carrying[key] for of in coverage) for key in KEYS}
    most_first = sorted(coverage, key=lambda of: (-of.events, of.slug))
    rows: list[list[Cell]] = [["all", events, *(f"{carried[key] / events:.0%}" for key in KEYS)]]
    rows += [[of.slug, of.events, *(f"{of.shares[key]:.0%}" for key in KEYS)] for of in most_first]
    return {"key coverage": table(["tenant", "events", *KEYS], rows)}
