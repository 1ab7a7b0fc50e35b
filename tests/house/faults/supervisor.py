"""Keeps the service running as systemd would: starts it again when it has died. Knows processes only."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

RESTART_S = 1.0  # RestartSec of the shipped unit
END_S = 45.0


class Supervisor:
    """One process, again and again, while `run` runs."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        ready: Callable[[], Awaitable[bool]],
        changed: Callable[[bool], Awaitable[None]],
    ) -> None:
        """`ready`: whether the service serves; `changed` is told when it begins to (True) and has died."""
        self._command, self._environment, self._log = command, environment, log
        self._ready, self._changed = ready, changed
        self._process: asyncio.subprocess.Process | None = None
        self.serving = asyncio.Event()
        self.lives = 0

    @property
    def pid(self) -> int | None:
        """Of the process now, if there is one."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def last_words(self) -> str:
        """The end of its log."""
        return self._log.read_text(errors="replace")[-1500:]

    async def run(self) -> None:
        """Until cancelled; then the process is told to end, and made to if it does not."""
        try:
            while True:
                await self._live()
                await asyncio.sleep(RESTART_S)
        finally:
            await self._end()

    def send(self, sign: signal.Signals) -> None:
        """A signal to the process, if there is one."""
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(sign)

    async def _live(self) -> None:
        with self._log.open("ab") as log:
            log.write(b"--- the harness starts the service ---\n")
            log.flush()
            self._process = await asyncio.create_subprocess_exec(
                *self._command, env={**os.environ, **self._environment}, stdout=log, stderr=log
            )
        self.lives += 1
        watch = asyncio.create_task(self._watch())
        try:
            await self._process.wait()
        finally:
            watch.cancel()
            await asyncio.wait([watch])
            self.serving.clear()
            await self._changed(False)

    async def _watch(self) -> None:
        while not await self._ready():  # noqa: ASYNC110 -- another process has no event for us
            await asyncio.sleep(0.1)
        await self._changed(True)
        self.serving.set()

    async def _end(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_S):
                await self._process.wait()
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self._process.wait()


def own_memory_mib(pid: int) -> float:
    """What a process has filled itself, in MiB: its anonymous memory. 0 for one that is gone.

    Not its share of libraries and models: that changes with who else has them open. Not its children: they
    live for seconds.
    """
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) / 1024
    return 0.0
