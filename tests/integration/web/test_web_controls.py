"""Commands over HTTP: whose call, whose right, and what is written down."""

import pytest

from tests.fakes.desk_day import VISITS
from tests.fakes.pbx_with_calls import CALLER
from tests.fakes.web_room import GRACE, SUPERVISOR, TOMAS, WebRoom
from tickets.database import DatabaseAway
from tickets.vocabulary import Role

pytestmark = pytest.mark.integration

CALL = f"/api/v1/calls/{CALLER.uniqueid}/commands"


async def command(desk: WebRoom, login: str | None, command: str, **more: str) -> int:
    """The status of the answer."""
    desk.lines.hear = [desk.services.controls.hear]
    async with desk.person(login) as browser, browser.post(CALL, json={"command": command, **more}) as answer:
        return answer.status


async def logged(desk: WebRoom) -> list[tuple[str, str]]:
    return [(line.login, line.action) for line in (await desk.services.audit.page()).items]


async def test_an_operator_commands_the_call_on_their_own_phone(desk: WebRoom) -> None:
    assert await command(desk, GRACE, "hold") == 204
    assert await command(desk, GRACE, "transfer", to="102") == 204
    assert [fields["Exten"] for fields in desk.lines.did("Redirect")] == ["wait", "send"]


@pytest.mark.parametrize("order", ["hang_up", "hold", "transfer", "dtmf", "pause_recording", "complete"])
async def test_anothers_call_is_not_there(desk: WebRoom, order: str) -> None:
    assert await command(desk, TOMAS, order, to="101", digits="1") == 404
    assert desk.lines.actions == []
    assert await logged(desk) == []


@pytest.mark.parametrize("order", ["listen", "whisper", "barge", "take_over"])
async def test_only_supervisors_listen_and_take_over(desk: WebRoom, order: str) -> None:
    assert await command(desk, None, order) == 401
    assert await command(desk, GRACE, order) == 403
    assert desk.lines.actions == []


async def test_a_supervisor_without_a_phone_is_told_so(desk: WebRoom) -> None:
    assert await command(desk, SUPERVISOR, "listen") == 409
    assert await logged(desk) == []


async def test_who_listens_is_in_the_log_and_so_is_a_pause(desk: WebRoom) -> None:
    await desk.services.accounts.add(
        "nina", "correct horse battery", Role.SUPERVISOR, "Nina", extension="103"
    )
    for order in ("listen", "whisper", "take_over"):
        assert await command(desk, "nina", order) == 204
    assert await command(desk, GRACE, "pause_recording") == 204
    assert sorted(await logged(desk)) == [
        ("grace", "recording.paused"),
        ("nina", "call.listened"),
        ("nina", "call.taken_over"),
        ("nina", "call.whispered"),
    ]


async def test_a_call_of_our_own_pbx_is_recorded_already(desk: WebRoom) -> None:
    assert await command(desk, GRACE, "start_recording") == 409
    assert await logged(desk) == []


@pytest.mark.parametrize(
    "body",
    [
        {"command": "explode"},
        {"command": "hold", "surprise": "1"},
        {"command": "dtmf", "digits": "1\r\n"},
        {"command": "transfer", "to": "1" * 65},
        {},
    ],
)
async def test_what_is_no_command_is_refused(desk: WebRoom, body: dict[str, str]) -> None:
    async with desk.person(GRACE) as browser, browser.post(CALL, json=body) as answer:
        assert answer.status in {400, 409}
    assert desk.lines.actions == []


async def test_a_click_calls_with_the_operators_own_phone(desk: WebRoom) -> None:
    desk.lines.channels = []
    async with desk.person(GRACE) as browser:
        async with browser.post("/api/v1/calls", json={"number": "+12025550168"}) as answer:
            assert answer.status == 202
            assert (await answer.json())["call_id"].startswith("pz-")
        async with browser.post("/api/v1/calls", json={"number": "911"}) as answer:
            assert answer.status == 400
            assert answer.content_type == "application/problem+json"
        async with browser.post(
            "/api/v1/calls", json={"number": "+12025550168", "ticket": "PZ-9999"}
        ) as answer:
            assert answer.status == 404
    assert [fields["Channel"] for fields in desk.lines.did("Originate")] == ["PJSIP/101"]


async def test_a_call_about_a_ticket_leaves_a_note_on_it(desk: WebRoom) -> None:
    desk.lines.channels = []
    ticket = await desk.happen(VISITS[5])
    asked = {"number": "+12025550168", "ticket": ticket}
    async with desk.person(GRACE) as browser:
        async with browser.post("/api/v1/calls", json=asked) as answer:
            assert answer.status == 202
        async with browser.get(f"/api/v1/tickets/{ticket}") as answer:
            assert [note["text"] for note in (await answer.json())["notes"]] == ["Called +1 202-555-0168."]


@pytest.mark.parametrize(("order", "needed"), [("transfer", "to"), ("dtmf", "digits")])
async def test_a_command_says_what_it_lacks(desk: WebRoom, order: str, needed: str) -> None:
    async with desk.person(GRACE) as browser, browser.post(CALL, json={"command": order}) as answer:
        assert answer.status == 409
        assert f"`{needed}`" in (await answer.json())["detail"]


async def test_another_sites_page_commands_nothing(desk: WebRoom) -> None:
    async with desk.person(GRACE) as browser:
        headers = {"Origin": "https://evil.example"}
        async with browser.post(CALL, json={"command": "hang_up"}, headers=headers) as answer:
            assert answer.status == 403
    assert desk.lines.actions == []


async def test_a_call_that_is_rung_is_told_as_rung_though_its_note_cannot_be_kept(
    desk: WebRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.lines.channels = []
    ticket = await desk.happen(VISITS[5])

    async def fails(*_: object) -> None:
        raise DatabaseAway("The database failed.")

    monkeypatch.setattr(desk.services.tickets, "add_note", fails)
    asked = {"number": "+12025550168", "ticket": ticket}
    async with desk.person(GRACE) as browser, browser.post("/api/v1/calls", json=asked) as answer:
        assert answer.status == 202  # who is told otherwise calls again
    assert len(desk.lines.did("Originate")) == 1
