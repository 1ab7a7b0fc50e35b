"""A ticket's page: gathers ticket, call, recording, earlier tickets, and says why something is not there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from cti.web.access import sight_of, ticket_for
from cti.web.languages import N_, _
from cti.web.security import account_of, may_listen, may_read_words
from cti.web.sentences import said
from cti.web.services import services_of
from cti.web.story import Bar, Moment, call_bar, conversation, heard_by_bot, lines_on_tape, moments, on_tape
from cti.web.ticket_work import work_context
from recordings.shelf import RecordingView
from tickets.bot_learnt import bot_learnt
from tickets.call import Call
from tickets.call_ids import vendor_of
from tickets.desk import Ticket, TicketDetail
from tickets.vocabulary import TicketStatus
from tickets.workflow import may_move

EARLIER_SHOWN = 6

MOVES = (
    (TicketStatus.PENDING, N_("Set pending")),
    (TicketStatus.OPEN, N_("Open again")),
    (TicketStatus.CLOSED, N_("Close")),
)


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a part of the page is empty."""

    title: str
    text: str
    icon: str = "wave"
    audio: str = ""  # as of `Tape`: nothing to play
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class Tape:
    """Where the player finds things."""

    audio: str
    peaks: str
    vtt: str
    seconds: float
    mixed: bool  # nobody knows who speaks


async def ticket_context(
    request: web.Request,
    number: int,
    fault: str = "",
    typed: Mapping[str, str] | None = None,
    theirs: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Everything that `ticket.html` and its fragments show. `typed`, `theirs`: see `work_context`.

    Raises:
        NotFound: no such ticket.
    """
    services = services_of(request)
    detail = await ticket_for(request, number)
    recording = await services.shelf.of_call(detail.call.call_id)
    account, call = account_of(request), detail.call
    allowed = may_listen(account, call)
    words = may_read_words(account, call)
    said = conversation(detail.events, services.phones.names)
    bar = call_bar(detail.events, services.clock())
    if bar is not None and recording is not None and recording.parts:
        said = lines_on_tape(said, bar.began_at, recording.parts)
    return {
        "section": "/tickets",
        "ticket": detail.ticket,
        "call": detail.call,
        "customer": detail.customer,
        "earlier": await _others(request, detail),
        "promise": await services.promises.about_call(detail.call.call_id),
        "bar": bar,
        "moments": _moments(detail, bar, recording, services.phones.names),
        "said": [line for line in said if words or line.speaker == "step"],
        "heard_by_bot": heard_by_bot(said),
        "learnt": bot_learnt(detail.events),
        "may_read_words": words,
        "words_withheld": heard_by_bot(said) and not words,
        "tape": _tape(detail.call, recording, allowed=allowed),
        "phrases": recording.transcript.phrases if recording and recording.transcript and allowed else (),
        "transcript_empty": _no_transcript(detail.call, recording, allowed=allowed),
        "stage": _stage(detail.call, recording),
        "moves": [(move.value, _(name)) for move, name in MOVES if may_move(detail.ticket.status, move)],
        "fault": fault,
    } | await work_context(request, detail, typed, theirs)


async def _others(request: web.Request, detail: TicketDetail) -> list[Ticket]:
    customer_id = detail.ticket.customer_id
    if customer_id is None:
        return []
    page = await services_of(request).desk.tickets(
        customer_id=customer_id, limit=EARLIER_SHOWN + 1, sight=sight_of(request)
    )
    return [other for other in page.items if other.number != detail.ticket.number][:EARLIER_SHOWN]


def _moments(
    detail: TicketDetail, bar: Bar | None, recording: RecordingView | None, operators: Mapping[str, str]
) -> list[Moment]:
    if bar is None or recording is None:
        return []
    found = moments(bar, detail.events, operators)
    return on_tape(found, bar.began_at, recording.parts) if recording.parts else found


def _stage(call: Call, recording: RecordingView | None) -> str:
    """How far the page is: with the next stage a page that nobody is using loads anew."""
    if not call.ended:
        return "live"
    if recording is None:
        return "ended"
    over = recording.transcript or recording.missing_reason or recording.transcript_missing_reason
    return "done" if over else "recorded"


def _tape(call: Call, recording: RecordingView | None, *, allowed: bool) -> Tape | Absence:
    if not allowed:
        return Absence(
            _("Not for this login"),
            _("A recording is for supervisors and the operator of that call."),
            "lock",
        )
    if recording is None and not call.ended:
        return Absence(_("Being recorded"), _("The tape appears here after the call."))
    if recording is None and vendor_of(call.call_id):
        return Absence(_("Not here yet"), _("If the PBX has recorded this call, it appears within minutes."))
    if recording is None:
        return Absence(_("Not here yet"), _("The recording is on its way to the shelf."))
    if recording.missing_reason:
        return Absence(_("No recording"), said(recording.missing_reason))
    base = f"/api/v1/recordings/{recording.id}"
    return Tape(
        f"{base}/audio", f"{base}/peaks", f"{base}/transcript.vtt", recording.seconds, recording.mixed
    )


def _no_transcript(call: Call, recording: RecordingView | None, *, allowed: bool) -> Absence:
    if not allowed:
        return Absence(_("Not for this login"), _("The transcript goes with the recording."))
    if recording is None:
        words = _("It is made after the recording.") if call.ended else _("It is made after the call.")
        return Absence(_("No transcript yet"), words)
    if recording.missing_reason:
        return Absence(_("No transcript"), _("There is no recording to read."))
    if recording.transcript_missing_reason:
        return Absence(_("No transcript"), said(recording.transcript_missing_reason))
    if recording.transcript is None:
        return Absence(_("Being transcribed"), _("It appears here in a moment."))
    return Absence(_("Nothing was said"), _("The recogniser found no speech in the recording."))
