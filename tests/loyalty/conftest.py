"""What several tests of loyalty share.

What belongs here: fixtures. What does not: worlds (worlds.py).
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loyalty.sources import add_creator, found_program
from psycopg import Connection


@pytest.fixture(scope="session")
def example_vectors() -> dict[str, Any]:
    """The worked figures: months, windows, zones, a worked example, daily sync, raffle, boosts, missions."""
    return dict(json.loads((Path(__file__).parent / "vectors" / "loyalty.json").read_text(encoding="utf-8")))


@pytest.fixture
def tenant(connection: Connection[Any], add_tenant: Callable[..., str]) -> str:
    """A tenant with a program, and the creators c02 and c03; c02 has the code C2 and the handle h."""
    tenant_id = add_tenant("acme")
    found_program(connection, tenant_id)
    add_creator(connection, tenant_id, "c02", link="C2", tiktok="h")
    add_creator(connection, tenant_id, "c03", link="C3", tiktok="i")
    return tenant_id
