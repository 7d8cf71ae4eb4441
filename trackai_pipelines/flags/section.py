"""Flags in the report: what changed, what was checked and served, what gates are, and what somebody should look at."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Period, Section
from trackai_pipelines.flag_values.evaluation import evaluate
from trackai_pipelines.flag_values.gates import GATES
from trackai_pipelines.flag_values.source import Snapshot, read_snapshot
from trackai_pipelines.flags.stale import stale_flags
from trackai_pipelines.flags.states import State
from trackai_pipelines.flags.steps import held_steps
from trackai_pipelines.flags.wording import difference, moment_in_words

if TYPE_CHECKING:
    from markupsafe import Markup

_CHANGES = 20
# Flags that are divided, the most checked first.
_CHARTS = 6
# The page has eight colours; the last is for all other variants.
_COLOURS = 8


@dataclass(frozen=True, slots=True)
class FlagChange:
    """A change of a flag for everyone, or of a tenant's override (`slug`)."""

    key: str
    slug: str | None
    action: str
    before: State | None
    after: State | None
    evaluated: bool
    """Whether evaluation reads anything of what changed."""
    planned_for: datetime | None
    backdated_to: datetime | None
    changed_by: str
    change_reason: str | None
    created_at: datetime
    changes: int
    """How many there were in the period."""

    @property
    def said(self) -> str:
        """Return the change in words, with from when it holds where that is not at once."""
        since = self.planned_for or self.backdated_to
        return self._what() + (f", from {moment_in_words(since)}" if since else "")

    def _what(self) -> str:
        if not self.evaluated:
            return "its description"
        if self.after is None and self.slug is None:
            return "deleted"
        return difference(self.before, self.after)


@dataclass(frozen=True, slots=True)
class VariantChecks:
    """Checks of a flag on a UTC day that were served a variant; `error`: that failed."""

    key: str
    day: date
    variant: str
    checks: int


@dataclass(frozen=True, slots=True)
class CheckedFlag:
    """A flag's checks over the period."""

    key: str
    variants: Mapping[str, int]
    """Checks by variant, the most frequent first."""
    chart: "tuple[list[str], Markup] | None"
    """The names of its colours, and the chart; None where there is nothing to divide."""

    @property
    def checks(self) -> int:
        """Return how many there were."""
        return sum(self.variants.values())


def section() -> Section:
    """Return the section."""
    return Section(title="Flags", template=Path(__file__).with_name("section.html"), data=data, rank=1)


def data(connection: Connection[Any], period: Period) -> Mapping[str, Any]:
    """Return what the template shows: changes and checks of the period, gates as they were at its end."""
    since, before = (datetime.combine(day, time(), UTC) for day in (period.first, period.last + timedelta(days=1)))
    asked = {"since": since, "before": before, "tenant": period.tenant, "most": _CHANGES}
    with connection.cursor(row_factory=class_row(FlagChange)) as cursor:
        changes = cursor.execute(statement("flags/section_changes"), asked).fetchall()
    with connection.cursor(row_factory=class_row(VariantChecks)) as cursor:
        days = {"first": period.first, "last": period.last, "tenant": period.tenant}
        checks = cursor.execute(statement("flags/section_checks"), days).fetchall()
    moment = connection.execute("SELECT least(now(), %s::timestamptz)", (before,)).fetchone()
    assert moment is not None
    gates = gates_of(read_snapshot(connection), moment[0], period.tenant)
    return {
        "changes": changes,
        "more_changes": changes[0].changes - len(changes) if changes else 0,
        "flags": checked_flags(checks),
        "gates": gates,
        "built_in": sum(not any(differs for _, differs in values.values()) for values in gates.values()),
        "gate_keys": list(GATES),
        "held": [step for step in held_steps(connection) if not step.slug or period.tenant in (None, step.slug)],
        "stale": stale_flags(connection),
    }


def checked_flags(checks: Iterable[VariantChecks]) -> list[CheckedFlag]:
    """Return the flags that were checked, the most checked first; `checks` are by flag and day."""
    by_key: dict[str, list[VariantChecks]] = defaultdict(list)
    for one in checks:
        by_key[one.key].append(one)
    totals = {key: _by_variant(ours) for key, ours in by_key.items()}
    order = sorted(totals, key=lambda key: (-sum(totals[key].values()), key))
    charted = [key for key in order if len(totals[key]) > 1][:_CHARTS]
    return [CheckedFlag(key, totals[key], _chart(key, by_key[key]) if key in charted else None) for key in order]


def gates_of(snapshot: Snapshot, at: datetime, slug: str | None) -> Mapping[str, Mapping[str, tuple[str, bool]]]:
    """Return each tenant's value of each gate, with whether it differs from the built-in one; by slug and gate."""
    found = {}
    for each in sorted({tenant.slug for tenant in snapshot.tenants.values() if slug in (None, tenant.slug)}):
        context = {"tenant": each, "run": "report"}
        values = {key: evaluate(snapshot.ruleset, key, tenant=each, context=context, at=at).value for key in GATES}
        found[each] = {key: _shown(key, value) for key, value in values.items()}
    return found


def _shown(key: str, value: Any) -> tuple[str, bool]:
    """Return a gate's value as its text; one that has none is at its fallback."""
    text = "fallback" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text, text != GATES[key].built_in


def _by_variant(checks: Iterable[VariantChecks]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for one in checks:
        found[one.variant] += one.checks
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def _chart(key: str, checks: Sequence[VariantChecks]) -> "tuple[list[str], Markup]":
    """Each day's checks of a flag by variant, as shares of that day."""
    from trackai_pipelines.report.charts import stacked_shares

    variants = [*_by_variant(checks)]
    named = variants if len(variants) <= _COLOURS else variants[: _COLOURS - 1]
    by_day: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in checks:
        by_day[one.day][one.variant if one.variant in named else "others"] += one.checks
    names = [*named, *(["others"] if len(named) < len(variants) else [])]
    shares = {name: [of[name] / sum(of.values()) for of in by_day.values()] for name in names}
    titles = [
        f"{day}: {sum(of.values()):,} checks. "
        + ", ".join(f"{name} {of[name] / sum(of.values()):.1%}" for name in names if of[name])
        for day, of in by_day.items()
    ]
    name = f"{key}: share of each day's checks by variant"
    return names, stacked_shares(name, [f"{day:%d %b}" for day in by_day], shares, titles)
