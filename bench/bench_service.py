"""Memory of the whole service while nobody calls, beside a process that only holds the recogniser."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

from cti.asterisk.install import cache_folder
from cti.demo.exchange import own_settings
from tests.fakes.scenarios import lottery, write_scenario
from tests.house.centre import environment
from tickets.database import migrate

READY_S = 120.0
BARE = """
import sys
from voicebot.recognizers.whisper import Whisper
whisper = Whisper()
print("ready", flush=True)
sys.stdin.read()
"""


def run() -> list[dict[str, object]]:
    """With English alone, as it is installed; and with Russian beside it."""
    bare = _bare_recogniser()
    with tempfile.TemporaryDirectory(prefix="pz-bench-") as folder:
        english = _service(Path(folder), languages=False)
    with tempfile.TemporaryDirectory(prefix="pz-bench-") as folder:
        both = _service(Path(folder), languages=True)
    figures = {
        "Memory of an idle service": english,
        "Memory of an idle service with two languages, a recogniser for each": both,
    }
    return [
        {"name": name, "figure": figure, "unit": "MB (PSS)", "baseline": bare, "ratio": figure / bare}
        for name, figure in figures.items()
    ]


def _bare_recogniser() -> float:
    process = subprocess.Popen(
        [sys.executable, "-c", BARE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return _memory_mb(process.pid)
    finally:
        process.kill()
        process.wait()


def _service(folder: Path, *, languages: bool) -> float:
    scenario = write_scenario(lottery(languages=languages), folder / "scenario.yaml")
    settings = own_settings(folder, prompts=cache_folder() / "test-prompts")
    migrate(settings.database_url)
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "presszero"), "serve"],
        env={**os.environ, **environment(settings, scenario)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            with suppress(OSError):
                # Alive is enough: without a PBX it is never ready.
                urllib.request.urlopen(f"http://127.0.0.1:{settings.http_port}/healthz", timeout=2)
                time.sleep(2)  # let the start's garbage go
                return _memory_mb(process.pid)
            time.sleep(0.2)
        raise TimeoutError("the service did not start")
    finally:
        process.terminate()
        process.wait(30)


def _memory_mb(pid: int) -> float:
    """Proportional set size: shared pages count once."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the kernel does not tell the memory")
