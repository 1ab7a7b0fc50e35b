"""A Russian voice for test callers: `python -m tests.fakes.russian_voice` brings it, without root.

Festival with Debian's festvox-ru, joined from recordings of a man: unlike espeak-ng's Russian, Whisper
understands it. Unpacked into the cache with what it needs of this machine's own Debian release. Serves tests
and the bench alone.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from cti.asterisk.install import cache_folder
from cti.debian_packages import PackagesMissing, keep_packages
from cti.progress import Report, progress_bar
from recordings.audio import to_telephone_wav
from tests.fakes.audiosocket_client import read_wav

PACKAGES = ("festival", "festvox-ru")
# The machine has its own C library, and no need of a sound card.
NOT_WANTED = (
    "libc6",
    "libc-bin",
    "perl",
    "debconf",
    "adduser",
    "passwd",
    "alsa-utils",
    "kmod",
    "systemd",
    "udev",
)
VOICE = "voice_msu_ru_nsh_clunits"
SPEAK_S = 30.0


class NoRussianVoice(Exception):
    """There is none here and none could be had; the message says what to do."""


class RussianVoice:
    """Speaks; each text by a process of its own."""

    def __init__(self, home: Path) -> None:
        share = home / "usr/share/festival"
        libraries = {str(path.parent) for path in home.glob("usr/lib/**/*.so*")}
        self._command = [
            str(home / "usr/bin/festival"),
            "--datadir",
            str(share),
            "--libdir",
            str(share),
            "-b",
        ]
        self._environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(sorted(libraries))}

    def speak(self, text: str, out: Path) -> None:
        """Write a telephone WAV. The text has words of Russian letters and commas."""
        with tempfile.TemporaryDirectory() as folder:
            wide = Path(folder, "wide.wav")
            spoken = (
                f"(utt.save.wave (utt.synth (Utterance Text {_quoted(text)})) {_quoted(str(wide))} 'riff)"
            )
            subprocess.run(
                [*self._command, f"({VOICE})", spoken],
                env=self._environment,
                check=True,
                timeout=SPEAK_S,
                capture_output=True,
            )
            to_telephone_wav(wide, out)

    def pcm(self, text: str) -> bytes:
        """8 kHz mono signed 16-bit little-endian."""
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "spoken.wav")
            self.speak(text, out)
            return read_wav(out)


def find_russian_voice() -> RussianVoice | None:
    """The unpacked one, if it speaks."""
    voice = RussianVoice(_folder())
    try:
        return voice if len(voice.pcm("да")) > 1000 else None
    except (OSError, subprocess.SubprocessError):
        return None


def install_russian_voice(progress: Report) -> RussianVoice:
    """Return it, downloading it where it is not there.

    Raises:
        NoRussianVoice: it cannot be had here.
    """
    found = find_russian_voice()
    if found is not None:
        return found
    try:
        keep_packages(
            PACKAGES,
            _folder(),
            progress,
            what="a Russian voice",
            leave_out=lambda name: name.startswith(NOT_WANTED),
        )
    except PackagesMissing as error:
        raise NoRussianVoice(f"There is no Russian voice for test callers. {error}") from error
    voice = find_russian_voice()
    if voice is None:
        raise NoRussianVoice("Debian's Russian voice was unpacked but does not speak.")
    return voice


def _folder() -> Path:
    return cache_folder() / "festival-ru"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "").replace('"', "") + '"'


def main() -> None:
    """Bring it; without it the tests of Russian calls say so, loudly, and CI fails."""
    console = Console(stderr=True)
    try:
        with progress_bar(console) as report:
            install_russian_voice(report)
    except NoRussianVoice as error:
        console.print(str(error), style="bold red", markup=False, soft_wrap=True)
        sys.exit(1 if os.environ.get("CI") else 0)


if __name__ == "__main__":
    main()
