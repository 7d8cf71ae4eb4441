"""The demo's loyalty program: its rows, what must become of its creators, and the comparison with what did.

What belongs here: the tenant and its rows, and the proof. What does not: who sells what (sample_world.py).
"""

from collections.abc import Mapping
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.domain import Proof, Sample
from trackai_pipelines.loyalty.sample_world import build, first_day

TENANT = {"id": "cm0samplebrisa000000000l1", "slug": "brisa-beauty", "name": "Brisa Beauty"}
_SHOWN = 10


def write(sample: Sample) -> Mapping[str, Any]:
    """Return `loyalty`: every event that must be found, with its creator, day, status and tier. It needs no file."""
    return {
        "loyalty": [
            [creator.user_id, day.isoformat(), status, tier]
            for creator in build(sample.end.date())
            for day, status, tier in creator.events
        ]
    }


def insert(connection: Connection[Any], sample: Sample) -> None:
    """Insert the tenant with its rules, creators and reports, unless it is there."""
    if "loyalty" not in sample.truth:
        return
    end = sample.end.date()
    with connection.transaction():
        if connection.execute(statement("loyalty/insert_sample_tenant"), TENANT).fetchone() is None:
            return
        about = {"tenant_id": TENANT["id"], "first": first_day(end), "now": sample.end}
        connection.execute(statement("loyalty/insert_sample_program"), about)
        connection.execute(statement("loyalty/insert_sample_tiers"), about)
        creators = build(end)
        enrolled = {"users": [one.user_id for one in creators], "days": [one.enrolled_on for one in creators]}
        connection.execute(statement("loyalty/insert_sample_creators"), {**about, **enrolled})
        sales = [(one.user_id, day, amount) for one in creators for day, amount in one.sales if amount]
        handles, days, amounts = map(list, zip(*sales, strict=True))
        reported = {"handles": handles, "days": days, "amounts": amounts}
        connection.execute(statement("loyalty/insert_sample_reports"), {**about, **reported})
        by_hand = [one for one in creators if one.by_hand is not None]
        overrides = {"users": [one.user_id for one in by_hand], "days": [one.by_hand for one in by_hand]}
        connection.execute(statement("loyalty/insert_sample_overrides"), {**about, **overrides})


def prove(connection: Connection[Any], sample: Sample) -> Proof:
    """Compare every event up to the sample's last day with the answer."""
    truth = sample.truth.get("loyalty")
    if truth is None:
        return Proof([], "this home was made before loyalty was")
    asked = {"tenant_id": TENANT["id"], "last": sample.last_day}
    rows = connection.execute(statement("loyalty/sample_events"), asked)
    found = {(user, day.isoformat(), status, tier) for user, day, status, tier in rows}
    should = {tuple(event) for event in truth}
    missing = [f"{TENANT['slug']}: {' '.join(event)} was not found" for event in sorted(should - found)]
    others = [f"{TENANT['slug']}: {' '.join(event)} should not be there" for event in sorted(found - should)]
    return Proof(
        [*missing[:_SHOWN], *others[:_SHOWN]],
        f"each of {len(should):,} events of creators' tiers is found, and no other",
    )
