"""Who sees which variant: the bucket of a user, and storing many at once.

What belongs here: the same split as `ab_test_variant` in SQL, which apps call. What does not: the hash
(flag_values.bucketing), and assignments that come in files (landing.py).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from psycopg import Connection

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.designs import Design, read_design
from trackai_pipelines.flag_values.bucketing import BUCKETS, bucket_after, fnv1a32
from trackai_pipelines.ingest.personal import emails_hashed


def assign_users(
    connection: Connection[Any], tenant_id: str, test_key: str, users: Iterable[str], now: datetime
) -> dict[str, str | None]:
    """Store the variants of users who have none, in one COPY, and return the variant of each.

    What is stored counts, whatever the bucket says. None: not in the test. While a test takes no users, nobody is
    assigned. An e-mail address is stored as its hash. Raises UnknownTestError.
    """
    given = {user: emails_hashed(user) for user in users}
    with connection.transaction(), connection.cursor() as cursor:
        design = read_design(connection, tenant_id, test_key)
        chosen = variants_of(design, given.values()) if why_closed(design, now) is None else {}
        which = {"tenant_id": tenant_id, "test_id": design.id, "now": now}
        cursor.execute(statement("experiments/stage_users"))
        with cursor.copy(statement("experiments/copy_users")) as copy:
            for user in dict.fromkeys(given.values()):
                copy.write_row((user, chosen.get(user)))
        cursor.execute(statement("experiments/assign_staged"), which)
        stored = dict(cursor.execute(statement("experiments/stored_variants"), which).fetchall())
        cursor.execute(statement("experiments/drop_users"))
    return {user: stored[kept] for user, kept in given.items()}


def variants_of(design: Design, users: Iterable[str]) -> dict[str, str | None]:
    """Return the variants of users by their buckets; None: not in the share of users that takes part."""
    variants = variants_by_bucket(design.variants, design.weights, design.traffic_percent)
    seed = fnv1a32(design.hash_seed)
    return {user: variants[bucket_after(seed, user)] for user in users}


def variants_by_bucket(
    variants: tuple[str, ...], weights: tuple[float, ...], traffic_percent: float
) -> list[str | None]:
    """Return the variant of each bucket, 0 to 9999.

    Shares are added in the order of the variants in 64-bit floats, so that boundaries agree with GrowthBook's SDKs.
    """
    by_bucket: list[str | None] = [None] * BUCKETS
    beginning = 0.0
    for variant, weight in zip(variants, weights, strict=True):
        end = beginning + traffic_percent / 100 * weight
        for bucket in range(BUCKETS):
            if beginning <= bucket / BUCKETS < end:
                by_bucket[bucket] = variant
        beginning += weight
    return by_bucket


def why_closed(design: Design, now: datetime) -> str | None:
    """Return why a test takes no users now, in words; None: it does."""
    if design.assigned_by != "trackai":
        return "its users are assigned outside"
    if design.status != "running" or design.started_at is None:
        return f"it is {design.status}"
    if now < max(design.start_date, design.started_at):
        return "it has not begun"
    if design.end_date is not None and design.end_date <= now:
        return "its end date is over"
    return None
