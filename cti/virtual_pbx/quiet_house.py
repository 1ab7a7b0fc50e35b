"""What adapters are lent where no service runs: nobody is known, and nothing was told before."""

from typing import cast

import aiohttp

from cti.virtual_pbx.contract import House
from ivr.reception import KnownCaller
from ivr.scenario import Scenario
from tickets.database import utc_now
from tickets.facts import Fact
from tickets.numbers import normalise_bare_number


def quiet_house(scenario: Scenario, session: aiohttp.ClientSession | None = None) -> House:
    """Without a session only the pure parts of an adapter work."""

    async def nobody_known(call_id: str, number: str) -> KnownCaller | None:
        return None

    async def no_facts(call_id: str) -> list[Fact]:
        return []

    def normalise(number: str) -> str | None:
        return normalise_bare_number(number, scenario.region)

    lent = session or cast(aiohttp.ClientSession, None)
    return House(scenario, normalise, utc_now, nobody_known, no_facts, lent)
