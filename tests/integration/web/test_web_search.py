"""The search over HTTP: what is found, what is nobody's business, and what people type."""

from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession

from recordings.transcript import Phrase
from tests.fakes.desk_day import NORA, VISITS, Visit
from tests.fakes.web_room import GRACE, WebRoom
from tests.integration.conftest import database_kind as database_kind
from tickets.vocabulary import EventKind as K

pytestmark = pytest.mark.integration

TALKED = VISITS[5]  # Nora Whitfield with Grace, extension 101
BY_BOT = VISITS[6]
SAID = [Phrase("caller", 1.0, 4.0, "My Ärger is the 100% unpaid payout_form", 0.9)]
KINDS = ("customers", "tickets", "notes", "transcripts")


async def found(browser: ClientSession, query: str) -> dict[str, list[str]]:
    """Names of customers and tickets by kind; kinds without any are left out."""
    async with browser.get("/api/v1/search", params={"q": query}) as answer:
        assert answer.status == 200, await answer.text()
        body: dict[str, Any] = await answer.json()
    assert body["late"] == []
    finds = {kind: [one.get("ticket") or one["name"] for one in body[kind]] for kind in KINDS}
    return {kind: names for kind, names in finds.items() if names}


def of_queue(visit: Visit, queue: str) -> Visit:
    """The same call in another queue."""
    steps = [
        (at, kind, data | {"queue": queue} if "queue" in data else data) for at, kind, data in visit.steps
    ]
    return replace(visit, steps=steps)


@pytest.mark.parametrize(
    "query", ["+1 (202) 555-0143", "202-555-0143", "0143", "12025550143", "555 0143", "+1202555"]
)
async def test_it_finds_a_number_in_any_spelling(desk: WebRoom, sofia: ClientSession, query: str) -> None:
    name = await desk.happen(TALKED)
    finds = await found(sofia, query)
    assert "Nora Whitfield" in finds["customers"]
    assert finds["tickets"] == [name]


@pytest.mark.parametrize("query", ["PZ-1001", "pz1001", "#1001", "1001"])
async def test_it_finds_a_ticket_number(desk: WebRoom, sofia: ClientSession, query: str) -> None:
    assert (await found(sofia, query)) == {}
    name = await desk.happen(TALKED)
    assert (await found(sofia, query))["tickets"] == [name]


async def test_it_finds_names_subjects_topics_tags_notes_and_words_that_were_said(
    desk: WebRoom, sofia: ClientSession
) -> None:
    name = await desk.happen(TALKED)
    await desk.keep_tape(TALKED, b"sound", SAID)
    book = desk.services.tickets
    await book.change(
        1, {"subject": "Überweisung fehlt", "topic": "Auszahlung", "tags": ["Dringend"]}, "sofia"
    )
    await book.add_note(1, "Die Bank hat die Überweisung zurückgeschickt.", "sofia")
    assert await found(sofia, "whitFIELD nora") == {"customers": ["Nora Whitfield"], "tickets": [name]}
    assert await found(sofia, "ÜBERWEISUNG") == {"tickets": [name], "notes": [name]}
    for query in ("auszahl", "dringend whitfield"):
        assert await found(sofia, query) == {"tickets": [name]}
    assert await found(sofia, "bank zurück") == {"notes": [name]}
    assert await found(sofia, "UNPAID ärger") == {"transcripts": [name]}
    assert await found(sofia, "unpaid bank") == {}


@pytest.mark.parametrize(
    "query", ["", " ", "%", "_", "\\", "' OR 1=1 --", "%%%", "a%b", "x" * 200, "zz " * 60]
)
async def test_what_people_type_is_never_a_pattern(desk: WebRoom, sofia: ClientSession, query: str) -> None:
    await desk.happen(TALKED)
    await desk.keep_tape(TALKED, b"sound", [Phrase("caller", 0, 1, "plain words", 0.9)])
    await desk.services.tickets.add_note(1, "a plain note", "sofia")
    assert await found(sofia, query) == {}


async def test_a_per_cent_sign_and_an_underscore_find_themselves(desk: WebRoom, sofia: ClientSession) -> None:
    name = await desk.happen(TALKED)
    await desk.keep_tape(TALKED, b"sound", SAID)
    assert await found(sofia, "100%") == {"transcripts": [name]}
    assert await found(sofia, "payout_form") == {"transcripts": [name]}
    assert await found(sofia, "payoutxform") == {}


async def test_a_query_that_is_too_long_is_refused(desk: WebRoom, sofia: ClientSession) -> None:
    async with sofia.get("/api/v1/search", params={"q": "x" * 201}) as answer:
        assert answer.status == 400
    async with sofia.get("/search", params={"q": "x" * 201}) as answer:
        assert answer.status == 400


async def test_another_queues_tickets_are_not_found(desk: WebRoom, grace: ClientSession) -> None:
    prizes = of_queue(TALKED, "prizes")
    await desk.happen(prizes)
    await desk.keep_tape(prizes, b"sound", SAID)
    await desk.services.tickets.add_note(1, "unpaid", "sofia")
    async with desk.person("tomas") as tomas:
        for query in ("1001", NORA, "unpaid", "whitfield", "talked"):
            assert set(await found(tomas, query)) <= {"customers"}
    assert set(await found(grace, "unpaid")) == {"notes", "transcripts"}  # she was the operator


async def test_words_are_found_only_in_recordings_that_one_may_hear(desk: WebRoom) -> None:
    name = await desk.happen(TALKED)  # of the queue that both serve; Grace talked
    await desk.keep_tape(TALKED, b"sound", SAID)
    message = Visit(
        5, NORA, [(1, K.QUEUE_JOINED, {"queue": "support"}), (9, K.VOICEMAIL_STARTED, {}), (20, K.ENDED, {})]
    )
    left = await desk.happen(message)
    await desk.keep_tape(message, b"sound", SAID)
    for login, heard in (("sofia", [left, name]), (GRACE, [left, name]), ("tomas", [left])):
        async with desk.person(login) as browser:
            assert await found(browser, "unpaid") == {"transcripts": heard}


async def test_the_page_shows_what_was_found_and_where(desk: WebRoom, sofia: ClientSession) -> None:
    name = await desk.happen(TALKED)
    await desk.keep_tape(TALKED, b"sound", SAID)
    async with sofia.get("/search", params={"q": "unpaid"}) as answer:
        html = await answer.text()
    assert f'href="/tickets/{name}"' in html
    assert "<mark>unpaid</mark>" in html
    async with sofia.get("/search", params={"q": "<mark>x"}) as answer:
        html = await answer.text()
    assert "Nothing was found" in html
    assert "<mark>x" not in html


async def test_a_drawer_that_is_late_leaves_the_others(
    desk: WebRoom, sofia: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await desk.happen(TALKED)
    monkeypatch.setattr(desk.services.transcripts, "_deadline_s", 0.0)
    async with sofia.get("/api/v1/search", params={"q": "whitfield"}) as answer:
        body = await answer.json()
    assert body["late"] == ["transcripts"]
    assert [one["ticket"] for one in body["tickets"]] == [name]
    async with sofia.get("/search", params={"q": "whitfield"}) as answer:
        assert "too much to look through" in await answer.text()
