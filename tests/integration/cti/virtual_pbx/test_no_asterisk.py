"""The whole service with no Asterisk: Zadarma's webhooks over HTTP, the desk, and the push outwards."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cti.ports import free_port
from cti.virtual_pbx.settings import write_connection
from cti.virtual_pbx.simulators.port import SimulatedHook
from cti.virtual_pbx.simulators.twilio import signed
from cti.virtual_pbx.simulators.zadarma import ZadarmaSimulator
from cti.virtual_pbx.stories import Step, Story, What, story
from cti.virtual_pbx.vendors.twilio.addresses import Page
from cti.virtual_pbx.vendors.twilio.settings import TwilioSettings
from cti.virtual_pbx.vendors.zadarma.adapter import ZadarmaSettings
from tests.fakes.service_process import ServiceProcess, service_process
from tests.fakes.virtual_pbx import settings_of
from tickets.accounts import AccountBook
from tickets.customers import CustomerBook
from tickets.database import open_database, utc_now
from tickets.vocabulary import Role

pytestmark = pytest.mark.integration

PASSWORD = "a password of 20 signs"  # of the test's accounts
CALLER = "+79161234567"  # of another country than the scenario's
WITHIN_S = 30.0
PROMPTS_S = 240.0  # where no earlier test has spoken them
LOOKED_S = 6.0  # after so long every keeper of something of Asterisk's has looked for it
_NO_ASTERISK = (
    "action=ami_", "action=queues_", "action=rooms_", "action=presence_", "action=seats_",
    "action=priorities_",
    "action=desk_", "action=call_back",
)  # fmt: skip


@dataclass
class Centre:
    """The service, the vendor that tells it, and somebody else's help desk that it tells."""

    service: ServiceProcess
    simulator: ZadarmaSimulator
    settings: ZadarmaSettings
    hooks_port: int
    pushed: list[dict[str, Any]] = field(default_factory=list)

    async def tell(self, hook: SimulatedHook) -> dict[str, Any]:
        """Send one webhook; the answer."""
        url = f"http://127.0.0.1:{self.hooks_port}/zadarma{hook.path}"
        async with (
            aiohttp.ClientSession() as client,
            client.post(url, data=hook.body, headers=hook.headers) as answer,
        ):
            assert answer.status == 200, await answer.text()
            told: dict[str, Any] = json.loads(await answer.text() or "{}")
            return told

    @asynccontextmanager
    async def person(self, login: str) -> AsyncIterator[aiohttp.ClientSession]:
        """A browser, logged in."""
        base = f"http://127.0.0.1:{self.service.http_port}"
        asked = {"login": login, "password": PASSWORD}
        async with (
            aiohttp.ClientSession(base) as client,
            client.post("/api/v1/session", json=asked) as answer,
        ):
            assert answer.status == 201, await answer.text()
            token = (await answer.json())["token"]
        async with aiohttp.ClientSession(base, headers={"Authorization": f"Bearer {token}"}) as browser:
            yield browser


async def until(what: Callable[[], Awaitable[Any]], within_s: float = WITHIN_S) -> Any:
    """What it gives, once it gives something."""
    async with asyncio.timeout(within_s):
        while True:
            if found := await what():
                return found
            await asyncio.sleep(0.05)


async def get(browser: aiohttp.ClientSession, path: str) -> Any:
    async with browser.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


@asynccontextmanager
async def centre(folder: Path, **more: Any) -> AsyncIterator[Centre]:
    simulator, pushed = ZadarmaSimulator(), list[dict[str, Any]]()
    hooks_port = free_port()

    async def take(request: web.Request) -> web.Response:
        pushed.append(await request.json())
        return web.json_response({})

    desk = web.Application()
    desk.router.add_post("/cti/token", take)
    invented = simulator.invent("http://calls.example", "")
    async with TestServer(simulator.vendor_side(invented)) as vendor, TestServer(desk) as other:
        settings = invented.model_copy(update={"api_url": f"http://127.0.0.1:{vendor.port}", **more})
        files = folder / "virtual-pbx"
        files.mkdir()
        (files / "zadarma.json").write_text(settings.model_dump_json())
        target = {"url": f"http://127.0.0.1:{other.port}/cti/token"}
        (files / "push.json").write_text(json.dumps({"targets": {"desk": target}}))
        quiet = {"ASTERISK": "no", "HOOKS_PORT": hooks_port, "PROMPTS": folder / "prompts"}
        async with service_process(folder, quiet) as service:
            await people(service)
            await service.up()
            yield Centre(service, simulator, settings, hooks_port, pushed)


async def people(service: ServiceProcess) -> None:
    database = open_database(f"sqlite+aiosqlite:///{service.database}")
    try:
        accounts, customers = AccountBook(database.sessions), CustomerBook(database.sessions)
        await accounts.add("anna", PASSWORD, Role.OPERATOR, "Anna Berg", extension="101")
        await accounts.add("sofia", PASSWORD, Role.SUPERVISOR, "Sofia Lund", extension="103")
        await customers.add("Alice Archer", [CALLER], vip_level=2)
    finally:
        await database.close()


LONG = Story("long", "A call that goes on", (Step(0, What.RINGS), Step(2, What.OFFERED, "101"),
             Step(6, What.ANSWERED, "101"), Step(66, What.HANGS_UP, "101", word="caller")),
             story("answered").ending, caller=CALLER.removeprefix("+"))  # fmt: skip


async def test_a_call_pops_with_who_calls_is_commanded_ends_as_one_ticket_and_is_pushed(
    tmp_path: Path,
) -> None:
    async with centre(tmp_path, vip_to={1: "103"}) as we, we.person("anna") as anna:
        rings, offered, answers, ends = we.simulator.hooks(LONG, we.settings, utc_now(), "in_one")
        assert b"caller_id=79161234567" in rings.body  # as vendors write it, without a plus
        told = await we.tell(rings)
        assert told == {"caller_name": "Alice Archer", "redirect": "103", "return_timeout": 20}

        await we.tell(offered)

        async def popped() -> Any:
            call = (await get(anna, "/api/v1/desk"))["call"]
            return call if call and call["customer"] else None

        pop = await until(popped)
        assert (pop["state"], pop["customer"]["name"], pop["vip_level"]) == ("ringing", "Alice Archer", 2)
        assert (pop["hand_over"], pop["tools"]) == ("vip", [])

        await we.tell(answers)
        call_id = pop["call_id"]

        async def talks() -> bool:
            return bool((await get(anna, "/api/v1/desk"))["call"]["state"] == "talking")

        await until(talks)
        for command in ({"command": "hang_up"}, {"command": "hold"}, {"command": "transfer", "to": "102"}):
            async with anna.post(f"/api/v1/calls/{call_id}/commands", json=command) as answer:
                assert answer.status == 409
                assert "Zadarma" in (await answer.json())["detail"]

        await we.tell(ends)

        async def ended() -> Any:
            async with we.person("sofia") as sofia:
                calls = (await get(sofia, "/api/v1/calls"))["items"]
                return calls if calls and calls[0]["state"] == "ended" else None

        (call,) = await until(ended)
        assert (call["outcome"], call["operator"], call["hand_over"]) == (
            "answered_by_operator",
            "101",
            "vip",
        )

        async def was_pushed() -> bool:
            return [one["event"] for one in we.pushed] == ["newCall", "answer", "hangup"]

        await until(was_pushed)
        assert we.pushed[0]["from"] == CALLER.removeprefix("+")


async def test_without_asterisk_the_service_is_ready_quiet_and_calls_through_the_vendor(
    tmp_path: Path,
) -> None:
    async with centre(tmp_path) as we, we.person("anna") as anna:
        status, ready = await we.service.probe("readyz")
        assert status == 200, ready
        assert "ami" not in json.dumps(ready)
        async with anna.post("/api/v1/calls", json={"number": "+12025550168"}) as answer:
            assert answer.status == 202, await answer.text()
        assert we.simulator.called_back == [("101", "12025550168")]
        async with anna.post("/api/v1/calls", json={"number": "112"}) as answer:
            assert answer.status == 400
        async with anna.post("/api/v1/presence", json={"presence": "ready"}) as answer:
            assert answer.status < 300, await answer.text()
        desk = await get(anna, "/api/v1/desk")
        assert (desk["me"]["presence"], desk["me"]["phone"]) == ("ready", "own")
        for page in ("/desk", "/calls", "/tickets", "/now"):
            async with anna.get(page) as answer:
                assert (answer.status, answer.url.path) == (200, page)
        await asyncio.sleep(LOOKED_S)
        assert list((tmp_path / "prompts").glob("**/*.wav")) == []  # nobody hears them
        said = we.service.said()
        assert "action=service_up" in said  # it is there, and written as what is looked for below
        assert "Traceback" not in said
        for trouble in _NO_ASTERISK:
            assert trouble not in said, said


async def test_a_vendor_whose_callers_we_speak_to_may_come_later_and_rings_operators_until_we_can(
    tmp_path: Path,
) -> None:
    hooks_port = free_port()
    settings = cast(TwilioSettings, settings_of("twilio", public_url=f"http://127.0.0.1:{hooks_port}"))
    async with (
        service_process(tmp_path, {"ASTERISK": "no", "HOOKS_PORT": hooks_port}) as service,
        aiohttp.ClientSession() as client,
    ):
        await service.up()
        assert "prompts_begun" not in service.said()
        write_connection(tmp_path / "virtual-pbx" / "twilio.json", settings)
        answers = list[str]()

        async def is_greeted() -> bool:
            fields = {"CallSid": f"CA{len(answers)}", "From": "+12025550143", "To": "+18005550100"}
            told = {**fields, "CallStatus": "ringing", "Direction": "inbound"}
            hook = signed(settings, utc_now(), Page.VOICE, "", told)
            url = f"http://127.0.0.1:{hooks_port}/twilio{hook.path}"
            try:
                async with client.post(url, data=hook.body, headers=hook.headers) as answer:
                    assert answer.status == 200
                    answers.append(await answer.text())
            except aiohttp.ClientConnectorError:
                return False  # the door opens with the connection
            return "<Gather" in answers[-1]

        await until(is_greeted, within_s=PROMPTS_S)
        assert all("<Dial" in answer and "sip:101@" in answer for answer in answers[:-1])
        assert "prompts_ready" in service.said()
