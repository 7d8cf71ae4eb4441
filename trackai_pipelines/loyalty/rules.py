"""The rules of a tenant's program on a day: program, tiers, and tiers that were set by hand.

What belongs here: reading them, and which hold on a day. What does not: what follows from them
(sql/loyalty/evaluate_creators.sql).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from trackai_pipelines.database.statements import statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The rules from a local day on; a row of `loyalty_programs`."""

    valid_from: date
    vip_metric: str
    currency: str
    time_zone: str
    checkpoint_months: int | None
    grace_days: int
    demote_to: str
    corrections: str
    settle_days: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A tier from a local day on; a row of `tiers`."""

    tier_id: str
    valid_from: date
    tier_order: int
    tier_name: str
    sales_threshold: Decimal | None
    units_threshold: int | None
    commission_rate: Decimal
    checkpoint_exempt: bool

    def needed(self, program: Program) -> Decimal | None:
        """Return what reaches the tier, in what the program counts; None where nobody said."""
        if program.vip_metric == "sales":
            return self.sales_threshold
        return None if self.units_threshold is None else Decimal(self.units_threshold)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All versions of a tenant's rules."""

    tenant_id: str
    programs: Sequence[Program]
    tiers: Sequence[Tier]
    overrides: Mapping[date, Mapping[str, str]] = field(default_factory=dict)
    """By day: the tier of creators for whom it was set by hand."""

    def program(self, day: date) -> Program | None:
        """Return the program's rules on a day; None before the first."""
        return next((one for one in reversed(self.programs) if one.valid_from <= day), None)

    def tiers_on(self, day: date) -> list[Tier]:
        """Return the tiers of a day, the lowest first."""
        newest = {tier.tier_id: tier for tier in self.tiers if tier.valid_from <= day}
        return sorted(newest.values(), key=lambda tier: tier.tier_order)

    @property
    def first_days(self) -> set[date]:
        """Return the days on which rules begin to hold, when everybody's standing can change."""
        return {program.valid_from for program in self.programs} | {tier.valid_from for tier in self.tiers}

    def parameters(self, day: date) -> dict[str, Any]:
        """Return the rules of a day, which has a program and tiers, as parameters of statements."""
        program, tiers = self.program(day), self.tiers_on(day)
        assert program is not None
        set_by_hand = self.overrides.get(day, {})
        return {
            "tenant_id": self.tenant_id,
            "day": day,
            "by_units": program.vip_metric == "units",
            "currency": program.currency,
            "time_zone": program.time_zone,
            "months": program.checkpoint_months,
            "grace_days": program.grace_days,
            "one_step": program.demote_to == "one_step",
            "both_ways": program.corrections == "both",
            "tier_ids": [tier.tier_id for tier in tiers],
            "tier_orders": [tier.tier_order for tier in tiers],
            "sales_thresholds": [tier.sales_threshold for tier in tiers],
            "units_thresholds": [tier.units_threshold for tier in tiers],
            "needed": [tier.needed(program) for tier in tiers],
            "exempt": [tier.checkpoint_exempt for tier in tiers],
            "lowest_tier": tiers[0].tier_id,
            "highest_tier": tiers[-1].tier_id,
            "set_users": list(set_by_hand),
            "set_tiers": list(set_by_hand.values()),
        }


def read_rules(connection: Connection[Any], tenant_id: str) -> Rules:
    """Return a tenant's rules."""
    given = {"tenant_id": tenant_id}
    with connection.cursor(row_factory=class_row(Program)) as cursor:
        programs = cursor.execute(statement("loyalty/programs"), given).fetchall()
    with connection.cursor(row_factory=class_row(Tier)) as cursor:
        tiers = cursor.execute(statement("loyalty/tiers"), given).fetchall()
    overrides: dict[date, dict[str, str]] = {}
    for day, user_id, tier_id in connection.execute(statement("loyalty/overrides"), given):
        overrides.setdefault(day, {})[user_id] = tier_id
    return Rules(tenant_id=tenant_id, programs=programs, tiers=tiers, overrides=overrides)
