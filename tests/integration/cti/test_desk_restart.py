"""The service is killed in the middle of a call and started again: its desk shows the true state at once.

The real process; the PBX is a fake that says what a real one said, and knows of the call when it is asked.
"""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.bench_ami import patterns
from tests.fakes.ami_server import FakeAmi, Headers, fake_ami, message
from tests.fakes.service_process import ServiceProcess, service_process
from tickets.accounts import AccountBook
from tickets.customers import CustomerBook
from tickets.database import open_database
from tickets.vocabulary import Role

pytestmark = pytest.mark.integration

CALL = "pz-1795293936.1"
BACK_S = 3.0
PASSWORD = "correct horse battery"
CALLER = "+18005551111"


class Pbx:
    """Tells the captured call, up to where a test wants it."""

    def __init__(self, ami: FakeAmi) -> None:
        self.ami, self.rings, self.talks = ami, False, False
        self._messages = list(patterns()[CALL].messages)
        ami.answers["CoreShowChannels"] = self._channels
        ami.answers["QueueStatus"] = self._queues
        for name in ("Getvar", "Setvar", "QueuePause"):
            ami.answers[name] = lambda headers: message(
                ("Response", "Success"), ("ActionID", headers["ActionID"]), ("Value", "")
            )

    def tell_until(self, event: str) -> None:
        """Everything up to the first event of that name, with it."""
        while self._messages:
            _, block = self._messages.pop(0)
            now = b"Timestamp: %.6f" % time.time()
            self.ami.say(re.sub(rb"(?m)^Timestamp: [\d.]+", now, block) + b"\r\n\r\n")
            if block.startswith(f"Event: {event}\r\n".encode()):
                break
        self.rings = self.rings or event == "AgentCalled"
        self.talks = self.talks or event == "AgentConnect"

    def _list(self, headers: Headers, name: str, *items: tuple[tuple[str, object], ...]) -> bytes:
        number = ("ActionID", headers["ActionID"])
        begin = message(("Response", "Success"), number, ("EventList", "start"))
        listed = [message(("Event", name), number, *item) for item in items]
        return b"".join([begin, *listed, message(("Event", "Done"), number, ("EventList", "Complete"))])

    def _channels(self, headers: Headers) -> bytes:
        def channel(name: str, uniqueid: str, state: str) -> tuple[tuple[str, object], ...]:
            return (
                ("Channel", name), ("ChannelStateDesc", state), ("CallerIDNum", CALLER),
                ("Context", "presszero-call"), ("Exten", "operator"), ("Priority", 6), ("Uniqueid", uniqueid),
                ("Linkedid", CALL), ("Application", "Queue"), ("Duration", "00:00:09"),
                ("BridgeId", "b1" if self.talks else ""),
            )  # fmt: skip

        caller = channel("PJSIP/trunk-00000001", CALL, "Up")
        phone = channel("PJSIP/101-00000002", "pz-1795293937.2", "Up" if self.talks else "Ringing")
        return self._list(headers, "CoreShowChannel", *([caller, phone] if self.rings else []))

    def _queues(self, headers: Headers) -> bytes:
        status = 2 if self.talks else 6 if self.rings else 1
        seat = (
            ("Queue", "support"), ("Name", "PJSIP/101"), ("Location", "PJSIP/101"), ("Status", status),
            ("Paused", 0), ("InCall", int(self.talks)), ("PausedReason", ""),
        )  # fmt: skip
        return self._list(headers, "QueueMember", seat)


@asynccontextmanager
async def service(folder: Path, ami: FakeAmi) -> AsyncIterator[ServiceProcess]:
    settings = {"AMI_PORT": ami.port, "AMI_SECRET": ami.secret, "LOG_FORMAT": "json"}
    async with service_process(folder, settings) as process:
        await process.up()
        yield process


async def log_in(process: ServiceProcess) -> str:
    database = open_database(f"sqlite+aiosqlite:///{process.database}")
    accounts = AccountBook(database.sessions, deadline_s=20)
    await accounts.add("grace", PASSWORD, Role.OPERATOR, "Grace Okafor", extension="101")
    await CustomerBook(database.sessions, deadline_s=20).add("Nora Whitfield", [CALLER], 2)
    token = await accounts.authenticate("grace", PASSWORD)
    await database.close()
    return token


async def desk_until(process: ServiceProcess, token: str, state: str, within_s: float) -> dict[str, Any]:
    """The call on the desk as soon as it is in that state, over a new stream."""
    headers = {"Authorization": f"Bearer {token}"}
    address = f"http://127.0.0.1:{process.http_port}/desk/stream"
    seen: list[Any] = []
    try:
        async with (
            asyncio.timeout(within_s),
            aiohttp.ClientSession(headers=headers) as browser,
            browser.get(address) as stream,
        ):
            async for line in stream.content:
                if line.startswith(b"data: {"):
                    call = json.loads(line.removeprefix(b"data: "))["call"]
                    seen.append(call and (call["state"], call["customer"] and call["customer"]["name"]))
                    if call and call["state"] == state and call["customer"] and call["ticket"]:
                        return dict(call)
    except (TimeoutError, aiohttp.ClientError) as error:
        told = f"{type(error).__name__}, exit code {process.process.returncode}"
        raise AssertionError(f"the desk showed {seen}: {told}; {process.said()[-3000:]}") from error
    raise AssertionError(f"the stream ended after {seen}")


@pytest.mark.parametrize("state", ["ringing", "talking"])
async def test_a_killed_service_shows_the_call_again_within_three_seconds(tmp_path: Path, state: str) -> None:
    async with fake_ami() as ami:
        pbx = Pbx(ami)
        async with service(tmp_path, ami) as first:
            token = await log_in(first)
            pbx.tell_until("AgentCalled")
            before = await desk_until(first, token, "ringing", 20)
            if state == "talking":
                pbx.tell_until("AgentConnect")
                before = await desk_until(first, token, "talking", 20)
            await asyncio.sleep(1)  # the ledger has it; of what it has not, the PBX has to tell
            first.process.kill()
            await first.process.wait()
        async with service(tmp_path, ami) as second:
            after = await desk_until(second, token, state, BACK_S)
            assert after["call_id"] == CALL
            assert (after["ticket"], after["number"], after["since"]) == (
                before["ticket"], before["number"], before["since"]
            )  # fmt: skip
            assert after["customer"]["name"] == "Nora Whitfield"
            pbx.tell_until("AgentConnect")
            pbx.tell_until("AgentComplete")
            await desk_until(second, token, "wrap_up", 20)
