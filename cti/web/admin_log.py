"""The audit log for administrators: who changed rights, who listened to what. Filters are in the address."""

from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp_jinja2
from aiohttp import web

from cti.web.admin import SECTION, behind_the_door
from cti.web.admin_inputs import LogQuery
from cti.web.admin_words import action_words, detail_words
from cti.web.forms import from_query
from cti.web.services import services_of

PATH = SECTION + "/log"
PAGE_LENGTH = 50
KINDS: dict[str, tuple[str, ...]] = {
    "all": (),
    "rights": ("account", "group"),
    "recordings": ("recording", "transcript", "call"),
}


async def log_page(request: web.Request) -> web.Response:
    """The log, newest first."""
    query, services = from_query(request, LogQuery), services_of(request)
    zone = services.zone
    page = await services.audit.page(
        cursor=query.cursor,
        limit=PAGE_LENGTH,
        login=query.who,
        subject=query.subject,
        actions=KINDS[query.kind],
        since=datetime.combine(query.since, time(), zone) if query.since else None,
        until=datetime.combine(query.until + timedelta(days=1), time(), zone) if query.until else None,
    )
    context = {
        "section": SECTION,
        "lines": page.items,
        "next_cursor": page.next_cursor,
        "query": query,
        "with_query": lambda **changed: _address(query, changed),
        "people": await services.people.people(),
        "action_words": action_words,
        "detail_words": detail_words,
    }
    return aiohttp_jinja2.render_template("admin_log.html", request, context)


def _address(query: LogQuery, changed: dict[str, Any]) -> str:
    """The page with the filters of now and a change; a piece further on is not one of them."""
    given = query.model_dump(mode="json", exclude={"cursor"}) | changed
    kept = {name: value for name, value in given.items() if value not in (None, "", "all")}
    return f"{PATH}?{urlencode(kept)}" if kept else PATH


ROUTES = behind_the_door(web.get(PATH, log_page))
