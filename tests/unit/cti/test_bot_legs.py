"""The fuse of a bot's leg is re-armed exactly as long as its conversation hears the caller."""

import asyncio
from uuid import UUID

import pytest

from cti.asterisk.ami import AmiCut
from cti.bot.conversations import Conversations
from cti.bot.legs import EVERY_S, HEARD_WITHIN_S, UNATTENDED_S, BotLegs
from tests.fakes.clockwork import at_once
from voicebot.media import MediaPort
from voicebot.outcome import Ending, Outcome

pytestmark = pytest.mark.unit


class Pbx:
    """Remembers which channels were re-armed."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.armed: list[str] = []
        self.trouble = trouble

    async def action(self, name: str, /, **fields: str) -> object:
        assert (name, fields["Variable"]) == ("Setvar", "TIMEOUT(absolute)")
        assert 0 < float(fields["Value"]) < 4
        self.armed.append(fields["Channel"])
        if self.trouble is not None:
            raise self.trouble
        return None


async def rounds(legs: BotLegs, number: int) -> None:
    """Let time pass: that many times half a second."""
    running = asyncio.create_task(legs.run())
    await asyncio.sleep(EVERY_S * (number - 0.5))
    running.cancel()
    await asyncio.wait([running])


@at_once
async def test_it_re_arms_the_leg_of_a_call_that_is_heard_and_no_other() -> None:
    pbx = Pbx()
    unheard = {"heard": 0.02, "silent": HEARD_WITHIN_S + 0.1}
    legs = BotLegs(lambda: unheard, pbx)
    for call in ("heard", "silent", "unattended"):
        legs.met(call, f"leg of {call}")
    await rounds(legs, 3)
    assert pbx.armed == ["leg of heard"] * 3


@at_once
async def test_a_link_that_is_down_stops_nothing_but_the_re_arming() -> None:
    pbx = Pbx(AmiCut("down"))
    legs = BotLegs(lambda: {"heard": 0.0}, pbx)
    legs.met("heard", "leg")
    await rounds(legs, 4)
    assert len(pbx.armed) == 4


@at_once
async def test_it_forgets_a_leg_that_nobody_attends() -> None:
    pbx = Pbx()
    unheard: dict[str, float] = {}
    legs = BotLegs(lambda: unheard, pbx)
    legs.met("late", "leg")
    await rounds(legs, int(UNATTENDED_S / EVERY_S) + 3)
    unheard["late"] = 0.0
    await rounds(legs, 2)
    assert pbx.armed == []


class Endless:
    """A conversation that never ends by itself."""

    async def run(self, media: MediaPort) -> Outcome:
        await asyncio.Event().wait()
        return Outcome(Ending.GONE)


class Line:
    """As much of a media port as is asked here."""

    unheard_s = 0.25


async def test_a_conversation_whose_caller_is_back_in_the_dialplan_is_ended() -> None:
    conversations = Conversations(lambda call_id, language: Endless(), has_room=lambda held: held < 1)
    uuid = conversations.announce("call")
    assert isinstance(uuid, UUID)
    attendant = await conversations.attend(uuid)
    assert attendant is not None
    talk = asyncio.create_task(attendant.run(Line()))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert conversations.unheard == {"call": 0.25}
    assert conversations.announce("another") is None
    assert conversations.decision(uuid) is None
    with pytest.raises(asyncio.CancelledError):
        await talk
    assert conversations.unheard == {}
    assert conversations.announce("another") is not None
