"""Announcements for waiting callers: codes that are no language, pieces that are all made ahead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ivr.waiting_words import (
    CODE,
    LONG,
    MINUTES,
    OFFER,
    PLACES,
    SOON,
    Announcement,
    WaitingWords,
    incident_piece,
    texts,
)

pytestmark = pytest.mark.unit

WORDS = WaitingWords(
    next="You are next.",
    place="You are number {place}.",
    place_beyond="Many are before you.",
    soon="A minute.",
    wait="About {minutes} minutes.",
    long="More than an hour.",
)

announcements = st.builds(
    Announcement,
    st.integers(1, 10_000),
    st.none() | st.sampled_from([SOON, *MINUTES, LONG]),
    st.booleans(),
    st.none() | st.integers(1, 2**31),
)


@given(announcements)
def test_every_announcement_has_its_pieces_and_a_code_of_its_own(announcement: Announcement) -> None:
    ready = {*texts(WORDS), OFFER}
    if announcement.incident is not None:
        ready.add(incident_piece(announcement.incident))
    assert ready.issuperset(announcement.pieces())
    assert CODE.fullmatch(announcement.code)
    assert len(f"en_{announcement.code}") < 40  # MAX_LANGUAGE of Asterisk


@given(announcements, announcements)
def test_one_code_never_stands_for_two_announcements(one: Announcement, other: Announcement) -> None:
    assert (one.code == other.code) == (one.pieces() == other.pieces())


def test_all_places_and_steps_have_their_words() -> None:
    spoken = texts(WORDS)
    assert spoken["place-1"] == "You are next."
    assert spoken[f"place-{PLACES}"] == "You are number 20."
    assert spoken[Announcement(PLACES + 30).pieces()[0]] == "Many are before you."
    assert spoken["wait-12"] == "About 12 minutes."
    assert len(spoken) == PLACES + 1 + len(MINUTES) + 2


def test_the_incident_comes_first_and_the_offer_last() -> None:
    assert Announcement(3, 5, offer=True, incident=9).pieces() == ["incident-9", "place-3", "wait-5", OFFER]


@pytest.mark.parametrize("place", ["You wait.", "{place} of {place}", "{place} {minutes}", "{place!r}", "{"])
def test_it_refuses_words_without_room_for_the_number(place: str) -> None:
    with pytest.raises(ValidationError, match="once, where the number is to be said"):
        WaitingWords(**{**WORDS.model_dump(), "place": place})
