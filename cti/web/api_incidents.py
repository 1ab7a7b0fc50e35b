"""The API of mass incidents. Reads, calls the records, presents."""

from aiohttp import web

from cti.web.inputs import IncidentPath, NewIncident
from cti.web.openapi import operation
from cti.web.schemas import IncidentList, IncidentOut
from cti.web.security import account_of, require
from cti.web.services import services_of
from tickets.vocabulary import Role


@operation("GET", "/api/v1/incidents", tag="Incidents")
async def list_incidents(request: web.Request) -> IncidentList:
    """The last mass incidents, newest first, and whether callers hear one now."""
    services = services_of(request)
    items = [IncidentOut.of(one, services.clock()) for one in await services.incidents.latest()]
    on = next((one.id for one in items if one.is_on), 0)
    announcer = services.announcer
    return IncidentList(items=items, announced=announcer.announces(on), trouble=announcer.trouble_with(on))


@operation("POST", "/api/v1/incidents", tag="Incidents", status=201)
async def switch_incident_on(request: web.Request, *, body: NewIncident) -> IncidentOut:
    """Announce an incident to every caller, in place of any other. For supervisors.

    Callers hear it as soon as the voice has spoken it, usually within seconds: see `announced` in the list.
    """
    account = account_of(request)
    require(account, Role.SUPERVISOR)
    services = services_of(request)
    incident = await services.incidents.switch_on(body.topic, body.text, body.until, account.login)
    services.announcer.hint()
    return IncidentOut.of(incident, services.clock())


@operation("POST", "/api/v1/incidents/{incident_id}/off", tag="Incidents")
async def switch_incident_off(request: web.Request, *, path: IncidentPath) -> IncidentOut:
    """End an incident; one that is over stays as it is. For supervisors."""
    account = account_of(request)
    require(account, Role.SUPERVISOR)
    services = services_of(request)
    incident = await services.incidents.switch_off(path.incident_id, account.login)
    services.announcer.hint()
    return IncidentOut.of(incident, services.clock())


OPERATIONS = (list_incidents, switch_incident_on, switch_incident_off)
