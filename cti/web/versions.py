"""A ticket's version over HTTP: `ETag` on the way out, `If-Match` on the way in (RFC 9110, 13.1.1)."""

import re

from aiohttp import web

from cti.web.problems import Problem
from cti.web.schemas import TicketOut
from tickets.ticket_book import Conflict

_ETAG = re.compile(r'"([1-9][0-9]{0,9})"')


def etag(version: int) -> dict[str, str]:
    """The header of an answer that shows this version."""
    return {"ETag": f'"{version}"'}


def version_seen(request: web.Request) -> int | None:
    """The version that a change is meant for; None: `*`, whatever it is by now.

    Raises 428 without `If-Match`, 412 for one that no version of ours ever had.
    """
    given = request.headers.get("If-Match")
    if given is None:
        raise Problem(428, "no-version", "Send If-Match with the ETag of the ticket that you saw.")
    if given.strip() == "*":
        return None
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise Problem(412, "conflict", "If-Match is no ETag of ours: read the ticket first.")
    return int(found[1])


def changed_meanwhile(conflict: Conflict) -> Problem:
    """412 that brings the ticket as it is now along, as `ticket`."""
    ticket = conflict.ticket
    now = TicketOut.of(ticket).model_dump(mode="json")
    return Problem(412, "conflict", str(conflict), headers=etag(ticket.version), more={"ticket": now})
