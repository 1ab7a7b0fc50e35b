"""What tests of virtual PBXs need: a house without a service, and a connection's settings for each vendor."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import aiohttp
from pydantic import SecretStr

from cti.virtual_pbx.contract import Hook, House, VirtualPbx
from cti.virtual_pbx.registry import vendor_type
from cti.virtual_pbx.settings import ConnectionSettings, Secret
from cti.virtual_pbx.simulators.port import SimulatedHook
from ivr.reception import KnownCaller
from ivr.scenario_file import load_scenario
from tickets.facts import Fact
from tickets.numbers import normalise_bare_number

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PUBLIC = "https://calls.example"
SCENARIO = load_scenario(Path(__file__).parents[3] / "scenarios" / "lottery.yaml")

_COMMON: dict[str, Any] = {"public_url": PUBLIC, "secrets": (Secret(value=SecretStr("a-long-test-secret")),)}
_MORE: dict[str, dict[str, Any]] = {
    "generic": {},
    "mango": {"api_key": SecretStr("the-test-key-of-the-pbx"), "queues": {"303": "support"}},
    "twilio": {
        "account_sid": "AC" + "0" * 32,
        "operators": {
            "sip:101@lottery.sip.twilio.com": "101",
            "client:ben": "102",
            "+12025550103": "103",
        },
    },
    "zadarma": {"key": "test-key", "timezone": "Europe/Kyiv"},
}
"""What a vendor's settings have besides."""


def settings_of(vendor: str, **changes: Any) -> ConnectionSettings:
    """Good settings of a connection."""
    return vendor_type(vendor).settings_type(**{**_COMMON, **_MORE[vendor], **changes})


async def nobody(call_id: str, number: str) -> KnownCaller | None:
    """A caller whom nobody knows."""
    return None


async def no_facts(call_id: str) -> list[Fact]:
    """Nothing was told."""
    return []


def house(now: datetime = START, session: aiohttp.ClientSession | None = None) -> House:
    """The lottery, at a standing clock. Without `session` only the pure parts of an adapter work."""
    session = session or cast(aiohttp.ClientSession, None)
    return House(
        SCENARIO, lambda number: normalise_bare_number(number, "US"), lambda: now, nobody, no_facts, session
    )


def adapter_of(vendor: str, **changes: Any) -> VirtualPbx[Any]:
    """A vendor's adapter in that house."""
    return vendor_type(vendor)(settings_of(vendor, **changes), house())


def arrive(hook: SimulatedHook, vendor: str) -> Hook:
    """A simulated webhook as the door hands it on."""
    path, _, query = hook.path.partition("?")
    headers = {name.title(): value for name, value in hook.headers.items()}
    url = f"{PUBLIC}/{vendor}{hook.path}"
    return Hook(hook.method, path, query, headers, hook.body, url)
