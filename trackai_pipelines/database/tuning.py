"""Settings of the embedded server that follow from the machine.

What belongs here: how much memory there is and how PostgreSQL should use it. What does not: where the server is and
which accounts may connect (cluster.py), and settings of a session (connection.py).
"""

import os
from pathlib import Path

import psutil

_MB = 1024**2
_GB = 1024**3
# Parallel queries keep their hash tables in /dev/shm; a container's is often 64 MB, and then they fail.
_ROOMY_SHM = _GB


def usable_memory() -> int:
    """Return the bytes that this process and its children may use: the machine's, or less by its control group."""
    return min([psutil.virtual_memory().total, *_cgroup_limits(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))])


def _cgroup_limits(membership: Path, root: Path) -> list[int]:
    """Return the memory limits of our control group and its ancestors, versions 1 and 2; empty if there are none."""
    if not membership.exists():
        return []
    limits = []
    for line in membership.read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top, name = root, "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "memory", "memory.limit_in_bytes"
        else:
            continue
        here = top / path.lstrip("/")
        for folder in (here, *here.parents):
            file = folder / name
            if folder.is_relative_to(top) and file.exists() and (text := file.read_text().strip()).isdigit():
                limits.append(int(text))
    return limits


def server_settings(memory: int) -> dict[str, str]:
    """Return PostgreSQL settings for a machine with so many bytes of memory, shared by the server and our processes."""
    settings = {
        # The rest of the memory is for the file cache and our own processes.
        "shared_buffers": _megabytes(min(memory // 4, 4 * _GB), least=64),
        "effective_cache_size": _megabytes(memory // 2, least=128),
        "maintenance_work_mem": _megabytes(min(memory // 20, _GB), least=32),
        # It counts for each sort or hash, several of which run at once in several sessions.
        "work_mem": _megabytes(min(memory // 512, 64 * _MB), least=4),
        "max_connections": "200",
        # The gathering process works, too: more workers than other cores would compete for the cache.
        "max_parallel_workers_per_gather": str(min((psutil.cpu_count() or 1) - 1, 4)),
        # Bulk loads need few checkpoints, and smaller page images after each.
        "max_wal_size": "4GB",
        "checkpoint_timeout": "15min",
        "wal_compression": "on",
        # Solid-state disks read randomly nearly as fast as sequentially.
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %a ",
        # A failed statement may hold data; the error itself says enough.
        "log_min_error_statement": "panic",
    }
    shm = Path("/dev/shm")  # noqa: S108 - only measured
    if shm.exists():
        room = os.statvfs(shm)
        if room.f_blocks * room.f_frsize < _ROOMY_SHM:
            settings["dynamic_shared_memory_type"] = "mmap"
    return settings


def _megabytes(size: int, *, least: int) -> str:
    return f"{max(size // _MB, least)}MB"
