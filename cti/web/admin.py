"""What all administrators' pages share: the door that lets only administrators in, and phones for people."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import wraps

from aiohttp import web

from cti.asterisk.config import BadPbxConfiguration
from cti.operators.phones import ExtensionInUse
from cti.web.languages import _
from cti.web.problems import Handler
from cti.web.security import account_of, require
from cti.web.services import Services
from tickets.groups import Group
from tickets.people import Person
from tickets.vocabulary import Role

SECTION = "/admin"


def administrators_only(handler: Handler) -> Handler:
    """The handler behind a locked door."""

    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        require(account_of(request), Role.ADMINISTRATOR)
        return await handler(request)

    return guarded


def behind_the_door(*routes: web.RouteDef) -> tuple[web.RouteDef, ...]:
    """These routes, for administrators only."""
    return tuple(
        web.RouteDef(route.method, route.path, administrators_only(route.handler), route.kwargs)
        for route in routes
    )


def next_extension(taken: Iterable[str]) -> str:
    """The lowest free number from the lowest that is in use; 101 where none is."""
    numbers = {int(one) for one in taken if one.isascii() and one.isdigit() and len(one) < 7}
    number = min(numbers, default=101)
    while number in numbers:
        number += 1
    return str(number)


def queues_of(services: Services, groups: Iterable[Group], person: Person) -> list[str]:
    """What rings somebody's phone by their groups; queues that the scenario no longer has are left out."""
    served = {queue for group in groups if group.id in person.groups for queue in group.queues}
    return [name for name in services.queues if name in served]


def has_made_phone(services: Services, person: Person) -> bool:
    """Whether the person's phone is made with the account; others stand in the scenario."""
    return person.extension is not None and person.extension not in services.operators


@dataclass(frozen=True, slots=True)
class PhoneNews:
    """What became of a phone, for people; empty: nothing to tell."""

    trouble: str = ""  # it is not as it should be
    to_do: str = ""  # somebody has to see to it in the PBX


async def bring_phone_in_step(services: Services, person: Person, secret: str | None = None) -> PhoneNews:
    """Have the PBX ring a person's phone as the groups say.

    `secret`: a new one; without it the one that is kept.
    """
    if person.extension is None or not has_made_phone(services, person):
        return PhoneNews()
    known = secret or person.phone_secret
    try:
        if not person.active:
            await services.phones.withdraw(person.extension)
        elif known is not None:
            queues = queues_of(services, await services.groups.groups(), person)
            made = await services.phones.provide(person.extension, person.name, known, queues)
            return PhoneNews(to_do=made.to_do)
    except (BadPbxConfiguration, ExtensionInUse) as error:
        return PhoneNews(trouble=str(error))
    except OSError:
        return PhoneNews(trouble=_("The files for the PBX cannot be written: the phone is as it was before."))
    return PhoneNews()
