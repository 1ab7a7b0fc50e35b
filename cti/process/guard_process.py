"""The guard: a tiny process that kills a frozen service, so that its callers go on to the operators.

Run by `guard.py` as a file, isolated and without site-packages: the standard library only, and little of it.
It reads one byte for each beat of the service's event loop. A dead service closes all its sockets, and every
dialplan goes on by itself; a frozen one holds its callers. Who starts the service again is not its business.

    python -I -S guard_process.py <pid of the service> <seconds of silence>
"""

import os
import select
import signal
import sys
import time

CHECK_S = 0.25


def watch(beats: int, service: int, silence_s: float) -> bool:
    """Return True when the service has been silent for too long, False when it has closed the pipe.

    Silence is time in which this process itself was awake: a machine that was paused, or so busy that nobody
    ran, gives the service its whole time again.
    """
    silent_s = 0.0
    while True:
        overdue = silent_s >= silence_s
        began = time.monotonic()
        # Overdue means one last look: a beat may have come while we did not run.
        readable, _, _ = select.select([beats], [], [], 0 if overdue else CHECK_S)
        if readable:
            if not os.read(beats, 65536):
                return False
            silent_s = 0.0
        elif overdue:
            return os.getppid() == service  # else it is gone, and its number may be another's
        else:
            silent_s += min(time.monotonic() - began, 2 * CHECK_S)


def main() -> None:
    """Guard one service to its end."""
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_IGN)  # whoever ends the whole group: the pipe tells us when it is over
    service, silence_s = int(sys.argv[1]), float(sys.argv[2])
    if watch(sys.stdin.fileno(), service, silence_s):
        os.kill(service, signal.SIGKILL)  # first: whoever reads our words may be frozen too
        sys.stderr.write(
            f"PressZero has not moved for {silence_s:g} s: killed, so that its callers go on to the "
            "operators. Start it again. action=service_killed\n"
        )


if __name__ == "__main__":
    main()
