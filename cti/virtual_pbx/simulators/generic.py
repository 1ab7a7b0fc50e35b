"""A connector that pushes what Zammad takes."""

import json
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from aiohttp import web
from pydantic import SecretStr

from cti.virtual_pbx.settings import ConnectionSettings, Secret
from cti.virtual_pbx.simulators.port import SimulatedHook, Sound, beep
from cti.virtual_pbx.stories import Story, What
from tickets.facts import Fact
from tickets.vocabulary import Direction

_TOLD = {What.RINGS: "newCall", What.ANSWERED: "answer", What.HANGS_UP: "hangup"}


class GenericSimulator:
    """See `Simulator`."""

    vendor: ClassVar[str] = "generic"
    mute: ClassVar[frozenset[What]] = frozenset(What) - _TOLD.keys()

    def __init__(self) -> None:
        self.sound: Sound = beep

    def invent(self, public_url: str, api: str) -> ConnectionSettings:
        """See `Simulator.invent`."""
        secret = Secret(value=SecretStr(secrets.token_hex(16)))
        return ConnectionSettings(public_url=public_url, secrets=(secret,))

    def api(self, settings: ConnectionSettings) -> str:
        """See `Simulator.api`."""
        return ""

    def hooks(
        self, story: Story, settings: ConnectionSettings, start: datetime, native: str
    ) -> list[SimulatedHook]:
        """See `Simulator.hooks`."""
        secret = settings.secrets[0].value.get_secret_value()
        outward = story.direction is Direction.OUTBOUND
        about: dict[str, Any] = {
            "callId": native,
            "from": story.line if outward else story.caller,
            "to": story.caller if outward else story.line,
            "direction": "out" if outward else "in",
        }
        told, answered = [], False
        for step in story.as_told(self.mute).steps:
            if answered and step.what is What.ANSWERED:
                continue  # one answer is all it tells
            answered = answered or step.what is What.ANSWERED
            more = {
                What.RINGS: {},
                What.ANSWERED: {"answeringNumber": step.operator},
                What.HANGS_UP: {"cause": "normalClearing" if answered else "cancel"},
            }[step.what]
            body = json.dumps({"event": _TOLD[step.what], **about, **more}).encode()
            at = start + timedelta(seconds=step.at)
            told.append(SimulatedHook(at, f"/{secret}", {"Content-Type": "application/json"}, body))
        return told

    def records(self, story: Story, settings: ConnectionSettings, start: datetime, native: str) -> list[Fact]:
        """See `Simulator.records`."""
        return []

    def vendor_side(self, settings: ConnectionSettings) -> web.Application | None:
        """See `Simulator.vendor_side`."""
        return None
