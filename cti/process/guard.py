"""The service's side of its guard: starts it, feeds it a beat at a time, starts another when it has died.

Knows neither calls nor doors. What the guard does is in `cti.process.guard_process`.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

log = structlog.get_logger()

SILENCE_S = 8.0
"""Without a beat for so long a service is frozen. By then the PBX's own fuses have taken its callers on; a
machine that is merely too busy for some seconds does not lose its service."""
LAST_LOOK_S = 2.0  # for the guard to see that the pipe is closed

_PROGRAM = Path(__file__).with_name("guard_process.py")


class Guard:
    """`with Guard() as guard:` is guarded; `guard.beat()` must then come about twice a second."""

    def __init__(self, silence_s: float = SILENCE_S) -> None:
        """Nothing is started before the block begins."""
        self._silence_s = silence_s
        self._process: subprocess.Popen[bytes] | None = None
        self._deaf = False  # no process can be started; said once

    @property
    def pid(self) -> int | None:
        """The guard's process; None where there is none now."""
        return self._process.pid if self._process else None

    def __enter__(self) -> Self:
        if os.getpid() == 1:
            log.warning(
                "As process 1 the service cannot be killed when it freezes: run the container with --init "
                "(compose: init: true).",
                action="guard_powerless",
            )
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._let_go()

    def beat(self) -> None:
        """Still moving. Never blocks, never raises."""
        if self._process is not None and self._process.poll() is not None:
            log.warning("The guard has died; another one takes over.", action="guard_replaced")
            self._let_go()
        if self._process is None:
            self._start()
        if self._process is None or self._process.stdin is None:
            return
        # A guard that does not read has beats enough in the pipe; one that died is replaced at the next beat.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self._process.stdin.fileno(), b".")

    def _start(self) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_PROGRAM), str(os.getpid()), str(self._silence_s)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                start_new_session=True,  # a signal to the service's group is not meant for its guard
            )
        except OSError as error:
            if not self._deaf:
                log.warning(
                    "No guard could be started: a frozen service holds its callers until the fuses burn.",
                    action="guard_missing",
                    error=error.strerror,
                )
            self._deaf = True
            return
        self._deaf = False
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)

    def _let_go(self) -> None:
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(LAST_LOOK_S)
        except subprocess.TimeoutExpired:  # stopped or stuck: it is ours, and nobody needs it any more
            self._process.kill()
            self._process.wait()
        self._process = None
