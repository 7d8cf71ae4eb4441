"""Tiers: the worked example, day by day, and what an evaluation may and may not change."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loyalty.evaluator import evaluate, world_of_vectors
from loyalty.worlds import events_of, found_program, play_out, standing, states_of
from psycopg import Connection

EXAMPLE = json.loads((Path(__file__).parent / "vectors" / "loyalty.json").read_text())["worked_example"]
ZONES = {"acme": "UTC", "bella": "America/Sao_Paulo"}


@pytest.mark.parametrize("slug", ["acme", "bella"])
def test_the_worked_example(connection: Connection[Any], add_tenant: Callable[..., str], slug: str) -> None:
    """Evaluated day by day as files arrived: all events and end states."""
    tenant = add_tenant(slug)
    world, upto = world_of_vectors(EXAMPLE, slug)
    found_program(connection, tenant, world, ZONES[slug])
    play_out(connection, tenant, world, upto)
    events, states = evaluate(world, max(upto), upto)
    assert events_of(connection, tenant) == events
    assert states_of(connection, tenant) == {user: standing(state) for user, state in states.items()}
