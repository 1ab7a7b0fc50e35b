"""Announcements for waiting callers as files, where Asterisk looks for them."""

import asyncio
import os
import wave
from collections.abc import Sequence
from pathlib import Path

import pytest

from ivr.waiting_voice import AT_ONCE, WaitingVoice
from ivr.waiting_words import OFFER, Announcement, incident_piece
from tests.unit.ivr.test_waiting_words import WORDS
from voicebot.voice import Progress, VoiceFailed

pytestmark = pytest.mark.integration
PIECE_S = 0.5


class SlowVoice:
    """A voice whose sounds are half a second each; it speaks when the test lets it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.may_speak = asyncio.Event()
        self.batches: list[int] = []
        self.fails = False

    async def render(self, text: str) -> Path:
        return (await self.render_all([text]))[0]

    async def render_all(self, texts: Sequence[str], progress: Progress | None = None) -> list[Path]:
        await self.may_speak.wait()
        if self.fails:
            raise VoiceFailed("piper failed")
        self.batches.append(len(texts))
        return [sound(self.folder / f"{abs(hash(text))}.wav") for text in texts]


def sound(path: Path, seconds: float = PIECE_S) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\1\0" * int(8000 * seconds))
    return path


def seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """As the prompt book leaves it."""
    folder = tmp_path / "static"
    folder.mkdir()
    sound(folder / "please_hold.wav")
    return folder


@pytest.fixture
def slow(tmp_path: Path) -> SlowVoice:
    """Not speaking yet."""
    return SlowVoice(tmp_path)


async def test_it_makes_nothing_before_the_pieces_are_spoken_and_holds_up_nobody(
    static: Path, slow: SlowVoice
) -> None:
    voice = WaitingVoice(WORDS, slow, "en-US", static)
    speaking = asyncio.create_task(voice.run())
    assert await voice.make(Announcement(3, 5)) is None
    slow.may_speak.set()
    await asyncio.wait_for(speaking, 10)
    assert await voice.make(Announcement(3, 5)) == "en_p3w5"
    made = static / "en_p3w5" / "please_hold.wav"
    assert seconds(made) == pytest.approx(2 * PIECE_S + 0.3)
    assert max(slow.batches) <= AT_ONCE


async def test_the_offer_and_an_incident_are_spoken_elsewhere(static: Path, slow: SlowVoice) -> None:
    slow.may_speak.set()
    voice = WaitingVoice(WORDS, slow, "en", static)
    await voice.run()
    full = Announcement(1, None, offer=True, incident=4)
    assert await voice.make(full) is None
    voice.add(OFFER, [sound(static.parent / "offer-0.wav"), sound(static.parent / "offer-1.wav")])
    voice.add(incident_piece(4), [sound(static.parent / "incident.wav", 2)])
    assert await voice.make(full) == "en_p1oi4"
    assert seconds(static / "en_p1oi4" / "please_hold.wav") == pytest.approx(2 + 3 * PIECE_S + 2 * 0.3)


async def test_old_announcements_are_swept_and_nothing_else(static: Path, slow: SlowVoice) -> None:
    for name in ("en_p3w5", "en_p21w61oi12", "en", "en_GB", "ko_p3", "en_pirate"):
        (static / name).mkdir()
        sound(static / name / "please_hold.wav")
        os.utime(static / name, (0, 0))
    (static / "en_p7").mkdir()  # another process may have callers who hear it
    slow.may_speak.set()
    await WaitingVoice(WORDS, slow, "en", static).run()
    assert set(os.listdir(static)) == {
        "en",
        "en_GB",
        "en_pirate",
        "en_p7",
        "ko_p3",
        "please_hold.wav",
    }


async def test_what_an_earlier_run_has_made_is_made_anew(static: Path, slow: SlowVoice) -> None:
    (static / "en_p2").mkdir()
    sound(static / "en_p2" / "please_hold.wav", 9)  # in the words of an older scenario
    slow.may_speak.set()
    voice = WaitingVoice(WORDS, slow, "en", static)
    await voice.run()
    assert await voice.make(Announcement(2)) == "en_p2"
    assert seconds(static / "en_p2" / "please_hold.wav") == pytest.approx(PIECE_S)


async def test_a_folder_that_cannot_be_written_costs_only_the_announcement(
    static: Path, slow: SlowVoice
) -> None:
    slow.may_speak.set()
    voice = WaitingVoice(WORDS, slow, "en", static)
    await voice.run()
    (static / "en_p2").write_text("a file where the folder should be")
    assert await voice.make(Announcement(2)) is None
    assert await voice.make(Announcement(1)) == "en_p1"


async def test_what_could_not_be_made_leaves_nothing_behind(static: Path, slow: SlowVoice) -> None:
    slow.may_speak.set()
    voice = WaitingVoice(WORDS, slow, "en", static)
    await voice.run()
    (static.parent / "offer.wav").write_bytes(b"RIFF")
    voice.add(OFFER, [static.parent / "offer.wav"])
    for _ in range(3):  # as often as somebody waits
        assert await voice.make(Announcement(2, offer=True)) is None
    assert os.listdir(static / "en_p2o") == []
