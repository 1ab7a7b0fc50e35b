"""What callers ask and nobody taught the bot, put together by what it is about.

Counted in a thread, one question at a time, and remembered until something has changed. Knows the records and
the pure clustering; no web.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cti.bot.teacher import Teacher
from tickets.insight import Spoken
from voicebot.clusters import cluster
from voicebot.understanding import Kind

SHOWN = 40  # groups
EXAMPLES = 4  # calls of a group
PHRASES = 8  # different wordings of a group, to be taught


@dataclass(frozen=True, slots=True)
class Group:
    """Something that callers ask again and again."""

    title: str  # its most typical wording
    size: int  # how often it was asked
    phrases: Sequence[str]  # different wordings, the most typical first
    examples: Sequence[Spoken]  # calls in which it was asked
    language: str  # BCP 47, in which it was asked mostly
    understood: str | None = None  # the question that the bot takes the title for by now


@dataclass(frozen=True, slots=True)
class Groups:
    """The largest groups of a stretch of time."""

    groups: Sequence[Group]
    asked: int  # how often something was asked that belongs to no question


class Untaught:
    """One per service. Used from the event loop only."""

    def __init__(
        self, unknown: Callable[[datetime, datetime], Awaitable[list[Spoken]]], teacher: Teacher
    ) -> None:
        """`unknown`: what was asked in a stretch of time and not known, newest first."""
        self._unknown = unknown
        self._teacher = teacher
        self._one_at_a_time = asyncio.Lock()
        self._last: tuple[object, Groups] | None = None

    async def groups(self, since: datetime, until: datetime) -> Groups:
        """The groups of that time. Raises `DatabaseTrouble`."""
        spoken = await self._unknown(since, until)
        newest = (spoken[0].at, spoken[0].ticket_number) if spoken else None
        key = (since, until, len(spoken), newest, self._teacher.age)
        async with self._one_at_a_time:
            if self._last is None or self._last[0] != key:
                self._last = (key, await asyncio.to_thread(self._grouped, spoken))
            return self._last[1]

    def _grouped(self, spoken: list[Spoken]) -> Groups:
        found = [
            self._group([spoken[number] for number in one.members])
            for one in cluster([line.text for line in spoken])[:SHOWN]
        ]
        # What it has learnt meanwhile is no more work for anybody.
        return Groups(sorted(found, key=lambda group: group.understood is not None), len(spoken))

    def _group(self, lines: list[Spoken]) -> Group:
        title = lines[0].text
        wordings: dict[str, Spoken] = {}
        for line in lines:
            wordings.setdefault(" ".join(line.text.lower().split()).strip(".?! "), line)
        phrases = [line.text for line in wordings.values()][:PHRASES]
        own = self._teacher.languages[0]
        language = Counter(line.language or own for line in lines).most_common(1)[0][0]
        now = self._teacher.understanding(language).classify(title)
        understood = now.name if now.kind is Kind.QUESTION else None
        examples: dict[int, Spoken] = {}
        for line in [*wordings.values(), *lines]:
            examples.setdefault(line.ticket_number, line)
        return Group(title, len(lines), phrases, list(examples.values())[:EXAMPLES], language, understood)
