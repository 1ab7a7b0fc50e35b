"""How many files and connections the service may have open: every call needs some of them.

Knows the operating system's limit and what our own limits add up to.
"""

import contextlib
import resource

import structlog

log = structlog.get_logger()

NEEDED = 1500  # 500 in menus, 500 with the bot, 256 HTTP connections, and our own
WANTED = 8192


def allow_open_files() -> int:
    """Raise this process's limit as far as it may; says so where that is not enough. Gives the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    if soft != resource.RLIM_INFINITY and soft < NEEDED:
        log.warning(
            "Few open files are allowed: with many calls at once some will go to people without a menu. "
            "Raise the limit (`ulimit -n`, LimitNOFILE=).",
            action="few_open_files",
            allowed=soft,
            needed=NEEDED,
        )
    return soft
