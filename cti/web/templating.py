"""Jinja for the pages: filters in the house's words and time, and the error page.

Templates escape everything; nothing from a caller or a note is ever marked safe.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web

from cti.web import words
from cti.web.assets import Assets
from cti.web.board import stands_since
from cti.web.problems import Problem
from cti.web.schemas import ticket_name
from cti.web.security import ACCOUNT
from cti.web.services import Services
from recordings.transcript import SPEAKERS
from tickets.call import Call

FOLDER = Path(__file__).parent / "templates"


def set_up_templates(app: web.Application, services: Services, assets: Assets) -> None:
    """Give the application its templates."""
    zone, clock = services.zone, services.clock

    async def everywhere(request: web.Request) -> dict[str, Any]:
        return {"account": request.get(ACCOUNT), "house": services.house}

    def there_for(call: Call) -> int:
        return max(0, round((clock() - stands_since(call)).total_seconds()))

    def in_all(call: Call) -> int:
        return max(0, round(((call.ended_at or clock()) - call.received_at).total_seconds()))

    def full(at: datetime) -> str:
        local = at.astimezone(zone)
        return f"{local.day} {local:%B %Y, %H:%M:%S}"

    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(FOLDER),
        context_processors=[everywhere],
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(
        call_chip=words.call_chip,
        clock=lambda at: words.clock(at, zone),
        full=full,
        hand_over=words.HAND_OVERS.get,
        headline=words.headline,
        in_all=in_all,
        initials=words.initials,
        length=words.length,
        outlook=lambda call: words.outlook(services.outlook(call.call_id)),
        moment=lambda at: words.moment(at, zone, clock()),
        phone=words.phone,
        promise_chip=words.promise_chip,
        attempt_words=words.attempt_words,
        status=words.STATUSES.__getitem__,
        there_for=there_for,
        ticket_name=ticket_name,
    )
    environment.globals.update(
        asset=assets.url,
        calls_back=services.calls_back,
        announcer=services.announcer,
        operators=dict(services.operators),
        speakers={speaker: speaker.capitalize() for speaker in SPEAKERS},
        section="",
    )


def error_page(request: web.Request, problem: Problem) -> web.Response:
    """A problem for people."""
    response = aiohttp_jinja2.render_template(
        "error.html", request, {"problem": problem}, status=problem.status
    )
    response.headers.update(problem.headers)
    return response
