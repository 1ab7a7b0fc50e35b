"""What the lists of calls and tickets are asked for: in an address that can be shared, and over the API.

Dates are the contact centre's own days.
"""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from cti.web.access import sight_of
from cti.web.inputs import ROW_ID_MAX, PageQuery, Text
from cti.web.security import account_of
from cti.web.services import services_of
from tickets.vocabulary import CallOutcome, CallState, HandOver, TicketStatus

DAY_S = 24 * 3600
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)


class ListQuery(PageQuery):
    """What both lists can be asked for. Everything left out is in."""

    since: date | None = Field(None, ge=EARLIEST, le=LATEST, description="Only from this day on.")
    until: date | None = Field(None, ge=EARLIEST, le=LATEST, description="Only to this day, which is in.")
    queue: Text | None = Field(None, max_length=64, description="Only of calls that came to this queue.")
    operator: Text | None = Field(None, max_length=64, description="Only of this operator's extension.")
    outcome: CallOutcome | None = Field(None, description="Only of calls that ended so.")
    hand_over: HandOver | None = Field(None, description="Only of calls handed over for this reason.")
    topic: Text | None = Field(None, max_length=200, description="Only about this topic.")
    customer_id: int | None = Field(None, ge=1, le=ROW_ID_MAX, description="Only of this customer.")
    vip: bool | None = Field(None, description="Only of VIPs, or only of others.")
    recorded: bool | None = Field(None, description="Only with something to hear, or only without.")
    talked: int | None = Field(None, ge=0, le=DAY_S, description="Talked so many seconds at least.")


class CallQuery(ListQuery):
    """Which calls."""

    state: CallState | None = Field(None, description="Only calls in this state.")


class TicketQuery(ListQuery):
    """Which tickets."""

    status: TicketStatus | None = Field(None, description="Only tickets with this status.")
    assigned: Literal["me", "my_groups", "nobody"] | None = Field(
        None, description="Only tickets assigned to you, to one of your groups, or to nobody."
    )
    tag: Text | None = Field(None, max_length=64, description="Only tickets with this tag.")


def call_filters(request: web.Request, query: CallQuery) -> dict[str, Any]:
    """What `Desk.calls` is asked for."""
    return _in_time(query, services_of(request).zone) | {"sight": sight_of(request)}


def ticket_filters(request: web.Request, query: TicketQuery) -> dict[str, Any]:
    """What `Desk.tickets` is asked for."""
    asked, account = _in_time(query, services_of(request).zone), account_of(request)
    match asked.pop("assigned"):
        case "me":
            asked["assignee"] = account.login
        case "my_groups":
            asked["groups"] = account.groups
        case "nobody":
            asked["unassigned"] = True
    return asked | {"sight": sight_of(request)}


def _in_time(query: ListQuery, zone: tzinfo) -> dict[str, Any]:
    asked = query.model_dump()
    if query.since is not None:
        asked["since"] = datetime.combine(query.since, time(), zone)
    if query.until is not None:
        asked["until"] = datetime.combine(query.until + timedelta(days=1), time(), zone)
    return asked
