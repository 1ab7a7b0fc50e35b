"""`presszero connect` as people run it: beside a running service, and without one."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from cti.ports import free_port
from cti.virtual_pbx.door_plate import DoorPlate
from cti.virtual_pbx.reach import ask_ourselves
from cti.virtual_pbx.settings import write_connection
from cti.virtual_pbx.vendors.mango import REAL
from cti.virtual_pbx.watching import look
from tests.fakes.service_process import COMMAND, service_process
from tests.fakes.until import until
from tests.fakes.virtual_pbx import settings_of

pytestmark = pytest.mark.integration

NEW_CALL = {
    "event": "newCall",
    "callId": "1",
    "from": "+12025550143",
    "to": "+18005550100",
    "direction": "in",
}
PATIENCE_S = 90.0


class Person:
    """At a terminal of the machine that has the data folder."""

    def __init__(self, data: Path, port: int) -> None:
        self.data, self.port = data, port
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PRESSZERO_")}
        self.environment = {**clean, "PRESSZERO_DATA": str(data), "PRESSZERO_HOOKS_PORT": str(port)}

    async def start(self, *arguments: str, command: str = "connect") -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            COMMAND, command, *arguments, env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def runs(self, *arguments: str) -> tuple[int, str]:
        """Exit code and what it said."""
        return await said(await self.start(*arguments))

    def token(self) -> str:
        """The newest."""
        told = json.loads((self.data / "virtual-pbx" / "generic.json").read_text())
        return str(told["secrets"][0]["value"])

    async def tells(self, token: str) -> int:
        """The vendor: a call has come; the status of the answer, 0 where nobody answers."""
        address = f"http://127.0.0.1:{self.port}/generic/{token}"
        try:
            async with aiohttp.ClientSession() as session, session.post(address, json=NEW_CALL) as answer:
                return answer.status
        except aiohttp.ClientError:
            return 0


async def said(process: asyncio.subprocess.Process) -> tuple[int, str]:
    async with asyncio.timeout(PATIENCE_S):
        output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_without_a_service_the_command_stands_at_the_door(tmp_path: Path) -> None:
    person = Person(tmp_path, free_port())
    url = f"http://127.0.0.1:{person.port}"
    process = await person.start("generic", "--url", url, "--wait", "60")
    await until(lambda: _is(person.tells("wrong"), 403), PATIENCE_S)
    assert await person.tells(person.token()) == 200
    code, words = await said(process)
    assert code == 0, words
    assert f"{url}/generic/{person.token()}" in words
    assert "leads to our door, without TLS" in words
    assert "paste the address into the cabinet as it stands above" in words
    assert "newCall  caller +120••••••43  kept" in words
    assert "5550143" not in words
    assert (tmp_path / "virtual-pbx" / "generic.json").stat().st_mode & 0o777 == 0o600
    # For the service, when it starts: the command has made no database.
    assert (tmp_path / "intake" / "waiting-facts.jsonl").read_text().count("\n") == 1
    assert not (tmp_path / "presszero.sqlite3").exists()


async def test_beside_a_running_service_it_is_connected_rotated_and_ended_without_a_restart(
    tmp_path: Path,
) -> None:
    port = free_port()
    person = Person(tmp_path, port)
    async with service_process(tmp_path, {"ASTERISK": "no", "HOOKS_PORT": port}) as service:
        await service.up()
        process = await person.start("generic", "--url", f"http://127.0.0.1:{port}", "--wait", "60")
        file = tmp_path / "virtual-pbx" / "generic.json"
        await until(file.exists, PATIENCE_S)
        first = person.token()
        await until(lambda: _is(person.tells(first), 200), PATIENCE_S)
        code, words = await said(process)
        assert code == 0, words
        assert "The service goes by these settings" in words
        assert "Generic push is connected" in words
        code, words = await person.runs("generic", "--rotate")
        assert code == 0, words
        assert "24 hours" in words
        second = person.token()
        assert second != first
        assert [await person.tells(token) for token in (first, second, "wrong")] == [200, 200, 403]
        code, words = await person.runs("generic", "--check", "--wait", "0")
        assert code == 0, words
        code, words = await person.runs("generic", "--remove")
        assert code == 0, words
        await until(lambda: _is(person.tells(second), 404), PATIENCE_S)
        assert first not in service.said()
        assert second not in service.said()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nobody",), "There is no vendor nobody"),
        (("generic", "--check"), "not connected yet"),
        (("generic", "--rotate", "--remove"), "Choose one of"),
        (("generic",), "Give it with --url"),
        (("mango", "--url", "https://calls.example"), "give a file with it, --secret-file FILE"),
        (("mango", "--set", "api_key=hush"), "--set-file api_key=FILE"),
    ],
)
async def test_what_is_missing_is_said(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    code, told = await Person(tmp_path, free_port()).runs(*arguments)
    assert code == 1
    assert words in told
    assert "Traceback" not in told
    assert "hush" not in told


async def test_no_vendor_is_asked_for_what_a_simulator_made_up(tmp_path: Path) -> None:
    person = Person(tmp_path, free_port())
    file = tmp_path / "virtual-pbx" / "mango.json"
    write_connection(file, settings_of("mango", base_url=REAL))
    before = file.read_bytes()
    code, words = await said(await person.start("mango", command="simulate"))
    assert code == 1
    assert "Mango Office is connected" in words
    assert "PRESSZERO_DATA=var/try" in words.replace("\n", " ")
    assert file.read_bytes() == before


async def test_of_a_connection_that_was_made_up_nothing_is_taken_over_into_a_real_one(tmp_path: Path) -> None:
    person = Person(tmp_path, free_port())
    file = tmp_path / "virtual-pbx" / "mango.json"
    code, words = await said(await person.start("mango", command="simulate"))
    assert code == 1
    assert "No service runs" in words
    assert json.loads(file.read_text())["made_up"] is True
    code, words = await person.runs("mango", "--check")
    assert code == 1
    assert "not connected yet" in words
    key, salt = tmp_path / "key", tmp_path / "salt"
    key.write_text("the-real-key")
    salt.write_text("the-real-salt")
    arguments = ("--url", "https://calls.invalid", "--set-file", f"api_key={key}", "--secret-file", str(salt))
    code, words = await person.runs("mango", *arguments, "--wait", "0")
    assert code == 1
    assert "DNS does not know" in words
    told = json.loads(file.read_text())
    assert (told["made_up"], told["base_url"], told["queues"]) == (False, REAL, {})
    assert [one["value"] for one in told["secrets"]] == ["the-real-salt"]


async def _is(status: "asyncio.Future[int] | object", wanted: int) -> bool:
    return await status == wanted  # type: ignore[misc]


@asynccontextmanager
async def server(handler: object) -> AsyncIterator[str]:
    """A web server that is not ours; its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)  # type: ignore[arg-type]
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_what_really_stands_at_the_public_address_is_said() -> None:
    plate = DoorPlate("key", 8090)

    async def proxy(request: web.Request) -> web.Response:
        return web.Response(status=502, text="<html>Bad Gateway")

    async def other(request: web.Request) -> web.Response:
        return web.json_response({"presszero": "of another"})

    async with server(proxy) as address:
        assert "does not find our door" in (await ask_ourselves(address, "mango", plate)).sentence
        https = await ask_ourselves(address.replace("http:", "https:"), "mango", plate)
        assert "not with TLS" in https.sentence
    assert "Nothing listens" in (await ask_ourselves(address, "mango", plate)).sentence
    async with server(other) as address:
        assert "another PressZero" in (await ask_ourselves(address, "mango", plate)).sentence
    assert "DNS does not know" in (await ask_ourselves("https://calls.invalid", "mango", plate)).sentence
    assert await look(DoorPlate("key", free_port())) is None
