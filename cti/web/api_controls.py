"""The API of calls under way: hold, transfer, listen; and of calling people. Reads, commands."""

from collections.abc import Awaitable
from typing import Literal

import structlog
from aiohttp import web
from pydantic import BaseModel, Field

from cti.operators.controls import PbxSaysNo
from cti.operators.legs import By
from cti.web.access import must_see_ticket
from cti.web.inputs import CallPath, In, Text, TicketPath
from cti.web.languages import _
from cti.web.openapi import operation
from cti.web.schemas import ticket_name
from cti.web.security import account_of, has_role, require
from cti.web.services import Services, services_of
from cti.web.words import phone
from tickets.database import DatabaseTrouble
from tickets.vocabulary import Role

log = structlog.get_logger()

_SUPERVISORS = {
    "listen": "call.listened",
    "whisper": "call.whispered",
    "barge": "call.barged",
    "take_over": "call.taken_over",
}
"""Commands for supervisors alone, and what the audit log calls them."""
_AUDITED = {
    "start_recording": "recording.started",
    "pause_recording": "recording.paused",
    "resume_recording": "recording.resumed",
}


class CallCommand(In):
    """What is to be done with a call."""

    command: Literal[
        "hang_up",
        "hold",
        "unhold",
        "transfer",
        "consult",
        "complete",
        "return",
        "conference",
        "dtmf",
        "start_recording",
        "pause_recording",
        "resume_recording",
        "listen",
        "whisper",
        "barge",
        "take_over",
    ] = Field(
        description="`consult` rings a colleague while the caller hears music; then `complete` or `return`. "
        "`start_recording` is of a virtual PBX that does not record every call. "
        "`listen`, `whisper`, `barge` and `take_over` ring the phone of the supervisor who asks."
    )
    to: Text | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="Of `transfer`: an extension or a queue; of `consult` and `conference`: an extension.",
    )
    digits: Text | None = Field(None, min_length=1, max_length=24, description="Of `dtmf`: 0-9, A-D, *, #.")


class NewCall(In):
    """Whom to call."""

    number: Text = Field(max_length=20, description="E.164: with + and the country's code.")
    ticket: str | None = Field(None, pattern=r"^PZ-[0-9]{4,10}$", description="What it is about.")


class NewCallOut(BaseModel):
    """A call that is being made."""

    call_id: str = Field(
        description="It is a call of the ledger from when the other side answers; empty where a virtual PBX "
        "makes the call, which tells of it itself."
    )


@operation("POST", "/api/v1/calls/{call_id}/commands", tag="Calls", status=204, problems=(409,))
async def command_call(request: web.Request, *, path: CallPath, body: CallCommand) -> None:
    """Do something with a call under way.

    Operators command the calls on their own phones; supervisors all, and they alone may listen, whisper,
    barge and take over. Answered when the PBX has done it, or rings the phone that is to be rung; 409 says
    why it cannot be done now.
    """
    services, account, call_id = services_of(request), account_of(request), path.call_id
    if body.command in _SUPERVISORS:
        require(account, Role.SUPERVISOR)
        await _step_in(request, call_id, body.command)
        return
    who = By(account.extension, anybodys=has_role(account, Role.SUPERVISOR))
    await _do(services, call_id, who, body)
    if body.command in _AUDITED:
        try:
            await services.audit.add(account.login, _AUDITED[body.command], _subject(services, call_id))
        except DatabaseTrouble as error:  # the ledger tells of it too; a card number waits for nothing
            log.warning("A pause is not in the audit log.", action="audit_lost", error=type(error).__name__)


@operation("POST", "/api/v1/calls", tag="Calls", status=202, problems=(409,))
async def make_call(request: web.Request, *, body: NewCall) -> NewCallOut:
    """Call somebody: the asking operator's chosen phone rings first, then the other side is rung.

    A `ticket` gets a note of it.

    Whole international numbers only; emergency and other short numbers are refused.
    """
    services = services_of(request)
    if body.ticket is not None:
        about = TicketPath(ticket=body.ticket).number
        await must_see_ticket(request, about)
    call_id = await services.click_to_call.call_out(_extension(request), body.number)
    if body.ticket is not None:
        note = _("Called %(number)s.", number=phone(body.number))
        try:
            await services.tickets.add_note(about, note, account_of(request).login)
        except DatabaseTrouble as error:  # the phone rings already: who is told otherwise calls again
            log.warning("A call's note is lost.", action="note_lost", error=type(error).__name__)
    return NewCallOut(call_id=call_id)


async def _step_in(request: web.Request, call_id: str, command: str) -> None:
    services, account, extension = services_of(request), account_of(request), _extension(request)
    call = services.live.call(call_id)
    detail = {"operator": call.operator if call else None}
    # Before it is done: nobody listens without being in the log.
    await services.audit.add(account.login, _SUPERVISORS[command], _subject(services, call_id), detail)
    if command == "take_over":
        await services.controls.take_over(call_id, extension)
    else:
        await services.controls.listen(call_id, extension, command)


def _do(services: Services, call_id: str, who: By, body: CallCommand) -> Awaitable[None]:
    controls = services.controls
    match body.command:
        case "hang_up":
            return controls.hang_up(call_id, who)
        case "hold" | "unhold":
            return controls.hold(call_id, who, body.command == "hold")
        case "transfer":
            return controls.transfer(call_id, who, _given(body.to, "to"))
        case "consult":
            return controls.consult(call_id, who, _given(body.to, "to"))
        case "complete":
            return controls.complete(call_id, who)
        case "return":
            return controls.return_to_caller(call_id, who)
        case "conference":
            return controls.conference(call_id, who, _given(body.to, "to"))
        case "dtmf":
            return controls.send_dtmf(call_id, who, _given(body.digits, "digits"))
        case "start_recording":
            return controls.start_recording(call_id, who)
        case _:
            return controls.pause_recording(call_id, who, body.command == "pause_recording")


def _given(value: str | None, name: str) -> str:
    if value is None:
        raise PbxSaysNo(_("This command needs `%(name)s`.", name=name))
    return value


def _subject(services: Services, call_id: str) -> str:
    number = services.live.ticket_number(call_id)
    return call_id if number is None else ticket_name(number)


def _extension(request: web.Request) -> str:
    extension = account_of(request).extension
    if extension is None:
        raise PbxSaysNo(_("Your account has no extension: an administrator can give it one."))
    return extension


OPERATIONS = (command_call, make_call)
