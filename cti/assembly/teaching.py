"""What the bot understands: the scenario, and what supervisors taught it."""

import contextlib
from collections.abc import Mapping

from cti.assembly.frame import Frame
from cti.bot.teacher import NotLearnt, Teacher
from tickets.database import DatabaseTrouble
from tickets.taught import TaughtBook
from voicebot.script import BotScript
from voicebot.understanding import Understanding


async def teach_bot(frame: Frame, scripts: Mapping[str, BotScript]) -> Teacher:
    """Somebody who knows what it was taught. `scripts`: by language, the scenario's own first."""
    teacher = Teacher(scripts, TaughtBook(frame.sessions).standing, Understanding.train)
    with contextlib.suppress(DatabaseTrouble, NotLearnt):  # the first round tries again
        await teacher.learn()
    frame.task("teacher", teacher.run())
    return teacher
