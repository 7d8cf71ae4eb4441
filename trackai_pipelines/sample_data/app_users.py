"""Users of a tenant's app, as its file of users names them: other files of the sample speak of the same people."""

import json
from pathlib import Path


def app_users(landing_dir: Path, slug: str, most: int) -> list[str]:
    """Return ids of users of a tenant, in order, `most` at most; none where the sample has none."""
    file = landing_dir / slug / "users.jsonl"
    if not file.exists():
        return []
    return sorted({json.loads(line)["id"] for line in file.read_bytes().splitlines()})[:most]
