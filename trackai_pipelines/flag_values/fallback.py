"""The last known flags in a file, for processes that start while the database is away.

What belongs here: writing and reading that file. What does not: when (`feed`). Members of segments are not in it.
"""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from psycopg.conninfo import conninfo_to_dict

from trackai_pipelines.flag_values.members import FlagTenant, Members
from trackai_pipelines.flag_values.ruleset import Version
from trackai_pipelines.flag_values.source import Mark, Snapshot, snapshot_of

FILE = "flags-ruleset.json"


class File(NamedTuple):
    """Where flags are kept, and of which database: a home may have been used with another one before."""

    path: Path
    database: str


class _Kept(msgspec.Struct):
    database: str
    mark: Mark
    tenants: Sequence[FlagTenant]
    versions: Sequence[Version]


def keep(file: File, snapshot: Snapshot) -> None:
    """Write the snapshot, in place of an older one; readers see one of both, whole. Raises OSError."""
    tenants = {tenant.id: tenant for tenant in snapshot.tenants.values()}
    kept = _Kept(file.database, snapshot.mark, list(tenants.values()), snapshot.versions)
    file.path.parent.mkdir(parents=True, exist_ok=True)
    # Readable by its owner alone, as mkstemp makes files.
    handle, written = tempfile.mkstemp(dir=file.path.parent, prefix=f"{file.path.name}.")
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(msgspec.json.encode(kept))
        Path(written).replace(file.path)
    except BaseException:
        with suppress(OSError):
            Path(written).unlink()
        raise


def kept(file: File) -> Snapshot | None:
    """Return what was kept of the database; None where there is nothing that can be read."""
    try:
        found = msgspec.json.decode(file.path.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    if found.database != file.database:
        return None
    return snapshot_of(found.mark, found.versions, found.tenants, Members(known=False))


def file_of(home: Path, url: str) -> File:
    """Return the file of a home for a database: what tells databases apart is a hash in it, without the password."""
    parts = conninfo_to_dict(url)
    named = "\n".join(str(parts.get(name) or "") for name in ("host", "port", "dbname"))
    return File(home / FILE, hashlib.sha256(named.encode()).hexdigest())
