"""The wish for a person as Whisper hears it over a noisy telephone line.

A sample: bench/bench_operator.py has all wordings.
"""

from pathlib import Path

import pytest

from tests.fakes.audiosocket_client import read_wav
from tests.fakes.operator_wish import Bot, Turn
from tests.fakes.operator_wordings import OF_SOMETHING_ELSE, WORDINGS
from tests.fakes.telephone_line import over_the_line
from voicebot.conversation import SURE
from voicebot.recognizers.port import ModelMissing
from voicebot.recognizers.whisper import Whisper
from voicebot.understanding import Kind
from voicebot.voice import PiperVoice, packaged_piper_model

pytestmark = pytest.mark.integration

SAMPLE = WORDINGS["en"][::7]


@pytest.fixture(scope="module")
def whisper() -> Whisper:
    try:
        return Whisper()
    except ModelMissing as error:
        pytest.skip(f"LOUD: {error}")


async def test_a_person_is_asked_for_over_a_noisy_line(whisper: Whisper, tmp_path: Path):
    model = packaged_piper_model()
    if model is None:
        pytest.skip("LOUD: Piper and its English voice are not installed")
    voice, bot = PiperVoice(tmp_path, model), Bot("en")
    states = bot.states()
    for at, said in enumerate(SAMPLE):
        pcm = read_wav(await voice.render(said))
        turns = []
        for turn in ("first", "second"):
            law = "A-law" if at % 2 else "mu-law"
            heard = whisper.recognise(over_the_line(pcm, law, 15, f"{said} {turn}"))
            turns.append(Turn(heard.text, heard.confidence is None or heard.confidence >= SURE))
        for state, stands in states.items():
            assert bot.hands_over(stands, turns), (said, state, turns)
    for said in OF_SOMETHING_ELSE["en"][:3]:
        text = whisper.recognise(over_the_line(read_wav(await voice.render(said)), "mu-law", 15, said)).text
        assert bot.understanding.classify(text).kind is not Kind.OPERATOR, text
