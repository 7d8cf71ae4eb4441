"""Users who are in two tests: whether the variants of one go together with those of the other.

What belongs here: the pairs of a tenant's tests. What does not: the chi-square test (statistics/health.py), and what
follows from it (reconcile.py, shown.py).

Nothing says that the tests of a pair know of each other, so where one variant has more of another's users than chance
gives, they are split by one hash, or one test decides who gets into the other. Then neither measures its own variants.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Any, LiteralString

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
_NOBODY = 2**62

Users = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Users of a test, each once and in order, and the place of each one's variant."""


@dataclass(frozen=True, slots=True)
class UserSample:
    """Analysed users of some tests."""

    one_in: int
    """Of one in so many users; a power of 2. Those of a larger one are among those of a smaller one."""
    users: Mapping[int, Users]
    """By test."""


def write_shared_users(
    connection: Connection[Any], designs: Sequence[Design], until: Mapping[int, date], sample: UserSample | None
) -> None:
    """Write for the newest UTC day of each of a tenant's tests which others share many of its users.

    Needs a transaction, and the totals of these days. Without a sample of them all, or with too small a one, users are
    read.
    """
    days = [until[design.id] for design in designs]
    found: dict[int, list[dict[str, Any]]] = {design.id: [] for design in designs}
    for one, other, users, p_value in _pairs(connection, designs, days, sample):
        for test, beside in ((one, other), (other, one)):
            found[test.id].append({"test": beside.test_key, "users": users, "p_value": p_value})
    given = {
        "tenant_id": designs[0].tenant_id,
        "test_ids": [design.id for design in designs],
        "days": days,
        "shared_users": [Jsonb(sorted(found[design.id], key=lambda entry: entry["test"])) for design in designs],
    }
    connection.execute(statement("experiments/write_shared_users"), given)


def share_of_users(connection: Connection[Any], designs: Sequence[Design], days: Sequence[date]) -> int:
    """Return of one in how many users a tenant's tests are compared, by the totals of a UTC day of each."""
    if len(designs) < 2:
        return _NOBODY
    given = {"tenant_id": designs[0].tenant_id, "test_ids": [design.id for design in designs], "days": list(days)}
    (most,) = connection.execute(statement("experiments/most_users"), given).fetchone() or (0,)
    one_in = 1
    while most > SAMPLE * one_in:
        one_in *= 2
    return one_in


def read_sample(
    connection: Connection[Any], designs: Sequence[Design], name: LiteralString, given: Mapping[str, Any]
) -> UserSample:
    """Return what a statement finds of users, in the form of analysed_users."""
    variants = {design.id: design.variants for design in designs}
    pieces: dict[int, list[Users]] = {design.id: [] for design in designs}
    with connection.cursor(binary=True) as cursor:
        for test, variant, packed in cursor.execute(statement(name), given):
            if variant in variants[test]:
                hashes = np.frombuffer(packed, dtype=">i8").astype(np.int64)
                pieces[test].append((hashes, np.full(len(hashes), variants[test].index(variant))))
    nothing = np.zeros(0, dtype=np.int64)
    users = {}
    for test, of_test in pieces.items():
        hashes = np.concatenate([nothing, *(hashes for hashes, _ in of_test)])
        places = np.concatenate([nothing, *(places for _, places in of_test)])
        order = np.argsort(hashes)
        users[test] = hashes[order], places[order]
    return UserSample(given["one_in"], users)


def _pairs(
    connection: Connection[Any], designs: Sequence[Design], days: Sequence[date], sample: UserSample | None
) -> list[tuple[Design, Design, int, float | None]]:
    """Return the pairs with many shared users: how many these are, and the p-value that variants are independent."""
    if len(designs) < 2:
        return []
    one_in = share_of_users(connection, designs, days)
    if sample is None or sample.one_in > one_in:
        given = {
            "tenant_id": designs[0].tenant_id,
            "test_ids": [design.id for design in designs],
            "one_in": one_in,
            "new_until": midnight_after(max(days)),
        }
        with plans(connection, MANY):
            sample = read_sample(connection, designs, "experiments/analysed_users", given)
    users = {test: _one_in(one_in, of_test) for test, of_test in sample.users.items()}
    found = []
    for one, other in combinations(designs, 2):
        table = shared_table(users[one.id], users[other.id], len(one.variants), len(other.variants))
        if table.sum() * one_in > MANY_USERS:
            p = float(independence_p_value(table))
            found.append((one, other, int(table.sum()) * one_in, p if np.isfinite(p) else None))
    return found


def _one_in(one_in: int, users: Users) -> Users:
    chosen = users[0] & (one_in - 1) == 0
    return users[0][chosen], users[1][chosen]


def shared_table(one: Users, other: Users, variants: int, other_variants: int) -> NDArray[np.int64]:
    """Return how many users two tests share, by the variant of the one and of the other. Users are in order."""
    if not one[0].size:
        return np.zeros((variants, other_variants), dtype=np.int64)
    at = np.minimum(np.searchsorted(one[0], other[0]), one[0].size - 1)
    shared = one[0][at] == other[0]
    cells = one[1][at[shared]] * other_variants + other[1][shared]
    return np.bincount(cells, minlength=variants * other_variants).reshape(variants, other_variants)
