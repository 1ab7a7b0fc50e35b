"""What runs the service for good agrees with it: the systemd unit, the compose file, the settings."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from cti.asterisk.instance import OPEN_FILES
from cti.process.drain import HAND_OVER_S
from cti.process.guard import SILENCE_S
from cti.process.heartbeat import BEAT_S
from cti.settings import Settings

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
CLOSING_S = 20  # doors, events that settle, links: each has a deadline, and they add up to less


def seconds(span: str) -> float:
    """`90s`, `10min`, `1m30s`: as systemd and compose write them."""
    parts = re.fullmatch(r"(?:(\d+)m(?:in)?)?(?:(\d+)s)?", span)
    assert parts is not None, span
    return int(parts[1] or 0) * 60 + int(parts[2] or 0)


@pytest.fixture
def unit() -> dict[str, list[str]]:
    """Keys of the unit; a key can stand there more than once."""
    found = defaultdict(list)
    for line in (ROOT / "deploy" / "presszero.service").read_text().splitlines():
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            found[key].append(value)
    return found


@pytest.fixture
def containers() -> dict[str, dict[str, object]]:
    """The services of the compose file."""
    found: dict[str, dict[str, object]] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())[
        "services"
    ]
    return found


@pytest.fixture
def service(containers) -> dict[str, object]:
    """Ours among them."""
    found: dict[str, object] = containers["presszero"]
    return found


def limit(environment: dict[str, str]) -> float:
    return float(environment["PRESSZERO_STOP_WITHIN_S"])


def of_unit(unit: dict[str, list[str]]) -> dict[str, str]:
    return dict(pair.split("=", 1) for line in unit["Environment"] for pair in line.split())


def test_all_three_give_callers_the_same_time(unit, service) -> None:
    default = Settings.model_fields["stop_within_s"].default
    assert limit(of_unit(unit)) == limit(service["environment"]) == default


def test_nobody_kills_it_before_it_has_had_its_time(unit, service) -> None:
    needed = limit(of_unit(unit)) + HAND_OVER_S + CLOSING_S
    for given in (unit["TimeoutStopSec"][0], service["stop_grace_period"]):
        assert needed <= seconds(given) <= needed + 10


def test_the_watchdog_comes_after_the_guard_and_misses_no_beat(unit) -> None:
    watchdog = seconds(unit["WatchdogSec"][0])
    assert watchdog > SILENCE_S + 2
    assert watchdog / 2 > BEAT_S
    assert unit["WatchdogSignal"] == ["SIGKILL"]  # a stopped process obeys no other


def test_it_comes_back_whatever_ended_it(unit, containers) -> None:
    assert unit["Restart"] == ["always"]
    assert unit["StartLimitIntervalSec"] == ["0"]
    assert {name: found.get("restart") for name, found in containers.items()} == dict.fromkeys(
        ("postgres", "asterisk", "presszero"), "unless-stopped"
    )


def test_the_pbx_in_its_container_may_open_files_for_a_thousand_calls(containers) -> None:
    assert containers["asterisk"]["ulimits"] == {"nofile": OPEN_FILES}


def test_the_signal_reaches_the_service_and_the_guard_can_kill_it(unit, service) -> None:
    assert unit["KillMode"] == ["mixed"]
    assert service["init"] is True  # as process 1 it could not be killed from within


def test_compose_asks_whether_it_is_ready(service) -> None:
    check = service["healthcheck"]
    assert "/readyz" in " ".join(check["test"])
    assert seconds(check["start_period"]) == 600


def test_settings_in_unit_and_compose_exist(unit, service) -> None:
    known = {f"PRESSZERO_{name.upper()}" for name in Settings.model_fields} | {"PRESSZERO_DATABASE_FILE"}
    assert set(of_unit(unit)) <= known
    assert set(service["environment"]) <= known
