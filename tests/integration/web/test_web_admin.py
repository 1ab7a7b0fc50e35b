"""Administrators' pages: only they get in, what they change holds, and everything of it is in the log."""

import re
from dataclasses import replace

import pytest
from aiohttp import ClientSession

from recordings.transcript import Phrase
from tests.fakes.desk_day import VISITS
from tests.fakes.web_room import ADMINISTRATOR, GRACE, PASSWORD, SUPERVISOR, TOMAS, WebRoom
from tests.integration.conftest import database_kind as database_kind
from tests.integration.web.test_web_live import next_event
from tickets.vocabulary import Role

pytestmark = pytest.mark.integration

LIVE, TALKED = VISITS[0], VISITS[5]
SCRIPT = '<script>alert("x")</script>'


async def test_only_administrators_get_in(desk: WebRoom) -> None:
    routes = [
        (route.method, route.resource.canonical)
        for route in desk.site.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/admin")
    ]
    assert len(routes) > 15
    grace = await desk.services.people.by_login(GRACE)
    for login in (GRACE, SUPERVISOR):
        async with desk.person(login) as browser:
            for method, pattern in routes:
                path = pattern.format(person_id=grace.id, group_id=1)
                form = {"role": "administrator", "name": "Grace", "active": "0"}
                body = form if method == "POST" else None
                async with browser.request(method, path, data=body) as answer:
                    assert answer.status == 403, (method, pattern)
    assert await desk.services.people.by_login(GRACE) == await desk.services.people.person(grace.id)
    assert (await desk.services.people.by_login(GRACE)).role is Role.OPERATOR
    assert (await desk.services.audit.page()).items == []


async def test_other_sites_cannot_post_for_an_administrator(desk: WebRoom) -> None:
    grace = await desk.services.people.by_login(GRACE)
    async with desk.person(ADMINISTRATOR) as ada:
        form = {"role": "administrator", "name": "Grace"}
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            async with ada.post(f"/admin/people/{grace.id}", data=form, headers=headers) as answer:
                assert answer.status == 403
    assert (await desk.services.people.by_login(GRACE)).role is Role.OPERATOR


async def test_an_operator_is_made_with_a_password_and_a_phone(desk: WebRoom) -> None:
    group = await desk.services.groups.create("ada", "Claims", ["support"])
    async with desk.person(ADMINISTRATOR) as ada:
        async with ada.get("/admin/people/new") as answer:
            assert 'value="103"' in await answer.text()  # the next free
        form = {
            "name": "Mei Tanaka",
            "login": "mei",
            "role": "operator",
            "extension": "103",
            f"group-{group.id}": "on",
        }
        async with ada.post("/admin/people", data=form) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-store"
            shown = re.findall(r'class="mono strong">([^<]+)<', await answer.text())
        assert len(shown) == 2
        password, secret = shown
        phone = desk.services.phones.own("103")
        assert phone is not None
        assert (phone.user, phone.secret) == ("103", secret)
        async with ada.post("/admin/people", data=form) as answer:  # the page loaded anew
            assert answer.status == 409
            assert password not in await answer.text()
        mei = await desk.services.people.by_login("mei")
        async with ada.get(f"/admin/people/{mei.id}") as answer:
            text = await answer.text()
        assert password not in text
        assert secret not in text
    log = str((await desk.services.audit.page()).items)
    assert "account.created" in log
    assert password not in log
    assert secret not in log
    form = {"login": "mei", "password": password}
    async with desk.person() as browser, browser.post("/login", data=form) as answer:
        assert answer.url.path == "/account/first-password"


async def test_where_the_phones_are_a_virtual_pbxs_nobody_is_shown_a_password_for_one(
    desk: WebRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.services.phones, "sign_in", False)
    async with desk.person(ADMINISTRATOR) as ada:
        form = {"name": "Mei Lin", "login": "mei", "role": "operator", "extension": "103"}
        async with ada.post("/admin/people", data=form) as answer:
            text = await answer.text()
        assert len(re.findall(r'class="mono strong">([^<]+)<', text)) == 1  # the start password
        assert "SIP" not in text
        assert desk.services.phones.names["103"] == "Mei Lin"  # known at the desk all the same
        mei = await desk.services.people.by_login("mei")
        async with ada.get(f"/admin/people/{mei.id}") as answer:
            assert f"/admin/people/{mei.id}/phone" not in await answer.text()
        noor = {"name": "Noor Haddad", "login": "noor", "role": "operator", "extension": "102"}
        tomas = await desk.services.people.by_login(TOMAS)
        await ada.post(f"/admin/people/{tomas.id}/active", data={"active": "0"})
        async with ada.post("/admin/people", data=noor) as answer:
            assert "own-102" not in await answer.text()


async def test_an_operator_of_the_scenario_keeps_the_phone_that_is_there(desk: WebRoom) -> None:
    tomas = await desk.services.people.by_login(TOMAS)
    async with desk.person(ADMINISTRATOR) as ada:
        await ada.post(f"/admin/people/{tomas.id}/active", data={"active": "0"})
        form = {"name": "Noor Haddad", "login": "noor", "role": "operator", "extension": "102"}
        async with ada.post("/admin/people", data=form) as answer:
            assert "own-102" in await answer.text()


async def test_rights_change_by_the_form_and_are_in_the_log(desk: WebRoom) -> None:
    grace = await desk.services.people.by_login(GRACE)
    async with desk.person(ADMINISTRATOR) as ada, desk.person(GRACE) as browser:
        form = {"name": "Grace Okafor", "role": "supervisor", "extension": "101"}
        async with ada.post(f"/admin/people/{grace.id}", data=form) as answer:
            assert "done=saved" in str(answer.url)
        async with browser.get("/api/v1/session") as answer:
            assert (await answer.json())["role"] == "supervisor"  # at once
        async with ada.get(f"/admin/log?subject={GRACE}&kind=rights") as answer:
            text = await answer.text()
        assert "Role changed" in text
        assert "Operator → Supervisor" in text
        async with ada.get("/admin/log?kind=recordings") as answer:
            assert "Role changed" not in await answer.text()
        for query in ("since=nonsense", "kind=x", "cursor=x", "until=99999-01-01"):
            async with ada.get(f"/admin/log?{query}") as answer:
                assert answer.status == 400, query


async def test_the_last_administrator_cannot_be_taken_away(desk: WebRoom) -> None:
    person = await desk.services.people.by_login(ADMINISTRATOR)
    async with desk.person(ADMINISTRATOR) as ada:
        for path, form in (("", {"name": "Ada", "role": "operator"}), ("/active", {"active": "0"})):
            async with ada.post(f"/admin/people/{person.id}{path}", data=form) as answer:
                assert answer.status == 409
                assert "only administrator" in await answer.text()


async def test_lost_passwords_and_phones_are_reset(desk: WebRoom, grace: ClientSession) -> None:
    person = await desk.services.people.by_login(GRACE)
    async with desk.person(ADMINISTRATOR) as ada:
        async with ada.post(f"/admin/people/{person.id}/password") as answer:
            [password] = re.findall(r'class="mono strong">([^<]+)<', await answer.text())
        async with grace.get("/api/v1/session") as answer:
            assert answer.status == 401
        async with ada.post(f"/admin/people/{person.id}/second-factor") as answer:
            assert answer.status == 200
        async with ada.post(f"/admin/people/{person.id}/phone") as answer:
            assert answer.status == 409  # the scenario has it
        async with ada.get("/admin/people/999") as answer:
            assert answer.status == 404
    async with desk.person() as browser:
        async with browser.post("/login", data={"login": GRACE, "password": PASSWORD}) as answer:
            assert answer.status == 401
        async with browser.post("/login", data={"login": GRACE, "password": password}) as answer:
            assert answer.status == 200


async def test_groups_are_made_changed_and_ended(desk: WebRoom) -> None:
    grace = await desk.services.people.by_login(GRACE)
    async with desk.person(ADMINISTRATOR) as ada:
        form = {"name": "Claims", "queue-support": "on", f"member-{grace.id}": "on"}
        async with ada.post("/admin/groups", data=form) as answer:
            assert answer.url.path == "/admin/groups"
        async with ada.post("/admin/groups", data=form) as answer:
            assert answer.status == 409
        [group] = await desk.services.groups.groups()
        assert (group.queues, [one.login for one in group.members]) == (("support",), [GRACE])
        await ada.post(f"/admin/groups/{group.id}", data={"name": "Claims and prizes"})
        assert (await desk.services.groups.group(group.id)).members == ()
        await ada.post(f"/admin/groups/{group.id}/delete")
        async with ada.get(f"/admin/groups/{group.id}") as answer:
            assert answer.status == 404


async def test_who_listens_is_in_the_log_and_once(desk: WebRoom, grace: ClientSession) -> None:
    ticket = await desk.happen(TALKED)
    recording = await desk.keep_tape(TALKED, b"sound" * 1000, [Phrase("caller", 0, 1, "hello", 0.9)])
    audio = f"/api/v1/recordings/{recording}/audio"
    async with grace.get(f"/tickets/{ticket}"):
        pass  # to see that there is a recording is not to listen
    async with grace.head(audio):
        pass
    assert (await desk.services.audit.page()).items == []
    for piece in ("bytes=0-99", "bytes=100-199", "bytes=0-"):
        async with grace.get(audio, headers={"Range": piece}) as answer:
            assert answer.status == 206
    async with grace.get(f"{audio}?download=true") as answer:
        assert answer.status == 200
    async with grace.get(f"/api/v1/recordings/{recording}/transcript.vtt?download=true") as answer:
        assert answer.status == 200
    lines = (await desk.services.audit.page(login=GRACE, subject=ticket)).items
    assert [line.action for line in reversed(lines)] == [
        "recording.played",
        "recording.downloaded",
        "transcript.downloaded",
    ]
    async with desk.person(TOMAS) as tomas, tomas.get(audio) as answer:
        assert answer.status == 403  # seen, but not heard: and not in the log
    assert (await desk.services.audit.page(login=TOMAS)).items == []


async def test_a_script_for_a_name_is_shown_as_text_everywhere(desk: WebRoom, sofia: ClientSession) -> None:
    services = desk.services
    card = await services.customers.add(SCRIPT, ["+12025550199"], 1)
    desk.customers["+12025550199"] = (card.id, 1)
    live = replace(LIVE, caller="+12025550199")
    over = replace(TALKED, caller="+12025550199")
    names = [await desk.happen(live), await desk.happen(over)]
    people = services.people
    ada = await people.by_login(ADMINISTRATOR)
    await people.change("ada", ada.id, replace(ada.rights, name=SCRIPT))
    await services.groups.create("ada", SCRIPT, [])
    await services.audit.add(SCRIPT, SCRIPT, SCRIPT, {SCRIPT: SCRIPT, "to": SCRIPT})
    pages = [
        "/",
        "/now",
        "/calls",
        "/tickets",
        "/customers",
        f"/customers/{card.id}",
        "/missed",
        "/promises",
        "/search?q=script",
        "/account",
        *(f"/tickets/{name}" for name in names),
    ]
    admins = ["/admin/people", f"/admin/people/{ada.id}", "/admin/groups", "/admin/groups/1", "/admin/log"]
    async with desk.person(ADMINISTRATOR) as browser, desk.person(GRACE) as grace:
        for who, path in (
            [(sofia, one) for one in pages] + [(browser, one) for one in admins] + [(grace, "/desk")]
        ):
            async with who.get(path) as answer:
                assert answer.status == 200, path
                assert "<script>alert" not in await answer.text(), path
        for path in ("/api/v1/calls", "/api/v1/tickets", "/api/v1/customers", "/api/v1/search?q=script"):
            async with sofia.get(path) as answer:
                assert answer.content_type == "application/json"  # which no browser takes for a page
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
        async with sofia.get("/live") as stream:
            assert "<script>alert" not in await next_event(stream)
        async with grace.get("/desk/stream") as stream:
            assert stream.content_type == "text/event-stream"
