"""The company's ticket system in house tests: what it does depends on the ticket that is asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

WON, SLOW, WRONG, GONE = "12345678", "12121212", "23232323", "34343434"


async def _ticket(request: web.Request) -> web.StreamResponse:
    match request.match_info["ticket"]:
        case "12345678":
            return web.json_response({"status": "won", "prize": {"amount": 120}, "draw": "2026-11-21"})
        case "12121212":
            await asyncio.sleep(30)
        case "23232323":
            return web.Response(text="<h1>Maintenance</h1>", content_type="text/html")
        case "34343434":
            assert request.transport is not None
            request.transport.abort()
    raise web.HTTPNotFound


@asynccontextmanager
async def ticket_office() -> AsyncIterator[str]:
    """Where it answers, while the block runs."""
    app = web.Application()
    app.router.add_get("/bot/tickets/{ticket}", _ticket)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/bot"
    finally:
        await runner.cleanup()
