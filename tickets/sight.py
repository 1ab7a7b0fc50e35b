"""Which calls and tickets an account sees: one rule, for a call in memory and for lists in the database.

A call belongs to the queue it came to, to the operator who has it, and to whom its ticket is assigned; whom
the ticket is to come back to (a reminder) sees it until that is seen to. One that never came to any of them
(the bot answered, the caller hung up in the menu) is nobody's, and everybody at the desk sees it. Pure; knows
no account and no HTTP.
"""

from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, Table, and_, false, or_, true

from tickets.call import Call
from tickets.tables import CallRow, TicketRow

_calls = cast(Table, CallRow.__table__)
_tickets = cast(Table, TicketRow.__table__)
_OWNERS = (_calls.c.queue, _calls.c.operator, _tickets.c.assignee, _tickets.c.assigned_group)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one account sees. Equal for those who see the same."""

    everything: bool
    login: str = ""
    extension: str | None = None  # the operator's phone
    queues: frozenset[str] = frozenset()  # of the operator and of the groups
    groups: frozenset[int] = frozenset()


EVERYTHING = Sight(everything=True)


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose a call and its ticket are."""

    queue: str | None = None
    operator: str | None = None  # extension
    assignee: str | None = None  # login
    assigned_group: int | None = None
    remind_whom: str | None = None  # login


def sees_what_is(sight: Sight, owners: Owners) -> bool:
    """Whether that account sees what is theirs."""
    queue, operator, assignee, group = owners.queue, owners.operator, owners.assignee, owners.assigned_group
    return (
        sight.everything
        or queue in sight.queues
        or (operator is not None and operator == sight.extension)
        or (assignee is not None and assignee == sight.login)
        or group in sight.groups
        or (owners.remind_whom is not None and owners.remind_whom == sight.login)
        or (queue is None and operator is None and assignee is None and group is None)
    )


def sees(
    sight: Sight,
    call: Call,
    *,
    assignee: str | None = None,
    assigned_group: int | None = None,
    remind_whom: str | None = None,
) -> bool:
    """Whether that account sees the call, whose ticket is assigned so and comes back to `remind_whom`."""
    return sees_what_is(sight, Owners(call.queue, call.operator, assignee, assigned_group, remind_whom))


def visible_to(sight: Sight) -> ColumnElement[bool]:
    """The same as a clause, for a query that has joined `calls` and `tickets`."""
    if sight.everything:
        return true()
    nobodys = and_(*(column.is_(None) for column in _OWNERS))
    own = false() if sight.extension is None else _calls.c.operator == sight.extension
    return or_(
        _calls.c.queue.in_(sorted(sight.queues)),
        own,
        _tickets.c.assignee == sight.login,
        _tickets.c.assigned_group.in_(sorted(sight.groups)),
        _tickets.c.remind_whom == sight.login,
        nobodys,
    )
