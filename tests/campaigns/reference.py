"""Reference values: computed elsewhere with exact fractions, and met by the code as they are."""

import json
from pathlib import Path
from typing import Any


def vectors(name: str) -> Any:
    """Return the values of `vectors/<name>.json`."""
    return json.loads((Path(__file__).parent / "vectors" / f"{name}.json").read_text())
