"""Which virtual PBXs are connected: kept level with the folder of their settings while the service runs.

`presszero connect` writes, changes and removes the files; nobody has to start the service anew. Knows the
registry of vendors and the folder; what a new connection brings to life is a callable's business.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from cti.ports import PortTaken
from cti.spill import SpillUnusable
from cti.virtual_pbx.contract import House, VirtualPbx
from cti.virtual_pbx.mishaps import place_of
from cti.virtual_pbx.registry import VENDORS, vendor_type
from cti.virtual_pbx.settings import BadConnection, read_connection

log = structlog.get_logger()

LOOK_S = 1.0


class Connections:
    """The connected PBXs, by vendor. Used from one event loop."""

    def __init__(
        self,
        folder: Path,
        house: Callable[[], House],
        on_new: Callable[[VirtualPbx[Any]], Awaitable[None]],
        on_gone: Callable[[str], None],
        *,
        look_s: float = LOOK_S,
    ) -> None:
        """
        Args:
            house: what adapters are lent; asked for when the first is connected.
            on_new: a PBX was connected, and is among `vendors` when this has returned.
            on_gone: it is among them no more.
            look_s: how often to look at the folder.
        """
        self._folder, self._house, self._look_s = folder, house, look_s
        self._on_new, self._on_gone = on_new, on_gone
        self.vendors: dict[str, VirtualPbx[Any]] = {}
        self._seen: dict[str, int] = {}  # age of each file

    async def begin(self) -> None:
        """Connect those that have a file.

        Raises:
            BadConnection: one makes no sense.
            And what `on_new` raises.
        """
        files = await asyncio.to_thread(connection_files, self._folder)
        # All of them, before the first brings the door to life: nobody is told that they are not here.
        for name in files:
            self.vendors[name] = await self._adapter(name)
        for vendor in self.vendors.values():
            await self._on_new(vendor)
        self._seen = files

    async def follow(self) -> None:
        """Take over what changes in the folder, until cancelled."""
        while True:
            await asyncio.sleep(self._look_s)
            try:
                files = await asyncio.to_thread(connection_files, self._folder)
            except BadConnection:
                continue  # whoever changed its permissions is about to be told by `presszero connect`
            for name in self._seen.keys() - files.keys():
                self._forget(name)
            for name, age in files.items():
                if self._seen.get(name) != age:
                    self._seen[name] = age  # a bad file is complained of once
                    await self._try_to_take_up(name)

    async def _try_to_take_up(self, name: str) -> None:
        try:
            await self._take_up(name)
        except (BadConnection, PortTaken, SpillUnusable) as error:
            log.error(str(error), action="connection_bad", vendor=name)  # noqa: TRY400  # the sentence says it
        except Exception as error:  # calls go on, whatever is wrong with a connection
            log.error(  # noqa: TRY400  # where it happened, and not what was read
                "A connection cannot be taken up.", action="connection_bad", vendor=name, **place_of(error)
            )

    async def _take_up(self, name: str) -> None:
        vendor = await self._adapter(name)
        if (known := self.vendors.get(name)) is not None:
            known.settings = vendor.settings
            log.info("A connection's settings were read anew.", action="connection_read", vendor=name)
            return
        self.vendors[name] = vendor
        try:
            await self._on_new(vendor)
        except BaseException:
            del self.vendors[name]
            raise
        log.info("A virtual PBX is connected.", action="connection_new", vendor=name)

    async def _adapter(self, name: str) -> VirtualPbx[Any]:
        kind = vendor_type(name)
        settings = await asyncio.to_thread(read_connection, self._folder / f"{name}.json", kind.settings_type)
        return kind(settings, self._house())

    def _forget(self, name: str) -> None:
        del self._seen[name]
        if self.vendors.pop(name, None) is not None:
            self._on_gone(name)
            log.info("A virtual PBX is connected no more.", action="connection_gone", vendor=name)


def connection_files(folder: Path) -> dict[str, int]:
    """The vendors that have a file in the folder, and when it was changed; what else lies there is no
    connection.

    Raises:
        BadConnection: the folder cannot be read.
    """
    found = {}
    for name in VENDORS:
        try:
            found[name] = (folder / f"{name}.json").stat().st_mtime_ns
        except FileNotFoundError:
            continue
        except OSError as error:
            raise BadConnection(
                f"{folder} cannot be read ({error.strerror}): correct its permissions."
            ) from error
    return found
