"""A system of the company's on loopback (CRM, orders, look-ups): answers as the test decides, also badly."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CompanySystem:
    """Keeps what it was asked. `open_system` serves it."""

    def __init__(self, body: Any) -> None:
        """`body`: what it answers as long as nobody says otherwise, as JSON."""
        self.body = body
        self.asked: list[web.Request] = []
        self.connections: set[object] = set()
        self.answer: Answer = self.good
        self.url = ""  # without a path

    async def good(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.body)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        self.connections.add(request.transport)
        return await self.answer(request)


@asynccontextmanager
async def open_system(body: Any) -> AsyncIterator[CompanySystem]:
    """At any path, with GET."""
    system = CompanySystem(body)
    app = web.Application()
    app.router.add_get("/{path:.*}", system.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        system.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield system
    finally:
        await runner.cleanup()


async def slow(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.json_response({})


async def dribbling(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.01)


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(request)
    while True:
        await response.write(b" " * 65536)


async def html(request: web.Request) -> web.StreamResponse:
    return web.Response(text="<h1>Ada has won</h1>", content_type="text/html")


async def broken(request: web.Request) -> web.StreamResponse:
    raise web.HTTPInternalServerError


def saying(body: bytes) -> Answer:
    """Answers with this, and calls it JSON."""

    async def say(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    return say
