"""What the asking account sees, and what it may touch: the web's side of `tickets/sight.py`.

What an account does not see is not there for it: 404, the same as for what does not exist. Knows requests
and accounts; what belongs to whom is decided in `tickets/sight.py`.
"""

from aiohttp import web
from sqlalchemy import ColumnElement, and_, or_

from cti.web.security import account_of, has_role
from cti.web.services import Services, services_of
from tickets.accounts import Account
from tickets.desk import CallLine, NotFound, TicketDetail
from tickets.sight import EVERYTHING, Sight, visible_to
from tickets.sight import sees as sees
from tickets.tables import CallRow
from tickets.vocabulary import CallOutcome, Role


def sight_of_account(services: Services, account: Account) -> Sight:
    """What an account sees: operators their queues, those of their groups and what is theirs; others all."""
    if account.role is not Role.OPERATOR:
        return EVERYTHING
    own = services.queues_of(account.extension) if account.extension is not None else frozenset()
    return Sight(
        everything=False,
        login=account.login,
        extension=account.extension,
        queues=account.queues | own,
        groups=account.groups,
    )


def sight_of(request: web.Request) -> Sight:
    """What the asking account sees. Only for routes that are not public."""
    return sight_of_account(services_of(request), account_of(request))


async def ticket_for(request: web.Request, number: int) -> TicketDetail:
    """A ticket, for who sees it. Raises `NotFound`."""
    await must_see_ticket(request, number)
    return await services_of(request).desk.ticket(number)


async def must_see_ticket(request: web.Request, number: int) -> None:
    """Before a ticket is changed or told of. Raises `NotFound`."""
    await services_of(request).desk.must_see(number, sight_of(request))


async def call_for(request: web.Request, call_id: str) -> CallLine:
    """A call, for who sees it. Raises `NotFound`."""
    desk = services_of(request).desk
    line = await desk.call(call_id)
    try:
        await desk.must_see(line.ticket_number, sight_of(request))
    except NotFound as error:
        raise NotFound("There is no such call.") from error  # in the words of one that is not there
    return line


async def must_see_promise(request: web.Request, promise_id: int) -> None:
    """Before a promise is kept or excused. Raises `NotFound`."""
    await services_of(request).promises.line(promise_id, sight_of(request))


def hearable(account: Account, sight: Sight) -> ColumnElement[bool]:
    """`may_listen` of what an account sees, as a clause for a query that has joined `calls` and `tickets`."""
    if has_role(account, Role.SUPERVISOR):
        return visible_to(sight)
    heard = [CallRow.outcome == CallOutcome.VOICEMAIL]
    if account.extension is not None:
        heard.append(CallRow.operator == account.extension)
    if account.hears_group:
        heard.append(CallRow.queue.is_not(None))
    return and_(visible_to(sight), or_(*heard))
