"""A house that hears a life story badly: it loses, repeats and mixes up what it is told, asks the PBX at any
moment and starts anew at any moment. Translator, reconciler, CDR reader and ledger are the real ones.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Protocol

from hypothesis import strategies as st

from cti.asterisk.ami import AmiReply
from cti.asterisk.events import AmiEvent
from cti.asterisk.reconciler import Reconciler
from cti.asterisk.translate import Translator
from tests.fakes.life_story import BEGAN, CALL_ID, LINE, LifeStory, Moment
from tickets.call import Call, replay
from tickets.events import CallEvent
from tickets.vocabulary import CallOutcome, CallState, EventKind

COLLEAGUE = "103"
ABOUT = timedelta(seconds=2)
BY_OUR_WORD_ALONE = {CallOutcome.ANSWERED_BY_BOT, CallOutcome.INFORMED_BY_MENU}


class Ledger(Protocol):
    """What is needed of `CallBook`."""

    async def record(self, events: Sequence[CallEvent], /) -> object: ...

    async def unfinished_calls(self) -> list[Call]: ...

    async def calls_among(self, call_ids: Collection[str], /) -> dict[str, Call]: ...

    async def events_of(self, call_id: str, /) -> list[CallEvent]: ...


@dataclass(frozen=True)
class Fate:
    """What becomes of one moment of a story."""

    heard_by: frozenset[int]  # which of two nodes hears the PBX; none: the link is down
    ours: bool  # whether the service lives to tell what reception and bot did
    then: tuple[str, ...]  # "settle", "reconcile", "restart", "tape": the shelf looks into the spool


FATES = st.builds(
    Fate,
    st.sampled_from([frozenset({0}), frozenset[int](), frozenset({0, 1}), frozenset({1})]),
    st.booleans(),
    st.lists(st.sampled_from(["settle", "reconcile", "restart", "tape"]), max_size=3).map(tuple),
)


@st.composite
def stories(draw: st.DrawFn) -> LifeStory:
    """A call from the first ring to the last hang-up, by any way that our dialplan has."""
    story = LifeStory(timedelta(seconds=draw(st.sampled_from([0, -3600, 3600]))))
    story.ring()
    if draw(st.booleans()):  # reception is there
        way = draw(st.sampled_from(["zero", "bot", "bye", "hang up", "killed"]))
        story.menu(announced=way == "bye" or draw(st.booleans()))
        if way == "bye":
            story.bye("informed_by_menu")
        elif way == "hang up":
            story.hang_up()
        elif way == "zero":
            story.hand_over("pressed_zero")
        elif way == "bot":
            _at_the_bot(draw, story)
    if not story.over:
        _in_the_queue(draw, story)
    if not story.over:
        _with_nobody_in_the_queue(draw, story)
    if not story.over:
        story.hang_up()
    return story


def _at_the_bot(draw: st.DrawFn, story: LifeStory) -> None:
    way = draw(st.sampled_from(["answered", "answered, hung up", "asked", "killed"]))
    story.bot(answered=way.startswith("answered"), heard_out=way != "killed")
    if way == "answered":
        story.bye("answered_by_bot")
    elif way == "answered, hung up":
        story.hang_up()
    elif way == "asked":
        story.hand_over("asked")


def _in_the_queue(draw: st.DrawFn, story: LifeStory) -> None:
    if draw(st.integers(0, 4)) == 0:
        story.find_queue_empty()
        return
    story.join_queue()
    for operator in draw(st.lists(st.sampled_from(["101", "102"]), max_size=2)):
        story.ring_phone(operator)
        story.miss(operator)
    if draw(st.integers(0, 3)) == 0:
        story.offer(taken=draw(st.booleans()))
        if story.over:
            return
        story.join_queue()
    way = draw(
        st.sampled_from(["answered", "sent on", "sent on in vain", "hang up", "TIMEOUT", "LEAVEEMPTY"])
    )
    if way == "hang up":
        story.hang_up()
    elif way in {"TIMEOUT", "LEAVEEMPTY"}:
        story.give_up_queue(way)
    else:
        first = draw(st.sampled_from(["101", "102"]))
        story.ring_phone(first)
        story.answer(first)
        story.talk(first)
        if way == "sent on":
            story.send_on(COLLEAGUE, answered=True)
        elif way == "sent on in vain":
            story.send_on(COLLEAGUE, answered=False)
            story.join_queue()
            story.ring_phone("102")
            story.answer("102")
            story.talk("102")
        story.hang_up()


def _with_nobody_in_the_queue(draw: st.DrawFn, story: LifeStory) -> None:
    on_duty = draw(st.sampled_from(["answers", "does not", "hung up", "none"]))
    if on_duty != "none":
        story.duty(answered=on_duty == "answers")
    if on_duty in {"does not", "none"}:
        story.voicemail()


class _Pbx:
    """Answers as things stand."""

    def __init__(self) -> None:
        self.now: Moment | None = None
        self.later = timedelta(0)

    async def list_action(self, name: str, /) -> list[AmiEvent]:
        assert self.now is not None
        return list({"CoreShowChannels": self.now.channels, "QueueStatus": self.now.waiting}[name])

    async def action(self, name: str, /, **_: str) -> AmiReply:
        assert self.now is not None
        at = (self.now.at + self.later).timestamp()
        fields = {
            "Ping": {"timestamp": f"{at:.6f}"},
            "CoreSettings": {"systemname": "pz"},
            "Getvar": {"value": LINE},
        }
        return AmiReply("", fields[name])


class BadListener:
    """Two nodes on one ledger; the first one has the reconciler."""

    def __init__(self, book: Ledger, folder: Path, luck: Random) -> None:
        self.book, self._luck = book, luck
        self._cdr = folder / "presszero.csv"
        self._cdr.unlink(missing_ok=True)
        self._pbx = _Pbx()
        self._waiting: list[CallEvent] = []
        self._published: list[CallEvent] = []
        self.restart()

    def restart(self) -> None:
        """The service starts anew: it remembers nothing but what is on disk."""
        self._nodes = [Translator(lambda number: number) for _ in range(2)]
        self._reconciler = Reconciler(
            self._pbx, self._nodes[0], self.book.unfinished_calls, self.book.calls_among,
            self.book.events_of, self.settle, self._publish, self._cdr, lambda number: number, grace_s=0,
        )  # fmt: skip

    async def live_through(self, story: LifeStory, fates: Sequence[Fate]) -> None:
        """Hear the story as badly as the fates want it; whenever the PBX is asked, the ledger is right."""
        for moment, fate in zip(story.moments, fates, strict=True):
            self._pbx.now = moment
            with self._cdr.open("a") as file:
                file.write(moment.cdr)
            for node in fate.heard_by:
                for event in moment.heard:
                    for news in self._nodes[node].translate(event):
                        self._publish(news)
            if fate.ours:
                self._waiting += moment.ours
            for step in fate.then:
                if step == "restart":
                    self.restart()
                elif step == "settle":
                    await self.settle()
                elif step == "tape":
                    await self._find_tape(moment)
                else:
                    await self.reconcile()
                    known = (await self.book.calls_among([CALL_ID]))[CALL_ID] if moment.state else None
                    assert known is None or known.state is moment.state

    async def _find_tape(self, moment: Moment) -> None:
        """As `recordings.intake` does with the tape of a call that it does not know."""
        if moment.state is CallState.ENDED and not await self.book.events_of(CALL_ID):
            at = datetime.fromtimestamp(int(BEGAN), UTC)
            found = CallEvent("recordings", "found", CALL_ID, at, EventKind.FOUND, {"how": "recording"})
            self._waiting.append(found)

    async def kill_pbx(self) -> None:
        """Asterisk dies and starts again: it has no channels, and never writes the CDR."""
        assert self._pbx.now is not None
        self._pbx.now = Moment(self._pbx.now.at + timedelta(seconds=1), (), (), (), (), None, "")

    async def reconcile(self) -> list[CallEvent]:
        """One run; what it published is in the ledger afterwards."""
        await self.settle()
        self._published.clear()
        await self._reconciler.reconcile()
        told = list(self._published)
        await self.settle()
        return told

    async def settle(self) -> None:
        """What was told reaches the ledger: in any order, and some of it several times."""
        told = self._waiting + [event for event in self._waiting if self._luck.random() < 0.5]
        self._waiting.clear()
        self._luck.shuffle(told)
        while told:
            size = self._luck.randint(1, 4)
            await self.book.record(told[:size])
            del told[:size]

    async def in_the_end(self) -> Call:
        """The call when all is quiet; whoever asks again, also after a restart, hears nothing new."""
        self._pbx.later = timedelta(minutes=1)
        await self.reconcile()
        story = await self.book.events_of(CALL_ID)
        assert await self.reconcile() == []
        self.restart()
        assert await self.reconcile() == []
        assert await self.book.events_of(CALL_ID) == story
        return (await self.book.calls_among([CALL_ID]))[CALL_ID]

    def _publish(self, event: CallEvent) -> None:
        self._waiting.append(event)
        self._published.append(event)


def truth(story: LifeStory) -> Call:
    """The call as one tells it who hears everything once and in order."""
    translator = Translator(lambda number: number)
    told = [
        news for moment in story.moments for event in moment.heard for news in translator.translate(event)
    ]
    return replay([*told, *(event for moment in story.moments for event in moment.ours)])


def check_same(call: Call, story: LifeStory, fates: Sequence[Fate]) -> None:
    """That the call is the one that truly was, as far as anybody still can know."""
    true = truth(story)
    assert call.state is CallState.ENDED
    assert true.ended_at is not None
    assert call.ended_at is not None
    assert abs(call.ended_at - true.ended_at) <= ABOUT
    assert (call.caller, call.caller_raw, call.line) == (true.caller, true.caller_raw, true.line)
    assert (call.queue, call.queued_at is None) == (true.queue, true.queued_at is None)
    # Of a colleague to whom an operator sent the caller, only who looks at that moment knows.
    assert call.operator in {true.operator, COLLEAGUE if COLLEAGUE in story.operators else true.operator}
    assert (call.answered_at is None) == (true.answered_at is None)
    if call.answered_at is not None and true.answered_at is not None:
        assert abs(call.answered_at - true.answered_at) <= ABOUT
    whole = all(fate.ours for moment, fate in zip(story.moments, fates, strict=True) if moment.ours)
    if whole:
        assert (call.hand_over, call.topic) == (true.hand_over, true.topic)
    said_bye = '"bye"' in story.moments[-1].cdr
    if whole or said_bye or true.outcome not in BY_OUR_WORD_ALONE:
        assert call.outcome is true.outcome
    assert min(call.bot_seconds, call.hold_seconds, call.talk_seconds) >= 0
    if not any(
        (fate.ours and moment.ours) or fate.heard_by or "reconcile" in fate.then
        for moment, fate in zip(story.moments, fates, strict=True)
    ):
        assert call.found_later
