"""What a person may write on a ticket, and how changes are told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.stories import START
from tickets.cards import Ticket
from tickets.edits import (
    LONGEST_FIELD,
    LONGEST_SUBJECT,
    LONGEST_TAG,
    LONGEST_TOPIC,
    MOST_FIELDS,
    MOST_TAGS,
    BadEdit,
    Edit,
    differences,
    merged,
    tidy,
    tidy_tags,
)
from tickets.vocabulary import TicketStatus

pytestmark = pytest.mark.unit

TICKET = Ticket(
    number=1, call_id="pz-1", status=TicketStatus.OPEN, subject="Prize", customer_id=None, customer_name=None,
    vip_level=0, operator=None, hand_over=None, topic=None, created_at=START, updated_at=START,
    closed_at=None, closed_by=None, version=1,
)  # fmt: skip


def test_it_keeps_a_line_as_one_line() -> None:
    assert tidy({"subject": " a\r\n b\0 ", "topic": " \n "}) == {"subject": "a b", "topic": None}


def test_it_keeps_each_tag_once_in_lower_case() -> None:
    tags = tidy_tags(["#Refund", " refund ", "ÄRGER", "two\n words", "", "#"])
    assert tags == ("refund", "two words", "ärger")


def test_it_keeps_no_field_without_a_value() -> None:
    assert tidy({"fields": {" Order  no ": " 17\r\n18 ", "Empty": " ", "": ""}}) == {
        "fields": {"Order no": "17\n18"}
    }


@pytest.mark.parametrize(
    "edit",
    [
        {"subject": " "},
        {"subject": "x" * (LONGEST_SUBJECT + 1)},
        {"topic": "x" * (LONGEST_TOPIC + 1)},
        {"tags": ["x" * (LONGEST_TAG + 1)]},
        {"tags": [str(n) for n in range(MOST_TAGS + 1)]},
        {"fields": {"x" * 65: "y"}},
        {"fields": {"x": "y" * (LONGEST_FIELD + 1)}},
        {"fields": {"": "y"}},
        {"fields": {"a": "1", " a ": "2"}},
        {"fields": {str(n): "y" for n in range(MOST_FIELDS + 1)}},
    ],
)
def test_it_refuses_what_cannot_be_kept(edit: Edit) -> None:
    with pytest.raises(BadEdit):
        tidy(edit)


texts = st.text(max_size=30)
edits = st.fixed_dictionaries(
    {},
    optional={
        "subject": texts.map(lambda text: f"s{text}"),
        "topic": st.none() | texts,
        "tags": st.lists(texts, max_size=5),
        "fields": st.dictionaries(texts.map(lambda text: f"f{text}"), texts, max_size=4),
    },
)


def after(ticket: Ticket, edit: Edit) -> Ticket:
    """The ticket with an edit that has been tidied."""
    return replace(ticket, **edit)  # type: ignore[arg-type]


@given(edits)
def test_what_was_tidied_once_stays_as_it_is(edit: Edit) -> None:
    try:
        once = tidy(edit)
    except BadEdit:  # two names became one
        return
    assert tidy(once) == once
    assert differences(after(TICKET, once), once) == {}


@given(edits, edits)
def test_two_changes_are_told_as_one_and_what_came_back_is_none(first: Edit, second: Edit) -> None:
    try:
        first, second = tidy(first), tidy(second)
    except BadEdit:
        return
    between = after(TICKET, first)
    end = after(between, second)
    facts = merged(differences(TICKET, first), differences(between, second))
    whole: Edit = {"subject": end.subject, "topic": end.topic, "tags": end.tags, "fields": end.fields}
    assert facts == differences(TICKET, whole)
