"""Whatever arrives between nights, and however nights end: what is stored is what a computation from nothing gives."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from experiments.nights import (
    files_arrive,
    forget_hashes,
    forget_person,
    from_nothing,
    happen,
    killed_night,
    night,
    snapshot,
    two_nights_at_once,
)
from experiments.worlds import START, World, check
from psycopg import Connection

SEEDS = range(5)
NIGHTS = 9
KEYS = ("banner", "checkout")


@pytest.mark.slow
def test_each_night_is_as_if_it_were_the_first(
    connection: Connection[Any], add_tenant: Callable[..., str], database_url: str, tmp_path: Path
) -> None:
    for seed in SEEDS:
        chance = Random(seed)
        world = World(chance, add_tenant(f"acme{seed}"))
        for key in KEYS:
            world.begin(connection, key)
        archived: dict[int, dict[str, list[str]]] = {}
        last = START
        for number in range(NIGHTS):
            now = START + timedelta(days=number + 1, hours=chance.choice((1, 1, 1, 25)))
            if now <= last:
                continue
            # Of much that arrives, one thing hides what another one changes.
            moments = sorted(world.between(last, now) for _ in range(chance.choice((1, 1, 2, 8))))
            if chance.random() < 0.3:
                # What was written as the last night began may have been committed after it.
                moments.insert(0, last - chance.random() * timedelta(minutes=4))
            for at in moments:
                happen(connection, world, at)
            if number in (1, 2) or chance.random() < 0.1:
                files_arrive(connection, database_url, tmp_path / f"{seed}-{number}", world, moments[-1])
            if number > 3 and chance.random() < 0.2:
                forget_hashes(connection, world, last, moments[-1])
            if number > 3 and chance.random() < 0.2:
                forget_person(connection, world, tmp_path / "archive", moments[-1])
            if chance.random() < 0.2:
                killed_night(connection, database_url, world, now)
            if chance.random() < 0.2:
                two_nights_at_once(database_url, world, now)
            night(connection, world, now)
            where = f"seed {seed}, night {number}, {now}"
            for test_id, test in world.tests.items():
                if test.status != "archived":
                    check(connection, world, test_id, now, f"{where}, {test.key}")
            computed = [test_id for test_id, test in world.tests.items() if test.status != "archived"]
            found = snapshot(connection, computed)
            expected = from_nothing(connection, world, computed, now)
            for table in found:
                assert found[table] == expected[table], (where, table)
            for test_id in world.tests.keys() - set(computed):
                assert archived.setdefault(test_id, kept := _kept(connection, test_id)) == kept, where
            last = now


def _kept(connection: Connection[Any], test_id: int) -> dict[str, list[str]]:
    """Return what an archived test keeps, whoever is erased."""
    return {table: rows for table, rows in snapshot(connection, [test_id]).items() if table != "ab_test_outcomes"}
