"""Which channel is whose in a call: the caller's, the operator's, the colleague's who is being asked.

Pure: no I/O, no clock. Knows our dialplan's places for operators' phones (`presszero-desk`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cti.asterisk.events import ListedChannel, phone_of
from cti.asterisk.translate import CALL_CONTEXT

DESK_CONTEXT = "presszero-desk"  # of our dialplan: an operator's phone from its first command on
ROOM = "room"  # where a caller is whose operator has given a command
_PLACES = frozenset({"talk", "wait", "consult"})


@dataclass(frozen=True, slots=True)
class By:
    """Who commands."""

    extension: str | None
    anybodys: bool = False  # a supervisor: also calls that are on others' phones


@dataclass(frozen=True, slots=True)
class Asking:
    """A colleague is asked about a call while its caller hears music."""

    whom: str  # extension
    answered: bool = False  # until then their phone rings


@dataclass(frozen=True, slots=True)
class Legs:
    """The channels of one call, as the one who commands it sees them."""

    caller: ListedChannel
    phone: ListedChannel | None  # of the operator who commands, or whose call it is
    asked: ListedChannel | None  # of the colleague whom that operator is asking

    @property
    def operator(self) -> str:
        """Extension; empty: nobody has the call."""
        return (phone_of(self.phone.channel) or "") if self.phone else ""

    @property
    def place(self) -> str:
        """Of the operator's phone: talk, wait or consult; empty: as the queue has connected it."""
        return self.phone.exten if self.phone and self.phone.context == DESK_CONTEXT else ""

    @property
    def in_room(self) -> bool:
        """Whether the caller is in the call's own room."""
        return self.caller.context == CALL_CONTEXT and self.caller.exten == ROOM


def at_desks(channels: Sequence[ListedChannel], operators: Collection[str], who: By) -> list[ListedChannel]:
    """Operators' phones that have a call at the desk; which one, the PBX has to be asked (PZ_DESK)."""
    return [
        one
        for one in channels
        if one.context == DESK_CONTEXT
        and one.exten in _PLACES
        and (extension := phone_of(one.channel)) in operators
        and (who.anybodys or extension == who.extension)
    ]


def legs_of(
    call_id: str,
    channels: Sequence[ListedChannel],
    operators: Collection[str],
    who: By,
    desks: Mapping[str, str],
) -> Legs | None:
    """The legs of a call; None: the PBX has no such call.

    Args:
        call_id: the Uniqueid of the caller's channel.
        channels: the PBX's channels.
        operators: all extensions.
        who: commands.
        desks: which call is at the desk, by the Uniqueid of the phone's channel.
    """
    caller = next((one for one in channels if one.uniqueid == call_id), None)
    if caller is None:
        return None
    phones = [
        one
        for one in channels
        if one.uniqueid != call_id
        and (extension := phone_of(one.channel)) in operators
        and (who.anybodys or extension == who.extension)
        and (_hears(one, caller) or desks.get(one.uniqueid) == call_id or _rings(one, caller))
    ]
    # Who holds the caller or is with them goes before whose phone rings, and one's own phone before others'.
    phone = min(
        phones,
        key=lambda one: (one.rings, phone_of(one.channel) != who.extension, one.uniqueid),
        default=None,
    )
    return Legs(caller, phone, _asked(phone, channels, operators) if phone else None)


def _hears(phone: ListedChannel, caller: ListedChannel) -> bool:
    return bool(caller.bridge) and phone.bridge == caller.bridge


def _rings(phone: ListedChannel, caller: ListedChannel) -> bool:
    """Rung by the queue or by a transfer, not by a colleague who asks something."""
    return phone.rings and phone.linkedid == caller.linkedid and not caller.bridge


def _asked(
    phone: ListedChannel, channels: Sequence[ListedChannel], operators: Collection[str]
) -> ListedChannel | None:
    if phone.context != DESK_CONTEXT or phone.exten != "consult":
        return None
    return next(
        (
            one
            for one in channels
            if one.uniqueid != phone.uniqueid
            and phone_of(one.channel) in operators
            and one.linkedid == phone.linkedid
            and (one.bridge == phone.bridge if phone.bridge else one.rings)
        ),
        None,
    )
