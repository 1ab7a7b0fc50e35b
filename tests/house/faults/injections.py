"""The faults: each knows how to break one thing and how to mend it. Knows no moment and no caller."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.house.faults.crm import Mood
from tests.house.faults.house import House
from tests.house.faults.moments import Station
from tests.house.faults.proxies import Way

NOBODY: frozenset[Station] = frozenset()


@dataclass
class Fault:
    """`deaf`: stations that cannot hear a caller's zero under this fault, so that nobody need press it."""

    name: str
    deaf: frozenset[Station] = NOBODY
    lasts_s: float = 6.0  # at least so long it stays
    breaks_calls: bool = False  # the PBX itself: the next call is what must work

    async def inject(self, house: House) -> None:
        """Break it, now."""
        raise NotImplementedError

    async def lift(self, house: House) -> None:
        """Mend it; fine when it has mended itself."""

    def remark(self, house: House) -> str:
        """How it was done here, where there are several ways."""
        return ""


class Killed(Fault):
    """The service is killed and started again by the supervisor."""

    async def inject(self, house: House) -> None:
        house.supervisor.send(signal.SIGKILL)


class Frozen(Fault):
    """The service's process stands still."""

    async def inject(self, house: House) -> None:
        house.supervisor.send(signal.SIGSTOP)

    async def lift(self, house: House) -> None:
        house.supervisor.send(signal.SIGCONT)


@dataclass
class Recogniser(Fault):
    """The engine hangs in native code or raises."""

    how: str = "hang"

    async def inject(self, house: House) -> None:
        house.levers.pull(recogniser=self.how)

    async def lift(self, house: House) -> None:
        house.levers.pull(recogniser="pass")


@dataclass
class Door(Fault):
    """Something is wrong with the link between the PBX and one of our doors."""

    door: str = "ami"
    way: Way = Way.CUT

    async def inject(self, house: House) -> None:
        getattr(house, self.door).go(self.way)

    async def lift(self, house: House) -> None:
        getattr(house, self.door).go(Way.PASS)


class SqliteLocked(Fault):
    """Another program holds the write lock."""

    async def inject(self, house: House) -> None:
        self._other = sqlite3.connect(_sqlite_file(house), isolation_level=None, timeout=5)
        self._other.execute("BEGIN IMMEDIATE")

    async def lift(self, house: House) -> None:
        self._other.execute("ROLLBACK")
        self._other.close()


class PostgresLocked(Fault):
    """Another session has locked the ledger's tables."""

    async def inject(self, house: House) -> None:
        url = house.database.engine.url
        self._other = await asyncpg.connect(
            host=url.query["host"], database=url.database, user=url.username, timeout=5
        )
        self._transaction = self._other.transaction()
        await self._transaction.start()
        await self._other.execute("LOCK TABLE calls, call_events, tickets, jobs IN ACCESS EXCLUSIVE MODE")

    async def lift(self, house: House) -> None:
        await self._transaction.rollback()
        await self._other.close()


class PostgresGone(Fault):
    """Every connection to the database breaks, and there are no new ones."""

    async def inject(self, house: House) -> None:
        assert house.database_door is not None
        house.database_door.go(Way.CUT)
        await house.database_door.shut()

    async def lift(self, house: House) -> None:
        assert house.database_door is not None
        house.database_door.go(Way.PASS)
        await house.database_door.open()


class DiskFull(Fault):
    """No byte is left where database, recordings and the PBX's own files are."""

    async def inject(self, house: House) -> None:
        if house.own_disk:
            self._ballast = Ballast(house.settings.data / "ballast")
        elif house.supervisor.pid is not None:
            await _limit_files(house.supervisor.pid, "0")

    async def lift(self, house: House) -> None:
        if house.own_disk:
            await self._ballast.away()
        elif house.supervisor.pid is not None:
            await _limit_files(house.supervisor.pid, "unlimited")

    def remark(self, house: House) -> str:
        return "a small file system filled up" if house.own_disk else "RLIMIT_FSIZE=0 for the service"


class ShelfFull(Fault):
    """The recordings folder is on a full disk of its own (where we may mount one)."""

    async def inject(self, house: House) -> None:
        folder = house.settings.recordings_folder
        self._aside = folder.with_name("recordings-aside")
        await asyncio.to_thread(folder.rename, self._aside)
        # One that has no room for a single file.
        folder.mkdir()
        done = await asyncio.create_subprocess_exec(
            "mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=1", "tmpfs", str(folder)
        )
        self._mounted = await done.wait() == 0
        if not self._mounted:
            folder.chmod(0o500)

    async def lift(self, house: House) -> None:
        folder = house.settings.recordings_folder
        if self._mounted:
            done = await asyncio.create_subprocess_exec("umount", "-l", str(folder))
            await done.wait()
        folder.rmdir()
        self._aside.rename(folder)

    def remark(self, house: House) -> str:
        return "a full file system mounted there" if os.geteuid() == 0 else "no right to write"


@dataclass
class Replaced(Fault):
    """A file stands where a folder was: unwritable also for root."""

    folder: str = "recordings_folder"  # of the settings

    async def inject(self, house: House) -> None:
        self._put(getattr(house.settings, self.folder))

    async def lift(self, house: House) -> None:
        await asyncio.to_thread(self._back, getattr(house.settings, self.folder))

    def _put(self, folder: Path) -> None:
        self._aside = folder.with_name(f"{folder.name}-aside")
        folder.rename(self._aside)
        folder.touch()

    def _back(self, folder: Path) -> None:
        if folder.is_file():
            folder.unlink()
        if folder.is_dir():  # somebody has helped themselves
            shutil.copytree(folder, self._aside, dirs_exist_ok=True)
            shutil.rmtree(folder)
        self._aside.rename(folder)


class PbxRestarted(Fault):
    """Asterisk is killed and started again; the fault's instant is when it is up."""

    async def inject(self, house: House) -> None:
        pbx = house.centre.exchange.pbx
        pid = pbx.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            await asyncio.to_thread(os.waitpid, pid, 0)
        await pbx.start_async()


@dataclass
class Clock(Fault):
    """The service's wall clock is stepped."""

    by_s: float = 3600.0

    async def inject(self, house: House) -> None:
        house.levers.pull(clock_s=self.by_s)

    async def lift(self, house: House) -> None:
        house.levers.pull(clock_s=0.0)


@dataclass
class Crm(Fault):
    """The company's CRM answers otherwise than it should."""

    mood: Mood = Mood.SLOW

    async def inject(self, house: House) -> None:
        house.crm.mood = self.mood

    async def lift(self, house: House) -> None:
        house.crm.mood = Mood.WELL


class Both(Fault):
    """Several faults at one instant."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(
            " + ".join(fault.name for fault in faults),
            frozenset[Station]().union(*(fault.deaf for fault in faults)),
            max(fault.lasts_s for fault in faults),
        )
        self.faults: Sequence[Fault] = faults

    async def inject(self, house: House) -> None:
        for fault in self.faults:
            await fault.inject(house)

    async def lift(self, house: House) -> None:
        for fault in self.faults:
            await fault.lift(house)


class Ballast:
    """Fills a file system, and keeps it full while others make room on it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._fill()
        self._watch = asyncio.create_task(self._stay())

    def _fill(self) -> None:
        with self._file.open("ab", buffering=0) as file:
            for size in (1 << 20, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"\0" * size) == size:
                        pass

    async def _stay(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            self._fill()

    async def away(self) -> None:
        """Free it again."""
        self._watch.cancel()
        await asyncio.wait([self._watch])
        self._file.unlink()


def _sqlite_file(house: House) -> str:
    file = house.database.engine.url.database
    assert file is not None
    return file


async def _limit_files(pid: int, limit: str) -> None:
    done = await asyncio.create_subprocess_exec("prlimit", "--pid", str(pid), f"--fsize={limit}:unlimited")
    await done.wait()
