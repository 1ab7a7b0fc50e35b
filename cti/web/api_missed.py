"""The API of missed calls: whom to call back, and marking off who is seen to."""

from typing import Self

from aiohttp import web
from pydantic import AwareDatetime, BaseModel, Field

from cti.web.access import sight_of
from cti.web.openapi import operation
from cti.web.schemas import Listed, Out, ticket_name
from cti.web.security import account_of
from cti.web.services import services_of
from cti.web.ticket_inputs import MissedMarks, MissedQuery
from tickets.missed import Missed
from tickets.vocabulary import CallOutcome


class MissedOut(Out):
    """A call that nobody took."""

    ticket: str = Field(description="For example `PZ-1001`.")
    call_id: str
    caller: str | None = Field(description="E.164; null where it was withheld.")
    customer_id: int | None
    customer_name: str | None
    vip_level: int
    line: str
    queue: str | None
    received_at: AwareDatetime
    ended_at: AwareDatetime | None
    hold_seconds: float
    outcome: CallOutcome | None
    done_at: AwareDatetime | None = Field(description="When somebody marked it off.")
    done_by: str | None = Field(description="Login.")
    talked_in: str | None = Field(description="Ticket of a later talk: it is off the list by itself.")

    @classmethod
    def of(cls, one: Missed) -> Self:
        """From the card index."""
        told = {name: getattr(one.call, name) for name in cls.model_fields if hasattr(one.call, name)}
        return cls(
            **told,
            ticket=ticket_name(one.ticket_number),
            customer_name=one.customer_name,
            done_at=one.done_at,
            done_by=one.done_by,
            talked_in=ticket_name(one.talked_in) if one.talked_in else None,
        )


class MissedList(Listed[MissedOut]):
    """Missed calls, newest first."""


class MissedMarked(BaseModel):
    """What a marking changed."""

    tickets: list[str] = Field(
        description="Those that changed; others were so already, or are no missed calls."
    )


@operation("GET", "/api/v1/missed", tag="Missed calls")
async def list_missed(request: web.Request, *, query: MissedQuery) -> MissedList:
    """Calls of the last 30 days that nobody took and nobody has talked about since, newest first."""
    page = await services_of(request).missed.page(**query.model_dump(), sight=sight_of(request))
    return MissedList(items=[MissedOut.of(one) for one in page.items], next_cursor=page.next_cursor)


@operation("POST", "/api/v1/missed/done", tag="Missed calls")
async def mark_missed(request: web.Request, *, body: MissedMarks) -> MissedMarked:
    """Mark missed calls off."""
    return await _mark(request, body, done=True)


@operation("POST", "/api/v1/missed/undone", tag="Missed calls")
async def unmark_missed(request: web.Request, *, body: MissedMarks) -> MissedMarked:
    """Put missed calls back on the list."""
    return await _mark(request, body, done=False)


async def _mark(request: web.Request, body: MissedMarks, *, done: bool) -> MissedMarked:
    book, login = services_of(request).missed, account_of(request).login
    changed = await book.mark(body.numbers, login, done=done, sight=sight_of(request))
    return MissedMarked(tickets=[ticket_name(number) for number in changed])


OPERATIONS = (list_missed, mark_missed, unmark_missed)
