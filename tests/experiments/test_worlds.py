"""Random worlds: the database and an independent brute force agree on every outcome, total and excluded user."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from experiments.worlds import START, TICK, World, anonymise, check, find_sales, land, match
from psycopg import Connection

from trackai_pipelines.experiments.computing import compute_tests

SEEDS = range(6)
KEYS = ("banner", "checkout", "price")
LIVES = (
    *((),) * 6,
    ("pause",),
    ("pause", "resume"),
    ("pause", "resume", "pause"),
    ("complete",),
    ("pause", "resume", "complete"),
    ("pause", "complete"),
)
"""What becomes of tests; half of them run on."""
FIRST_NIGHT, SECOND_NIGHT = START + timedelta(days=5, hours=1), START + timedelta(days=9, hours=1)


def _live(connection: Connection[Any], world: World, until: datetime) -> None:
    """Lead tests through a life, at moments that may be a midnight or a microsecond apart."""
    for test in world.tests.values():
        actions = world.chance.choice(LIVES)
        moments = sorted(world.between(test.started_at + TICK, until) for _ in actions)
        world.moved_at = test.started_at
        for action, at in zip(actions, moments, strict=True):
            world.move(connection, test, action, at)


def _compute(connection: Connection[Any], worlds: list[World], now: datetime, where: str) -> None:
    for world in worlds:
        list(compute_tests(connection, now, tenant_id=world.tenant))
    for world in worlds:
        for number, test in world.tests.items():
            check(connection, world, number, now, f"{where}, {world.tenant}, {test.key}, {now}")


@pytest.mark.slow
def test_random_worlds(
    connection: Connection[Any], add_tenant: Callable[..., str], database_url: str, tmp_path: Path
) -> None:
    """Two tenants with the same tests and users, computed, and once more after late rows."""
    for seed in SEEDS:
        chance = Random(seed)
        worlds = [World(chance, add_tenant(f"{name}{seed}")) for name in ("acme", "globex")]
        for world in worlds:
            for key in KEYS:
                world.begin(connection, key)
            _live(connection, world, FIRST_NIGHT)
        for night, now in enumerate((FIRST_NIGHT, SECOND_NIGHT)):
            land(database_url, tmp_path / f"{seed}-{night}", worlds, now - timedelta(hours=1))
            for world in worlds:
                find_sales(connection, world)
                for sale in world.facts.sales:
                    if chance.random() < 0.6 and sale.id not in world.facts.anonymised:
                        match(connection, world, sale, now)
            _compute(connection, worlds, now, f"seed {seed}")
            if not night:
                for world in worlds:
                    anonymise(connection, world, 0.1, now, now)
