"""Processes that end with the one that started them, however that one dies (Linux).

    python -m serinus.sandbox.leash PARENT_PID COMMAND [ARGUMENT ...]

becomes COMMAND, and is killed by the kernel when process PARENT_PID dies; for commands that cannot ask for that
themselves.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, number: int) -> None:
    """Have the kernel send this process a signal when its parent dies, even by SIGKILL; leave if it has died already.

    `parent` is the pid that the caller believes to be its parent.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    die_with_parent(int(sys.argv[1]), signal.SIGKILL)
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
