"""The page of the search."""

import aiohttp_jinja2
from aiohttp import web

from cti.web.api_search import SearchQuery
from cti.web.forms import from_query
from cti.web.searching import search
from tickets.patterns import LONGEST_QUERY


async def search_page(request: web.Request) -> web.Response:
    """What was asked for, and what was found."""
    query = from_query(request, SearchQuery)
    context = {
        "section": "/search",
        "asked": query.q,
        "finds": await search(request, query.q),
        "longest": LONGEST_QUERY,
    }
    return aiohttp_jinja2.render_template("search.html", request, context)


ROUTES = (web.get("/search", search_page),)
