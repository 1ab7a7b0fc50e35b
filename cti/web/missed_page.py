"""The page of missed calls: a list with boxes, to call back and to mark off."""

import aiohttp_jinja2
from aiohttp import web

from cti.web.access import sight_of
from cti.web.forms import from_query, posted
from cti.web.problems import Problem
from cti.web.security import account_of
from cti.web.services import services_of
from cti.web.ticket_inputs import MOST_MARKED, MissedQuery
from tickets.rows import LARGEST

PATH = "/missed"
PAGE_LENGTH = 50
_BOX = "pz-"  # begins the name of a ticket's box


async def missed_page(request: web.Request) -> web.Response:
    """The list, or its rows alone."""
    query = from_query(request, MissedQuery)
    services, sight = services_of(request), sight_of(request)
    page = await services.missed.page(done=query.done, cursor=query.cursor, limit=PAGE_LENGTH, sight=sight)
    people = await services.tickets.people()
    context = {
        "section": PATH,
        "lines": page.items,
        "next_cursor": page.next_cursor,
        "cursor": query.cursor,
        "done": query.done,
        "people": people.accounts,
        "count": await services.missed.count(sight),
        "box": _BOX,
    }
    return aiohttp_jinja2.render_template("missed.html", request, context)


async def mark(request: web.Request) -> web.Response:
    """The button above the list, for every row whose box is ticked; or the button of one row."""
    form = await posted(request)
    done = form.get("act") != "undone"
    one = [form["one"]] if "one" in form else []
    names = one or [name.removeprefix(_BOX) for name in form if name.startswith(_BOX)]
    numbers = [
        int(name) for name in names[:MOST_MARKED] if name.isascii() and name.isdigit() and len(name) < 11
    ]
    if any(number > LARGEST for number in numbers):
        raise Problem(400, "bad-form", "Send the form as the page offers it.")
    login = account_of(request).login
    await services_of(request).missed.mark(numbers, login, done=done, sight=sight_of(request))
    raise web.HTTPSeeOther(PATH if done else f"{PATH}?done=true")


ROUTES = (web.get(PATH, missed_page), web.post(PATH, mark))
