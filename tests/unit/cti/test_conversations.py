"""Conversations when the service ends: none begins; those that go on are waited for, or come to their end."""

import asyncio
from uuid import UUID, uuid4

import pytest

from cti.bot import conversations as module
from cti.bot.conversations import Conversations
from tests.fakes.conversation_parts import FakeLine
from tickets.vocabulary import HandOver
from voicebot.media import Attendant, MediaPort
from voicebot.outcome import Ending, Outcome

pytestmark = pytest.mark.unit

LIMIT_S = 5


class Talk:
    """A conversation that goes on until its time is up, or the caller has their answer."""

    def __init__(self) -> None:
        self.begun, self._ended = asyncio.Event(), asyncio.Event()
        self._outcome = Outcome(Ending.ANSWERED)

    async def run(self, media: MediaPort) -> Outcome:
        self.begun.set()
        await self._ended.wait()
        return self._outcome

    def time_is_up(self) -> None:
        self._outcome = Outcome.to_operator(HandOver.DEADLINE)
        self._ended.set()

    def is_answered(self) -> None:
        self._ended.set()


@pytest.fixture(autouse=True)
def _no_way_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACK_S", 0.0)


async def announced(room: Conversations) -> tuple[UUID, Attendant]:
    uuid = room.announce("pz-1.1")
    assert uuid is not None
    attendant = await room.attend(uuid)
    assert attendant is not None
    return uuid, attendant


async def test_who_talks_is_waited_for_and_nobody_new_begins() -> None:
    talk = Talk()
    room = Conversations(lambda call_id, language: talk, lambda held: True)
    uuid, attendant = await announced(room)
    talking = asyncio.create_task(attendant.run(FakeLine()))
    await talk.begun.wait()
    room.begin_no_more()
    over = asyncio.create_task(room.over())
    assert room.announce("pz-2.2") is None
    assert not over.done()
    talk.is_answered()
    await asyncio.wait_for(asyncio.gather(over, talking), LIMIT_S)
    assert room.decision(uuid) == Outcome(Ending.ANSWERED)


async def test_handed_over_all_come_to_their_end_and_who_was_on_the_way_finds_nobody() -> None:
    talk = Talk()
    room = Conversations(lambda call_id, language: talk, lambda held: True)
    uuid, attendant = await announced(room)
    on_the_way = room.announce("pz-2.2")
    assert on_the_way is not None
    talking = asyncio.create_task(attendant.run(FakeLine()))
    await talk.begun.wait()
    room.begin_no_more()
    room.hand_over()
    await asyncio.wait_for(asyncio.gather(room.over(), talking), LIMIT_S)
    assert room.decision(uuid) == Outcome.to_operator(HandOver.DEADLINE)
    assert await room.attend(on_the_way) is None


async def test_a_call_is_expected_from_its_announcement_until_it_comes() -> None:
    room = Conversations(lambda call_id, language: Talk(), lambda held: True)
    uuid = room.announce("pz-1.1", "en")
    assert uuid is not None
    assert room.expects(uuid)
    assert not room.expects(uuid4())
    await room.attend(uuid)
    assert not room.expects(uuid)
