"""The page of mass incidents: what callers hear now, switching it on and off, and what came before."""

import aiohttp_jinja2
from aiohttp import web

from cti.web.forms import as_model, from_path, posted
from cti.web.inputs import IncidentForm, IncidentPath
from cti.web.problems import Problem
from cti.web.security import account_of, has_role, require
from cti.web.services import services_of
from tickets.incidents import LONGEST, LONGEST_TOPIC, BadIncident
from tickets.vocabulary import Role

PATH = "/incidents"


async def incidents_page(request: web.Request) -> web.Response:
    """Read by everybody at the desk, written by supervisors."""
    return await _page(request)


async def switch_on(request: web.Request) -> web.Response:
    """The form. What cannot be announced comes back as it was typed, with the reason."""
    account = account_of(request)
    require(account, Role.SUPERVISOR)
    services = services_of(request)
    form = await posted(request)
    try:
        given = as_model(form, IncidentForm)
        until = given.until.replace(tzinfo=services.zone) if given.until else None
        await services.incidents.switch_on(given.topic, given.text, until, account.login)
    except BadIncident as error:
        return await _page(request, form, str(error), 400)
    except Problem as error:
        if error.status != 400:
            raise
        date = any(one.where == "body.until" for one in error.errors)
        what = "its end as a date and a time" if date else "a topic and the words that callers hear"
        return await _page(request, form, f"Give the incident {what}.", 400)
    services.announcer.hint()
    raise web.HTTPSeeOther(PATH)


async def switch_off(request: web.Request) -> web.Response:
    """The button beside the one that is on."""
    account = account_of(request)
    require(account, Role.SUPERVISOR)
    services = services_of(request)
    await services.incidents.switch_off(from_path(request, IncidentPath).incident_id, account.login)
    services.announcer.hint()
    raise web.HTTPSeeOther(PATH)


async def _page(
    request: web.Request, form: dict[str, str] | None = None, fault: str = "", status: int = 200
) -> web.Response:
    services = services_of(request)
    now = services.clock()
    incidents = await services.incidents.latest()
    on = next((one for one in incidents if one.is_on(now)), None)
    context = {
        "section": PATH,
        "on": on,
        "before": [one for one in incidents if not one.is_on(now)],
        "heard": on is not None and services.announcer.announces(on.id),
        "trouble": None if on is None else services.announcer.trouble_with(on.id),
        "may_switch": has_role(account_of(request), Role.SUPERVISOR),
        "form": form or {},
        "fault": fault,
        "most": {"topic": LONGEST_TOPIC, "text": LONGEST},
    }
    return aiohttp_jinja2.render_template("incidents.html", request, context, status=status)


ROUTES = (
    web.get(PATH, incidents_page),
    web.post(PATH, switch_on),
    web.post(PATH + "/{incident_id}/off", switch_off),
)
