"""A service that has no Asterisk, connected to a simulated Twilio: for tests of whole calls."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from cti.app import Service, running
from cti.asterisk.install import cache_folder
from cti.ports import free_port
from cti.settings import Settings
from cti.virtual_pbx.contract import neutral_id
from cti.virtual_pbx.settings import Secret, write_connection
from cti.virtual_pbx.simulators.twilio import TwilioSimulator, sid
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from ivr.scenario_file import load_scenario
from tests.fakes.audiosocket_client import AUDIO, Heard, Hearer
from tests.fakes.outcome import Outcome, ended_call, outcome_in
from tests.fakes.scenarios import at_any_hour, write_scenario
from tests.fakes.twilio_followed import FollowedCall, Script
from tickets.call import Call
from tickets.customers import CustomerBook
from tickets.database import Database, migrate, open_database

ALICE, BEN = "sip:101@lottery.sip.twilio.com", "client:ben"
LINE, CALLER = "+18005550100", "+12025550143"
VIP = "+12025550133"


class Listening(Hearer):
    """What a caller hears of the bot."""

    def hear(self, frame: bytes) -> None:
        self.heard.append(Heard(asyncio.get_running_loop().time(), AUDIO, frame))
        self._news.set()


@dataclass
class TwilioCentre:
    """The service, Twilio, and how to ring."""

    service: Service
    settings: Settings
    connection: TwilioSettings
    simulator: TwilioSimulator
    session: aiohttp.ClientSession
    database: Database

    def call(self, native: str, *, caller: str = CALLER, ear: Listening | None = None) -> FollowedCall:
        """A call that is about to come in."""
        hears = ear.hear if ear is not None else lambda frame: None
        return FollowedCall(
            self.connection, self.session, self.simulator.side, native, caller=caller, line=LINE, hears=hears
        )

    async def rings(self, native: str, script: Script, within_s: float = 60, **about: Any) -> FollowedCall:
        """Ring, and come to the end."""
        call = self.call(native, **about)
        async with asyncio.timeout(within_s):
            await call.ring(script)
        return call

    async def outcome(self, native: str, *, transcript: bool = False, within_s: float = 60) -> Outcome:
        """What lies on the desk once the call is over and its recording has come."""
        return await outcome_in(
            self.database, self.settings.recordings_folder, neutral_id("twilio", sid("CA", native)),
            transcript=transcript, within_s=within_s,
        )  # fmt: skip

    async def ended(self, native: str) -> Call:
        """The call as the ledger has it once it is over; for one of which no recording comes."""
        return await ended_call(self.database, neutral_id("twilio", sid("CA", native)))


@asynccontextmanager
async def twilio_centre(folder: Path) -> AsyncIterator[TwilioCentre]:
    """Everything at work, with a customer who is a VIP."""
    content = at_any_hour()
    content["queues"]["support"]["ring_s"] = 5
    scenario = load_scenario(write_scenario(content, folder / "twilio.yaml"))
    hooks = free_port()
    settings = Settings.read(
        data=folder / "data", http_port=0, hooks_port=hooks, asterisk=False,
        prompts=cache_folder() / "test-prompts",
    )  # fmt: skip
    settings.data.mkdir()
    await asyncio.to_thread(migrate, settings.database_url)
    simulator = TwilioSimulator()
    connection = TwilioSettings(
        public_url=f"http://127.0.0.1:{hooks}",
        secrets=(Secret(value=SecretStr("a-long-test-secret")),),
        account_sid="AC" + "0" * 32,
        api=f"http://127.0.0.1:{free_port()}",
        operators={ALICE: "101", BEN: "102"},
    )
    write_connection(settings.connections_folder / "twilio.json", connection)
    runner = web.AppRunner(simulator.side.application(connection))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(connection.api.rpartition(":")[2])).start()
    database = open_database(settings.database_url)
    try:
        async with aiohttp.ClientSession() as session, running(settings, scenario) as service:
            book = CustomerBook(database.sessions)
            await book.add(name="Victoria Stone", numbers=[VIP], vip_level=2)
            yield TwilioCentre(service, settings, connection, simulator, session, database)
    finally:
        await database.close()
        await runner.cleanup()
