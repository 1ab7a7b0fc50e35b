"""The door for webhooks: an HTTP port of its own, so that the desk's pages need not be reachable from
outside.

It knows no vendor: it asks the connection's adapter whose word it is, keeps what was told, and answers then.
No log line has anything of what came.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from cti.virtual_pbx.contract import Hook, Refused, Reply, VirtualPbx, Why
from cti.virtual_pbx.intake import FactIntake, NotKept
from cti.web.limits import asker

log = structlog.get_logger()

BODY_LIMIT = 256 * 1024  # bytes; a webhook has some hundreds
PATIENCE_S = 8.0  # within which any vendor is answered; the least patient waits ten
_STATUS = {Why.FORGED: 403, Why.STALE: 403, Why.UNFIT: 400}


def make_door(
    vendors: Mapping[str, VirtualPbx[Any]], intake: FactIntake, registry: CollectorRegistry
) -> web.Application:
    """The door's application. `vendors`: by the first part of the path."""
    door = _Door(vendors, intake, registry)
    app = web.Application(client_max_size=BODY_LIMIT)
    app.router.add_route("*", "/{vendor}{path:(/.*)?}", door.serve)
    return app


class _Door:
    def __init__(
        self, vendors: Mapping[str, VirtualPbx[Any]], intake: FactIntake, registry: CollectorRegistry
    ) -> None:
        self._vendors, self._intake = vendors, intake
        self._hooks = Counter(
            "presszero_webhooks",
            "Webhooks of virtual PBXs: kept, repeated, forged, stale, unfit, unkept, late, failed.",
            ["vendor", "result"],
            registry=registry,
        )

    async def serve(self, request: web.Request) -> web.StreamResponse:
        vendor = self._vendors.get(request.match_info["vendor"])
        if vendor is None:
            raise web.HTTPNotFound(text="No virtual PBX is connected here.\n")
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await vendor.socket(_path(vendor, request), request)
        proved: list[Hook] = []  # the vendor's word, whatever becomes of it
        try:
            async with asyncio.timeout(PATIENCE_S):
                result, reply = await self._take(vendor, request, proved)
        except TimeoutError:
            log.error("A webhook was not answered in time.", action="webhook_late", vendor=vendor.vendor)  # noqa: TRY400
            result, reply = "late", _excuse(vendor, proved) or Reply("Busy: try again.\n", 503)
        except web.HTTPException:
            raise  # too long, or cut short
        except Exception:  # a mistake of ours must not cost a caller anything
            log.exception("A webhook came to nothing.", action="webhook_failed", vendor=vendor.vendor)
            result, reply = "failed", _excuse(vendor, proved) or Reply("Failed.\n", 500)
        self._hooks.labels(vendor.vendor, result).inc()
        return _response(reply)

    async def _take(
        self, vendor: VirtualPbx[Any], request: web.Request, proved: list[Hook]
    ) -> tuple[str, Reply]:
        hook = await _hook(vendor, request)
        try:
            taken = vendor.take(hook, vendor.house.clock())
        except Refused as refused:
            log.warning(
                "A webhook was refused.",
                action="webhook_refused",
                vendor=vendor.vendor,
                why=refused.why.value,
                reason=str(refused),
            )
            return refused.why.value, Reply(f"{refused}\n", _STATUS[refused.why])
        proved.append(hook)
        try:
            new = await self._intake.keep(taken.facts)
        except NotKept as error:
            return "unkept", vendor.excuse(hook) or Reply(f"{error}\n", 503)
        for command_result in taken.results:
            vendor.finished(command_result)
        result = "repeated" if taken.facts and not new else "kept"
        return result, taken.reply or await vendor.answer(hook, taken)


def _excuse(vendor: VirtualPbx[Any], proved: list[Hook]) -> Reply | None:
    return vendor.excuse(proved[0]) if proved else None


def _response(reply: Reply) -> web.Response:
    headers = {"Cache-Control": "public, max-age=31536000, immutable"} if reply.lasting else None
    if isinstance(reply.body, bytes):
        return web.Response(
            body=reply.body, status=reply.status, content_type=reply.content_type, headers=headers
        )
    return web.Response(
        text=reply.body, status=reply.status, content_type=reply.content_type, headers=headers
    )


def _path(vendor: VirtualPbx[Any], request: web.Request) -> str:
    return request.rel_url.raw_path.removeprefix(f"/{vendor.vendor}")


async def _hook(vendor: VirtualPbx[Any], request: web.Request) -> Hook:
    path = _path(vendor, request)
    query = request.rel_url.raw_query_string
    url = f"{vendor.settings.public_url}/{vendor.vendor}{path}" + (f"?{query}" if query else "")
    return Hook(
        request.method, path, query, request.headers, await request.read(), url, asker(request) or "127.0.0.1"
    )
