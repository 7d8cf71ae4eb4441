"""What several tests of loyalty share.

What belongs here: fixtures. What does not: worlds (worlds.py).
"""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def example_vectors() -> dict[str, Any]:
    """The worked figures: months, windows, zones, a worked example, daily sync, raffle, boosts, missions."""
    return dict(json.loads((Path(__file__).parent / "vectors" / "loyalty.json").read_text(encoding="utf-8")))
