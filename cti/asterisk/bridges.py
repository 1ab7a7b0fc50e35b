"""Who hears whom: the PBX's bridges as its events tell of them.

Pure: no I/O, no clock. Knows ids and names of channels; whose call it is, others know.
"""

from collections.abc import Iterable

from cti.asterisk.events import ListedChannel, phone_of

_MOST = 20_000  # channels at once; beyond, the oldest are forgotten


class Bridges:
    """The bridges of one PBX."""

    def __init__(self) -> None:
        self._bridge_of: dict[str, str] = {}  # Uniqueid → bridge
        self._inside: dict[str, dict[str, str]] = {}  # bridge → Uniqueid → channel's name

    def enter(self, bridge: str, uniqueid: str, channel: str) -> None:
        """The channel is in this bridge now, and in no other."""
        self.leave(uniqueid)
        while len(self._bridge_of) >= _MOST:
            self.leave(next(iter(self._bridge_of)))
        self._bridge_of[uniqueid] = bridge
        self._inside.setdefault(bridge, {})[uniqueid] = channel

    def leave(self, uniqueid: str, bridge: str | None = None) -> None:
        """The channel is in no bridge; with `bridge`: should it be in that one."""
        present = self._bridge_of.get(uniqueid)
        if present is None or bridge not in (None, present):
            return
        del self._bridge_of[uniqueid]
        inside = self._inside[present]
        del inside[uniqueid]
        if not inside:
            del self._inside[present]

    def see(self, channels: Iterable[ListedChannel]) -> None:
        """What a list of channels says of those of whom no event has told."""
        for one in channels:
            if one.bridge and one.uniqueid not in self._bridge_of:
                self.enter(one.bridge, one.uniqueid, one.channel)

    def with_(self, uniqueid: str) -> list[str]:
        """The ids of those who are in a bridge with this channel, itself included; first come, first."""
        bridge = self._bridge_of.get(uniqueid)
        return [] if bridge is None else list(self._inside[bridge])

    def phones_with(self, uniqueid: str) -> list[str]:
        """Extensions of the phones that are in a bridge with this channel."""
        bridge = self._bridge_of.get(uniqueid)
        if bridge is None:
            return []
        names = [name for one, name in self._inside[bridge].items() if one != uniqueid]
        return [phone for name in names if (phone := phone_of(name)) is not None]
