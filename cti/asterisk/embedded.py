"""From the scenario to a PBX: secrets made at the first run, the plan of the configuration, the folders.

Joins `ivr.scenario` with `config` and `instance`; starts nothing by itself.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cti.asterisk.config import (
    RTP_PORTS,
    WEB,
    EmbeddedPlan,
    InstancePlan,
    PbxPlan,
    Phone,
    QueuePlan,
    write_embedded,
)
from cti.asterisk.install import Program
from cti.asterisk.instance import Instance
from ivr.scenario import Queue, Scenario
from tickets.numbers import digit_forms

GUEST, GUEST_NUMBER = "presszero-guest", "+12025550177"  # who rings in from the demo's page; nobody's number
TRUNK_ENDPOINT = "presszero-trunk"  # the embedded PBX's endpoint towards the telephone network


@dataclass(frozen=True, slots=True)
class PbxSecrets:
    """Passwords between us and the PBX; made here, never shipped."""

    ami: str
    phones: Mapping[str, str]  # extension → SIP password
    web_phones: Mapping[str, str]  # extension → password of the phone in the page
    guest: str  # of those who ring in from the demo's page


def keep_secrets(file: Path, extensions: list[str]) -> PbxSecrets:
    """Read the secrets, making those that are missing; the file is readable by this user alone."""
    try:
        known = json.loads(file.read_text())
    except FileNotFoundError:
        known = {}
    kept = PbxSecrets(
        ami=known.get("ami") or secrets.token_urlsafe(24),
        phones=_passwords(known.get("phones", {}), extensions),
        web_phones=_passwords(known.get("web_phones", {}), extensions),
        guest=known.get("guest") or secrets.token_urlsafe(12),
    )
    if asdict(kept) != known:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: half a file would lock us out of our own PBX.
        made = file.with_suffix(".new")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(asdict(kept), out, indent=1)
        made.replace(file)
    return kept


def _passwords(known: Mapping[str, str], extensions: list[str]) -> dict[str, str]:
    return {name: known.get(name) or secrets.token_urlsafe(12) for name in extensions}


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the PBX finds us, as seen from the PBX."""

    agi_host: str = "127.0.0.1"
    agi_port: int = 4573
    audiosocket_host: str = "127.0.0.1"
    audiosocket_port: int = 9092


def plan_pbx(
    scenario: Scenario,
    kept: PbxSecrets,
    doors: Doors,
    *,
    prompts: Path,
    spool: Path,
    trunk: str = TRUNK_ENDPOINT,
) -> PbxPlan:
    """What the scenario asks of the PBX. `prompts`: folder of those that the dialplan plays itself."""
    duty = scenario.duty_phone
    local = duty in scenario.operators
    return PbxPlan(
        prompts=prompts.absolute(),
        spool=spool.absolute(),
        ami_secret=kept.ami,
        queues={name: _queue(queue) for name, queue in scenario.queues.items()},
        operators={
            extension: Phone(name, kept.phones[extension], kept.web_phones[extension])
            for extension, name in scenario.operators.items()
        },
        language=scenario.language,
        line_languages=_by_digits(scenario),
        trunk=trunk,
        call_back=scenario.call_back is not None,
        duty_dial=f"PJSIP/{duty}&PJSIP/{duty}{WEB}" if local else f"PJSIP/{duty}@{trunk}" if duty else "",
        agi_host=doors.agi_host,
        agi_port=doors.agi_port,
        audiosocket_host=doors.audiosocket_host,
        audiosocket_port=doors.audiosocket_port,
    )


def _by_digits(scenario: Scenario) -> dict[str, str]:
    """Line → language, by the digits that a network may send for it: with the country's code and without."""
    found: dict[str, str] = {}
    for line, language in scenario.line_languages.items():
        for written in digit_forms(line, scenario.region):
            found[written] = language
    return found


def _queue(queue: Queue) -> QueuePlan:
    return QueuePlan(queue.operators, queue.ring_s, queue.wait_s, queue.music)


def build_embedded(
    program: Program, plan: PbxPlan, folder: Path, embedded: EmbeddedPlan, rtp_start: int
) -> Instance:
    """Write the configuration of an embedded PBX into `folder` and return it, not started."""
    folder = folder.absolute()
    plan.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    instance = InstancePlan(folder, program.modules, rtp_start, rtp_start + RTP_PORTS - 1)
    write_embedded(plan, instance, embedded)
    return Instance(program, folder, embedded.ami_port)
