"""How the bot's understanding is put together at start: the service has other things to do meanwhile."""

import asyncio
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from cti.assembly import teaching
from cti.assembly.frame import Frame
from cti.settings import Settings
from ivr.scenario_file import load_scenario
from tests.fakes.scenarios import LOTTERY
from tickets.database import Database
from voicebot.script import BotScript
from voicebot.understanding import Kind, Understanding

pytestmark = pytest.mark.integration


async def test_it_learns_its_scenario_outside_the_event_loop(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario, learnt_in = load_scenario(LOTTERY), list[int]()

    def train(script: BotScript, language: str) -> Understanding:
        learnt_in.append(threading.get_ident())
        return Understanding.train(script, language)

    monkeypatch.setattr(teaching, "_train", train)
    async with AsyncExitStack() as stack:
        frame = Frame(Settings.read(data=tmp_path), scenario, database.sessions, stack)
        teacher = await teaching.teach_bot(frame, {"en": scenario.bot})
        assert teacher.understanding().classify("when is the next draw").kind is Kind.QUESTION
        await asyncio.sleep(0)  # its round has begun, and ends with the frame
    assert learnt_in
    assert threading.get_ident() not in learnt_in
