"""Where finished recordings are kept: the `Store` port, and a folder on disk behind it.

A key is a relative path like `2025/11/21/pz-1763750000.12.mp3`. Knows nothing of calls or rows.
"""

import asyncio
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

# Each part begins with a letter or digit: no "..", no hidden file, no option, no empty part.
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_MAX_KEY = 255


class BadKey(ValueError):
    """A key that is no plain relative path; it is refused whatever the disk might make of it."""


class NotOnShelf(Exception):
    """The store has no such recording: it was deleted, or the store's folder is not the one it was."""


class ShelfUnwritable(Exception):
    """Nothing can be put on the shelf; the message says what to do."""


class ShelfLate(Exception):
    """The store did not answer in time; what was asked may be tried again."""


class Store(Protocol):
    """A place for finished recordings. Files under a key are whole or not there at all.

    Every method raises `BadKey` for a key of the wrong shape and `ShelfLate` after its deadline.
    """

    async def put(self, key: str, source: Path) -> None:
        """Copy `source` under `key`, durable on return; what was there before is replaced at once.

        Raises:
            ShelfUnwritable: the message says what to do.
        """

    async def path(self, key: str) -> Path:
        """A file on this machine with the recording's bytes, to be read only.

        Raises:
            NotOnShelf: there is none.
        """

    async def size(self, key: str) -> int:
        """How many bytes lie under `key`.

        Raises:
            NotOnShelf: there is none.
        """

    async def delete(self, key: str) -> None:
        """Forget the recording; nothing happens if there is none.

        Raises:
            ShelfUnwritable: the message says what to do.
        """

    async def check(self) -> None:
        """Try whether a recording could be put now.

        Raises:
            ShelfUnwritable: no; the message is one sentence that says what to do.
        """


class DiskStore:
    """A folder. Only the user who runs the service can read what lies in it."""

    def __init__(self, root: Path, *, deadline_s: float = 30.0) -> None:
        """`deadline_s`: the longest wait for the disk (a network disk may stop answering)."""
        self._root = root.absolute()
        self._deadline_s = deadline_s

    async def put(self, key: str, source: Path) -> None:
        """See `Store.put`."""
        target = self._target(key)
        await self._in_time(self._put, target, source)

    async def path(self, key: str) -> Path:
        """See `Store.path`."""
        await self.size(key)
        return self._target(key)

    async def size(self, key: str) -> int:
        """See `Store.size`."""
        target = self._target(key)
        return await self._in_time(_size, target, key)

    async def delete(self, key: str) -> None:
        """See `Store.delete`."""
        target = self._target(key)
        await self._in_time(self._delete, target)

    async def check(self) -> None:
        """See `Store.check`."""
        await self._in_time(self._check)

    async def _in_time(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with asyncio.timeout(self._deadline_s):
                return await asyncio.to_thread(work, *args, **kwargs)
        except TimeoutError as error:
            raise ShelfLate(
                f"The disk of {self._root} did not answer within {self._deadline_s:.0f} s: look after it."
            ) from error

    def _target(self, key: str) -> Path:
        if len(key) > _MAX_KEY or not _KEY.fullmatch(key):
            raise BadKey("A recording's key is a plain relative path of letters, digits, '.', '_' and '-'.")
        return self._root / key

    def _put(self, target: Path, source: Path) -> None:
        with source.open("rb") as here, self._telling_what_to_do():
            _make_folders(target.parent)
            handle, name = tempfile.mkstemp(dir=target.parent, prefix=".putting-")
            try:
                with os.fdopen(handle, "wb") as there:
                    shutil.copyfileobj(here, there, 1 << 20)
                    there.flush()
                    os.fsync(there.fileno())
                os.replace(name, target)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            # The rename itself has to survive a power cut too.
            _sync_folder(target.parent)

    def _delete(self, target: Path) -> None:
        with self._telling_what_to_do():
            target.unlink(missing_ok=True)

    def _check(self) -> None:
        with self._telling_what_to_do():
            _make_folders(self._root)
            with tempfile.NamedTemporaryFile(dir=self._root, prefix=".checking-") as probe:
                probe.write(b"presszero")
                probe.flush()
                os.fsync(probe.fileno())

    @contextmanager
    def _telling_what_to_do(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            advice = (
                "free some space there"
                if error.errno in (errno.ENOSPC, errno.EDQUOT)
                else "let the user who runs the service write there, or choose another folder"
            )
            reason = error.strerror or type(error).__name__
            raise ShelfUnwritable(
                f"Recordings cannot be kept in {self._root} ({reason}): {advice}."
            ) from error


def _make_folders(folder: Path) -> None:
    """Make a folder and its parents private (mkdir's `parents=True` would leave the parents open)."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(one.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _size(target: Path, key: str) -> int:
    try:
        return target.stat().st_size
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotOnShelf(
            f"There is no recording {key} in the store: it was deleted, or the store's folder was changed."
        ) from error
