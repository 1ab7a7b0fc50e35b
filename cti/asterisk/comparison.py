"""The ledger's picture of live calls beside the PBX's own: what we missed while the link was down.

Pure: no I/O, no clock. `reconciler.py` asks both sides and passes the answers in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cti.asterisk.events import ListedChannel, WaitingCaller, is_machine, operator_of
from cti.asterisk.people import SOURCE
from cti.asterisk.translate import CALL_CONTEXT, DUTY, Normalise, began, received, system_of
from tickets.call import Call
from tickets.events import CallEvent, Value
from tickets.vocabulary import CallState, EventKind

_WITH_PEOPLE = frozenset({"operator", "duty", "room", "send"})
"""Extensions of our dialplan that connect to a person."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What follows from both pictures."""

    events: list[CallEvent]  # what the ledger has missed of live calls
    live: dict[str, datetime]  # our calls that the PBX has on the line, and the last moment known of each
    gone: list[Call]  # calls of this PBX that the ledger thinks live and that are not


def callers(channels: Sequence[ListedChannel], known: Collection[str]) -> dict[str, ListedChannel]:
    """Our callers' own channels by call id: those the ledger knows, and those our dialplan holds."""
    return {
        channel.uniqueid: channel
        for channel in channels
        if channel.uniqueid in known
        or (channel.uniqueid == channel.linkedid and channel.context == CALL_CONTEXT)
    }


def compare(
    unfinished: Sequence[Call],
    channels: Sequence[ListedChannel],
    waiting: Sequence[WaitingCaller],
    lines: Mapping[str, str],
    system: str,
    at: datetime,
    normalise: Normalise,
) -> Comparison:
    """Compare. The two pictures are never of one instant: `reconciler.py` compares with the ledger of before
    `channels` and `waiting` were asked for and with that of after.

    Args:
        unfinished: the ledger's live calls.
        channels: the PBX's channels.
        waiting: the PBX's queues.
        lines: the number that was called, of callers whom the ledger does not know.
        system: the PBX's `systemname`: calls of another PBX on the same ledger are not its to end.
        at: stands for times that the PBX does not tell.
        normalise: makes E.164 of a caller ID, or None.
    """
    known = {call.call_id: call for call in unfinished}
    on_line = callers(channels, known)
    entries = {entry.uniqueid: entry for entry in waiting}
    told: list[CallEvent] = []
    for call_id, channel in on_line.items():
        call = known.get(call_id)
        if call is None:
            begin = began(call_id) or at
            told.append(received(call_id, begin, channel.number, lines.get(call_id, ""), normalise))
            told.append(_told(call_id, EventKind.FOUND, begin, "", how="live"))
        told += _where(call, channel, entries.get(call_id), channels, at)
    gone = [call for call in unfinished if call.call_id not in on_line and system_of(call.call_id) == system]
    live = {call_id: _last_moment(call_id, known.get(call_id), at) for call_id in on_line}
    return Comparison(told, live, gone)


def _last_moment(call_id: str, call: Call | None, at: datetime) -> datetime:
    if call is None:
        return began(call_id) or at
    # Of what the PBX told: the bot's times are by our own clock.
    return max(time for time in (call.received_at, call.queued_at, call.answered_at) if time is not None)


def _where(
    call: Call | None,
    caller: ListedChannel,
    entry: WaitingCaller | None,
    channels: Sequence[ListedChannel],
    at: datetime,
) -> list[CallEvent]:
    """Where the caller is now, if the ledger does not know it."""
    call_id = caller.uniqueid
    state = None if call is None else call.state
    if entry is not None:
        if state is CallState.QUEUED:
            return []
        since = at - timedelta(seconds=entry.waited_seconds)
        # Whole seconds: asked again, the same wait gives the same id.
        stamp = str(round(since.timestamp()))
        return [
            _told(call_id, EventKind.QUEUE_JOINED, since, stamp, queue=entry.queue, priority=entry.priority)
        ]
    partners = _partners(caller, channels)
    if partners and not (state is CallState.TALKING and _known(call, partners)):
        partner = partners[0]
        # The duty phone is rung over a trunk, whose channel says nothing of who answers.
        duty = caller.context == CALL_CONTEXT and caller.exten == "duty"
        operator = DUTY if duty else operator_of(partner.channel.rpartition("-")[0])
        return [_told(call_id, EventKind.OPERATOR_ANSWERED, at, partner.uniqueid, operator=operator)]
    if caller.exten == "voicemail" and caller.context == CALL_CONTEXT and state is not CallState.VOICEMAIL:
        return [_told(call_id, EventKind.VOICEMAIL_STARTED, at, "")]
    return []


def _known(call: Call | None, partners: Sequence[ListedChannel]) -> bool:
    """Whether the ledger has one of them as the caller's operator, as far as names of channels tell."""
    if call is None or call.operator in (None, DUTY):
        return True
    return call.operator in {operator_of(one.channel.rpartition("-")[0]) for one in partners}


def _partners(caller: ListedChannel, channels: Sequence[ListedChannel]) -> list[ListedChannel]:
    """The channels of those to whom the caller speaks: operators' phones or the duty phone."""
    if not caller.bridge or (caller.context == CALL_CONTEXT and caller.exten not in _WITH_PEOPLE):
        return []
    return [
        one
        for one in channels
        if one.bridge == caller.bridge
        and one.uniqueid != caller.uniqueid
        and one.context != CALL_CONTEXT  # another caller, whom an operator has joined to this one
        and not is_machine(one.channel)
    ]


def _told(call_id: str, kind: EventKind, at: datetime, stamp: str, **data: Value) -> CallEvent:
    return CallEvent(SOURCE, f"{kind}:{call_id}:met:{stamp}", call_id, at, kind, data)
