"""The story of the demo without an Asterisk: what a virtual PBX tells, what is said, what comes of it.

Four calls: one is answered; one is not answered by the first operator, is taken by the second and sent on;
one is missed; and the person who was missed is called back. Pure: how long each line is, is handed in.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cti.demo.story import ALICE, BEN, FRANK, GRACE, LINE, VERA, Person
from cti.virtual_pbx.stories import SUPPORT, Ending, Step, Story, What
from recordings.shelf import RecordingView
from tickets.call import Call
from tickets.vocabulary import CallOutcome, Direction

Line = tuple[str, str]  # who says it, "caller" or "operator", and the words

ABOUT_THE_DRAW: tuple[Line, ...] = (
    ("operator", "Good evening, my name is Alice. How can I help you?"),
    ("caller", "Hello. When is the next draw, please?"),
    ("operator", "The next draw is on Saturday at eight in the evening."),
    ("caller", "Wonderful, thank you. Goodbye."),
)
ABOUT_THE_ACCOUNT: tuple[Line, ...] = (
    ("operator", "Hello, this is Ben. How can I help you?"),
    ("caller", "My online account is blocked and I can not log in."),
    ("operator", "I will send you on to Alice. One moment, please."),
)
THE_ACCOUNT_AGAIN: tuple[Line, ...] = (
    ("operator", "Good evening, my name is Alice. How can I help you?"),
    ("caller", "My account is blocked. Can you help me?"),
    ("operator", "I have unlocked your account. Please try again now."),
    ("caller", "It works. Thank you very much."),
)
ABOUT_THE_SUBSCRIPTION: tuple[Line, ...] = (
    ("operator", "Hello, this is Alice. You have called us, and nobody was free."),
    ("caller", "Hello Alice. I would like to change my subscription, please."),
    ("operator", "Of course. I have changed it for you."),
    ("caller", "Wonderful, thank you. Goodbye."),
)
TALKS = (ABOUT_THE_DRAW, ABOUT_THE_ACCOUNT, THE_ACCOUNT_AGAIN, ABOUT_THE_SUBSCRIPTION)

PAUSE_S = 0.6  # between two lines
READY_S = 3  # after the call its recording is ready
OFF_S, WORDS_KNOWN = 2.5, 0.5  # by which a talk's length may differ; the share of words to be recognised


@dataclass(frozen=True, slots=True)
class Tape:
    """What is heard in one recording."""

    talk: tuple[Line, ...]
    since: int  # the second of the call at which it begins
    mixed: bool = False  # both voices on one track, as some PBXs lay them


@dataclass(frozen=True, slots=True)
class Act:
    """One call of the story."""

    person: Person
    story: Story
    begins_s: int  # from the beginning of the story
    tapes: tuple[Tape, ...] = ()


def seconds_of(talk: Sequence[Line], lengths: Mapping[str, float]) -> float:
    """How long a conversation is; `lengths`: of each line, in seconds."""
    return sum(lengths[words] + PAUSE_S for _, words in talk)


def acts(lengths: Mapping[str, float]) -> tuple[Act, ...]:
    """The four calls, each as long as what is said in it."""
    grace = answered("draw", GRACE, ABOUT_THE_DRAW, lengths)
    frank = _frank(lengths)
    vera = Story(
        "missed", "She gives up in the queue",
        (Step(0, What.RINGS), Step(1, What.MENU), Step(3, What.KEYS, word="0"),
         Step(4, What.QUEUE, word=SUPPORT), Step(22, What.HANGS_UP, word="caller")),
        Ending(CallOutcome.ABANDONED, queue=SUPPORT), caller=VERA.number, line=LINE,
    )  # fmt: skip
    over = 4 + max(step.at for step in frank.story.steps if step.what is What.HANGS_UP)
    return (
        replace(grace, begins_s=0),
        replace(frank, begins_s=4),
        Act(VERA, vera, 8),
        replace(_called_back(lengths), begins_s=over + 3),
    )


def answered(name: str, person: Person, talk: tuple[Line, ...], lengths: Mapping[str, float]) -> Act:
    """Alice's phone rings, and she answers."""
    ends = 6 + math.ceil(seconds_of(talk, lengths))
    steps = (
        Step(0, What.RINGS), Step(1, What.OFFERED, ALICE), Step(6, What.ANSWERED, ALICE),
        Step(ends, What.HANGS_UP, ALICE, word="caller"), Step(ends + READY_S, What.RECORDED, since=6),
    )  # fmt: skip
    ending = Ending(CallOutcome.ANSWERED_BY_OPERATOR, ALICE, ends - 6, recordings=1)
    story = Story(name, "Alice answers", steps, ending, caller=person.number, line=LINE)
    return Act(person, story, 0, (Tape(talk, 6),))


def _frank(lengths: Mapping[str, float]) -> Act:
    sent_on = 17 + math.ceil(seconds_of(ABOUT_THE_ACCOUNT, lengths))
    ends = sent_on + 4 + math.ceil(seconds_of(THE_ACCOUNT_AGAIN, lengths))
    steps = (
        Step(0, What.RINGS), Step(1, What.MENU), Step(5, What.KEYS, word="0"),
        Step(6, What.QUEUE, word=SUPPORT),
        Step(7, What.OFFERED, ALICE), Step(12, What.MISSED, ALICE),
        Step(13, What.OFFERED, BEN), Step(17, What.ANSWERED, BEN),
        Step(sent_on, What.BLIND, BEN, ALICE), Step(sent_on + 1, What.OFFERED, ALICE),
        Step(sent_on + 4, What.ANSWERED, ALICE), Step(ends, What.HANGS_UP, ALICE, word="caller"),
        Step(ends + READY_S, What.RECORDED, since=17),
        Step(ends + READY_S + 2, What.RECORDED, since=sent_on + 4),
    )  # fmt: skip
    ending = Ending(CallOutcome.ANSWERED_BY_OPERATOR, ALICE, ends - 21, SUPPORT, recordings=2)
    story = Story("sent_on", "Ben answers and sends him on", steps, ending, caller=FRANK.number, line=LINE)
    return Act(FRANK, story, 0, (Tape(ABOUT_THE_ACCOUNT, 17), Tape(THE_ACCOUNT_AGAIN, sent_on + 4)))


def _called_back(lengths: Mapping[str, float]) -> Act:
    ends = 6 + math.ceil(seconds_of(ABOUT_THE_SUBSCRIPTION, lengths))
    steps = (
        Step(0, What.RINGS, ALICE), Step(6, What.ANSWERED, ALICE),
        Step(ends, What.HANGS_UP, ALICE, word="caller"), Step(ends + READY_S, What.RECORDED, since=6),
    )  # fmt: skip
    ending = Ending(CallOutcome.ANSWERED_BY_OPERATOR, ALICE, ends - 6, recordings=1)
    story = Story("called_back", "Alice calls her back", steps, ending, Direction.OUTBOUND, VERA.number, LINE)
    return Act(VERA, story, 0, (Tape(ABOUT_THE_SUBSCRIPTION, 6, mixed=True),))


def disappointments(act: Act, story: Story, found: Sequence[tuple[Call, RecordingView | None]]) -> list[str]:
    """What of a call did not come of it; empty when all is well. `story`: as its PBX can tell it."""
    who, ending = f"({act.person.letter}) {act.person.name}, {story.title!r}:", story.ending
    if len(found) != 1:
        return [f"{who} there are {len(found)} tickets instead of one"]
    call, tape = found[0]
    missing = [
        what
        for what, well in {
            f"ended as {call.outcome}": call.outcome is ending.outcome,
            f"the operator was {call.operator}": call.operator == ending.operator,
            f"the talk was {call.talk_seconds:.0f} s": abs(call.talk_seconds - ending.talk_seconds) <= OFF_S,
            f"the queue was {call.queue}": call.queue == ending.queue,
        }.items()
        if not well
    ]
    if ending.recordings:
        missing += _of_the_tape(act, tape)
    return [f"{who} {what}" for what in missing]


def _of_the_tape(act: Act, tape: RecordingView | None) -> list[str]:
    if tape is None or tape.missing_reason is not None:
        return ["there is no recording"]
    if len(tape.parts) != len(act.tapes):
        return [f"the tape has {len(tape.parts)} recordings instead of {len(act.tapes)}"]
    if tape.transcript is None:
        return ["there is no transcript"]
    heard = {word for phrase in tape.transcript.phrases for word in _words(phrase.text)}
    said = {word for one in act.tapes for _, line in one.talk for word in _words(line)}
    missing = []
    if len(heard & said) < WORDS_KNOWN * len(said):
        missing.append("the transcript has other words than were said")
    speakers = {phrase.speaker for phrase in tape.transcript.phrases}
    mixed = all(one.mixed for one in act.tapes)
    if speakers != ({"unknown"} if mixed else {"caller", "operator"}):
        missing.append(f"in the transcript there speak: {', '.join(sorted(speakers))}")
    return missing


def _words(text: str) -> set[str]:
    return {word.strip(".,?!") for word in text.lower().split()}
