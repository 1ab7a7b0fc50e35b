"""The pages' language: as the browser asks, as the person chose, as the account has it."""

import json
import re

import pytest
from aiohttp import ClientSession

from cti.web import languages
from tests.fakes.web_room import WebRoom
from tests.integration.conftest import database_kind as database_kind

pytestmark = pytest.mark.integration

RUSSIAN = {"Accept-Language": "ru-RU,ru;q=0.9"}


async def test_it_answers_in_the_browsers_language(desk: WebRoom) -> None:
    async with desk.person() as browser:
        async with browser.get("/login") as answer:
            assert '<html lang="en" ' in await answer.text()
        async with browser.get("/login", headers=RUSSIAN) as answer:
            html = await answer.text()
    assert '<html lang="ru" ' in html
    assert "Пароль" in html
    words = re.search(r'<script type="application/json" id="words">(.*?)</script>', html)
    assert words is not None
    assert json.loads(words[1]) == json.loads(languages.script_words("ru"))


async def test_it_keeps_what_a_guest_chose(desk: WebRoom) -> None:
    chosen = {"language": "ru", "next": "/login?next=/calls"}
    async with desk.person() as browser, browser.post("/language", data=chosen) as answer:
        assert answer.url.path_qs == "/login?next=/calls"
        assert '<html lang="ru" ' in await answer.text()


async def test_it_keeps_what_an_account_chose_on_every_machine(desk: WebRoom, sofia: ClientSession) -> None:
    async with sofia.post("/language", data={"language": "ru", "next": "/calls"}) as answer:
        assert '<html lang="ru" ' in await answer.text()
    sofia.cookie_jar.clear(lambda cookie: cookie.key == "presszero-language")
    async with sofia.get("/calls", headers={"Accept-Language": "en"}) as answer:
        assert '<html lang="ru" ' in await answer.text()


@pytest.mark.parametrize("form", [{}, {"language": "xx"}, {"language": "../ru"}])
async def test_it_takes_only_languages_that_are_offered(desk: WebRoom, form: dict[str, str]) -> None:
    async with desk.person() as browser, browser.post("/language", data=form) as answer:
        assert answer.status == 400


async def test_it_leads_nowhere_else(desk: WebRoom) -> None:
    form = {"language": "ru", "next": "//evil.example/"}
    async with (
        desk.person() as browser,
        browser.post("/language", data=form, allow_redirects=False) as answer,
    ):
        assert answer.headers["Location"] == "/"


async def test_it_pushes_each_page_the_picture_in_its_language(desk: WebRoom, sofia: ClientSession) -> None:
    async with sofia.get("/live") as one, sofia.get("/live", headers=RUSSIAN) as other:
        english, russian = await one.content.readuntil(b"\n\n"), await other.content.readuntil(b"\n\n")
        while b"event: board" not in english:
            english = await one.content.readuntil(b"\n\n")
        while b"event: board" not in russian:
            russian = await other.content.readuntil(b"\n\n")
    assert "waiting for an operator" in english.decode()
    assert "waiting for an operator" not in russian.decode()
