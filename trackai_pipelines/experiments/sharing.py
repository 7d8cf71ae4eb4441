"""Users who are in two tests: whether the variants of one go together with those of the other.

What belongs here: the pairs of a tenant's tests. What does not: the chi-square test (statistics/health.py), and what
follows from it (reconcile.py, shown.py).

Nothing says that the tests of a pair know of each other, so where one variant has more of another's users than chance
gives, they are split by one hash, or one test decides who gets into the other. Then neither measures its own variants.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection
from psycopg.types.json import Jsonb

from trackai_pipelines.database.statements import statement
from trackai_pipelines.experiments.designs import Design
from trackai_pipelines.experiments.outcomes import MANY, plans
from trackai_pipelines.experiments.periods import midnight_after
from trackai_pipelines.experiments.statistics.health import independence_p_value

MANY_USERS = 1_000
"""Pairs that share more users than this are compared."""
SAMPLE = 8_192
"""Of a test with more users, about so many are compared: the same share of the users of each test."""

Users = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Users of a test, each once, and the place of each one's variant."""


def write_shared_users(connection: Connection[Any], designs: Sequence[Design], until: Mapping[int, date]) -> None:
    """Write for the newest UTC day of each of a tenant's tests which others share many of its users.

    Needs a transaction, and the totals of these days.
    """
    tests = {
        "tenant_id": designs[0].tenant_id,
        "test_ids": [design.id for design in designs],
        "days": [until[design.id] for design in designs],
    }
    found: dict[int, list[dict[str, Any]]] = {design.id: [] for design in designs}
    for one, other, users, p_value in _pairs(connection, designs, tests):
        for test, beside in ((one, other), (other, one)):
            found[test.id].append({"test": beside.test_key, "users": users, "p_value": p_value})
    shared = [Jsonb(sorted(found[design.id], key=lambda entry: entry["test"])) for design in designs]
    connection.execute(statement("experiments/write_shared_users"), {**tests, "shared_users": shared})


def _pairs(
    connection: Connection[Any], designs: Sequence[Design], tests: Mapping[str, Any]
) -> list[tuple[Design, Design, int, float | None]]:
    """Return the pairs with many shared users: how many these are, and the p-value that variants are independent."""
    if len(designs) < 2:
        return []
    (most,) = connection.execute(statement("experiments/most_users"), tests).fetchone() or (0,)
    one_in = 1
    while most > SAMPLE * one_in:
        one_in *= 2
    given = {**tests, "one_in": one_in, "until": midnight_after(max(tests["days"]))}
    users = _users(connection, designs, given)
    found = []
    for one, other in combinations(designs, 2):
        table = shared_table(users[one.id], users[other.id], len(one.variants), len(other.variants))
        if table.sum() * one_in > MANY_USERS:
            p = float(independence_p_value(table))
            found.append((one, other, int(table.sum()) * one_in, p if np.isfinite(p) else None))
    return found


def shared_table(one: Users, other: Users, variants: int, other_variants: int) -> NDArray[np.int64]:
    """Return how many users two tests share, by the variant of the one and of the other."""
    _, places, other_places = np.intersect1d(one[0], other[0], assume_unique=True, return_indices=True)
    table = np.zeros((variants, other_variants), dtype=np.int64)
    np.add.at(table, (one[1][places], other[1][other_places]), 1)
    return table


def _users(connection: Connection[Any], designs: Sequence[Design], given: Mapping[str, Any]) -> dict[int, Users]:
    variants = {design.id: design.variants for design in designs}
    pieces: dict[int, list[Users]] = {design.id: [] for design in designs}
    with plans(connection, MANY), connection.cursor(binary=True) as cursor:
        for test, variant, packed in cursor.execute(statement("experiments/analysed_users"), given):
            if variant in variants[test]:
                hashes = np.frombuffer(packed, dtype=">i8").astype(np.int64)
                pieces[test].append((hashes, np.full(len(hashes), variants[test].index(variant))))
    nothing = np.zeros(0, dtype=np.int64)
    return {
        test: (
            np.concatenate([nothing, *(hashes for hashes, _ in of_test)]),
            np.concatenate([nothing, *(places for _, places in of_test)]),
        )
        for test, of_test in pieces.items()
    }
