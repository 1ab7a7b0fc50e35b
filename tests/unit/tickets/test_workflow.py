"""What a ticket is while its call goes on, and where people may take it."""

import pytest

from tests.fakes.stories import answered_by_bot, answered_by_operator, event
from tickets.call import replay
from tickets.vocabulary import CallOutcome, EventKind, TicketStatus
from tickets.workflow import follow, may_move

pytestmark = pytest.mark.unit


def test_a_ticket_is_open_while_its_call_goes_on() -> None:
    following = follow(replay(answered_by_bot()[:-1]))
    assert (following.status, following.closed_by, following.closed_at) == (TicketStatus.OPEN, None, None)
    assert following.subject == "Next draw: call in progress"


def test_the_bots_answer_closes_it() -> None:
    call = replay(answered_by_bot())
    following = follow(call)
    assert (following.status, following.closed_by) == (TicketStatus.CLOSED, "bot")
    assert following.closed_at == call.ended_at
    assert following.subject == "Next draw: answered by the bot"


def test_an_announcement_closes_it() -> None:
    told = [event(EventKind.ANNOUNCED, 0, option="opening_hours"), event(EventKind.ENDED, 9)]
    following = follow(replay(told))
    assert (following.status, following.closed_by) == (TicketStatus.CLOSED, "menu")
    assert following.subject == "Opening hours: informed by the menu"


def test_a_talk_leaves_it_open_for_the_operator() -> None:
    following = follow(replay(answered_by_operator()))
    assert (following.status, following.operator) == (TicketStatus.OPEN, "101")
    assert following.subject == "Talked with operator 101"


@pytest.mark.parametrize(
    ("kinds", "subject"),
    [
        ([], "Hung up"),
        ([EventKind.QUEUE_JOINED], "Hung up after 5 s in the queue"),
        ([EventKind.VOICEMAIL_STARTED], "Left a voicemail"),
        ([EventKind.QUEUE_JOINED, EventKind.CALL_BACK_PROMISED], "Asked to be called back"),
        ([EventKind.OPERATOR_ANSWERED], "Talked with an operator"),
    ],
)
def test_a_caller_who_still_needs_somebody_leaves_an_open_ticket(
    kinds: list[EventKind], subject: str
) -> None:
    told = [event(EventKind.RECEIVED, 0), *(event(kind, 4) for kind in kinds), event(EventKind.ENDED, 9)]
    following = follow(replay(told))
    assert (following.status, following.subject) == (TicketStatus.OPEN, subject)


def test_no_subject_holds_a_number() -> None:
    call = replay(answered_by_operator())
    assert call.caller
    assert call.caller[-7:] not in follow(call).subject


def test_every_outcome_has_a_subject() -> None:
    call = replay(answered_by_operator())
    for outcome in CallOutcome:
        object.__setattr__(call, "outcome", outcome)
        assert follow(call).subject


def test_a_closed_ticket_is_opened_before_it_waits_again() -> None:
    allowed = {(one, two) for one in TicketStatus for two in TicketStatus if may_move(one, two)}
    assert allowed == {
        (TicketStatus.OPEN, TicketStatus.PENDING),
        (TicketStatus.OPEN, TicketStatus.CLOSED),
        (TicketStatus.PENDING, TicketStatus.OPEN),
        (TicketStatus.PENDING, TicketStatus.CLOSED),
        (TicketStatus.CLOSED, TicketStatus.OPEN),
    }
