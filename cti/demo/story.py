"""The story that the demo plays: who rings, what they say, and what must come of it.

Callers and operator act only through their telephones; what they say is audio. The checks read the tickets.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from cti.demo.network import Leg, TelephoneNetwork
from recordings.shelf import RecordingView
from tickets.call import Call
from tickets.vocabulary import CallOutcome, HandOver, TicketStatus
from voicebot.voice import Voice

LINE = "+18005550100"
ALICE, BEN = "101", "102"


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of the lottery."""

    letter: str  # a, b, c: their place in the story
    name: str
    number: str  # E.164; the range 555-01xx is nobody's
    vip_level: int = 0


GRACE = Person("a", "Grace Hill", "+12025550111")
FRANK = Person("b", "Frank Moreno", "+12025550122")
VERA = Person("c", "Vera Lindqvist", "+12025550133", vip_level=2)
CAST = (GRACE, FRANK, VERA)

LINES = {
    "question": "When is the next draw?",
    "thanks": "No, thank you. Goodbye.",
    "unknown": "My online account is blocked and I can not log in.",
    "hello": "Good evening, my name is Alice. How can I help you?",
    "vip_wish": "Hello Alice. I would like to change my subscription, please.",
    "vip_done": "Of course. I have changed it for you.",
    "vip_thanks": "Wonderful, thank you. Goodbye.",
    "blocked": "My account is blocked. Can you help me?",
    "unblocked": "I have unlocked your account. Please try again now.",
    "relieved": "It works. Thank you very much.",
    "colleague": "Hello, this is Ben. How can I help you?",
}


class Play:
    """One performance."""

    def __init__(self, network: TelephoneNetwork, sounds: dict[str, Path]) -> None:
        self._network = network
        self._sounds = sounds

    async def perform(self, everybody_waits: "asyncio.Event", frank_waits: "asyncio.Event") -> None:
        """All three calls. The events are set from outside, when the queue holds Frank, and then Vera too."""
        await self._grace()
        # The only operator on duty speaks with her colleague, so that whoever rings now has to wait.
        alice, ben = await self._network.ring_colleague(ALICE, BEN)
        frank = await self._frank()
        await asyncio.wait_for(frank_waits.wait(), 40)
        vera = await self._vera()
        await asyncio.wait_for(everybody_waits.wait(), 40)
        await alice.hang_up()
        await ben.hang_up()
        await self._talk(vera, "vip_wish", "vip_done", "vip_thanks")
        await self._talk(frank, "blocked", "unblocked", "relieved")

    async def _grace(self) -> None:
        grace = await self._network.call(GRACE.number, LINE)
        await grace.wait_for_quiet()
        await grace.press("1")
        await grace.wait_for_quiet()
        await grace.say(self._sounds["question"])
        await grace.wait_for_quiet()
        await grace.say(self._sounds["thanks"])
        await asyncio.wait_for(grace.hung_up.wait(), 30)

    async def _frank(self) -> Leg:
        frank = await self._network.call(FRANK.number, LINE)
        await frank.wait_for_quiet()
        await frank.press("1")
        await frank.wait_for_quiet()
        await frank.say(self._sounds["unknown"])
        return frank

    async def _vera(self) -> Leg:
        vera = await self._network.call(VERA.number, LINE)
        await asyncio.sleep(1.5)  # she knows the menu and does not wait for its end
        await vera.press("0")
        return vera

    async def _talk(self, caller: Leg, wish: str, done: str, thanks: str) -> None:
        """Alice answers whoever the queue gives her, and speaks with the one who ought to be there."""
        phone = await self._network.phone_rings(ALICE)
        await asyncio.sleep(1.0)  # a glance at the screen-pop
        await phone.answer()
        await phone.say(self._sounds["hello"])
        await caller.say(self._sounds[wish])
        await phone.say(self._sounds[done])
        await caller.say(self._sounds[thanks])
        await caller.hang_up()
        await asyncio.wait_for(phone.hung_up.wait(), 10)


async def rehearse(voice: Voice) -> dict[str, Path]:
    """Render everybody's lines; absolute paths."""
    paths = await voice.render_all(list(LINES.values()))
    return dict(zip(LINES, (path.absolute() for path in paths), strict=True))


@dataclass(frozen=True, slots=True)
class Ending:
    """What lies on the desk afterwards, of one person."""

    person: Person
    ticket: str
    status: TicketStatus
    call: Call
    recording: RecordingView | None


def disappointments(endings: list[Ending], tickets: int) -> list[str]:
    """What in the story did not happen; empty when all is well."""
    missing = [f"({p.letter}) {p.name} has no ticket" for p in CAST if p not in {e.person for e in endings}]
    if tickets != len(CAST):
        missing.append(f"there are {tickets} tickets instead of {len(CAST)}")
    by_person = {ending.person: ending for ending in endings}
    for ending in endings:
        missing += [f"({ending.person.letter}) {what}" for what in _of_everyone(ending)]
    if GRACE in by_person:
        missing += [f"(a) {what}" for what in _of_grace(by_person[GRACE])]
    if FRANK in by_person and VERA in by_person:
        missing += _of_the_two_waiting(by_person[FRANK].call, by_person[VERA].call)
    return missing


def _of_everyone(ending: Ending) -> list[str]:
    tape = ending.recording
    if tape is None or tape.missing_reason is not None:
        return ["there is no recording"]
    if tape.transcript is None:
        return ["there is no transcript"]
    speakers = {phrase.speaker for phrase in tape.transcript.phrases}
    return [] if "caller" in speakers and len(speakers) > 1 else ["the transcript lacks one side"]


def _of_grace(ending: Ending) -> list[str]:
    return [
        what
        for what, well in {
            "the bot did not answer": ending.call.outcome is CallOutcome.ANSWERED_BY_BOT,
            "the bot answered something else": ending.call.topic == "Next draw",
            "the ticket is not closed": ending.status is TicketStatus.CLOSED,
        }.items()
        if not well
    ]


def _of_the_two_waiting(frank: Call, vera: Call) -> list[str]:
    frank_at, vera_at = frank.answered_at, vera.answered_at
    return [
        what
        for what, well in {
            "(b) was not handed over as out of scope": frank.hand_over is HandOver.OUT_OF_SCOPE,
            "(b) did not talk with the operator": frank.operator == ALICE,
            "(c) did not talk with the operator": vera.operator == ALICE,
            "(c) did not press zero": vera.hand_over is HandOver.PRESSED_ZERO,
            "(c) was not taken for a VIP": vera.vip_level == VERA.vip_level,
            "(c) did not ring after (b)": vera.received_at is not None
            and frank.received_at is not None
            and vera.received_at > frank.received_at,
            "(c) was not answered before (b)": frank_at is not None
            and vera_at is not None
            and vera_at < frank_at,
        }.items()
        if not well
    ]
