"""The part of a ticket's page on which people work: its form, its timeline, whom it is for, whose it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aiohttp import web

from cti.web import words
from cti.web.security import account_of
from cti.web.services import services_of
from cti.web.ticket_form import PARTS, rows_of, shown, was
from cti.web.timeline_words import PARTS as PART_NAMES
from cti.web.timeline_words import line_of
from tickets import edits
from tickets.customers import Customer
from tickets.desk import TicketDetail


@dataclass(frozen=True, slots=True)
class Differing:
    """A part that the person and somebody else have both changed."""

    part: str
    yours: str
    theirs: str


async def work_context(
    request: web.Request,
    detail: TicketDetail,
    typed: Mapping[str, str] | None = None,
    theirs: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What the form, the timeline and the cards beside them show.

    `typed`: the form as it was sent, where it could not be kept. `theirs`: what another wrote meanwhile.
    """
    services, account, ticket = services_of(request), account_of(request), detail.ticket
    people = await services.tickets.people()
    now = services.clock()
    values = shown(ticket) | dict(typed or {})
    return {
        "lines": [
            line_of(note, people.accounts, lambda at: words.moment(at, services.zone, now))
            for note in detail.notes
        ],
        "people": people,
        "me": account.login,
        "form": values,
        "rows": rows_of(values),
        "was": was(ticket),
        "kept": typed is None,
        "differing": [
            Differing(PART_NAMES[name], values.get(name, ""), theirs[name])
            for name in PARTS
            if theirs and name in theirs and name != "customer"
        ],
        "fields_differ": bool(theirs and "fields" in theirs),
        "topics": services.topics,
        "candidates": await _candidates(request, detail),
        "limits": edits,
        "reminder_due": ticket.remind_at is not None and ticket.remind_at <= now,
        "remind_default": (now.astimezone(services.zone) + timedelta(days=1)).strftime("%Y-%m-%dT09:00"),
    }


async def _candidates(request: web.Request, detail: TicketDetail) -> list[Customer]:
    """Whose call it may be: those who share the number, and whoever was chosen."""
    if detail.call.caller is None:
        return []
    sharing = await services_of(request).customers.by_number(detail.call.caller)
    chosen = detail.customer
    return sharing if chosen is None or chosen in sharing else [chosen, *sharing]
