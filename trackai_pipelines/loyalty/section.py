"""Loyalty in the report: creators by tier, who moved, who is at risk, what came too late, and what rewards cost.

What belongs here: the figures of the section. What does not: its layout (section.html).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row, dict_row

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Period, Section

_AT_RISK = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """A creator whose window ends within two weeks and who has sold too little."""

    tenant: str
    user_id: str
    tier_name: str
    checkpoint_on: date
    required: Decimal
    missing_to_keep: Decimal
    projected_tier_at_checkpoint: str


@dataclass(slots=True)
class ProgramShown:
    """A tenant's part of the section."""

    slug: str
    name: str
    tiers: list[tuple[str, int]] = field(default_factory=list)
    """Names of tiers, the lowest first, with how many creators hold each."""
    moves: Mapping[str, int] = field(default_factory=dict)
    late: Mapping[str, int] = field(default_factory=dict)
    """Late entries of the period, the windows that they are in, and how many would be closed otherwise now."""
    at_risk: Sequence[AtRisk] = ()
    credited: Sequence[tuple[str, Decimal]] = ()
    """The share of matched value that is credited, by currency."""
    boosts: Sequence[tuple[str, int, int, Decimal]] = ()
    """By currency: boosts that are scheduled or active, those to be paid, and what they come to."""
    stock: Sequence[tuple[str, int, int]] = ()
    """Limited rewards, those with the least left first: name, taken, in all."""

    @property
    def more_at_risk(self) -> int:
        """Return how many creators at risk are not shown."""
        return max(0, len(self.at_risk) - _AT_RISK)


def section() -> Section:
    """Return the section."""
    return Section(title="Loyalty", template=Path(__file__).with_name("section.html"), data=data)


def data(connection: Connection[Any], period: Period) -> Mapping[str, Any]:
    """Return what the template shows of the period."""
    asked = {"first": period.first, "last": period.last, "tenant": period.tenant}
    programs: dict[str, ProgramShown] = {}
    for slug, name, _, tier_name, creators in connection.execute(statement("loyalty/section_tiers"), asked):
        programs.setdefault(slug, ProgramShown(slug, name)).tiers.append((tier_name, creators))
    with connection.cursor(row_factory=dict_row) as cursor:
        moves = {row.pop("slug"): row for row in cursor.execute(statement("loyalty/section_moves"), asked).fetchall()}
        late = {row.pop("slug"): row for row in cursor.execute(statement("loyalty/section_late"), asked).fetchall()}
    with connection.cursor(row_factory=class_row(AtRisk)) as risky:
        at_risk = risky.execute(statement("loyalty/at_risk"), asked).fetchall()
    credit = connection.execute(statement("loyalty/section_credit"), asked).fetchall()
    boosts = connection.execute(statement("loyalty/section_boosts"), asked).fetchall()
    stock = connection.execute(statement("loyalty/section_stock"), asked).fetchall()
    for slug, program in programs.items():
        program.moves, program.late = moves.get(slug, {}), late.get(slug, {})
        program.at_risk = [one for one in at_risk if one.tenant == slug]
        program.credited = [(currency, share) for of, currency, share in credit if of == slug]
        program.boosts = [(currency, *counted) for of, currency, *counted in boosts if of == slug]
        program.stock = [(name, taken, total) for of, name, taken, total in stock if of == slug]
    return {"programs": [*programs.values()], "most": _AT_RISK}
