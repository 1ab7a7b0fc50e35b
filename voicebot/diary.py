"""One conversation's entries for the ledger: numbered, timed, told upward by `publish`.

Knows the words of the ledger and nothing of sound or dialogue. What was said goes into the ledger and never
into a log line.
"""

from collections.abc import Callable
from datetime import datetime

from tickets.events import CallEvent, Publish, Value
from tickets.vocabulary import EventKind
from voicebot.moves import Note
from voicebot.outcome import Ending, Outcome

Clock = Callable[[], datetime]
"""The time now, aware, UTC."""


class BotDiary:
    """Tells the ledger of one conversation. Offsets count in seconds from its beginning."""

    def __init__(self, call_id: str, publish: Publish, clock: Clock) -> None:
        self._call_id = call_id
        self._publish = publish
        self._clock = clock
        # A caller may visit the bot twice in one call: the beginning keeps the visits' entries apart.
        self._visit = round(clock().timestamp() * 1000)
        self._count = 0

    def started(self) -> None:
        """The bot took the call."""
        self._tell(EventKind.BOT_STARTED, {})

    def turn(self, speaker: str, text: str, intent: str, confidence: float | None, offset_s: float) -> None:
        """Somebody said something: "caller" or "bot"."""
        self._tell(
            EventKind.BOT_TURN,
            {
                "speaker": speaker,
                "text": text,
                "intent": intent,
                "confidence": None if confidence is None else round(confidence, 3),
                "offset_seconds": round(offset_s, 2),
            },
        )

    def learnt(self, note: Note) -> None:
        """Something that whoever takes the call over should know; told at once, so that no crash takes it."""
        self._tell(
            EventKind.BOT_LEARNT,
            {
                "about": note.about.value,
                "name": note.name,
                "title": note.title,
                "value": note.value,
                "sure": note.sure,
            },
        )

    def thumb(self, *, up: bool, question: str | None) -> None:
        """The caller said whether the answer helped."""
        self._tell(EventKind.BOT_THUMB, {"up": up, "question": question})

    def ended(self, outcome: Outcome) -> None:
        """The bot let go of the call, and to whom."""
        answered = outcome.ending is Ending.ANSWERED
        self._tell(EventKind.BOT_ENDED, {"answered": answered, "topic": outcome.topic})
        if outcome.reason is not None:
            self._tell(EventKind.HANDED_OVER, {"reason": outcome.reason.value})

    def _tell(self, kind: EventKind, data: dict[str, Value]) -> None:
        self._count += 1
        self._publish(
            CallEvent(
                source="bot",
                source_id=f"{self._call_id}:{self._visit}:{self._count}",
                call_id=self._call_id,
                at=self._clock(),
                kind=kind,
                data=data,
                sequence=self._count,
            )
        )
