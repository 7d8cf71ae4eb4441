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
from trackai_pipelines.ingest.files import LandingFile, landing_files
from trackai_pipelines.ingest.kinds import Kind


@dataclass(frozen=True, slots=True)
class WaitingFile:
    """A file to load, with its state (size and modification time) when it was seen."""

    file: LandingFile
    fingerprint: str


def waiting_files(
    connection: Connection[TupleRow],
    landing_dir: Path,
    *,
    kinds: Sequence[Kind],
    settle_seconds: float = 0,
    clock: Clock = utc_now,
) -> list[WaitingFile]:
    """Return files of the landing folder that are not loaded in their present state, in loading order.

    A file counts once it has not been written to for `settle_seconds`. A folder that does not exist has none.
    """
    if not landing_dir.is_dir():
        return []
    files, _ = landing_files([landing_dir], landing_dir=landing_dir, kinds=kinds)
    rows = connection.execute(statement("ingest/loaded_files"), {"sources": [file.source for file in files]})
    loaded: dict[str, str] = dict(rows)
    settled = clock().timestamp() - settle_seconds
    waiting = []
    for file in files:
        try:
            state = file.path.stat()
        except FileNotFoundError:
            # Taken away since the folder was listed.
            continue
        seen = f"{state.st_size}-{state.st_mtime_ns}"
        if loaded.get(file.source) != seen and state.st_mtime <= settled:
            waiting.append(WaitingFile(file, seen))
    return waiting
