"""What tests of every height share: the real Asterisk, its human voice, a synthesiser; and loud skips."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from cti.asterisk.install import Program, find_asterisk

THOROUGH = bool(os.environ.get("PRESSZERO_THOROUGH"))
"""`make chaos` looks at more examples and holds more conversations than `make test`."""

# A busy machine makes no test fail: how fast something is belongs to bench/.
settings.register_profile(
    "unhurried",
    deadline=None,
    max_examples=500 if THOROUGH else 30,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")


def examples(least: int) -> settings:
    """For a property that wants more of them than the profile gives; `make chaos` deepens it all the same."""
    return settings(max_examples=max(least, 500) if THOROUGH else least)


FIRST_PROMISE = examples(150)
"""For what says that nobody is trapped: thirty of all conversations that can be are soon right by luck."""

LOUD = "LOUD:"
_loud_skips: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what was skipped for want of a real part."""
    if report.skipped and isinstance(report.longrepr, tuple) and LOUD in report.longrepr[2]:
        _loud_skips.append(f"{report.nodeid}: {report.longrepr[2]}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a missing real part is a failure, not a skip."""
    if _loud_skips and os.environ.get("CI") and exitstatus == 0:
        print("\nCI does without no real part:", *_loud_skips, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def asterisk() -> Program:
    """A real Asterisk."""
    program = find_asterisk()
    if program is None:
        pytest.skip(f"{LOUD} there is no Asterisk; `presszero pbx install` gets one")
    return program


@pytest.fixture(scope="session")
def asterisk_tree(asterisk: Program) -> Path:
    """Root under which Debian's asterisk-core-sounds lie."""
    return asterisk.tree or Path("/")


@pytest.fixture(scope="session")
def espeak(asterisk: Program) -> Callable[[str, str, Path], None]:
    """Speak a text in a language into a WAV file."""
    command = asterisk.espeak
    if command is None:
        pytest.skip(f"{LOUD} there is no espeak-ng")

    def speak(text: str, voice: str, out: Path) -> None:
        subprocess.run([*command, "-v", voice, "-w", str(out), text], check=True, timeout=30)

    return speak
