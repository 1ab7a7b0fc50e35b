"""Which operator has a caller, who holds them, who sent them on: told by bridges and by our dialplan.

Pure: no I/O, no clock. `translate.py` asks it beside what app_queue says: the queue knows only of the
operator whom it rang itself. Whoever is in a bridge with the caller has them, however they came there: by the
desk's commands, by a phone's own transfer key, or because the beginning was missed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cti.asterisk import events as ami
from cti.asterisk.bridges import Bridges
from tickets.events import CallEvent, Value
from tickets.vocabulary import EventKind

SOURCE = "ami"


@dataclass(slots=True)
class _With:
    """With whom a caller is."""

    operator: str | None = None
    met: bool = False  # somebody has had them, as far as was heard here
    gone: str | None = None  # who gave them away, and may still be in the bridge for a moment
    held: bool = False
    paused: bool = False  # the recording
    duty: bool = False  # the duty phone, rung over a trunk: its channel's name says nothing


def told(call_id: str, event: ami.AmiEvent, kind: EventKind, **data: Value) -> CallEvent:
    """What an AMI event says of a call."""
    # The operator belongs to the id: several phones may begin to ring at the same microsecond.
    source_id = f"{kind}:{call_id}:{event.stamp}"
    if "operator" in data:
        source_id = f"{source_id}:{data['operator']}"
    return CallEvent(SOURCE, source_id, call_id, event.at, kind, data)


class People:
    """Of all live calls of one PBX."""

    def __init__(self) -> None:
        self._calls: dict[str, _With] = {}
        self._bridges = Bridges()

    def begin(self, call_id: str) -> None:
        """The call is ours."""
        self._calls.setdefault(call_id, _With())

    def forget(self, call_id: str) -> None:
        """The call is over."""
        self._calls.pop(call_id, None)

    def deaf(self) -> None:
        """Events were missed: who was in a bridge may not be there now."""
        self._bridges = Bridges()

    def found(self, call_id: str, operator: str | None) -> None:
        """The caller was found with this operator, or waiting; the ledger has been told."""
        if operator is not None:
            self.answered(call_id, operator)
        else:
            one = self._calls[call_id]
            one.operator, one.held = None, False

    def see(self, channels: Iterable[ami.ListedChannel]) -> None:
        """The PBX lists its channels: who is in a bridge since before anybody listened."""
        self._bridges.see(channels)

    def answered(self, call_id: str, operator: str) -> None:
        """The queue has said who answered."""
        one = self._calls[call_id]
        one.operator, one.met, one.gone, one.held = operator, True, None, False

    def completed(self, call_id: str, event: ami.OperatorCompleted) -> list[CallEvent]:
        """The queue says that its operator is through; nothing new where they gave the caller away before."""
        one = self._calls[call_id]
        if one.operator != event.operator and one.met:
            return []
        one.operator = one.operator or event.operator
        return self._gives_away(call_id, one, event, talk_seconds=event.talk_seconds)

    def left_alone(self, call_id: str, event: ami.AmiEvent) -> list[CallEvent]:
        """The caller waits for another operator, or is gone."""
        one = self._calls.get(call_id)
        return [] if one is None else self._gives_away(call_id, one, event)

    def hear(self, event: ami.AmiEvent) -> list[CallEvent]:
        """What the event says of our calls."""
        match event:
            case ami.StageReached():
                return self._stage(event)
            case ami.BridgeEntered():
                self._bridges.enter(event.bridge, event.uniqueid, event.channel)
                return self._with_whom(event, self._bridges.with_(event.uniqueid))
            case ami.BridgeLeft():
                present = self._bridges.with_(event.uniqueid)
                self._bridges.leave(event.uniqueid, event.bridge)
                return self._with_whom(event, present)
            case ami.HungUp():
                self._bridges.leave(event.uniqueid)
            case ami.HoldPressed() | ami.HoldReleased():
                return self._hold_key(event)
            case ami.RecorderMuted():
                return self._muted(event)
            case ami.SentOn():
                return self._sent_on(event)
        return []

    def _stage(self, event: ami.StageReached) -> list[CallEvent]:
        call_id = event.call_id
        one = self._calls.get(call_id)
        if one is None:
            return []
        match event.stage:
            case "duty":
                one.duty = True
            case "queue":
                one.duty = False
            case "held" | "consult":
                return self._holds(call_id, one, event, event.operator)
            case "sent":
                return self._transfer(call_id, one, event, event.operator, event.to, "blind")
            case "attended" | "taken":
                return self._transfer(call_id, one, event, event.operator, event.to, event.stage)
        return []

    def _with_whom(
        self, event: ami.BridgeEntered | ami.BridgeLeft, present: Iterable[str]
    ) -> list[CallEvent]:
        callers = [one for one in present if one in self._calls]
        entered = isinstance(event, ami.BridgeEntered)
        return [new for call_id in callers for new in self._whose(call_id, event, entered)]

    def _whose(self, call_id: str, event: ami.AmiEvent, entered: bool) -> list[CallEvent]:
        """Whose the caller is, by who is in the bridge with them."""
        one = self._calls[call_id]
        phones = [phone for phone in self._bridges.phones_with(call_id) if phone != one.gone]
        if one.duty or not phones:
            return []
        if one.operator in phones:
            if not (one.held and entered):
                return []
            one.held = False
            return [told(call_id, event, EventKind.HOLD_ENDED, operator=one.operator)]
        left = self._gives_away(call_id, one, event)
        self.answered(call_id, phones[0])
        return [*left, told(call_id, event, EventKind.OPERATOR_ANSWERED, operator=phones[0])]

    def _hold_key(self, event: ami.HoldPressed | ami.HoldReleased) -> list[CallEvent]:
        operator = ami.phone_of(event.channel)
        if event.uniqueid in self._calls or operator is None:
            return []  # the caller's own key
        new: list[CallEvent] = []
        for call_id in self._bridges.with_(event.uniqueid):
            one = self._calls.get(call_id)
            if one is None:
                continue
            if isinstance(event, ami.HoldPressed):
                new += self._holds(call_id, one, event, operator)
            elif one.held:
                one.held = False
                new.append(told(call_id, event, EventKind.HOLD_ENDED, operator=operator))
        return new

    @staticmethod
    def _holds(call_id: str, one: _With, event: ami.AmiEvent, operator: str) -> list[CallEvent]:
        if one.held:
            return []
        one.held = True
        return [told(call_id, event, EventKind.HOLD_STARTED, operator=operator)]

    def _muted(self, event: ami.RecorderMuted) -> list[CallEvent]:
        one = self._calls.get(event.uniqueid)
        if one is None or one.paused == event.muted:
            return []
        one.paused = event.muted
        kind = EventKind.RECORDING_PAUSED if event.muted else EventKind.RECORDING_RESUMED
        return [told(event.uniqueid, event, kind, operator=one.operator or "")]

    def _sent_on(self, event: ami.SentOn) -> list[CallEvent]:
        one, by = self._calls.get(event.uniqueid), ami.phone_of(event.by)
        if one is None or by is None:
            return []
        to = (ami.phone_of(event.to) or "") if event.attended else event.to
        how = "attended" if event.attended else "blind"
        return self._transfer(event.uniqueid, one, event, by, to, how)

    def _transfer(
        self, call_id: str, one: _With, event: ami.AmiEvent, by: str, to: str, how: str
    ) -> list[CallEvent]:
        left = self._gives_away(call_id, one, event) if one.operator in (by, None) else []
        if not one.duty:
            one.gone = by
        return [told(call_id, event, EventKind.TRANSFERRED, operator=by, to=to, how=how), *left]

    @staticmethod
    def _gives_away(call_id: str, one: _With, event: ami.AmiEvent, **data: Value) -> list[CallEvent]:
        operator, one.operator = one.operator, None
        held, one.held = one.held, False
        if operator is None:
            return []
        one.met = True
        ends = [told(call_id, event, EventKind.HOLD_ENDED, operator=operator)] if held else []
        return [*ends, told(call_id, event, EventKind.OPERATOR_LEFT, operator=operator, **data)]
