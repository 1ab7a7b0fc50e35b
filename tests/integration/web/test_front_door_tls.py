"""The HTTP port with a certificate: https for who trusts it, and nothing for who does not ask for TLS."""

import asyncio
import ssl
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector, web

from cti.certificates import Made, make_certificate
from cti.web.front_door import FrontDoor
from tickets.database import utc_now

pytestmark = pytest.mark.integration


def context_of(made: Made) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server.certificate, made.server.key)
    return context


async def test_pages_are_https_and_their_streams_flow(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, ["127.0.0.1"], utc_now())

    async def page(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (request.scheme, " ", "goes on"):
            await response.write(piece.encode())
        return response

    app = web.Application()
    app.add_routes([web.get("/", page)])
    door = FrontDoor(app, "127.0.0.1", 0, tls=context_of(made))
    await door.start()
    try:
        trusting = TCPConnector(ssl=ssl.create_default_context(cafile=str(made.authority)))
        async with (
            asyncio.timeout(20),
            ClientSession(connector=trusting) as browser,
            browser.get(f"https://127.0.0.1:{door.port}/") as answer,
        ):
            assert await answer.text() == "https goes on"
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(20):
            assert b"goes on" not in await reader.read()
        writer.close()
    finally:
        await door.close()
