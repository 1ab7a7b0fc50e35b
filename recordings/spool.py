"""The spool: the folder where the PBX leaves the two sides of each call, and how they are lifted out of it.

Knows files and their age; knows no database and no store.
"""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from recordings.naming import caller_name, heard_name, spooled_call_id
from recordings.wav import HEAD_BYTES, BadAudio, read_header

UNUSABLE = "unusable"
"""Folder within the spool for files of ours that hold no sound: for a person to look at."""

_WORK = ".taking-"
_WORK_MAX_AGE_S = 6 * 3600.0  # an intake is far shorter: an older work folder belongs to a killed process
_POLL_S = 0.1


class StillRecording(Exception):
    """The PBX is still writing this call's files: try again after the call has ended."""


class SpoolTrouble(Exception):
    """The spool's folder cannot be worked in; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Held:
    """A call's files as they were at one moment: nobody who clears the spool can take them away."""

    folder: Path  # for work on them; goes with them
    caller: Path | None  # None: the PBX left no such side
    heard: Path | None


class Spool:
    """One folder. Several processes may work in it at once."""

    def __init__(
        self, folder: Path, *, quiet_s: float = 5.0, deadline_s: float = 20.0, appear_s: float = 2.0
    ):
        """Set the waits.

        Args:
            folder: where MixMonitor writes.
            quiet_s: without a finished header, a file untouched for so long has no writer any more.
                Asterisk writes in pieces of 32 KiB, 2 s of sound, and says 0 in the header until it closes
                the file (watched on a real 22.10): this must be more.
            deadline_s: how long files may go on growing before we give up for now.
            appear_s: how long to wait for files of which nothing is to be seen.
        """
        self.folder = folder
        self._quiet_s = quiet_s
        self._deadline_s = deadline_s
        self._appear_s = appear_s

    async def settle(self, call_id: str) -> None:
        """Wait until nobody writes this call's files any more; also returns when there are none.

        Raises:
            StillRecording: somebody still wrote at the deadline.
            SpoolTrouble: the files cannot be read.
        """
        began = time.monotonic()
        sizes: dict[Path, tuple[int, float]] = {}  # last size seen, and since when
        while True:
            there = [side for side in self._sides(call_id) if await asyncio.to_thread(side.exists)]
            now = time.monotonic()
            settled = [await asyncio.to_thread(self._is_settled, side, sizes, now) for side in there]
            if all(settled) and (there or now - began >= self._appear_s):
                return
            if now - began >= self._deadline_s:
                raise StillRecording(
                    f"The recording of call {call_id} still grows: it is taken in after the call has ended."
                )
            await asyncio.sleep(_POLL_S)

    @asynccontextmanager
    async def hold(self, call_id: str) -> AsyncIterator[Held]:
        """Link the call's files into a folder of our own for as long as the block lasts.

        Raises:
            SpoolTrouble: the spool's folder cannot be written.
        """
        held = await asyncio.to_thread(self._link_aside, call_id)
        try:
            yield held
        finally:
            await asyncio.to_thread(shutil.rmtree, held.folder, ignore_errors=True)

    def clear(self, call_id: str, unusable: frozenset[str] = frozenset()) -> None:
        """Take the call's files out of the spool; those named in `unusable` are set aside. Blocking.

        Raises:
            SpoolTrouble: the spool's folder cannot be written.
        """
        with self.telling_what_to_do():
            for side in self._sides(call_id):
                if side.name in unusable and side.exists():
                    aside = self.folder / UNUSABLE
                    aside.mkdir(exist_ok=True)
                    side.replace(aside / side.name)
                side.unlink(missing_ok=True)

    def left_overs(self) -> dict[str, float]:
        """Calls with files in the spool, and for how many seconds nobody has touched them. Blocking.

        Also clears away what killed processes left of their work.

        Raises:
            SpoolTrouble: the spool's folder cannot be read.
        """
        ages: dict[str, float] = {}
        if not self.folder.exists():
            return {}
        with self.telling_what_to_do():
            entries = list(os.scandir(self.folder))
        now = time.time()
        for entry in entries:
            try:
                age = now - entry.stat(follow_symlinks=False).st_mtime
            except FileNotFoundError:
                continue  # another process cleared it just now
            if entry.name.startswith(_WORK) and age > _WORK_MAX_AGE_S:
                shutil.rmtree(entry.path, ignore_errors=True)
            elif (call_id := spooled_call_id(entry.name)) and entry.is_file(follow_symlinks=False):
                ages[call_id] = min(age, ages.get(call_id, age))
        return ages

    def check(self) -> None:
        """Try whether files can be lifted out. Blocking.

        Raises:
            SpoolTrouble: no; the message is one sentence that says what to do.
        """
        with self.telling_what_to_do():
            self.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryDirectory(dir=self.folder, prefix=_WORK).cleanup()

    def _link_aside(self, call_id: str) -> Held:
        with self.telling_what_to_do():
            self.folder.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(dir=self.folder, prefix=_WORK))
            try:
                caller, heard = (_link(side, work) for side in self._sides(call_id))
            except BaseException:
                shutil.rmtree(work, ignore_errors=True)
                raise
            return Held(work, caller, heard)

    def _sides(self, call_id: str) -> tuple[Path, Path]:
        return self.folder / caller_name(call_id), self.folder / heard_name(call_id)

    def _is_settled(self, side: Path, sizes: dict[Path, tuple[int, float]], now: float) -> bool:
        with self.telling_what_to_do():
            try:
                with side.open("rb") as file:
                    status, head = os.fstat(file.fileno()), file.read(HEAD_BYTES)
            except FileNotFoundError:
                return True  # another worker cleared it just now
        try:
            finished = read_header(head).is_finished(status.st_size)
        except BadAudio:
            finished = False
        size, since = sizes.get(side, (-1, now))
        if size != status.st_size:
            sizes[side] = (status.st_size, now)
            since = now
        # The file's own time spares left-overs the wait; watching serves where clocks differ.
        return finished or time.time() - status.st_mtime >= self._quiet_s or now - since >= self._quiet_s

    @contextmanager
    def telling_what_to_do(self) -> Iterator[None]:
        """Turn the disk's errors within the block into `SpoolTrouble`."""
        try:
            yield
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SpoolTrouble(
                f"The PBX's recordings in {self.folder} cannot be worked on ({reason}): "
                "let the user who runs the service write in that folder, and see that it has free space."
            ) from error


def _link(side: Path, folder: Path) -> Path | None:
    target = folder / side.name
    try:
        os.link(side, target, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError:
        # Another user's files may not be linked everywhere, and some network disks know no links.
        try:
            shutil.copyfile(side, target, follow_symlinks=False)
        except FileNotFoundError:
            return None
    return target
