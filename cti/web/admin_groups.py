"""Administrators' pages of groups: who shares queues, and so sees each other's calls."""

import aiohttp_jinja2
from aiohttp import web

from cti.web.admin import SECTION, behind_the_door, bring_phone_in_step
from cti.web.admin_inputs import GroupPath, ticked, ticked_ids
from cti.web.forms import from_path, posted
from cti.web.languages import _
from cti.web.security import account_of
from cti.web.services import Services, services_of
from tickets.groups import BadGroup, Group, GroupTaken

PATH = SECTION + "/groups"


async def groups_page(request: web.Request) -> web.Response:
    """All groups."""
    context = {"section": SECTION, "groups": await services_of(request).groups.groups()}
    return aiohttp_jinja2.render_template("admin_groups.html", request, context)


async def new_group_form(request: web.Request) -> web.Response:
    """An empty form."""
    return await _form(request, None)


async def create(request: web.Request) -> web.Response:
    """Make a group."""
    services, form = services_of(request), await posted(request)
    try:
        group = await services.groups.create(
            account_of(request).login, form.get("name", ""), ticked(form, "queue"), ticked_ids(form, "member")
        )
    except (GroupTaken, BadGroup) as error:
        return await _form(request, None, form, _fault(error))
    return await _brought_in_step(request, group, set())


async def group_page(request: web.Request) -> web.Response:
    """One group."""
    group = await services_of(request).groups.group(from_path(request, GroupPath).group_id)
    return await _form(request, group)


async def change(request: web.Request) -> web.Response:
    """Make a group as the form says."""
    services, form = services_of(request), await posted(request)
    before = await services.groups.group(from_path(request, GroupPath).group_id)
    try:
        group = await services.groups.change(
            account_of(request).login,
            before.id,
            form.get("name", ""),
            ticked(form, "queue"),
            ticked_ids(form, "member"),
        )
    except (GroupTaken, BadGroup) as error:
        return await _form(request, before, form, _fault(error))
    return await _brought_in_step(request, group, {member.id for member in before.members})


async def delete(request: web.Request) -> web.Response:
    """End a group."""
    services = services_of(request)
    group = await services.groups.delete(account_of(request).login, from_path(request, GroupPath).group_id)
    await _phones_in_step(services, {member.id for member in group.members})
    raise web.HTTPSeeOther(PATH)


async def _brought_in_step(request: web.Request, group: Group, others: set[int]) -> web.Response:
    services = services_of(request)
    trouble = await _phones_in_step(services, others | {member.id for member in group.members})
    if trouble:
        return await _form(request, group, fault=trouble, status=502)
    raise web.HTTPSeeOther(PATH)


async def _phones_in_step(services: Services, people: set[int]) -> str:
    """What is wrong, of the first phone with which something is."""
    for person in await services.people.people():
        if person.id in people and (trouble := (await bring_phone_in_step(services, person)).trouble):
            return trouble
    return ""


async def _form(
    request: web.Request,
    group: Group | None,
    form: dict[str, str] | None = None,
    fault: str = "",
    status: int | None = None,
) -> web.Response:
    services = services_of(request)
    members = frozenset(one.id for one in group.members) if group else frozenset()
    queues = set(group.queues) if group else set()
    if form is not None:
        members, queues = ticked_ids(form, "member"), set(ticked(form, "queue"))
    context = {
        "section": SECTION,
        "group": group,
        "name": form.get("name", "") if form is not None else group.name if group else "",
        "queues": sorted({*services.queues, *queues}),
        "served": queues,
        "people": [one for one in await services.people.people() if one.active or one.id in members],
        "members": members,
        "fault": fault,
    }
    answer = status or (409 if fault else 200)
    return aiohttp_jinja2.render_template("admin_group.html", request, context, status=answer)


def _fault(error: GroupTaken | BadGroup) -> str:
    if isinstance(error, GroupTaken):
        return _("There is a group of this name already: choose another.")
    return _("Give the group a name of at most 100 characters.")


ROUTES = behind_the_door(
    web.get(PATH, groups_page),
    web.get(PATH + "/new", new_group_form),
    web.post(PATH, create),
    web.get(PATH + "/{group_id}", group_page),
    web.post(PATH + "/{group_id}", change),
    web.post(PATH + "/{group_id}/delete", delete),
)
