"""Interrupting the bot on a real call: what the caller hears stops, and what they said counts."""

from pathlib import Path

import numpy as np
import pytest

from cti.asterisk.events import NewChannel
from cti.demo.network import LINES_HOST
from tests.fakes.audiosocket_client import read_wav
from tests.fakes.sip_phone import FRAME_S, SipPhone
from tests.house.centre import Centre
from tests.house.conftest import PLAIN
from tests.house.desk_view import outcome_of
from tests.house.voices import Voices
from tickets.vocabulary import EventKind, HandOver

pytestmark = [pytest.mark.house, pytest.mark.asyncio(loop_scope="session")]

PBX = "127.0.0.1"
COUGH_S = 0.15


def phone_of(centre: Centre, number: str = PLAIN) -> SipPhone:
    return SipPhone((PBX, centre.exchange.sip_port), host=LINES_HOST, caller=number, line="+18005550100")


async def reach_the_bot(centre: Centre, phone: SipPhone, call_id: str) -> None:
    """Through the menu, until the bot has begun to speak."""
    await phone.sounds()
    await phone.press("1")
    await centre.stage(call_id, "bot")
    await phone.sounds()


def spoken(wav: Path) -> bytes:
    """Up to the last loud sample: what follows is the synthesiser's silence."""
    pcm = read_wav(wav)
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > 300)
    return pcm[: 2 * (int(loud[-1]) + 1)]


def sound_s(phone: SipPhone, since: float, until: float) -> float:
    """How much of a stretch the caller heard any sound in, in seconds."""
    return FRAME_S * sum(packet.peak > 0 for packet in phone.heard if since < packet.at <= until)


async def call_id_of(centre: Centre, since: int) -> str:
    event = await centre.listener.wait(
        lambda e: isinstance(e, NewChannel) and e.context == "presszero-inbound", since=since
    )
    assert isinstance(event, NewChannel)
    return event.uniqueid


async def test_the_bot_falls_silent_while_the_caller_speaks_and_acts_on_what_they_said(
    served: Centre, voices: Voices
) -> None:
    since = len(served.listener.events)
    async with phone_of(served) as phone:
        call_id = await call_id_of(served, since)
        await reach_the_bot(served, phone, call_id)
        phone.say(spoken(voices["operator"]))
        began = phone.sent_at
        await phone.said()
        ended = phone.sent_at
        # Whoever is interrupted may finish a syllable; all the rest of the sentence belongs to the caller.
        assert sound_s(phone, began, ended) < 0.6
        assert sound_s(phone, began + 0.6, ended) == 0.0
        await served.queued(call_id)
    outcome = await outcome_of(served, call_id)
    assert outcome.call.hand_over is HandOver.ASKED
    turns = [event.data for event in outcome.events if event.kind is EventKind.BOT_TURN]
    assert [turn["intent"] for turn in turns if turn["speaker"] == "bot"] == ["greeting", "handing_over"]


async def test_the_bot_says_its_sentence_to_the_end_over_noise_and_a_cough(served: Centre) -> None:
    random = np.random.default_rng(3)
    since = len(served.listener.events)
    async with phone_of(served) as phone:
        call_id = await call_id_of(served, since)
        await reach_the_bot(served, phone, call_id)
        cough = random.standard_normal(round(COUGH_S * 8000)) * 6000
        room = random.standard_normal(3 * 8000) * 500
        room[8000 : 8000 + len(cough)] += cough
        phone.say(np.clip(room, -32767, 32767).astype("<i2").tobytes())
        await phone.said()
        await phone.quiet(1.5)
        await phone.press("0")
        await served.queued(call_id)
    outcome = await outcome_of(served, call_id)
    turns = [e.data for e in outcome.events if e.kind is EventKind.BOT_TURN]
    assert [turn["intent"] for turn in turns] == ["greeting"]
