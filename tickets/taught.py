"""Phrases that supervisors taught the bot: who, when, as which question, and what was withdrawn again.

Knows rows; whether a phrase may be taught, and what it does to the bot, others know. Each change is in the
audit log, in the same transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import Table, func, select

from tickets.audit import log_into
from tickets.customers import NotFound
from tickets.database import Sessions, insert_new, use_case, utc_now, writing
from tickets.rows import LARGEST, clean_text
from tickets.tables import TaughtPhraseRow

LONGEST = 200  # characters of a phrase
MOST_AT_ONCE = 50
MOST = 2000  # that stand; so many in one language are 30 MB, five seconds to learn, 10 ms for an utterance

_phrases = cast(Table, TaughtPhraseRow.__table__)


class BadPhrase(Exception):
    """A phrase cannot be taught as it is; the message says why."""


@dataclass(frozen=True, slots=True)
class TaughtPhrase:
    """A wording and the question that it asks."""

    id: int
    question: str  # name in the scenario; it may have left it since
    phrase: str
    language: str  # BCP 47
    taught_at: datetime
    taught_by: str  # login
    withdrawn_at: datetime | None
    withdrawn_by: str | None


class TaughtBook:
    """Reads and writes taught phrases."""

    def __init__(
        self, sessions: Sessions, *, deadline_s: float = 1.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s
        self._clock = clock

    @use_case
    async def teach(
        self, question: str, phrases: Sequence[str], language: str, login: str
    ) -> list[TaughtPhrase]:
        """Keep the phrases from now on; those that are kept already stay as they are. Gives what was new.

        Raises:
            BadPhrase: too many, too long, without words, or taught as another question.
        """
        wanted = tidy(phrases)
        now = self._clock()
        async with writing(self._sessions) as session:
            stand = _phrases.c.withdrawn_at.is_(None)
            if len(wanted) + (await session.scalar(select(func.count()).where(stand)) or 0) > MOST:
                raise BadPhrase(f"The bot was taught {MOST} phrases: withdraw some before you teach more.")
            same = (stand, _phrases.c.language == language, _phrases.c.phrase.in_(wanted))
            known = {row.phrase: row.question for row in await session.execute(select(_phrases).where(*same))}
            for phrase, taught_as in known.items():
                if taught_as != question:
                    raise BadPhrase(f"“{phrase}” was taught as another question: withdraw it there first.")
            new = [phrase for phrase in wanted if phrase not in known]
            rows = [
                {
                    "question": question,
                    "phrase": phrase,
                    "language": language,
                    "taught_at": now,
                    "taught_by": login,
                }
                for phrase in new
            ]
            if not rows:
                return []
            # Of those that somebody else teaches at this moment the database keeps one.
            kept = await session.execute(insert_new(session, _phrases).returning(*_phrases.c), rows)
            taught = [TaughtPhrase(**row._asdict()) for row in kept]
            for phrase in taught:
                log_into(session, now, login, "bot.taught", question, {"phrase": phrase.phrase})
            return taught

    @use_case
    async def withdraw(self, phrase_id: int, login: str) -> TaughtPhrase:
        """The bot forgets a phrase; one that is withdrawn already stays as it is. Raises `NotFound`."""
        now = self._clock()
        async with writing(self._sessions) as session:
            row = await session.get(TaughtPhraseRow, phrase_id) if 0 < phrase_id <= LARGEST else None
            if row is None:
                raise NotFound(f"There is no phrase {phrase_id}.")
            if row.withdrawn_at is None:
                row.withdrawn_at, row.withdrawn_by = now, login
                log_into(session, now, login, "bot.withdrawn", row.question, {"phrase": row.phrase})
                await session.flush()
            return TaughtPhrase(**{name: getattr(row, name) for name in _phrases.columns.keys()})  # noqa: SIM118

    @use_case
    async def standing(self) -> list[TaughtPhrase]:
        """What the bot is to know beside its scenario, the newest first."""
        query = select(_phrases).where(_phrases.c.withdrawn_at.is_(None))
        newest_first = query.order_by(_phrases.c.taught_at.desc(), _phrases.c.id.desc()).limit(MOST)
        async with self._sessions() as session:
            return [TaughtPhrase(**row._asdict()) for row in await session.execute(newest_first)]


def tidy(phrases: Sequence[str]) -> list[str]:
    """Phrases as they are kept: each once, on one line.

    Raises:
        BadPhrase: none, too many, too long, or without words.
    """
    lines = [" ".join(clean_text(phrase).split()) for phrase in phrases]
    wanted = list(dict.fromkeys(line for line in lines if line))
    if not wanted:
        raise BadPhrase("Write at least one phrase.")
    if len(wanted) > MOST_AT_ONCE:
        raise BadPhrase(f"{len(wanted)} phrases are too many: at most {MOST_AT_ONCE} at once.")
    for phrase in wanted:
        if len(phrase) > LONGEST:
            raise BadPhrase(f"A phrase has {len(phrase)} characters: shorten it to {LONGEST}.")
    return wanted
