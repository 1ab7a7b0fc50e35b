import wave
from pathlib import Path

import pytest

from cti.asterisk.install import Program
from voicebot.voice import EspeakVoice, PiperVoice, packaged_piper_model, read_telephone_wav

pytestmark = pytest.mark.integration


async def test_piper_speaks_many_texts_as_telephone_sound_in_their_order(tmp_path: Path):
    model = packaged_piper_model()
    if model is None:
        pytest.skip('LOUD: Piper or its voice is not installed: pip install "presszero[speech]"')
    voice = PiperVoice(tmp_path, model)
    told: list[tuple[int, int]] = []
    short, long = await voice.render_all(
        ["Hello.", "The next draw is on Saturday at eight in the evening. Good luck to you!"],
        lambda ready, of: told.append((ready, of)),
    )
    assert told == [(1, 2), (2, 2)]
    assert 0 < len(read_telephone_wav(short)) < len(read_telephone_wav(long)) / 2
    with wave.open(str(long), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)


async def test_espeak_speaks_a_text_that_looks_like_an_option(tmp_path: Path, asterisk: Program):
    if asterisk.espeak is None:
        pytest.skip("LOUD: there is no espeak-ng")
    path = await EspeakVoice(tmp_path, "ko", asterisk.espeak).render("--version 안녕하세요")
    assert len(read_telephone_wav(path)) > 8000
