"""A file that lines wait in when memory is full or the service ends before the database took them.

Knows the file, and how a call event is written in it; `intake.py` decides when. One JSON object a line,
first in, first out.
"""

import contextlib
import json
import os
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from tickets.events import CallEvent
from tickets.vocabulary import EventKind

LONGEST_LINE = 1 << 20  # bytes; an event has some hundreds


class SpillUnusable(Exception):
    """The file of waiting news cannot be used; the message says what to do."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} holds news of calls that waits for the database, and cannot be read and written "
            f"({error.strerror}): correct its permissions; do not remove it."
        )


def to_line(event: CallEvent) -> bytes:
    """One event as a line of JSON, newline included."""
    return (
        json.dumps(
            {
                "source": event.source,
                "source_id": event.source_id,
                "call_id": event.call_id,
                "at": event.at.isoformat(),
                "kind": event.kind.value,
                "data": dict(event.data),
                "sequence": event.sequence,
            },
            ensure_ascii=False,
        )
        + "\n"
    ).encode()


def from_line(line: bytes) -> CallEvent:
    """The event of a line.

    Raises:
        ValueError: no event of ours; a line half written by a killed service.
    """
    try:
        fields = json.loads(line)
        event = CallEvent(
            source=fields["source"],
            source_id=fields["source_id"],
            call_id=fields["call_id"],
            at=datetime.fromisoformat(fields["at"]),
            kind=EventKind(fields["kind"]),
            data=fields["data"],
            sequence=fields["sequence"],
        )
    except (KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError("not a call event") from error
    if not _is_sound(event):
        raise ValueError("not a call event")
    return event


def _is_sound(event: CallEvent) -> bool:
    """Whether everything in it is of its type: what is not would break whoever reads it later."""
    texts = (event.source, event.source_id, event.call_id)
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(event.data, dict)
        and all(isinstance(value, str | int | float | None) for value in event.data.values())
        and type(event.sequence) is int
        and abs(event.sequence) < 2**63
    )


class Spill:
    """The waiting line on disk. Private to its owner: it holds callers' numbers."""

    def __init__(self, path: Path) -> None:
        """Lines of an earlier start are taken up.

        Raises:
            SpillUnusable: there are some, and they cannot be read.
        """
        self.path = path
        self._read_to = 0  # bytes already given out and settled
        self._taken: list[int] = []  # lengths of the lines given out last, not yet settled
        self._file: BinaryIO | None = None
        self._size = 0
        try:
            with path.open("r+b") as file:
                self._size = os.fstat(file.fileno()).st_size
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            # Found out now, and not when the first line is lost for it.
            raise SpillUnusable(path, error) from error

    def __bool__(self) -> bool:
        return self._size > self._read_to

    def put(self, line: bytes) -> None:
        """Append a line, newline included.

        Raises:
            OSError: the disk is full or not writable; the file is as it was.
        """
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o600)
            self._file = os.fdopen(descriptor, "r+b", buffering=0)
            self._size = os.fstat(descriptor).st_size
            if self._size and not self._ends_with_newline():
                self._size += self._file.write(b"\n")  # after a line that a killed service left half written
        rest = memoryview(line)
        try:
            while rest:  # a disk that fills up takes a part first, and refuses only the next write
                rest = rest[self._file.write(rest) :]
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(self._size)  # half a line would spoil the next one too
            self.close()
            raise
        self._size += len(line)

    def _ends_with_newline(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def first(self, most: int) -> list[bytes]:
        """The next lines, up to `most`. They stay in the file until `settled`.

        Raises:
            OSError: the file cannot be read; FileNotFoundError: somebody removed it, and it begins anew.
        """
        if not self:
            return []
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            self._begin_anew()
            raise
        with file:
            file.seek(self._read_to)
            lines = [line for line in (file.readline(LONGEST_LINE) for _ in range(most)) if line]
        self._taken = [len(line) for line in lines]
        return lines

    def settled(self) -> None:
        """What `first` gave last is safe elsewhere. An emptied file is removed.

        Raises:
            OSError: it cannot be removed.
        """
        self._read_to += sum(self._taken)
        self._taken = []
        if not self:
            self.path.unlink(missing_ok=True)
            self._begin_anew()

    def _begin_anew(self) -> None:
        self.close()
        self._taken = []
        self._read_to = self._size = 0

    def close(self) -> None:
        """Let go of the file; its lines stay."""
        if self._file is not None:
            self._file.close()
            self._file = None
