"""Where a process id means something: one machine, since it booted, and one process namespace.

What belongs here: the name of this place, and how it compares with another. What does not: whether a process lives
(run_launcher.py).
"""

import platform
import sys
from enum import Enum
from functools import cache
from pathlib import Path

PROCESS_SPACE = "trackai/process_space"
"""Key of the place: in the definitions' metadata, which the code server writes, and in the tags of its runs."""

# The namespace that a Linux machine boots with (PROC_PID_INIT_INO of <linux/proc_ns.h>); containers have others.
_FIRST_NAMESPACE = "pid:[4026531836]"


class Relation(Enum):
    """What another place is to this one."""

    HERE = "its processes can be seen from here"
    ENDED = "this machine, before it was restarted"
    ELSEWHERE = "its processes cannot be seen from here"


@cache
def process_space() -> str:
    """Return this process's place as `machine/boot/namespace`. The machine may be unknown, as in most containers."""
    if sys.platform != "linux":
        import psutil

        return f"{platform.node()}/{psutil.boot_time():.0f}/"
    machine_id = Path("/etc/machine-id")
    machine = machine_id.read_text(encoding="ascii").strip() if machine_id.exists() else ""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{machine}/{boot}/{Path('/proc/self/ns/pid').readlink()}"


def relation(other: str) -> Relation:
    """Return what the place `other` is to this one.

    Only outside containers does a machine's id say that it is the same machine: images are copied with theirs.
    """
    here = process_space()
    if other == here:
        return Relation.HERE
    machine, _, namespace = here.split("/")
    before = other.split("/")
    if machine and namespace == _FIRST_NAMESPACE and (before[0], before[-1]) == (machine, namespace):
        return Relation.ENDED
    return Relation.ELSEWHERE
