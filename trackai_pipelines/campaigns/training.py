"""Training of the data-driven models: what a tenant's journeys of 90 days say of each campaign or channel.

What belongs here: which paths are learned from, and writing what was learned. What does not: the models (markov,
shapley), and giving credit by them (credit).
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from psycopg import Connection, sql

from trackai_pipelines.campaigns.chosen import ChosenTenant, chosen_tenants
from trackai_pipelines.campaigns.markov import Chain, Outcomes, solve
from trackai_pipelines.campaigns.shapley import sets_of, shares
from trackai_pipelines.database.statements import statement

DAYS = 90
LEAST_CONVERSIONS = 100
LEAST_UNITS = 2
MOST_UNITS = 100
OTHER = "(other)"
"""Stands for the units with the fewest touches where there are more than `MOST_UNITS`."""
SEPARATOR = "\x1f"
"""Between the units of a set's key."""

Paths = Mapping[tuple[str, ...], Outcomes]

# The column of touches and clicks that has the unit.
UNIT_COLUMNS = {"campaign": "campaign_id", "channel": "channel"}


@dataclass(frozen=True)
class Training:
    """What a tenant's training learned from."""

    slug: str
    unit: str
    from_day: date
    to_day: date
    journeys: int
    conversions: int
    units: int
    conversion_probability: float | None
    """None where there was too little to learn from, and nothing was written."""
    left: bool = False
    """Whether clicks or touches of its days are in archives only: an earlier training of that day stays as it is."""


def train(connection: Connection, to_day: date, now: datetime, *, tenant: str | None = None) -> list[Training]:
    """Train the models of every tenant, or of one (slug or id), on the 90 UTC days that end with `to_day`.

    Each tenant's training is written in a transaction of its own; the same facts give the same rows. Raises
    ExpectedError for an unknown tenant.
    """
    return [_train_one(connection, chosen, to_day, now) for chosen in chosen_tenants(connection, tenant)]


def _train_one(connection: Connection, tenant: ChosenTenant, to_day: date, now: datetime) -> Training:
    unit = tenant.credit_unit
    from_day = to_day - timedelta(days=DAYS - 1)
    days = {"tenant_id": tenant.id, "from_day": from_day, "to_day": to_day}
    (left,) = connection.execute(statement("campaigns/days_that_left"), days).fetchone() or (False,)
    if left:
        return Training(tenant.slug, unit, from_day, to_day, 0, 0, 0, None, left=True)
    with connection.transaction():
        paths = with_fewer_units(paths_of(connection, tenant.id, unit, from_day, to_day))
        conversions = sum(of[0] for of in paths.values())
        journeys = conversions + sum(of[1] for of in paths.values())
        units = len({name for path in paths for name in path})
        enough = conversions >= LEAST_CONVERSIONS and units >= LEAST_UNITS
        chain = solve(paths) if enough else None
        if chain:
            figures = {"unit": unit, "journeys": journeys, "conversions": conversions, "now": now}
            _write(connection, {**days, **figures}, paths, chain)
    probability = chain.conversion_probability if chain else None
    return Training(tenant.slug, unit, from_day, to_day, journeys, conversions, units, probability)


def paths_of(connection: Connection, tenant_id: str, unit: str, from_day: date, to_day: date) -> Paths:
    """Return how many journeys of the UTC days took each path of units, with and without a conversion."""
    query = sql.SQL(statement("campaigns/paths")).format(unit=sql.Identifier(UNIT_COLUMNS[unit]))
    days = {"tenant_id": tenant_id, "from_day": from_day, "to_day": to_day}
    return {tuple(path): (conversions, nulls) for path, conversions, nulls in connection.execute(query, days)}


def with_fewer_units(paths: Paths) -> Paths:
    """Return the paths with at most 100 units of their own: those with most touches, then the first by name."""
    touches: Counter[str] = Counter()
    for path, outcomes in paths.items():
        for unit in path:
            touches[unit] += sum(outcomes)
    kept = set(sorted(touches, key=lambda unit: (-touches[unit], unit))[:MOST_UNITS])
    fewer: dict[tuple[str, ...], Outcomes] = {}
    for path, (conversions, nulls) in paths.items():
        named = tuple(unit if unit in kept else OTHER for unit in path)
        before = fewer.get(named, (0, 0))
        fewer[named] = (before[0] + conversions, before[1] + nulls)
    return fewer


def _write(connection: Connection, training: Mapping[str, Any], paths: Paths, chain: Chain) -> None:
    probability = {"conversion_probability": _exact(chain.conversion_probability)}
    row = connection.execute(statement("campaigns/write_training"), {**training, **probability}).fetchone()
    assert row is not None
    of_training = {"tenant_id": training["tenant_id"], "training_id": row[0]}
    sets = sets_of(paths)
    journeys = _journeys_by_unit(sets)
    units = sorted(chain.removal_effects)
    connection.execute(
        statement("campaigns/write_units"),
        {
            **of_training,
            "units": units,
            "removal_effects": [_exact(chain.removal_effects[unit]) for unit in units],
            "journeys": [journeys[unit] for unit in units],
        },
    )
    by_set = sorted(shares(sets).items())
    connection.execute(
        statement("campaigns/write_sets"),
        {
            **of_training,
            "set_keys": [SEPARATOR.join(of) for of, _ in by_set],
            "journeys": [sum(sets[of]) for of, _ in by_set],
            "conversions": [sets[of][0] for of, _ in by_set],
            "shares": [json.dumps(share) for _, share in by_set],
        },
    )


def _journeys_by_unit(sets: Mapping[tuple[str, ...], Outcomes]) -> Counter[str]:
    journeys: Counter[str] = Counter()
    for units, outcomes in sets.items():
        journeys.update(dict.fromkeys(units, sum(outcomes)))
    return journeys


def _exact(value: float) -> Decimal:
    """Return the decimal that a float is written as: a float parameter would arrive with 15 digits."""
    return Decimal(repr(value))
