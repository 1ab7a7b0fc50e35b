"""One's own account through the pages: the second step, sessions that are revoked, the first password."""

from collections.abc import Callable
from contextlib import suppress

import pyotp
import pytest
from aiohttp import ClientSession
from yarl import URL

from cti.web import streams
from tests.fakes.web_room import ADMINISTRATOR, GRACE, PASSWORD, WebRoom
from tests.integration.web.test_web_live import next_event
from tickets import throttle, totp
from tickets.people import Rights
from tickets.vocabulary import Role

pytestmark = pytest.mark.integration


@pytest.fixture
async def code(desk: WebRoom) -> Callable[[], str]:
    """Grace has a second factor; gives a code that was not used yet."""
    secret, services = pyotp.random_base32(), desk.services
    async with desk.person(GRACE) as browser:
        async with browser.post("/account/second-factor", data={"password": "wrong"}) as answer:
            assert answer.status == 403
            assert "This is not your current password." in await answer.text()
        async with browser.get("/account/second-factor") as answer:
            assert answer.url.path == "/account"  # there is nothing to show
        await browser.post("/account/second-factor", data={"password": PASSWORD})
        page = await (await browser.get("/account/second-factor")).text()
        secret = page.split('class="mono secret">')[1].split("<")[0].replace(" ", "")
        first = pyotp.TOTP(secret).generate_otp(int(services.clock().timestamp()) // totp.STEP_S - 1)
        async with browser.post("/account/second-factor/confirm", data={"code": first}) as answer:
            assert answer.url.query["done"] == "second-factor-on"
    return lambda: pyotp.TOTP(secret).at(services.clock())


async def first_step(browser: ClientSession, target: str = "/tickets") -> str:
    form = {"login": GRACE, "password": PASSWORD, "next": target}
    async with browser.post("/login", data=form, allow_redirects=False) as answer:
        assert answer.status == 303
        return answer.headers["Location"]


async def test_the_second_step_comes_after_the_password(desk: WebRoom, code: Callable[[], str]) -> None:
    async with desk.person() as browser:
        assert URL(await first_step(browser)) == URL("/login/code?next=/tickets")
        for path in ("/tickets", "/api/v1/session"):
            async with browser.get(path, allow_redirects=False) as answer:
                assert answer.status in {303, 401}  # not in yet
        pending = {cookie.key: cookie.value for cookie in browser.cookie_jar}["presszero-pending"]
        async with browser.get("/api/v1/session", headers={"Authorization": f"Bearer {pending}"}) as answer:
            assert answer.status == 401
        async with browser.post("/login/code", data={"code": "000000"}) as answer:
            assert answer.status == 401
        used, form = code(), {"next": "/tickets"}
        async with browser.post("/login/code", data=form | {"code": used}, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/tickets")
    async with desk.person() as thief:
        await first_step(thief)
        async with thief.post("/login/code", data={"code": used}) as answer:  # seen over the shoulder
            assert answer.status == 401


async def test_programs_give_both_at_once(desk: WebRoom, code: Callable[[], str]) -> None:
    given = {"login": GRACE, "password": PASSWORD}
    async with desk.person() as program:
        async with program.post("/api/v1/session", json=given) as answer:
            assert answer.status == 401
            assert (await answer.json())["type"].endswith(":second-factor")
        async with program.post("/api/v1/session", json=given | {"code": "000000"}) as answer:
            assert (await answer.json())["type"].endswith(":wrong-code")
        async with program.post("/api/v1/session", json=given | {"code": code()}) as answer:
            assert answer.status == 201
        async with program.post(
            "/api/v1/session", json={"login": GRACE, "password": "wrong password", "code": code()}
        ) as answer:
            assert (await answer.json())["type"].endswith(":wrong-credentials")  # says nothing of a code


async def test_guessed_codes_are_slowed_down(desk: WebRoom, code: Callable[[], str]) -> None:
    async with desk.person() as browser:
        await first_step(browser)
        statuses = []
        for _ in range(throttle.FREE + 1):
            async with browser.post("/login/code", data={"code": "000000"}) as answer:
                statuses.append(answer.status)
        assert statuses[0] == 401
        assert statuses[-1] == 429
        async with browser.post("/login/code", data={"code": code()}) as answer:
            assert answer.status == 429


async def test_the_second_step_leads_to_no_other_site(desk: WebRoom, code: Callable[[], str]) -> None:
    async with desk.person() as browser:
        await first_step(browser, "//evil.example/desk")
        form = {"code": code(), "next": "https://evil.example/"}
        async with browser.post("/login/code", data=form, allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/"
    there = "/login/code?next=//evil.example"
    async with desk.person() as stranger, stranger.get(there, allow_redirects=False) as answer:
        assert URL(answer.headers["Location"]).query["next"] == "/"


async def test_a_login_takes_no_session_that_was_there_before(desk: WebRoom) -> None:
    planted = "x" * 43
    async with desk.person() as browser:
        browser.cookie_jar.update_cookies({"presszero": planted}, URL(desk.address))
        form = {"login": GRACE, "password": PASSWORD}
        async with browser.post("/login", data=form, allow_redirects=False) as answer:
            assert planted not in answer.headers["Set-Cookie"]
    assert await desk.services.accounts.by_token(planted) is None
    async with desk.person(GRACE) as browser:
        before = {cookie.key: cookie.value for cookie in browser.cookie_jar}["presszero"]
        await browser.post("/login", data=form)
        after = {cookie.key: cookie.value for cookie in browser.cookie_jar}["presszero"]
    assert before != after
    assert await desk.services.accounts.by_token(before) is None


async def test_a_stolen_cookie_ends_with_its_session_also_in_open_streams(
    desk: WebRoom, grace: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BEAT_S", 0.2)
    async with desk.person(GRACE) as thief:
        async with thief.get("/live") as stream:
            await next_event(stream)
            async with grace.post("/account/sessions/end-others") as answer:
                assert answer.url.query["done"] == "sessions"
            with suppress(EOFError):
                while True:
                    await next_event(stream)
        for path in ("/api/v1/session", "/api/v1/tickets"):
            async with thief.get(path) as answer:
                assert answer.status == 401
        async with thief.get("/tickets", allow_redirects=False) as answer:
            assert answer.status == 303
    async with grace.get("/api/v1/session") as answer:
        assert answer.status == 200


async def test_a_deactivated_account_is_out_at_once(desk: WebRoom, grace: ClientSession) -> None:
    person = await desk.services.people.by_login(GRACE)
    async with desk.person(ADMINISTRATOR) as ada:
        await ada.post(f"/admin/people/{person.id}/active", data={"active": "0"})
    async with grace.get("/api/v1/session") as answer:
        assert answer.status == 401
    async with grace.post("/login", data={"login": GRACE, "password": PASSWORD}) as answer:
        assert answer.status == 401


async def test_one_session_is_ended_by_its_name_and_only_ones_own(
    desk: WebRoom, grace: ClientSession, sofia: ClientSession
) -> None:
    account = await desk.services.accounts.by_token(
        {cookie.key: cookie.value for cookie in sofia.cookie_jar}["presszero"]
    )
    assert account is not None
    [hers] = await desk.services.own.sessions(account, "")
    await grace.post(f"/account/sessions/{hers.id}/end")
    async with sofia.get("/api/v1/session") as answer:
        assert answer.status == 200
    async with grace.post("/account/sessions/nonsense/end") as answer:
        assert answer.status == 404


async def test_the_page_shows_devices_and_the_own_password_is_changed(
    desk: WebRoom, grace: ClientSession
) -> None:
    async with grace.get("/account") as answer:
        assert "aiohttp" in await answer.text() or "Python" in await answer.text()
    wrong = {"present": "wrong password", "wanted": "of my own choice", "again": "of my own choice"}
    for form, status in (
        (wrong, 403),
        (wrong | {"present": PASSWORD, "again": "another"}, 400),
        (wrong | {"present": PASSWORD, "wanted": "short", "again": "short"}, 400),
        (wrong | {"present": PASSWORD}, 200),
    ):
        async with grace.post("/account/password", data=form) as answer:
            assert answer.status == status
    async with desk.person() as browser:
        async with browser.post("/login", data={"login": GRACE, "password": PASSWORD}) as answer:
            assert answer.status == 401
        async with browser.post("/login", data={"login": GRACE, "password": "of my own choice"}) as answer:
            assert answer.status == 200


async def test_with_a_start_password_one_can_only_choose_another(desk: WebRoom) -> None:
    _, password = await desk.services.people.create("ada", "mei", Rights("Mei", Role.SUPERVISOR))
    async with desk.person() as mei:
        form = {"login": "mei", "password": password, "next": "/tickets"}
        async with mei.post("/login", data=form) as answer:
            assert answer.url.path == "/account/first-password"
        for path in ("/api/v1/tickets", "/live", "/account/second-factor.svg"):
            async with mei.get(path, allow_redirects=False) as answer:
                assert answer.status in {303, 403}, path
        async with mei.post("/account/password", data={}) as answer:
            assert answer.status == 403
        for wanted in (password, "short"):
            form = {"wanted": wanted, "again": wanted}
            async with mei.post("/account/first-password", data=form) as answer:
                assert answer.status == 400
        form = {"wanted": "of my own choice", "again": "of my own choice", "next": "/tickets"}
        async with mei.post("/account/first-password", data=form) as answer:
            assert answer.url.path == "/tickets"
