"""What the process gives back of its memory. Knows the C library only."""

import ctypes


def give_back() -> None:
    """Give the system what has been freed.

    glibc keeps it, for each thread apart: a backlog of recordings would leave a hundred megabytes behind that
    nobody uses. Takes some milliseconds, so call it in a thread; another C library does it by itself, or not.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
