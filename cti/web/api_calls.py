"""The API of calls: lists and one call. Reads, calls the desk, presents."""

from aiohttp import web

from cti.web.access import call_for
from cti.web.inputs import CallPath
from cti.web.list_inputs import CallQuery, call_filters
from cti.web.openapi import operation
from cti.web.schemas import CallList, CallOut
from cti.web.services import services_of


@operation("GET", "/api/v1/calls", tag="Calls")
async def list_calls(request: web.Request, *, query: CallQuery) -> CallList:
    """Calls, newest first."""
    page = await services_of(request).desk.calls(**call_filters(request, query))
    return CallList(items=[CallOut.of(line) for line in page.items], next_cursor=page.next_cursor)


@operation("GET", "/api/v1/calls/{call_id}", tag="Calls")
async def get_call(request: web.Request, *, path: CallPath) -> CallOut:
    """One call."""
    return CallOut.of(await call_for(request, path.call_id))


OPERATIONS = (list_calls, get_call)
