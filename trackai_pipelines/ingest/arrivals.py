"""Which landing files wait to be loaded: new ones and changed ones, once their writer has left them alone.

What belongs here: comparing the landing folder with what has been loaded. What does not: starting a load (the sensor),
or loading.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection
from psycopg.rows import TupleRow

from trackai_pipelines.clock import Clock, utc_now
from trackai_pipelines.database.statements import statement
from trackai_pipelines.ingest.files import LandingFile
from trackai_pipelines.ingest.kinds import Kind
from trackai_pipelines.ingest.zones import name_in, zone_of


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file to load, with its state (size and time, or the tag of its content) when it was seen."""

    file: LandingFile
    name: str
    """Its path inside the landing folder, wherever that lies: what a run that loads it is given."""
    fingerprint: str


def waiting_files(
    connection: Connection[TupleRow],
    landing_dir: Path | str,
    *,
    kinds: Sequence[Kind],
    settle_seconds: float = 0,
    days: int | None = None,
    clock: Clock = utc_now,
) -> list[WaitingFile]:
    """Return files of the landing folder that are not loaded in their present state, in loading order.

    A file counts once it has not been written to for `settle_seconds`. A folder that does not exist has none. Of a URL,
    folders named after a UTC day before the last `days` are not looked into. Raises LandingError.
    """
    zone = zone_of(landing_dir, days=days)
    if not zone.exists():
        return []
    files, _ = zone.files([zone.root], kinds)
    rows = connection.execute(statement("ingest/loaded_files"), {"sources": [file.source for file in files]})
    loaded: dict[str, str] = dict(rows)
    settled = clock().timestamp() - settle_seconds
    waiting = []
    for file in files:
        try:
            state = zone.state(file)
        except FileNotFoundError:
            # Taken away since the folder was listed.
            continue
        if loaded.get(file.source) != state.fingerprint and state.changed_at <= settled:
            waiting.append(WaitingFile(file, name_in(zone, file.path), state.fingerprint))
    return waiting
