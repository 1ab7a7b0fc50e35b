"""Jinja for the pages: filters in the house's words and time, and the error page.

Templates escape everything; nothing from a caller or a note is ever marked safe.
"""

from pathlib import Path
from typing import Any

import aiohttp_jinja2
import jinja2
from aiohttp import web
from markupsafe import Markup

from cti.web import languages, words
from cti.web.assets import Assets
from cti.web.board import stands_since
from cti.web.problems import Problem
from cti.web.schemas import ticket_name
from cti.web.security import ACCOUNT
from cti.web.sentences import said
from cti.web.services import Services
from tickets.call import Call
from tickets.call_ids import vendor_of
from tickets.day import SERVICE_LEVEL_S

FOLDER = Path(__file__).parent / "templates"


def set_up_templates(app: web.Application, services: Services, assets: Assets) -> None:
    """Give the application its templates."""
    zone, clock = services.zone, services.clock

    async def everywhere(request: web.Request) -> dict[str, Any]:
        return {"account": request.get(ACCOUNT), "house": services.house, "path": request.path_qs}

    def there_for(call: Call) -> int:
        return max(0, round((clock() - stands_since(call)).total_seconds()))

    def in_all(call: Call) -> int:
        return max(0, round(((call.ended_at or clock()) - call.received_at).total_seconds()))

    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(FOLDER),
        context_processors=[everywhere],
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the i18n extension brings it
        lambda text: languages.texts().gettext(text),
        lambda one, many, num: languages.texts().ngettext(one, many, num),
        newstyle=True,
        pgettext=lambda context, text: languages.texts().pgettext(context, text),
        npgettext=lambda context, one, many, num: languages.texts().npgettext(context, one, many, num),
    )
    environment.filters.update(
        call_chip=words.call_chip,
        clock=lambda at: words.clock(at, zone),
        full=lambda at: words.full(at, zone),
        hand_over=words.HAND_OVERS.get,
        headline=words.headline,
        in_all=in_all,
        initials=words.initials,
        length=words.length,
        outlook=lambda call: words.outlook(services.outlook(call.call_id)),
        moment=lambda at: words.moment(at, zone, clock()),
        number=words.number,
        percent=words.percent,
        phone=words.phone,
        promise_chip=words.promise_chip,
        at_virtual_pbx=lambda call: vendor_of(call.call_id) is not None,
        attempt_words=words.attempt_words,
        role=lambda role: languages.gettext(words.ROLES[role]),
        hour=lambda at: f"{at.astimezone(zone):%H:%M}",
        seat_chip=words.seat_chip,
        seconds_since=lambda at: max(0, round((clock() - at).total_seconds())),
        said=said,
        share=words.share,
        subject=lambda text: words.subject(text, services.phones.names),
        words_of=words.words_of,
        status=words.STATUSES.__getitem__,
        there_for=there_for,
        ticket_name=ticket_name,
    )
    environment.globals.update(
        asset=assets.url,
        zone=str(zone),
        calls_back=services.calls_back,
        announcer=services.announcer,
        operators=services.phones.names,
        language=languages.language,
        languages=languages.LANGUAGES,
        script_words=lambda: Markup(languages.script_words(languages.language())),  # noqa: S704 -- holds no `<`
        service_level_s=round(SERVICE_LEVEL_S),
        speakers=words.SPEAKERS,
        lookups=words.LOOKUPS,
        identities=words.IDENTITIES,
        section="",
    )


def error_page(request: web.Request, problem: Problem) -> web.Response:
    """A problem for people."""
    response = aiohttp_jinja2.render_template(
        "error.html", request, {"problem": problem}, status=problem.status
    )
    response.headers.update(problem.headers)
    return response
