"""The engines tell nobody that they run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

LOAD = """
import voicebot
from faster_whisper.vad import get_vad_model
get_vad_model()
"""


def test_no_library_notes_down_what_machine_this_is(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", LOAD],
        check=True,
        timeout=60,
        env=kept | {"HOME": str(tmp_path)},
        cwd=Path(__file__).parents[3],
    )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
