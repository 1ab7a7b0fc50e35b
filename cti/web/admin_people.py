"""Administrators' pages of people: the list, a new account with its credentials, rights, resets."""

from dataclasses import replace
from typing import Any

import aiohttp_jinja2
from aiohttp import web

from cti.web.admin import (
    SECTION,
    PhoneNews,
    behind_the_door,
    bring_phone_in_step,
    has_made_phone,
    next_extension,
)
from cti.web.admin_inputs import NewPersonForm, PeopleQuery, PersonForm, PersonPath, ticked_ids
from cti.web.admin_words import action_words, detail_words
from cti.web.forms import as_model, from_path, from_query, posted
from cti.web.languages import N_, _, gettext
from cti.web.problems import Problem
from cti.web.security import account_of
from cti.web.services import services_of
from tickets.accounts import BadLogin, LoginTaken
from tickets.people import ExtensionTaken, LastAdministrator, Person, Rights
from tickets.vocabulary import Role

PATH = SECTION + "/people"
CHANGES_SHOWN = 8
ROLES = (
    (Role.OPERATOR, N_("Takes calls. Sees the calls of their queues and groups.")),
    (Role.SUPERVISOR, N_("Sees and hears every call, listens in, switches announcements.")),
    (Role.ADMINISTRATOR, N_("Everything, and decides who may do what.")),
)
_DONE = ("saved", "second-factor", "sessions", "active")


async def people_page(request: web.Request) -> web.Response:
    """Everybody, with what they may do."""
    query = from_query(request, PeopleQuery)
    services = services_of(request)
    everybody = await services.people.people()
    sought = query.q.casefold()
    shown = [
        one
        for one in everybody
        if (query.show == "all" or one.active)
        and any(sought in (text or "").casefold() for text in (one.name, one.login, one.extension))
    ]
    context = {
        "section": SECTION,
        "people": shown,
        "groups": {group.id: group.name for group in await services.groups.groups()},
        "query": query,
        "active": sum(one.active for one in everybody),
        "all": len(everybody),
    }
    return aiohttp_jinja2.render_template("admin_people.html", request, context)


async def new_person_form(request: web.Request) -> web.Response:
    """An empty form with the next free extension in it."""
    return await _new(request)


async def create(request: web.Request) -> web.Response:
    """Make the account and its phone; the credentials are shown on the answer, and never again."""
    services, form = services_of(request), await posted(request)
    try:
        given = as_model(form, NewPersonForm)
        person, password = await services.people.create(
            account_of(request).login, given.login, given.rights(ticked_ids(form, "group"))
        )
    except Problem:
        return await _new(request, form, _("Give a name and a login."), 400)
    except (LoginTaken, ExtensionTaken, BadLogin) as error:
        return await _new(request, form, fault_words(error, form), 409)
    return await _credentials(request, person, password=password, with_phone=True)


async def person_page(request: web.Request) -> web.Response:
    """One account."""
    return await _person(request)


async def change(request: web.Request) -> web.Response:
    """The form of the rights."""
    services, form = services_of(request), await posted(request)
    person = await services.people.person(from_path(request, PersonPath).person_id)
    try:
        given = as_model(form, PersonForm)
    except Problem:
        return await _person(request, _("Something in the form does not fit: look at it again."), 400)
    wanted = given.rights(ticked_ids(form, "group"), active=person.active)
    return await _change(request, person, wanted, "saved")


async def switch(request: web.Request) -> web.Response:
    """Deactivate an account, or let it in again."""
    services, form = services_of(request), await posted(request)
    person = await services.people.person(from_path(request, PersonPath).person_id)
    wanted = replace(person.rights, active=form.get("active") == "1")
    return await _change(request, person, wanted, "active")


async def reset_password(request: web.Request) -> web.Response:
    """A new start password, shown once."""
    services = services_of(request)
    person = await services.people.person(from_path(request, PersonPath).person_id)
    password = await services.people.reset_password(account_of(request).login, person.id)
    return await _credentials(request, person, password=password)


async def reset_second_factor(request: web.Request) -> web.Response:
    """For who has lost their phone."""
    person_id = from_path(request, PersonPath).person_id
    await services_of(request).people.reset_second_factor(account_of(request).login, person_id)
    raise web.HTTPSeeOther(f"{PATH}/{person_id}?done=second-factor")


async def end_sessions(request: web.Request) -> web.Response:
    """Log somebody out everywhere."""
    person_id = from_path(request, PersonPath).person_id
    await services_of(request).people.end_sessions(account_of(request).login, person_id)
    raise web.HTTPSeeOther(f"{PATH}/{person_id}?done=sessions")


async def new_phone(request: web.Request) -> web.Response:
    """A new password for the phone, shown once."""
    services = services_of(request)
    person = await services.people.person(from_path(request, PersonPath).person_id)
    if not has_made_phone(services, person):
        raise Problem(
            409, "no-phone", _("The phone of this account stands in the scenario: change it there.")
        )
    return await _credentials(request, person, with_phone=True)


async def _change(request: web.Request, person: Person, wanted: Rights, done: str) -> web.Response:
    services = services_of(request)
    try:
        after = await services.people.change(account_of(request).login, person.id, wanted)
    except (LastAdministrator, ExtensionTaken, BadLogin) as error:
        words = fault_words(error, {"extension": wanted.extension or ""})
        return await _person(request, words, 409)
    if after.extension != person.extension and has_made_phone(services, person):
        await bring_phone_in_step(services, replace(person, active=False))  # nobody's any more
    if trouble := (await bring_phone_in_step(services, after)).trouble:
        return await _person(request, trouble, 502)
    raise web.HTTPSeeOther(f"{PATH}/{person.id}?done={done}")


async def _new(
    request: web.Request, form: dict[str, str] | None = None, fault: str = "", status: int = 200
) -> web.Response:
    services, everybody = services_of(request), await services_of(request).people.people()
    taken = {one.extension for one in everybody if one.extension and one.active}
    context = {
        "section": SECTION,
        "form": form if form is not None else {},
        "chosen": (form or {}).get("role", Role.OPERATOR.value),
        "roles": [(role, gettext(words)) for role, words in ROLES],
        "groups": await services.groups.groups(),
        "in_groups": ticked_ids(form or {}, "group"),
        "extension": next_extension({*taken, *services.operators}),
        "unused": {one: name for one, name in services.operators.items() if one not in taken},
        "fault": fault,
    }
    return aiohttp_jinja2.render_template("admin_new.html", request, context, status=status)


async def _person(request: web.Request, fault: str = "", status: int = 200) -> web.Response:
    services = services_of(request)
    person = await services.people.person(from_path(request, PersonPath).person_id)
    changes = await services.audit.page(subject=person.login, actions=("account",), limit=CHANGES_SHOWN)
    done = request.query.get("done", "")
    context = {
        "section": SECTION,
        "person": person,
        "roles": [(role, gettext(words)) for role, words in ROLES],
        "groups": await services.groups.groups(),
        "unused": dict(services.operators),
        # Where no phone signs in with us there is no password to change, but somebody to be made known still.
        "made_phone": has_made_phone(services, person)
        and (services.phones.sign_in or person.phone_secret is None),
        "changes": changes.items,
        "action_words": action_words,
        "detail_words": detail_words,
        "done": done if done in _DONE and not fault else "",
        "fault": fault,
    }
    return aiohttp_jinja2.render_template("admin_person.html", request, context, status=status)


async def _credentials(
    request: web.Request, person: Person, *, password: str | None = None, with_phone: bool = False
) -> web.Response:
    """What is shown once."""
    services, news = services_of(request), PhoneNews()
    if with_phone and has_made_phone(services, person):
        secret = await services.people.new_phone_secret(account_of(request).login, person.id)
        news = await bring_phone_in_step(services, person, secret)
    phone = services.phones.own(person.extension) if with_phone and person.extension else None
    context: dict[str, Any] = {
        "section": SECTION,
        "person": person,
        "password": password,
        "phone": phone,
        "server": services.phones.server,
        "news": news,
        "page_phone": bool(services.phone_url),
        "address": f"{'https' if services.secure_cookies else request.scheme}://{request.host}/",
    }
    return aiohttp_jinja2.render_template("admin_credentials.html", request, context)


def fault_words(error: Exception, form: dict[str, str]) -> str:
    """An error of the accounts, for people."""
    if isinstance(error, LoginTaken):
        return _("There is an account %(login)s already: choose another login.", login=form.get("login", ""))
    if isinstance(error, ExtensionTaken):
        return _(
            "Extension %(extension)s is somebody else's phone: choose another.",
            extension=form.get("extension", ""),
        )
    if isinstance(error, LastAdministrator):
        return _("This is the only administrator: make somebody else one before you change this.")
    return _("A login has letters, digits, dots, dashes or @; an extension has letters, digits and dashes.")


ROUTES = behind_the_door(
    web.get(PATH, people_page),
    web.get(PATH + "/new", new_person_form),
    web.post(PATH, create),
    web.get(PATH + "/{person_id}", person_page),
    web.post(PATH + "/{person_id}", change),
    web.post(PATH + "/{person_id}/active", switch),
    web.post(PATH + "/{person_id}/password", reset_password),
    web.post(PATH + "/{person_id}/second-factor", reset_second_factor),
    web.post(PATH + "/{person_id}/sessions", end_sessions),
    web.post(PATH + "/{person_id}/phone", new_phone),
)
