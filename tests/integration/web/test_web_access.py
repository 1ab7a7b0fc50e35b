"""Who gets in, who may write, and what a browser is told to refuse."""

import asyncio
import re
from pathlib import Path

import pytest
from aiohttp import ClientSession
from yarl import URL

from cti.web import security
from cti.web.site import OPERATIONS
from tests.fakes.desk_day import VISITS
from tests.fakes.web_room import GRACE, PASSWORD, SUPERVISOR, WebRoom
from tickets.database import Database, utc_now

pytestmark = pytest.mark.integration

TALKED = VISITS[5]


async def test_it_sends_people_to_the_login_and_back(desk: WebRoom) -> None:
    async with desk.person() as browser:
        async with browser.get("/tickets?status=open&operator=101", allow_redirects=False) as answer:
            assert answer.status == 303
            login = URL(answer.headers["Location"])
            assert login.path == "/login"
            assert login.query["next"] == "/tickets?status=open&operator=101"
        form = {"login": GRACE, "password": PASSWORD, "next": login.query["next"]}
        async with browser.post("/login", data=form, allow_redirects=False) as answer:
            assert answer.headers["Location"] == "/tickets?status=open&operator=101"
            cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


async def test_it_closes_every_api_operation_to_strangers(desk: WebRoom) -> None:
    async with desk.person() as browser:
        for entry in OPERATIONS:
            path = re.sub(r"{\w+}", lambda part: "PZ-1001" if part[0] == "{ticket}" else "1", entry.path)
            async with browser.request(entry.method, path, json={}) as answer:
                assert answer.status == (400 if entry.public else 401), entry.name
                assert answer.content_type == "application/problem+json"


async def test_it_closes_every_route_that_is_not_named_as_open(desk: WebRoom) -> None:
    async with desk.person() as browser:
        for path in ("/", "/calls", "/tickets", "/tickets/PZ-1001", "/customers", "/customers/1"):
            async with browser.get(path, allow_redirects=False) as answer:
                assert answer.status == 303
        for method, path in (("GET", "/live"), ("POST", "/logout"), ("POST", "/tickets/PZ-1001/notes")):
            async with browser.request(method, path, allow_redirects=False) as answer:
                assert answer.status == 401
        for path in ("/healthz", "/readyz", "/login", "/api/v1/openapi.json"):
            async with browser.get(path) as answer:
                assert answer.status == 200


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({"login": GRACE, "password": "wrong password"}, 401),
        ({"login": "nobody", "password": PASSWORD}, 401),
        ({"login": GRACE}, 400),
        ({}, 400),
        ({"login": "\0", "password": "x"}, 400),
    ],
)
async def test_it_lets_nobody_in_with_wrong_credentials(
    desk: WebRoom, form: dict[str, str], status: int
) -> None:
    async with desk.person() as browser, browser.post("/login", data=form) as answer:
        assert answer.status == status
        assert "Set-Cookie" not in answer.headers
        assert PASSWORD not in await answer.text()


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="login"', 415),
        ("multipart/form-data", b"x", 415),
        ("application/x-www-form-urlencoded; charset=none", b"login=x", 400),
        ("application/x-www-form-urlencoded", b"login=\xff", 400),
    ],
)
async def test_it_reads_no_login_out_of_rubbish(desk: WebRoom, kind: str, body: bytes, status: int) -> None:
    async with (
        desk.person() as stranger,
        stranger.post("/login", data=body, headers={"Content-Type": kind}) as answer,
    ):
        assert answer.status == status


async def test_it_slows_down_who_guesses(desk: WebRoom) -> None:
    async with desk.person() as browser:
        statuses = []
        for _ in range(12):
            async with browser.post("/api/v1/session", json={"login": GRACE, "password": "wrong"}) as answer:
                statuses.append(answer.status)
        assert statuses[0] == 401
        assert statuses[-1] == 429


async def test_it_forgets_a_session_at_logout(desk: WebRoom) -> None:
    async with desk.person(GRACE) as browser:
        kept = {cookie.key: cookie.value for cookie in browser.cookie_jar}
        async with browser.post("/logout", allow_redirects=False) as answer:
            assert answer.status == 303
        async with ClientSession(desk.address, cookies=kept) as thief, thief.get("/api/v1/session") as answer:
            assert answer.status == 401


async def test_it_serves_programs_with_a_bearer_token(desk: WebRoom) -> None:
    async with desk.person() as program:
        async with program.post("/api/v1/session", json={"login": GRACE, "password": PASSWORD}) as answer:
            assert answer.status == 201
            token = (await answer.json())["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        async with program.get("/api/v1/session", headers=bearer) as answer:
            assert (await answer.json())["extension"] == "101"
        async with program.delete("/api/v1/session", headers=bearer) as answer:
            assert answer.status == 204
        async with program.get("/api/v1/session", headers=bearer) as answer:
            assert answer.status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_it_refuses_writes_from_other_sites(
    desk: WebRoom, grace: ClientSession, headers: dict[str, str]
) -> None:
    name = await desk.happen(TALKED)
    for path, body in ((f"/tickets/{name}/notes", {"text": "forged"}), ("/logout", {}), ("/login", {})):
        async with grace.post(path, data=body, headers=headers) as answer:
            assert answer.status == 403
    async with grace.post(f"/api/v1/tickets/{name}/notes", json={"text": "x"}, headers=headers) as answer:
        assert answer.status == 403


async def test_it_takes_writes_from_its_own_pages(desk: WebRoom, grace: ClientSession) -> None:
    name = await desk.happen(TALKED)
    for headers in ({"Origin": desk.address}, {"Sec-Fetch-Site": "same-origin"}):
        async with grace.post(f"/tickets/{name}/notes", data={"text": "mine"}, headers=headers) as answer:
            assert answer.status == 200


async def test_it_reads_api_bodies_as_json_only(desk: WebRoom, grace: ClientSession) -> None:
    name = await desk.happen(TALKED)
    path = f"/api/v1/tickets/{name}/notes"
    async with grace.post(path, data={"text": "a form of another site"}) as answer:
        assert answer.status == 415
    async with grace.post(path, data='{"text":"x"}', headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 415


async def test_it_ties_browsers_down(desk: WebRoom, grace: ClientSession) -> None:
    paths = ("/calls", "/login", "/nothing", "/api/v1/calls", "/static/desk.css", "/api/v1/calls?limit=x")
    for path in paths:
        async with grace.get(path, allow_redirects=False) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert policy == security.CONTENT_SECURITY_POLICY
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Server"] == "PressZero"
            assert "Cache-Control" in answer.headers


async def test_it_lets_operators_make_nobody_a_vip(desk: WebRoom, grace: ClientSession) -> None:
    async with grace.post("/api/v1/customers", json={"name": "A", "vip_level": 3}) as answer:
        assert answer.status == 403
    async with grace.patch("/api/v1/customers/1", json={"vip_level": 3}) as answer:
        assert answer.status == 403


async def test_it_binds_the_cookie_to_the_host_behind_tls(database: Database, tmp_path: Path) -> None:
    room = WebRoom(database, tmp_path, utc_now(), {}, secure=True)
    form = {"login": SUPERVISOR, "password": PASSWORD}
    async with room.open(), room.person() as browser:
        answer = await browser.post("/login", data=form, allow_redirects=False)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-presszero=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert "Strict-Transport-Security" in answer.headers


async def test_it_survives_broken_cookies_and_tokens(desk: WebRoom) -> None:
    async with desk.person() as browser:
        for headers in (
            {"Cookie": "presszero=" + "x" * 4000},
            {"Cookie": ';;=;"\\";presszero'},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer \u00ff\u00fe"},
            {"Authorization": "Basic Zm9v"},
        ):
            async with browser.get("/api/v1/session", headers=headers) as answer:
                assert answer.status == 401


async def test_it_cuts_off_a_body_that_dribbles(desk: WebRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "READ_DEADLINE_S", 0.3)
    assert desk.door is not None
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.door.port)
    writer.write(b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
    writer.write(b"Content-Length: 999\r\n\r\n{")
    async with asyncio.timeout(5):
        assert b" 503 " in await reader.readline()
    writer.close()
