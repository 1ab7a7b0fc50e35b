"""A story as Mango sees it: legs, what is told of each, and the lines of the statistics.

Pure. Legs follow one another as in the examples of Mango's documents. What those leave open is a guess of
ours: that a queue's leg goes on while phones ring, and ends when somebody answers.
"""

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cti.virtual_pbx.stories import Step, Story, What
from cti.virtual_pbx.vendors.mango import MangoSettings
from cti.virtual_pbx.vendors.mango.words import (
    APPEARED,
    BLIND,
    CONNECTED,
    CONSULTATIVE,
    DISCONNECTED,
    IVR,
    ON_HOLD,
    PERSON,
    QUEUE,
    RETURN_BLIND,
)
from tickets.vocabulary import Direction

ON_ITS_WAY, BY_CALLER, NO_ANSWER, BY_CALLED, BY_COMMAND = 1100, 1110, 1111, 1120, 1181
ASKED_S = 4  # until a colleague who is asked answers
PICKED_UP_S = 3  # until an operator takes up the phone for a call-back
_DIRECTIONS = {Direction.INTERNAL: 0, Direction.INBOUND: 1, Direction.OUTBOUND: 2}


@dataclass(slots=True)
class SimulatedLeg:
    """A leg, and what happened to it."""

    leg: str
    place: str
    caller: dict[str, Any]
    called: dict[str, Any]
    start: datetime
    more: dict[str, Any]  # of every webhook of it
    seq: int = 0
    answer: datetime | None = None
    finish: datetime | None = None
    reason: int = ON_ITS_WAY
    recordings: list[str] = field(default_factory=list)

    def was(self, at: datetime) -> str:
        """Its state at that time; empty: it was not there."""
        if at < self.start or (self.finish is not None and at >= self.finish):
            return ""
        return CONNECTED if self.answer is not None and at >= self.answer else APPEARED


@dataclass(frozen=True, slots=True)
class Told:
    """One webhook before it is signed."""

    at: datetime
    path: str
    told: dict[str, Any]


def sip(extension: str) -> str:
    """An operator's phone, as Mango calls it."""
    return f"sip:user{extension}@vpbx.mangosip.ru"


class Play:
    """One call, played from beginning to end when it is made."""

    def __init__(
        self, story: Story, settings: MangoSettings, start: datetime, native: str, command_id: str = ""
    ) -> None:
        """`native`: the `entry_id`. `command_id`: of the command that asked for the call."""
        self.story, self.native, self.start = story, native, start
        self._command_id = command_id
        self._words = {ours: theirs for theirs, ours in settings.operators.items()}
        self._groups = {queue: group for group, queue in settings.queues.items()}
        self.legs: list[SimulatedLeg] = []
        self.told: list[Told] = []
        self.recordings: dict[str, Step] = {}
        self._now = start
        self._talk: SimulatedLeg | None = None  # with whom the caller is
        self._rings: SimulatedLeg | None = None
        self._asks: SimulatedLeg | None = None  # the consultation
        self._waits: SimulatedLeg | None = None  # in the menu or the queue
        self._sent: tuple[str, SimulatedLeg] | None = None  # how the caller came to the next phone
        self._over: datetime | None = None
        for step in story.steps:
            self._now = start + timedelta(seconds=step.at)
            _PLAYED[step.what](self, step)
        self.told.sort(key=lambda one: one.at)  # stable: recordings are told of later than they begin

    # What the story's steps are at Mango's

    def _begins(self, step: Step) -> None:
        if self.story.direction is Direction.INBOUND:
            self._waits = self._appears(IVR, self._outside(), {"number": self._line()})
        elif step.word == "command":
            more = {"callback_initiator": "API", **self._commanded()}
            first = self._appears(PERSON, self._outside(), self._phone(step.operator), more)
            self._connects(first, PICKED_UP_S)
            self._ends(first, ON_ITS_WAY, PICKED_UP_S)
            caller = {**self._phone(step.operator), "taken_from_call_id": first.leg}
            self._rings = self._appears(PERSON, caller, self._outside(), more, PICKED_UP_S)
        else:
            internal = self.story.direction is Direction.INTERNAL
            called = self._phone(self.story.line) if internal else self._outside()
            self._rings = self._appears(PERSON, self._phone(step.operator), called)

    def _keys(self, step: Step) -> None:
        told = {"seq": 1, "dtmf": step.word, "location": "ivr.1", "line_number": self._line()}
        if self._waits is not None:
            number = self._outside().get("number", "")
            self._tell("events/dtmf", {**told, "call_id": self._waits.leg, "initiator": number,
                                       "from_number": number, "to_number": self._line()})  # fmt: skip

    def _queue(self, step: Step) -> None:
        group = self._groups.get(step.word, step.word)
        menu, self._waits = self._waits, None
        if menu is not None:
            self._ends(menu, ON_ITS_WAY)
        called = {"number": self._line(), "acd_group": group}
        self._waits = self._appears(QUEUE, self._moved(menu), called)

    def _offered(self, step: Step) -> None:
        if self.story.direction is not Direction.INBOUND:
            return
        how, before = self._sent or ("", self._waits)
        if self._waits is not None and self._waits.place == IVR:
            self._ends(self._waits, ON_ITS_WAY)
        called = self._phone(step.operator)
        if self._waits is not None and self._waits.place == QUEUE:
            called["acd_group"] = self._waits.called["acd_group"]
        more = {"transfer": how} if how else {}
        self._rings = self._appears(PERSON, self._moved(before), called, more)

    def _missed(self, step: Step) -> None:
        if self._rings is not None:
            self._ends(self._rings, NO_ANSWER)

    def _answered(self, step: Step) -> None:
        if self._waits is not None and self._waits.place == QUEUE:
            self._ends(self._waits, ON_ITS_WAY)
        self._waits = self._sent = None
        if self._rings is not None:
            self._connects(self._rings)
            self._talk, self._rings = self._rings, None

    def _hold(self, step: Step) -> None:
        if self._talk is not None:
            self._news(self._talk, ON_HOLD, to={"hold_initiator": True})

    def _resumed(self, step: Step) -> None:
        if self._talk is not None:
            self._connects(self._talk)

    def _blind(self, step: Step) -> None:
        if self._talk is not None:
            self._ends(self._talk, BY_CALLED, moved=True)
            self._sent, self._talk = (BLIND, self._talk), None

    def _returned(self, step: Step) -> None:
        before = self._rings
        more = {"transfer": RETURN_BLIND}
        self._rings = self._appears(PERSON, self._moved(before), self._phone(step.operator), more)

    def _consults(self, step: Step) -> None:
        if self._talk is None:
            return
        self._hold(step)
        caller = {**self._phone(step.operator), "taken_from_call_id": self._talk.leg}
        more = {"transfer": CONSULTATIVE}
        self._asks = self._appears(PERSON, caller, self._phone(step.to), more, 1)
        self._connects(self._asks, ASKED_S)

    def _joined(self, step: Step) -> None:
        first, asked = self._talk, self._asks
        if first is None or asked is None:
            return
        self._ends(first, BY_CALLED, moved=True)
        asked.caller, asked.more = self._moved(first), {"transfer": BLIND}
        self._connects(asked)
        self._talk, self._asks = asked, None

    def _back(self, step: Step) -> None:
        if self._asks is not None:
            self._ends(self._asks, BY_CALLER)
        self._asks = None
        self._resumed(step)

    def _hangs_up(self, step: Step) -> None:
        outgoing = self.story.direction is not Direction.INBOUND
        reason = BY_CALLER if (step.word == "operator") is outgoing else BY_CALLED
        reason = BY_CALLER if not outgoing and self._talk is None else reason
        for leg in self.legs:
            if leg.finish is None:
                self._ends(leg, reason)
        self._over = self._now
        self._tell("events/summary", self._summary(reason))

    def _recorded(self, step: Step) -> None:
        recording = base64.b64encode(f"1:{self.native}:{len(self.recordings)}".encode()).decode()
        since = self.start + timedelta(seconds=step.since)
        leg = next((one for one in reversed(self.legs) if one.was(since) == CONNECTED), None)
        leg = leg or next((one for one in reversed(self.legs) if one.was(since)), self.legs[-1])
        leg.recordings.append(recording)
        told = {"recording_id": recording, "call_id": leg.leg, "extension": leg.called.get("extension", "")}
        self._tell("events/recording", {**told, "recording_state": "Started", "seq": 1}, at=since)
        over = {"completion_code": 1000, "recipient": "Cloud"}
        self._tell(
            "events/recording", {**told, "recording_state": "Completed", "seq": "2", **over}, at=self._over
        )
        ids = {"recording_id": recording, "product_id": 300022532, "user_id": -1}
        self._tell("events/record/added", ids)
        self.recordings[recording] = step

    # How Mango tells of it

    def _appears(
        self,
        place: str,
        caller: dict[str, Any],
        called: dict[str, Any],
        more: dict[str, Any] | None = None,
        later_s: int = 0,
    ) -> SimulatedLeg:
        number = len(self.legs)
        leg_id = base64.b64encode(f"MToxMDA:{self.native}:{number}".encode()).decode()
        start = self._now + timedelta(seconds=later_s)
        line = self.story.direction is Direction.INBOUND
        if line and "line_number" not in called:
            called = {**called, "line_number": self._line()}
        leg = SimulatedLeg(leg_id, place, caller, called, start, more or {})
        self.legs.append(leg)
        self._news(leg, APPEARED, later_s)
        return leg

    def _connects(self, leg: SimulatedLeg, later_s: int = 0) -> None:
        leg.answer = leg.answer or self._now + timedelta(seconds=later_s)
        self._news(leg, CONNECTED, later_s)

    def _ends(self, leg: SimulatedLeg, reason: int, later_s: int = 0, *, moved: bool = False) -> None:
        leg.finish, leg.reason = self._now + timedelta(seconds=later_s), reason
        self._news(leg, DISCONNECTED, later_s, **({"from": {"was_transferred": True}} if moved else {}))

    def _news(self, leg: SimulatedLeg, state: str, later_s: int = 0, **sides: dict[str, Any]) -> None:
        leg.seq += 1
        # Numbers come as text or not, and this one word comes misspelt.
        odd = leg.seq % 2 == 1
        told = {
            "call_id": leg.leg,
            "seq": str(leg.seq) if odd else leg.seq,
            "call_state": state,
            "locaton" if leg.more.get("transfer") == CONSULTATIVE else "location": leg.place,
            "from": {**leg.caller, **sides.get("from", {})},
            "to": {**leg.called, **sides.get("to", {})},
            **leg.more,
        }
        if state == DISCONNECTED:
            told["disconnect_reason"] = str(leg.reason) if odd else leg.reason
        self._tell("events/call", told, at=self._now + timedelta(seconds=later_s))

    def _tell(self, path: str, told: dict[str, Any], at: datetime | None = None) -> None:
        at = at or self._now
        when = {} if path == "events/summary" else {"timestamp": int(at.timestamp())}
        self.told.append(Told(at, path, {"entry_id": self.native, **told, **when}))

    def _summary(self, reason: int) -> dict[str, Any]:
        talks = [leg for leg in self.legs if leg.place == PERSON and leg.answer is not None]
        if self.story.direction is not Direction.INBOUND:
            talks = talks[-1:] if len(talks) == len([leg for leg in self.legs if leg.place == PERSON]) else []
        first = talks[0] if talks else None
        missed = next((leg for leg in self.legs if leg.place == PERSON), None)
        shown = first or missed
        told: dict[str, Any] = {
            "call_direction": _DIRECTIONS[self.story.direction],
            "from": {k: v for k, v in (shown or self.legs[0]).caller.items() if k in {"extension", "number"}},
            "to": {k: v for k, v in shown.called.items() if k in {"extension", "number"}} if shown else {},
            "create_time": int(self.start.timestamp()),
            "forward_time": int(first.start.timestamp()) if first else 0,
            "talk_time": int(first.answer.timestamp()) if first and first.answer else 0,
            "end_time": int(self._now.timestamp()),
            "entry_result": 1 if first else 0,
            "disconnect_reason": reason,
        }
        if self.story.direction is not Direction.INTERNAL:
            told["line_number"] = self._line()
        return told

    def _outside(self) -> dict[str, Any]:
        number = self.story.caller.lstrip("+")
        return {"number": number} if number else {}

    def _moved(self, before: SimulatedLeg | None) -> dict[str, Any]:
        return {**self._outside(), **({"taken_from_call_id": before.leg} if before else {})}

    def _phone(self, extension: str) -> dict[str, Any]:
        return {"extension": self._words.get(extension, extension), "number": sip(extension)}

    def _line(self) -> str:
        return self.story.line.lstrip("+")

    def _commanded(self) -> dict[str, str]:
        return {"command_id": self._command_id} if self._command_id else {}

    # What Mango has of it afterwards

    def since(self, step: Step) -> datetime:
        """When that step happened."""
        return self.start + timedelta(seconds=step.at)

    def rows(self, until: datetime) -> list[dict[str, str]]:
        """The lines of the statistics, of legs that are over by then."""
        over = [leg for leg in self.legs if leg.finish is not None and leg.finish <= until]
        return [self._row(leg) for leg in over]

    def _row(self, leg: SimulatedLeg) -> dict[str, str]:
        answer = int(leg.answer.timestamp()) if leg.answer else 0
        return {
            "records": f"[{','.join(leg.recordings)}]",
            "start": str(int(leg.start.timestamp())),
            "finish": str(int(leg.finish.timestamp())) if leg.finish else "",
            "answer": str(answer),
            "from_extension": leg.caller.get("extension", ""),
            "from_number": leg.caller.get("number", ""),
            "to_extension": leg.called.get("extension", ""),
            "to_number": leg.called.get("number", ""),
            "disconnect_reason": str(leg.reason),
            "line_number": "" if self.story.direction is Direction.INTERNAL else self._line(),
            "location": leg.place,
            "create": str(int(self.start.timestamp())),
            "entry_id": self.native,
        }


def statistics(rows: list[dict[str, str]], columns: tuple[str, ...]) -> str:
    """Lines of the statistics as Mango gives them."""
    return "".join(";".join(row.get(column, "") for column in columns) + "\n" for row in rows)


def _nothing(play: Play, step: Step) -> None:
    """Mango tells nothing of it."""


_PLAYED: dict[What, Any] = {
    What.RINGS: Play._begins,
    What.MENU: _nothing,  # the leg in the menu is there since the call reached the scheme
    What.KEYS: Play._keys,
    What.QUEUE: Play._queue,
    What.OFFERED: Play._offered,
    What.MISSED: Play._missed,
    What.ANSWERED: Play._answered,
    What.HOLD: Play._hold,
    What.RESUMED: Play._resumed,
    What.BLIND: Play._blind,
    What.CONSULTS: Play._consults,
    What.JOINED: Play._joined,
    What.BACK: Play._back,
    What.RETURNED: Play._returned,
    What.RECORDED: Play._recorded,
    What.HANGS_UP: Play._hangs_up,
}
