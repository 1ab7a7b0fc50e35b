"""The door for webhooks: an HTTP port of its own, so that the desk's pages need not be reachable from
outside.

It knows no vendor: it asks the connection's adapter whose word it is, keeps what was told, and answers then.
No log line has anything of what came.

    /<vendor>/…                    webhooks
    /<vendor>/-/reach?nonce=…      whether it is this door that answers: for `presszero connect`
    /-/arrivals?after=…            what came of the last ones: for whoever shows the door plate's key
"""

import asyncio
import hmac
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from cti.virtual_pbx.arrivals import Arrivals
from cti.virtual_pbx.contract import Hook, Refused, Reply, VirtualPbx, Why
from cti.virtual_pbx.door_plate import DoorPlate
from cti.virtual_pbx.intake import FactIntake, NotKept
from cti.virtual_pbx.mishaps import place_of
from tickets.facts import Fact

log = structlog.get_logger()

BODY_LIMIT = 256 * 1024  # bytes; a webhook has some hundreds
PATIENCE_S = 8.0  # within which any vendor is answered; the least patient waits ten
QUIET_S = 60.0  # between two log lines of the same refusal: a flood of forged ones must not fill the disk
LONGEST_NONCE = 64
NOBODY_HERE = "No virtual PBX is connected here.\n"
_STATUS = {Why.FORGED: 403, Why.STALE: 403, Why.UNFIT: 400}


def make_door(
    vendors: Mapping[str, VirtualPbx[Any]],
    intake: FactIntake,
    registry: CollectorRegistry,
    plate: Callable[[], DoorPlate],
    *,
    patience_s: float = PATIENCE_S,
) -> web.Application:
    """The door's application. `vendors`: by the first part of the path; may change at any time."""
    door = _Door(vendors, intake, registry, plate, patience_s)
    app = web.Application(client_max_size=BODY_LIMIT)
    app.router.add_get("/-/arrivals", door.arrived)
    app.router.add_get("/{vendor}/-/reach", door.reached)
    app.router.add_route("*", "/{vendor}{path:(/.*)?}", door.serve)
    return app


class _Door:
    def __init__(
        self,
        vendors: Mapping[str, VirtualPbx[Any]],
        intake: FactIntake,
        registry: CollectorRegistry,
        plate: Callable[[], DoorPlate],
        patience_s: float,
    ) -> None:
        self._vendors, self._intake, self._plate, self._patience_s = vendors, intake, plate, patience_s
        self._arrivals, self._complaints = Arrivals(), _Complaints()
        self._hooks = Counter(
            "presszero_webhooks",
            "Webhooks of virtual PBXs: kept, repeated, forged, stale, unfit, large, unkept, late, fault.",
            ["vendor", "result"],
            registry=registry,
        )

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One webhook, or the audio of a call."""
        vendor = self._vendor(request)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await vendor.socket(_path(vendor, request), request)
        proved: list[Hook] = []  # the vendor's word, whatever becomes of it
        try:
            async with asyncio.timeout(self._patience_s):
                reply = await self._take(vendor, request, proved)
        except TimeoutError:
            self._complaints.of(vendor, "late", "It was not answered in time.")
            reply = self._say(vendor, "late", _excuse(vendor, proved) or Reply("Busy: try again.\n", 503))
        except web.HTTPRequestEntityTooLarge:
            reply = self._say(vendor, "large", Reply(f"More than {BODY_LIMIT} bytes.\n", 413))
        except Exception as error:  # a mistake of ours: the vendor may tell it again, and others go on
            log.error(  # noqa: TRY400  # the message may hold what came
                "A webhook made us stumble.",
                action="webhook_fault",
                vendor=vendor.vendor,
                **place_of(error),
            )
            reply = _excuse(vendor, proved) or Reply("Our fault: try again.\n", 500)
            reply = self._say(vendor, "fault", reply)
        return _response(reply)

    async def reached(self, request: web.Request) -> web.Response:
        """Prove that it is this door and no other: somebody asks from outside."""
        self._vendor(request)
        proof = self._plate().proof(request.query.get("nonce", "")[:LONGEST_NONCE])
        return web.json_response({"presszero": proof}, headers={"Cache-Control": "no-store"})

    async def arrived(self, request: web.Request) -> web.Response:
        """What came of the last webhooks."""
        key = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(key.encode(), self._plate().key.encode()):
            raise web.HTTPNotFound(text=NOBODY_HERE)
        after = request.query.get("after", "")
        arrivals = self._arrivals.since(int(after) if after.isdecimal() else 0)
        # Of the settings only so much that whoever wrote them knows whether it is these that count.
        known = {
            name: self._plate().proof(one.settings.model_dump_json()) for name, one in self._vendors.items()
        }
        return web.json_response({"vendors": known, "arrivals": [one.as_json() for one in arrivals]})

    def _vendor(self, request: web.Request) -> VirtualPbx[Any]:
        vendor = self._vendors.get(request.match_info["vendor"])
        if vendor is None:
            raise web.HTTPNotFound(text=NOBODY_HERE)
        return vendor

    async def _take(self, vendor: VirtualPbx[Any], request: web.Request, proved: list[Hook]) -> Reply:
        hook = await _hook(vendor, request)
        now = vendor.house.clock()
        try:
            taken = vendor.take(hook, now)
        except Refused as refused:
            self._complaints.of(vendor, refused.why.value, str(refused))
            reply = Reply(f"{refused}\n", _STATUS[refused.why])
            return self._say(vendor, refused.why.value, reply, reason=str(refused))
        proved.append(hook)
        try:
            new = await self._intake.keep(taken.facts)
        except NotKept as error:
            return self._say(vendor, "unkept", vendor.excuse(hook) or Reply(f"{error}\n", 503))
        for command_result in taken.results:
            vendor.finished(command_result)
        reply = taken.reply or await vendor.answer(hook, taken)
        result = "repeated" if taken.facts and not new else "kept"
        return self._say(vendor, result, reply, taken.facts, at=now)

    def _say(
        self,
        vendor: VirtualPbx[Any],
        result: str,
        reply: Reply,
        facts: Sequence[Fact] = (),
        reason: str = "",
        at: datetime | None = None,
    ) -> Reply:
        self._hooks.labels(vendor.vendor, result).inc()
        self._arrivals.note(vendor, at or vendor.house.clock(), result, facts, reason)
        return reply


def _excuse(vendor: VirtualPbx[Any], proved: list[Hook]) -> Reply | None:
    return vendor.excuse(proved[0]) if proved else None


def _response(reply: Reply) -> web.Response:
    headers = {"Cache-Control": "public, max-age=31536000, immutable"} if reply.lasting else None
    body = reply.body if isinstance(reply.body, bytes) else reply.body.encode()
    charset = None if isinstance(reply.body, bytes) else "utf-8"
    return web.Response(
        body=body, status=reply.status, content_type=reply.content_type, charset=charset, headers=headers
    )


def _path(vendor: VirtualPbx[Any], request: web.Request) -> str:
    return request.rel_url.raw_path.removeprefix(f"/{vendor.vendor}")


async def _hook(vendor: VirtualPbx[Any], request: web.Request) -> Hook:
    path = _path(vendor, request)
    query = request.rel_url.raw_query_string
    url = f"{vendor.settings.public_url}/{vendor.vendor}{path}" + (f"?{query}" if query else "")
    return Hook(request.method, path, query, request.headers, await request.read(), url)


class _Complaints:
    """Log lines of refusals, each kind at most once in a while: /metrics counts them all."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], tuple[float, int]] = {}  # when it was said, and how many since

    def of(self, vendor: VirtualPbx[Any], result: str, reason: str) -> None:
        """One was refused; `reason`: a sentence of ours that holds nothing of it."""
        key, now = (vendor.vendor, result), time.monotonic()
        said, since = self._last.get(key, (-QUIET_S, 0))
        if now - said < QUIET_S:
            self._last[key] = said, since + 1
            return
        self._last[key] = now, 0
        log.warning(
            "A webhook was refused.",
            action="webhook_refused",
            vendor=vendor.vendor,
            why=result,
            reason=reason,
            not_said_before=since,
        )
