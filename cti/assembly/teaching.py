"""What the bot understands: the scenario, and what supervisors taught it."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping

from cti.assembly.frame import Frame
from cti.bot.teacher import NotLearnt, Teacher
from tickets.database import DatabaseTrouble
from tickets.taught import TaughtBook
from voicebot.packaged_meaning import packaged_meaning
from voicebot.script import BotScript
from voicebot.understanding import Understanding


async def teach_bot(frame: Frame, scripts: Mapping[str, BotScript]) -> Teacher:
    """Somebody who knows what it was taught. `scripts`: by language, the scenario's own first."""
    await asyncio.to_thread(_load, tuple(scripts))
    teacher = await asyncio.to_thread(Teacher, scripts, TaughtBook(frame.sessions).standing, _train)
    with contextlib.suppress(DatabaseTrouble, NotLearnt):  # the first round tries again
        await teacher.learn()
    frame.task("teacher", teacher.run())
    return teacher


def _train(script: BotScript, language: str) -> Understanding:
    return Understanding.train(script, language, packaged_meaning(language))


def _load(languages: Iterable[str]) -> None:
    """The model of meaning takes a second to load: once, and not in the event loop."""
    for language in languages:
        packaged_meaning(language)
