"""Runs a command that receives SIGTERM when its parent dies, however the parent dies.

    python tethered.py PARENT_PID PROGRAM ARGUMENT...

It is a program rather than a hook between fork and exec, where few calls are safe. Only Linux offers this; elsewhere
the command simply runs. What does not belong here: anything that takes time to import.
"""

import ctypes
import os
import signal
import sys

# From <linux/prctl.h>; the setting survives exec.
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent, then become the command."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        # The parent died before the tie.
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
