"""What the process holds of the machine's memory, and gives back. Knows the C library and Linux only."""

import ctypes
import os
from pathlib import Path


def resident_mib() -> float:
    """Memory that the process holds now, in MiB; 0.0 where the system does not tell (no Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def give_back() -> None:
    """Give the system what has been freed.

    glibc keeps it, for each thread apart: a backlog of recordings would leave a hundred megabytes behind that
    nobody uses. Takes some milliseconds, so call it in a thread; another C library does it by itself, or not.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
