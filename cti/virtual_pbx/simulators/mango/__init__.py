"""Mango Office as it looks from here."""

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

from aiohttp import web
from pydantic import SecretStr

from cti.virtual_pbx.settings import Secret
from cti.virtual_pbx.simulators.mango.play import Play, statistics
from cti.virtual_pbx.simulators.mango.service import MangoService
from cti.virtual_pbx.simulators.port import SimulatedHook, Sound, beep
from cti.virtual_pbx.stories import SUPPORT, Story, What
from cti.virtual_pbx.vendors.mango import MangoSettings
from cti.virtual_pbx.vendors.mango.records import LONG_QUIET, past_facts
from cti.virtual_pbx.vendors.mango.signature import signed_form
from cti.virtual_pbx.vendors.mango.words import COLUMNS
from tickets.database import utc_now
from tickets.facts import Fact

MOST_CALLS = 10_000  # remembered, the newest
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class MangoSimulator:
    """See `Simulator`. What it was asked to play is in its statistics, and can be commanded."""

    vendor: ClassVar[str] = "mango"
    mute: ClassVar[frozenset[What]] = frozenset({What.VOICEMAIL})

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self.sound: Sound = beep
        self.played: dict[str, Play] = {}  # by `entry_id`

    def invent(self, public_url: str, api: str) -> MangoSettings:
        """See `Simulator.invent`."""
        return MangoSettings(
            public_url=public_url,
            secrets=(Secret(value=SecretStr(secrets.token_hex(16))),),
            api_key=SecretStr(secrets.token_hex(16)),
            queues={"300": SUPPORT},
            base_url=f"{api}/vpbx",
        )

    def api(self, settings: MangoSettings) -> str:
        """See `Simulator.api`."""
        return settings.base_url

    def hooks(
        self, story: Story, settings: MangoSettings, start: datetime, native: str
    ) -> list[SimulatedHook]:
        """See `Simulator.hooks`."""
        return self.play(Play(story.as_told(self.mute), settings, start, native), settings)

    def play(self, play: Play, settings: MangoSettings) -> list[SimulatedHook]:
        """The webhooks of a call, which is remembered from now on."""
        self.played[play.native] = play
        while len(self.played) > MOST_CALLS:
            del self.played[next(iter(self.played))]
        key, salt = settings.api_key.get_secret_value(), settings.secrets[0].value.get_secret_value()
        return [
            SimulatedHook(one.at, f"/{one.path}", _FORM, signed_form(key, salt, one.told))
            for one in play.told
        ]

    def records(self, story: Story, settings: MangoSettings, start: datetime, native: str) -> list[Fact]:
        """See `Simulator.records`."""
        play = Play(story.as_told(self.mute), settings, start, native)
        until = max(play.told, key=lambda one: one.at).at + 2 * LONG_QUIET
        return past_facts(self.vendor, statistics(play.rows(until), COLUMNS), until)

    def vendor_side(self, settings: MangoSettings) -> web.Application:
        """See `Simulator.vendor_side`."""
        return MangoService(self, settings, self._clock).application()
