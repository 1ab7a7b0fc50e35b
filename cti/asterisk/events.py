"""AMI messages as typed events: the border where a PBX's loose headers become facts with names and units.

Pure: no I/O, no clock (the time of receipt is passed in). Knows Asterisk's header names (res/res_manager and
app_queue of Asterisk 22); knows nothing of our calls and tickets, `translate.py` does that.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

Headers = Mapping[str, object]  # name → text, or a list of texts where a header stood several times

_WHOLE = re.compile(r"-?[0-9]{1,9}")
_TIMESTAMP = re.compile(r"[0-9]{1,10}(\.[0-9]{1,9})?")  # seconds since 1970, up to the year 2286
NOBODY = frozenset({"", "<unknown>", "unknown"})  # how Asterisk says that a number is not known
_MACHINES = ("AudioSocket/", "WebSocket/")  # technologies of channels that carry audio to a program


class UnreadableAmiEvent(ValueError):
    """An event of a kind that we know lacks a header or holds something else than it should."""


@dataclass(frozen=True, slots=True)
class AmiEvent:
    """What all events carry."""

    at: datetime  # aware, UTC: the PBX's time (timestampevents=yes), else the time of receipt
    stamp: str  # tells this event from all others of its kind and channel


@dataclass(frozen=True, slots=True)
class CallerEvent(AmiEvent):
    """Something on a channel. `uniqueid == linkedid`: the first channel of its call, the caller's own."""

    uniqueid: str
    linkedid: str
    context: str
    exten: str
    number: str  # caller ID, raw; empty: not known


@dataclass(frozen=True, slots=True)
class NewChannel(CallerEvent):
    """A channel was made."""

    calling: bool  # it rings us (state Ring); False: the PBX made it to ring somebody


@dataclass(frozen=True, slots=True)
class HangUpRequested(CallerEvent):
    """The far end, or somebody here, wants the channel to end; what it was doing ends next."""


@dataclass(frozen=True, slots=True)
class HungUp(CallerEvent):
    """The channel is gone."""

    cause: str


@dataclass(frozen=True, slots=True)
class StageReached(CallerEvent):
    """Our dialplan tells where a caller is: UserEvent(PressZero,Call: …,Stage: …)."""

    call_id: str
    stage: str
    queue: str
    priority: int  # the caller's, higher goes first
    line: str
    status: str = ""  # QUEUESTATUS: how the wait ended
    operator: str = ""  # extension: whose phone or word it was
    to: str = ""  # extension or queue
    audio: str = ""  # under which id the call was announced to the bot
    leg: str = ""  # where its audio waits to be fetched; empty: it is brought


@dataclass(frozen=True, slots=True)
class CallerJoined(CallerEvent):
    """The caller waits in a queue."""

    queue: str


@dataclass(frozen=True, slots=True)
class CallerAbandoned(CallerEvent):
    """The wait ended without an operator: hung up, or the queue's time was over: both say this."""

    queue: str


@dataclass(frozen=True, slots=True)
class CallerLeft(CallerEvent):
    """The caller waits no longer, for whatever reason; stands beside an abandon and before a connect."""

    queue: str


@dataclass(frozen=True, slots=True)
class OperatorEvent(CallerEvent):
    """Between a queue's caller and one of its members."""

    queue: str
    operator: str  # extension


@dataclass(frozen=True, slots=True)
class OperatorCalled(OperatorEvent):
    """A member's phone rings."""


@dataclass(frozen=True, slots=True)
class OperatorMissed(OperatorEvent):
    """It rang and was not answered."""


@dataclass(frozen=True, slots=True)
class OperatorConnected(OperatorEvent):
    """Caller and operator hear each other."""

    hold_seconds: int
    ring_seconds: int


@dataclass(frozen=True, slots=True)
class OperatorCompleted(OperatorEvent):
    """They have finished."""

    talk_seconds: int


@dataclass(frozen=True, slots=True)
class ChannelEvent(CallerEvent):
    """Something on a channel, whose name says whose phone it is."""

    channel: str


@dataclass(frozen=True, slots=True)
class BridgeEntered(ChannelEvent):
    """The channel hears those who are in the bridge, and they hear it."""

    bridge: str


@dataclass(frozen=True, slots=True)
class BridgeLeft(ChannelEvent):
    """And no more."""

    bridge: str


@dataclass(frozen=True, slots=True)
class HoldPressed(ChannelEvent):
    """The hold key of a phone: whoever it talks to hears music."""


@dataclass(frozen=True, slots=True)
class HoldReleased(ChannelEvent):
    """They hear each other again."""


@dataclass(frozen=True, slots=True)
class RecorderMuted(ChannelEvent):
    """The recording of the channel goes on in silence, or with its sound again."""

    muted: bool


@dataclass(frozen=True, slots=True)
class SentOn(AmiEvent):
    """A phone has transferred whom it talked to, by its own key."""

    uniqueid: str  # of the channel that was transferred
    by: str  # channel
    to: str  # extension that was dialled; with `attended`: the channel of who was asked
    attended: bool


@dataclass(frozen=True, slots=True)
class Originated(AmiEvent):
    """What became of an Originate of ours: the far end answered, or why not."""

    uniqueid: str  # the id that we gave the channel
    answered: bool
    reason: (
        int  # as Asterisk's AST_CONTROL_… frame: 1 hung up, 3 rang on, 5 busy, 8 congestion, 0 no such route
    )


@dataclass(frozen=True, slots=True)
class ListedChannel(CallerEvent):
    """One line of CoreShowChannels."""

    channel: str
    application: str
    bridge: str  # channels that hear each other have the same; empty: none
    rings: bool = False  # a phone that has not been answered


@dataclass(frozen=True, slots=True)
class WaitingCaller(AmiEvent):
    """One QueueEntry of QueueStatus."""

    queue: str
    uniqueid: str
    priority: int  # the caller's own, higher goes first
    waited_seconds: int
    channel: str = ""
    place: int = 0  # 1: the next
    number: str = ""  # caller ID, raw; empty: not known


@dataclass(frozen=True, slots=True)
class QueueSeat(AmiEvent):
    """One QueueMember of QueueStatus."""

    queue: str
    operator: str  # extension
    there: bool  # the phone is registered, and not paused
    talking: bool
    free: bool  # there, and nobody rings it or talks on it
    interface: str = ""  # an operator has two phones, PJSIP/101 and PJSIP/101-web
    registered: bool = True
    paused: bool = False


@dataclass(frozen=True, slots=True)
class PresenceDialled(AmiEvent):
    """An operator has dialled a feature code: UserEvent(PressZeroPresence,Phone: …,Presence: …)."""

    operator: str  # extension
    interface: str  # the phone that it was dialled on
    presence: str  # a `Presence`


@dataclass(frozen=True, slots=True)
class KeyPressed(AmiEvent):
    """The far end of a channel has pressed a key and let it go."""

    uniqueid: str
    key: str


@dataclass(frozen=True, slots=True)
class MusicStopped(AmiEvent):
    """The music on hold of a channel stops: an announcement begins, or somebody answers."""

    uniqueid: str


def operator_of(interface: str, member_name: str = "") -> str:
    """The extension of a queue member: PJSIP/101 and PJSIP/101-web → 101, Local/101@phones/n → 101; else the
    member's name.
    """
    _, _, rest = interface.partition("/")
    return rest.partition("/")[0].partition("@")[0].removesuffix("-web") or member_name or interface


def phone_of(channel: str) -> str | None:
    """The extension whose phone has a channel of that name, PJSIP/101-web-0000002a → 101; None: no phone."""
    technology, _, _ = channel.partition("/")
    return operator_of(channel.rpartition("-")[0]) if technology == "PJSIP" else None


def is_machine(channel: str) -> bool:
    """Whether a channel of that name is a leg of our own, where no person speaks: the voicebot's."""
    return channel.startswith(_MACHINES)


def _text(headers: Headers, name: str) -> str:
    value = headers.get(name)
    if isinstance(value, list):  # Asterisk hands on line ends in what the far end calls itself
        raise UnreadableAmiEvent(f"{headers.get('Event')} with more than one {name}")
    if not isinstance(value, str):
        raise UnreadableAmiEvent(f"{headers.get('Event')} without {name}")
    return value


def _optional(headers: Headers, name: str) -> str:
    return _text(headers, name) if name in headers else ""


def _whole(headers: Headers, name: str) -> int:
    text = _text(headers, name)
    if not _WHOLE.fullmatch(text):
        raise UnreadableAmiEvent(f"{headers.get('Event')}: {name} is not a whole number")
    return int(text)


def _number(headers: Headers) -> str:
    number = _optional(headers, "CallerIDNum")
    return "" if number in NOBODY else number


_Channel = tuple[datetime, str, str, str, str, str, str]
_NamedChannel = tuple[datetime, str, str, str, str, str, str, str]


def _channel(headers: Headers, at: datetime, stamp: str) -> _Channel:
    return (
        at,
        stamp,
        _text(headers, "Uniqueid"),
        _text(headers, "Linkedid"),
        _text(headers, "Context"),
        _text(headers, "Exten"),
        _number(headers),
    )


def _member(headers: Headers) -> tuple[str, str]:
    return _text(headers, "Queue"), operator_of(_text(headers, "Interface"), _optional(headers, "MemberName"))


_ABSENT = frozenset({0, 4, 5})  # device states: unknown, invalid, unavailable
_NOT_IN_USE = 1


def _seat(headers: Headers, at: datetime, stamp: str) -> QueueSeat:
    return QueueSeat(
        at,
        stamp,
        _text(headers, "Queue"),
        operator_of(_text(headers, "Location"), _optional(headers, "Name")),
        there=_whole(headers, "Status") not in _ABSENT and _text(headers, "Paused") == "0",
        talking=_text(headers, "InCall") == "1",
        free=_whole(headers, "Status") == _NOT_IN_USE and _text(headers, "Paused") == "0",
        interface=_text(headers, "Location"),
        registered=_whole(headers, "Status") not in _ABSENT,
        paused=_text(headers, "Paused") != "0",
    )


def _user_event(headers: Headers, at: datetime, stamp: str) -> AmiEvent | None:
    if _text(headers, "UserEvent") == "PressZeroPresence":
        interface = f"PJSIP/{_text(headers, 'Phone')}"
        return PresenceDialled(at, stamp, operator_of(interface), interface, _text(headers, "Presence"))
    return _stage(headers, at, stamp)


def _stage(headers: Headers, at: datetime, stamp: str) -> AmiEvent | None:
    if _text(headers, "UserEvent") != "PressZero":
        return None
    # Our own dialplan wrote these: fields that a stage has no use for are left out.
    return StageReached(
        *_channel(headers, at, stamp),
        call_id=_text(headers, "Call"),
        stage=_text(headers, "Stage"),
        queue=_optional(headers, "Queue"),
        # "Priority" stands here twice: first the dialplan's step, then the caller's priority.
        priority=_last_whole(headers, "Priority") if "Queue" in headers else 0,
        line=_optional(headers, "Line"),
        status=_optional(headers, "Status"),
        operator=_optional(headers, "Operator"),
        to=_optional(headers, "To"),
        audio=_optional(headers, "Audio"),
        leg=_optional(headers, "Leg"),
    )


def _named(headers: Headers, at: datetime, stamp: str) -> _NamedChannel:
    return (*_channel(headers, at, stamp), _text(headers, "Channel"))


def _sent_on(headers: Headers, at: datetime, stamp: str) -> AmiEvent | None:
    if _text(headers, "Result") != "Success" or "TransfereeUniqueid" not in headers:
        return None
    if attended := _text(headers, "Event") == "AttendedTransfer":
        by, to = _text(headers, "OrigTransfererChannel"), _optional(headers, "TransferTargetChannel")
    else:
        by, to = _text(headers, "TransfererChannel"), _text(headers, "Extension")
    return SentOn(at, stamp, _text(headers, "TransfereeUniqueid"), by, to, attended)


def _key(headers: Headers, at: datetime, stamp: str) -> AmiEvent | None:
    if _text(headers, "Direction") != "Received":
        return None  # the PBX plays it to somebody
    return KeyPressed(at, stamp, _text(headers, "Uniqueid"), _text(headers, "Digit"))


def _last_whole(headers: Headers, name: str) -> int:
    value = headers.get(name)
    texts = value if isinstance(value, list) else [value]
    return _whole({"Event": headers.get("Event"), name: texts[-1]}, name) if len(texts) > 1 else 0


Reader = Callable[[Headers, datetime, str], AmiEvent | None]

LIVE: Mapping[str, Reader] = {
    # "Ring": somebody calls us. A channel that the PBX makes to ring somebody begins as "Down".
    "Newchannel": lambda h, at, s: NewChannel(
        *_channel(h, at, s), calling=_text(h, "ChannelStateDesc") != "Down"
    ),
    "HangupRequest": lambda h, at, s: HangUpRequested(*_channel(h, at, s)),
    "SoftHangupRequest": lambda h, at, s: HangUpRequested(*_channel(h, at, s)),
    "Hangup": lambda h, at, s: HungUp(*_channel(h, at, s), cause=_optional(h, "Cause-txt")),
    "UserEvent": _user_event,
    "DTMFEnd": _key,
    "OriginateResponse": lambda h, at, s: Originated(
        at, s, _text(h, "Uniqueid"), _text(h, "Response") == "Success", _whole(h, "Reason")
    ),
    "QueueCallerJoin": lambda h, at, s: CallerJoined(*_channel(h, at, s), queue=_text(h, "Queue")),
    "QueueCallerAbandon": lambda h, at, s: CallerAbandoned(*_channel(h, at, s), queue=_text(h, "Queue")),
    "QueueCallerLeave": lambda h, at, s: CallerLeft(*_channel(h, at, s), queue=_text(h, "Queue")),
    "BridgeEnter": lambda h, at, s: BridgeEntered(*_named(h, at, s), bridge=_text(h, "BridgeUniqueid")),
    "BridgeLeave": lambda h, at, s: BridgeLeft(*_named(h, at, s), bridge=_text(h, "BridgeUniqueid")),
    "Hold": lambda h, at, s: HoldPressed(*_named(h, at, s)),
    "Unhold": lambda h, at, s: HoldReleased(*_named(h, at, s)),
    "MixMonitorMute": lambda h, at, s: RecorderMuted(
        *_named(h, at, s), muted=_text(h, "State").lower() in {"1", "true", "yes"}
    ),
    "BlindTransfer": _sent_on,
    "AttendedTransfer": _sent_on,
    "MusicOnHoldStop": lambda h, at, s: MusicStopped(at, s, _text(h, "Uniqueid")),
    "AgentCalled": lambda h, at, s: OperatorCalled(*_channel(h, at, s), *_member(h)),
    "AgentRingNoAnswer": lambda h, at, s: OperatorMissed(*_channel(h, at, s), *_member(h)),
    "AgentConnect": lambda h, at, s: OperatorConnected(
        *_channel(h, at, s), *_member(h), _whole(h, "HoldTime"), _whole(h, "RingTime")
    ),
    # Without the caller's channel, once that is gone: their end has been told.
    "AgentComplete": lambda h, at, s: (
        OperatorCompleted(*_channel(h, at, s), *_member(h), _whole(h, "TalkTime"))
        if "Uniqueid" in h
        else None
    ),
}
"""Events that come by themselves and that we have a use for; all others need not even be parsed."""

LISTED: Mapping[str, Reader] = {
    "CoreShowChannel": lambda h, at, s: ListedChannel(
        *_channel(h, at, s),
        _text(h, "Channel"),
        _optional(h, "Application"),
        _optional(h, "BridgeId"),
        rings=_optional(h, "ChannelStateDesc") in {"Ringing", "Down", "Dialing"},
    ),
    "QueueEntry": lambda h, at, s: WaitingCaller(
        at,
        s,
        _text(h, "Queue"),
        _text(h, "Uniqueid"),
        _whole(h, "Priority"),
        _whole(h, "Wait"),
        _text(h, "Channel"),
        _whole(h, "Position"),
        _number(h),
    ),
    "QueueMember": _seat,
}
"""Items of lists that we ask for."""


def read(headers: Headers, received_at: datetime, number: int) -> AmiEvent | None:
    """Type one AMI message.

    Args:
        headers: as on the wire.
        received_at: aware; used where the PBX gives no Timestamp.
        number: running; makes such an event unique.

    Returns: None for a kind of event that we have no use for.

    Raises:
        UnreadableAmiEvent: a header is missing or not what it should be.
    """
    name = headers.get("Event")
    reader = (LIVE.get(name) or LISTED.get(name)) if isinstance(name, str) else None
    if reader is None:
        return None
    stamp = _optional(headers, "Timestamp")
    if _TIMESTAMP.fullmatch(stamp):
        at = datetime.fromtimestamp(float(stamp), UTC)
    else:
        at, stamp = received_at, f"{received_at.timestamp():.6f}#{number}"
    return reader(headers, at, stamp)
