"""Start, watch and end an Asterisk process of ours.

Knows processes, ports and pid files; nothing of calls. It ends only the process that it started itself.
"""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from cti.asterisk.install import Program

START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 8.0
KILL_DEADLINE_S = 2.0
RELOAD_DEADLINE_S = 5.0
OPEN_FILES = 16_384  # a call takes ten of them (measured): the usual 1,024 would be a hundred callers


class PbxDidNotStart(Exception):
    """Asterisk is not up; the message says why and what to do."""


class PbxDidNotEnd(Exception):
    """Asterisk still runs; the message says which process it is."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One Asterisk with its own configuration folder (`folder`/etc)."""

    program: Program
    folder: Path
    ami_port: int

    @property
    def _pid_file(self) -> Path:
        return self.folder / "pid"

    def prepare(self) -> None:
        """Link Asterisk's own sounds and documentation into the data folder."""
        links = {"documentation": self.program.share / "documentation"}
        if self.program.sounds is not None:
            links["sounds/en"] = self.program.sounds
        for name, target in links.items():
            link = self.folder / "lib" / name
            link.parent.mkdir(parents=True, exist_ok=True)
            if link.is_symlink():
                link.unlink()
            if target.exists() and not link.exists():
                link.symlink_to(target)

    def pid(self) -> int | None:
        """The running process, or None."""
        try:
            pid = int(self._pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        # The number may belong to somebody else after a reboot: only a process with our own folder is ours.
        return pid if str(self.folder / "etc" / "asterisk.conf").encode() in command else None

    def start(self) -> int:
        """Start in the background and wait until calls can come; a running one is left alone.

        Raises:
            PbxDidNotStart: with the last lines that Asterisk wrote.
        """
        running = self.pid()
        if running is not None:
            return running
        self.prepare()
        output = self.folder / "log" / "console"
        with output.open("wb") as log:
            process = subprocess.Popen(
                [*self._command, "-f"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _allow_many_files(process.pid)
        self._pid_file.write_text(str(process.pid))
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if self._ami_answers():
                self._wait_until_booted(deadline - time.monotonic())
                return process.pid
            time.sleep(0.05)
        alive = process.poll() is None
        self.stop()
        lines = " / ".join(output.read_text(errors="replace").strip().splitlines()[-4:]) or "it wrote nothing"
        state = f"did not answer within {START_DEADLINE_S:.0f} s" if alive else "ended at once"
        raise PbxDidNotStart(f"Asterisk {state}: {lines}. Its log is {self.folder / 'log'}.")

    def reload(self, module: str) -> bool:
        """Let it read a module's configuration anew; False if it does not run, or did not say that it has.

        Over the control socket: AMI's right to reload would be one to load and end any module.
        """
        if self.pid() is None:
            return False
        try:
            done = subprocess.run(
                [*self._command, "-rx", f"module reload {module}"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=RELOAD_DEADLINE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def stop(self) -> bool:
        """End it, gently and then firmly; False if it was not running.

        Raises:
            PbxDidNotEnd: it runs on.
        """
        pid = self.pid()
        if pid is None:
            return False
        for sign, seconds in ((signal.SIGTERM, STOP_DEADLINE_S), (signal.SIGKILL, KILL_DEADLINE_S)):
            try:
                os.kill(pid, sign)
            except ProcessLookupError:
                pass
            except PermissionError as error:
                raise PbxDidNotEnd(
                    f"Asterisk (process {pid}) belongs to another user: end it as that user."
                ) from error
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)  # when it is our child, it must not stay a zombie
                if self.pid() is None:
                    self._pid_file.unlink(missing_ok=True)
                    return True
                time.sleep(0.05)
        raise PbxDidNotEnd(f"Asterisk (process {pid}) did not end, even when killed: its disk may hang.")

    async def start_async(self) -> int:
        """`start` without holding up the event loop; cancelled, it leaves nothing running."""
        starting = asyncio.ensure_future(asyncio.to_thread(self.start))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(PbxDidNotStart):
                await starting  # a thread cannot be stopped; it has a deadline
            await self.stop_async()
            raise

    async def stop_async(self) -> bool:
        """`stop` without holding up the event loop."""
        return await asyncio.to_thread(self.stop)

    def _wait_until_booted(self, within_s: float) -> None:
        """AMI answers before the dialplan is loaded; the first caller must not come in between."""
        # Over the control socket. Where its path is too long for one, AMI's answer has to do.
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [*self._command, "-rx", "core waitfullybooted"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=max(within_s, 1.0),
                check=False,
            )

    @property
    def _command(self) -> tuple[str, ...]:
        return (*self.program.command, "-C", str(self.folder / "etc" / "asterisk.conf"))

    def _ami_answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.ami_port), timeout=1) as link:
                return link.recv(64).startswith(b"Asterisk Call Manager")
        except OSError:
            return False


def _allow_many_files(pid: int) -> None:
    """Raise a process's limit of open files and sockets, as far as we may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, hard))
