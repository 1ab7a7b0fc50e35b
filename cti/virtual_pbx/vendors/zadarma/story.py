"""What happened to a call at Zadarma's, from all that was told of it. Pure.

What the vendor's documents leave open, and how it is read here (read, not run):

- An operator's phone that stops ringing is not told of: their desk lets go when somebody answers or it ends.
- A transfer is told only by the end's `last_internal`, who had the caller at last; when, nobody tells.
- A call from extension to extension is told as an outgoing one whose destination is an extension.
- An end that says "answered" and names an extension means a talk. Its NOTIFY_ANSWER may be on its way still:
  until it comes, or the vendor's records do, nothing is said of that call's end.
- `call_start` is the beginning of the call, the same in each of its webhooks; the other times are ours, of
  when a webhook came.
"""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta, tzinfo

from cti.virtual_pbx.contract import Tape
from cti.virtual_pbx.vendors.zadarma import words
from cti.virtual_pbx.vendors.zadarma.records import RECORDS, Leg, legs_of, tape_of
from tickets.events import CallEvent, Value
from tickets.facts import Fact
from tickets.vocabulary import Direction, EventKind

_EXTENSION = re.compile(r"[0-9]{3,4}")


class CallStory:
    """One call's facts, sorted."""

    def __init__(
        self,
        facts: Sequence[Fact],
        *,
        zone: tzinfo,
        normalise: Callable[[str], str | None],
        operator: Callable[[str], str],
        operators: Collection[str],
    ) -> None:
        """
        Args:
            zone: the account's, in which `call_start` is written.
            normalise: E.164 of a number, or None.
            operator: our extension of whom the vendor names so.
            operators: all extensions of ours.
        """
        self._zone, self._normalise, self._operator, self._operators = zone, normalise, operator, operators
        self._told: dict[str, list[Fact]] = {}
        for fact in sorted(facts, key=lambda fact: (fact.at, fact.fact_id)):
            self._told.setdefault(fact.kind, []).append(fact)
        self.call_id = facts[0].call_id
        self._legs, self._over = legs_of(self._of(RECORDS))
        self.outward = any(
            kind.startswith("NOTIFY_OUT_") or _text(told[0], "pbx_call_id").startswith("out_")
            for kind, told in self._told.items()
        )

    # --- what is told of it

    def events(self) -> list[CallEvent]:
        """Only what later facts do not take back."""
        events = [event for event in (self._received(),) if event is not None]
        events += [
            self._event(fact, EventKind.MENU_CHOICE, fact.fact_id[:12], menu=menu, digit=digits)
            for fact in self._of("NOTIFY_IVR")
            if (digits := _text(fact, "wait_dtmf[digits]"))
            for menu in [_text(fact, "wait_dtmf[name]") or "main"]
        ]
        events += [
            self._event(fact, EventKind.OPERATOR_RINGING, fact.fact_id[:12], operator=extension)
            for fact in self._of("NOTIFY_INTERNAL")
            if (extension := self._operator(_text(fact, "internal")))
        ]
        answers = self._answers()
        events += [
            self._event(self._first, EventKind.OPERATOR_ANSWERED, extension, at=at, operator=extension)
            for extension, at in answers
        ]
        return events + self._ending(answers)

    def tapes(self) -> list[Tape]:
        """Recordings that are there, each once."""
        named: dict[str, Tape] = {}
        told = [
            (_text(fact, "call_id_with_rec"), fact.at) for fact in (*self._of("NOTIFY_RECORD"), *self._ends())
        ]
        told += [(leg.told.get("call_id", ""), leg.at) for leg in self._legs if _is_recorded(leg)]
        for name, at in told:
            tape_id, began = tape_of(name)
            if tape_id:
                named.setdefault(tape_id, Tape(tape_id, self.call_id, began or at, hint=name))
        return list(named.values())

    # --- how

    @property
    def _first(self) -> Fact:
        return min((fact for told in self._told.values() for fact in told), key=lambda fact: fact.at)

    def _of(self, kind: str) -> list[Fact]:
        return self._told.get(kind, [])

    def _ends(self) -> list[Fact]:
        return [*self._of("NOTIFY_END"), *self._of("NOTIFY_OUT_END")]

    def _received(self) -> CallEvent | None:
        kinds = ("NOTIFY_OUT_START", "NOTIFY_OUT_END") if self.outward else (
            "NOTIFY_START", "NOTIFY_INTERNAL", "NOTIFY_END", "NOTIFY_IVR")  # fmt: skip
        told = next((self._of(kind)[0] for kind in kinds if self._of(kind)), None)
        if told is None and self._legs:
            return self._recorded(self._legs[0])
        if told is None:
            return None  # an answer or a recording alone: who called will be told, or be in the records
        began = words.moment(_text(told, "call_start"), self._zone) or told.at
        caller, line = words.number(_text(told, "caller_id")), _text(told, "called_did")
        if self.outward:
            caller, line = _text(told, "destination"), caller
        direction = Direction.OUTBOUND if self.outward else Direction.INBOUND
        if self._is_extension(caller):
            direction = Direction.INTERNAL
        if direction is Direction.INTERNAL and self.outward:
            caller, line = self._operator(_text(told, "internal")), self._operator(caller)
        return self._called(told, began, direction, caller, line)

    def _recorded(self, leg: Leg) -> CallEvent:
        """Of a call of which only the records tell."""
        fact = self._of(RECORDS)[0]
        caller = words.number(leg.told.get("destination" if self.outward else "clid", ""))
        direction = Direction.OUTBOUND if self.outward else Direction.INBOUND
        if self.outward and self._is_extension(caller):
            colleague = self._operator(leg.told.get("sip") or leg.told.get("clid", ""))
            return self._called(fact, leg.at, Direction.INTERNAL, colleague, self._operator(caller))
        return self._called(fact, leg.at, direction, caller, "")

    def _called(self, told: Fact, at: datetime, direction: Direction, caller: str, line: str) -> CallEvent:
        number = None if direction is Direction.INTERNAL else self._normalise(caller)
        return self._event(
            told, EventKind.RECEIVED, at=at,
            caller_raw=caller, caller=number, line=line, direction=direction.value,
        )  # fmt: skip

    def _answers(self) -> list[tuple[str, datetime]]:
        """Who answered, and when: each operator once, the first first."""
        answers: dict[str, datetime] = {}
        for fact in self._of("NOTIFY_ANSWER"):
            if extension := self._who_answered(fact):
                answers.setdefault(extension, fact.at)
        if not answers:
            answers.update(self._recorded_answer())
        if answers and (end := next(iter(self._ends()), None)) is not None:
            last = self._operator(_text(end, "last_internal"))
            if last and last not in answers:
                answers[last] = max(end.at, *answers.values())
        return sorted(answers.items(), key=lambda answer: answer[1])

    def _who_answered(self, answer: Fact) -> str:
        destination = _text(answer, "destination")
        if self.outward and self._is_extension(destination):
            return self._operator(destination)
        return self._operator(_text(answer, "internal") or destination)

    def _recorded_answer(self) -> dict[str, datetime]:
        """The answer that was not told, once the records are there: from the end, or from them alone."""
        if not self._legs:
            return {}
        for end in self._ends():
            if (extension := self._talked(end)) is not None:
                return {extension: end.at - timedelta(seconds=words.seconds(end.data.get("duration")))}
        for leg in self._legs:  # a menu answers too, and is nobody
            if leg.answered and (extension := self._leg_operator(leg)):
                return {extension: leg.at}
        return {}

    def _leg_operator(self, leg: Leg) -> str:
        # Outward a destination that is an extension is who answered a colleague.
        for name in ("destination", "sip", "clid") if self.outward else ("destination", "sip"):
            told = leg.told.get(name, "")
            if self._is_extension(told):
                return self._operator(told)
        return ""

    def _talked(self, end: Fact) -> str | None:
        """Whom an end says the caller has talked to."""
        if not words.said_answered(end.data.get("disposition")):
            return None
        destination = _text(end, "destination")
        if self.outward and self._is_extension(destination):
            return self._operator(destination)
        return self._operator(_text(end, "internal") or _text(end, "last_internal")) or None

    def _ending(self, answers: Sequence[tuple[str, datetime]]) -> list[CallEvent]:
        end = next(iter(self._ends()), None)
        if end is not None:
            if self._talked(end) is not None and not answers:
                return []  # the answer is on its way, or the records will have it
            at, cause = end.at, _text(end, "disposition")
        elif self._over:
            last = max(self._legs, key=lambda leg: leg.ended)
            at, cause = last.ended, last.told.get("disposition", "unknown")
        else:
            return []
        told = end or self._first
        events = []
        if answers:
            at = max(at, answers[-1][1])
            operator = answers[-1][0]
            events.append(self._event(told, EventKind.OPERATOR_LEFT, operator, at=at, operator=operator))
        return [*events, self._event(told, EventKind.ENDED, at=at, cause=cause)]

    def _is_extension(self, text: str) -> bool:
        return bool(_EXTENSION.fullmatch(text)) or self._operator(text) in self._operators

    def _event(
        self, fact: Fact, kind: EventKind, part: str = "", *, at: datetime | None = None, **data: Value
    ) -> CallEvent:
        source_id = ":".join(one for one in (kind.value, self.call_id, part) if one)
        return CallEvent(fact.source, source_id, self.call_id, at or fact.at, kind, data)


def _is_recorded(leg: Leg) -> bool:
    return leg.told.get("is_recorded", "").lower() in {"true", "1"}


def _text(fact: Fact, name: str) -> str:
    value = fact.data.get(name)
    return value.strip() if isinstance(value, str) else ""
