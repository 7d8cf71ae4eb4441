"""Folders for the servers of tests, outside pytest's: those are closed to the account that runs PostgreSQL for root.

What belongs here: where they are. What does not: the servers in them, and who takes the folders away.
"""

import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")
# A session's server takes less than half of it; the 64 MB that a container may have are too few.
_ROOM_BYTES = 4 << 30


def server_folder(prefix: str) -> Path:
    """Make a folder that every account may enter, in memory where that has room.

    A copied database is hundreds of small files. To make them on a disk takes the kernel many times as long.
    """
    roomy = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM_BYTES
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=_MEMORY if roomy else None))
    folder.chmod(0o711)
    return folder
