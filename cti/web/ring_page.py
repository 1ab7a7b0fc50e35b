"""The demo's page where anybody may ring in from the browser: its button, its phone, and the call's way.

There only when the demo has asked for it. Public on purpose: who rings has no account. It tells of calls from
the demo's own number and of no others.
"""

import time
from collections.abc import Callable, Mapping

import aiohttp_jinja2
from aiohttp import web

from cti.desk.story import CallPicture
from cti.waiting.rates import Allowance
from cti.web import words
from cti.web.languages import _
from cti.web.problems import Problem
from cti.web.schemas import ticket_name
from cti.web.services import GuestPhone, services_of
from tickets.call import Call
from tickets.vocabulary import CallState

RINGS_PER_S, RINGS_AT_ONCE = 0.2, 10.0


def ring_routes(guest: GuestPhone, clock: Callable[[], float] = time.monotonic) -> tuple[web.RouteDef, ...]:
    """The page and its two questions."""
    allowance = Allowance(per_s=RINGS_PER_S, burst=RINGS_AT_ONCE, keys=1)

    async def page(request: web.Request) -> web.Response:
        return aiohttp_jinja2.render_template("ring.html", request, {"line": guest.line})

    async def phone(request: web.Request) -> web.Response:
        """The credentials, for one more call."""
        if allowance.take("all", 1.0, clock()):
            raise Problem(429, "too-often", _("Too many calls: wait a moment."))
        return web.json_response(
            {
                "url": services_of(request).phone_url,
                "uri": f"sip:{guest.user}@presszero.invalid",
                "user": guest.user,
                "secret": guest.secret,
                "display_name": "",
                "ice": [],
                "number": guest.line,
            }
        )

    async def call(request: web.Request) -> web.Response:
        """What becomes of the newest call from here; null: there is none."""
        services = services_of(request)
        own = [call for call in services.live.calls() if call.caller == guest.number]
        if not own:
            return web.json_response(None)
        ticket = services.live.ticket_number(own[-1].call_id)
        told = {
            "state": own[-1].state.value,
            "words": _in_words(own[-1], services.desks.calls.picture_of(own[-1].call_id), services.operators),
            "ticket": ticket_name(ticket) if ticket is not None else None,
        }
        return web.json_response(told)

    return (web.get("/ring", page), web.post("/ring/phone", phone), web.get("/ring/call", call))


def _in_words(call: Call, picture: CallPicture | None, operators: Mapping[str, str]) -> str:
    """`picture`: what the phones have of the call, which itself says nothing of hold and of who is rung."""

    def name(extension: str | None) -> str:
        return operators.get(extension or "", extension or "")

    rings = next(iter(picture.rings), None) if picture is not None and not picture.talks else None
    match call.state:
        case CallState.BOT:
            return _("The bot listens: ask it something.")
        case CallState.QUEUED if rings is not None:
            return _("The phone of %(name)s rings for you.", name=name(rings))
        case CallState.QUEUED:
            return _("You wait for a person.")
        case CallState.TALKING if rings is not None:
            return _("You are put through to %(name)s, whose phone rings.", name=name(rings))
        case CallState.TALKING if picture is not None and picture.held_since is not None:
            return _("%(name)s has put you on hold. You hear music.", name=name(call.operator))
        case CallState.TALKING:
            return _("You talk with %(name)s.", name=name(call.operator))
        case _:
            return words.STATES[call.state].text
