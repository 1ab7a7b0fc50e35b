"""A list as a table to take away: CSV (RFC 4180) of what the filters leave; supervisors only, audited."""

import asyncio
import csv
import io
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, tzinfo
from typing import Any

import structlog
from aiohttp import web

from cti.web.forms import from_query
from cti.web.languages import _
from cti.web.list_inputs import CallQuery, ListQuery, TicketQuery, call_filters, ticket_filters
from cti.web.schemas import ticket_name
from cti.web.security import account_of, require
from cti.web.services import services_of
from cti.web.words import number
from tickets.desk import CallLine, Ticket
from tickets.paging import LARGEST_PAGE, Page
from tickets.vocabulary import Role

log = structlog.get_logger()

_AT_ONCE = struct.pack("ii", 1, 0)  # `struct linger`: a reset instead of an orderly end
MOST_ROWS = 50_000
WRITE_DEADLINE_S = 30.0  # a client that does not read is let go
BYTE_ORDER_MARK = "\ufeff"  # without it a common spreadsheet reads UTF-8 as something else

CALL_COLUMNS = (
    *("ticket", "received_at", "direction", "caller", "customer", "vip_level", "line", "queue", "operator"),
    *("outcome", "hand_over", "topic", "bot_seconds", "hold_seconds", "talk_seconds", "call_id"),
)
TICKET_COLUMNS = (
    *("ticket", "created_at", "status", "subject", "customer", "vip_level", "operator", "hand_over", "topic"),
    *("tags", "assignee", "group", "updated_at", "closed_at", "closed_by", "call_id"),
)

Read = Callable[[str | None], Awaitable[Page[Any]]]
Row = Sequence[object]


async def calls_table(request: web.Request) -> web.StreamResponse:
    """`/calls.csv`: the calls of the same filters as `/calls`."""
    require(account_of(request), Role.SUPERVISOR)
    query, services = from_query(request, CallQuery), services_of(request)
    asked = call_filters(request, query) | {"limit": LARGEST_PAGE}

    async def read(cursor: str | None) -> Page[Any]:
        return await services.desk.calls(**asked | {"cursor": cursor})

    return await _tell(request, "calls", query, CALL_COLUMNS, read, _call_row)


async def tickets_table(request: web.Request) -> web.StreamResponse:
    """`/tickets.csv`: the tickets of the same filters as `/tickets`."""
    require(account_of(request), Role.SUPERVISOR)
    query, services = from_query(request, TicketQuery), services_of(request)
    asked = ticket_filters(request, query) | {"limit": LARGEST_PAGE}

    async def read(cursor: str | None) -> Page[Any]:
        return await services.desk.tickets(**asked | {"cursor": cursor})

    return await _tell(request, "tickets", query, TICKET_COLUMNS, read, _ticket_row)


async def _tell(
    request: web.Request,
    name: str,
    query: ListQuery,
    columns: Row,
    read: Read,
    row_of: Callable[[Any, tzinfo], Row],
) -> web.StreamResponse:
    services, page = services_of(request), await read(None)
    filters = query.model_dump(mode="json", exclude_none=True, exclude={"cursor", "limit"})
    await services.audit.add(account_of(request).login, "list.exported", name, filters)
    day = services.clock().astimezone(services.zone).date().isoformat()
    response = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="{name}-{day}.csv"'})
    response.content_type, response.charset = "text/csv", "utf-8"
    try:
        async with asyncio.timeout(WRITE_DEADLINE_S):
            await response.prepare(request)
            await response.write((BYTE_ORDER_MARK + as_csv([columns])).encode())
        await _write_rows(response, page, read, lambda item: row_of(item, services.zone))
    except Exception as error:
        log.warning("A table broke off.", action="export_broken", error=type(error).__name__)
        _break_off(request)
    return response


def _break_off(request: web.Request) -> None:
    """So that nobody takes for the whole table what is not: neither an error's page comes at its end, nor the
    calm end of the connection, which for HTTP/1.0 would be that of the table.
    """
    if (transport := request.transport) is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        transport.abort()


async def _write_rows(
    response: web.StreamResponse, page: Page[Any], read: Read, row_of: Callable[[Any], Row]
) -> None:
    told = 0
    while True:
        rows = [row_of(item) for item in page.items[: MOST_ROWS - told]]
        told += len(rows)
        async with asyncio.timeout(WRITE_DEADLINE_S):
            await response.write(as_csv(rows).encode())
        if page.next_cursor is None:
            return
        if told >= MOST_ROWS:
            most = number(MOST_ROWS)
            more = _("Only the first %(num)s rows: narrow the filters to get the rest.", num=most)
            async with asyncio.timeout(WRITE_DEADLINE_S):
                await response.write(as_csv([[more]]).encode())
            return
        page = await read(page.next_cursor)


def as_csv(rows: Iterable[Row]) -> str:
    """Lines of a table; no cell is a formula, whatever callers are called."""
    lines = io.StringIO()
    csv.writer(lines).writerows([_cell(value) for value in row] for row in rows)
    return lines.getvalue()


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    number = text[:1] in "+-" and text[1:].replace(".", "", 1).isdigit()
    # A spreadsheet takes these for the beginning of a formula (OWASP, CSV injection).
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not number else text


def _at(moment: datetime | None, zone: tzinfo) -> str:
    return moment.astimezone(zone).isoformat(sep=" ", timespec="seconds") if moment else ""


def _call_row(line: CallLine, zone: tzinfo) -> Row:
    call = line.call
    return (
        *(ticket_name(line.ticket_number), _at(call.received_at, zone), call.direction, call.caller),
        *(line.customer_name, call.vip_level, call.line, call.queue, call.operator, call.outcome),
        *(call.hand_over, call.topic, round(call.bot_seconds), round(call.hold_seconds)),
        *(round(call.talk_seconds), call.call_id),
    )


def _ticket_row(ticket: Ticket, zone: tzinfo) -> Row:
    return (
        *(ticket.name, _at(ticket.created_at, zone), ticket.status, ticket.subject, ticket.customer_name),
        *(ticket.vip_level, ticket.operator, ticket.hand_over, ticket.topic, " ".join(ticket.tags)),
        *(ticket.assignee, ticket.group_name, _at(ticket.updated_at, zone), _at(ticket.closed_at, zone)),
        *(ticket.closed_by, ticket.call_id),
    )


ROUTES = (
    web.get("/calls.csv", calls_table),
    web.get("/tickets.csv", tickets_table),
)
