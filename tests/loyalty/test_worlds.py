"""Random worlds: the set-based evaluation and the evaluator that goes day by day agree on every event and standing."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from loyalty.chance import FIRST, LAST, random_world
from loyalty.evaluator import evaluate
from loyalty.worlds import events_of, found_program, moment, play_out, standing, states_of
from psycopg import Connection

from trackai_pipelines.loyalty.replaying import replay

SEEDS = range(5)


def check(connection: Connection[Any], tenant: str, seed: int) -> int:
    """Compare a world; return how many events it has."""
    world, known = random_world(Random(seed))
    found_program(connection, tenant, world)
    play_out(connection, tenant, world, known)
    events, states = evaluate(world, LAST, known)
    assert events_of(connection, tenant) == events, f"seed {seed}"
    assert states_of(connection, tenant) == {user: standing(state) for user, state in states.items()}, f"seed {seed}"
    replayed = replay(connection, tenant, FIRST, LAST, moment(LAST))
    assert (replayed.events, replayed.differences) == (len(events), []), f"seed {seed}"
    return len(events)


@pytest.mark.slow
def test_random_worlds(connection: Connection[Any], add_tenant: Callable[..., str]) -> None:
    """A hundred days of four creators each, with late, restated and refunded sales, evaluated and replayed."""
    assert sum(check(connection, add_tenant(f"w{seed}"), seed) for seed in SEEDS) > 50
