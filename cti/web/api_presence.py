"""The API of operators: whether they take calls, which of their phones rings, how the page's signs in."""

from aiohttp import web
from pydantic import BaseModel, Field

from cti.web.inputs import In, Text
from cti.web.languages import _
from cti.web.openapi import operation
from cti.web.problems import Problem
from cti.web.security import account_of
from cti.web.services import services_of
from tickets.vocabulary import PhoneChoice, Presence


class NewPresence(In):
    """What an operator wants to be."""

    presence: Presence = Field(description="`wrap_up` ends by itself, after a minute.")
    reason: Text | None = Field(None, max_length=100, description="Of a pause: lunch, training.")


class NewPhone(In):
    """Which phone of an operator the queues are to ring."""

    phone: PhoneChoice = Field(description="`own`: a SIP phone; `page`: the one in the desk's page.")


class PagePhoneOut(BaseModel):
    """With what the phone in the asking operator's page signs in at the PBX."""

    url: str = Field(description="The PBX's WebSocket.")
    uri: str = Field(description="The phone's SIP address.")
    user: str
    secret: str
    display_name: str
    ice: list[str] = Field(description="Addresses of STUN and TURN servers; empty: none are needed.")


def _extension(request: web.Request) -> str:
    extension = account_of(request).extension
    if extension is None:
        raise Problem(409, "no-phone", _("Your account has no extension: an administrator can give it one."))
    return extension


@operation("POST", "/api/v1/presence", tag="Operators", status=204, problems=(409,))
async def set_presence(request: web.Request, *, body: NewPresence) -> None:
    """Take calls, pause, or go home: for the operator who asks. The PBX's queues follow at once."""
    await services_of(request).keeper.set(_extension(request), body.presence, body.reason)


@operation("PUT", "/api/v1/presence/phone", tag="Operators", status=204, problems=(409,))
async def choose_phone(request: web.Request, *, body: NewPhone) -> None:
    """Which phone rings: for the operator who asks."""
    await services_of(request).keeper.choose_phone(_extension(request), body.phone)


@operation("GET", "/api/v1/phone", tag="Operators", problems=(404, 409))
async def get_phone(request: web.Request) -> PagePhoneOut:
    """With what the phone in the page signs in: for the operator who asks, and nobody else's."""
    services = services_of(request)
    sign_in = services.phones.in_page(_extension(request))
    if sign_in is None or not services.phone_url:
        raise Problem(404, "not-found", _("The PBX has no phone of your extension."))
    return PagePhoneOut(
        url=services.phone_url,
        uri=f"sip:{sign_in.user}@presszero.invalid",
        user=sign_in.user,
        secret=sign_in.secret,
        display_name=sign_in.display_name,
        ice=[],
    )


OPERATIONS = (set_presence, choose_phone, get_phone)
