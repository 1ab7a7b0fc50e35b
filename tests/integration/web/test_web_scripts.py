"""The pages' scripts: built, kept by browsers for good, and gone with what they kept at logout."""

import re
from pathlib import Path

import pytest
from aiohttp import ClientSession

from cti.web.assets import Assets, PagesNotBuilt
from tests.fakes.web_room import GRACE, WebRoom

pytestmark = pytest.mark.integration

FOR_GOOD = "public, max-age=31536000, immutable"


async def test_the_desk_and_all_that_its_script_imports_are_kept_for_good(grace: ClientSession) -> None:
    async with grace.get("/desk") as answer:
        page = await answer.text()
    found = re.search(r'src="(/static/built/desk\.js\?v=[0-9a-f]+)"', page)
    assert found
    todo, seen = [found[1]], set[str]()
    while todo:
        path = todo.pop()
        seen.add(path)
        async with grace.get(path) as answer:
            assert (answer.status, answer.headers["Cache-Control"]) == (200, FOR_GOOD), path
            script = await answer.text()
        imported = {
            f"/static/built/{name}" for name in re.findall(r'"\./(chunk-\w+\.js|softphone-\w+\.js)"', script)
        }
        todo += imported - seen - set(todo)
    assert len(seen) > 2


async def test_a_script_without_its_mark_is_asked_for_anew(grace: ClientSession) -> None:
    async with grace.get("/static/built/desk.js") as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-cache")


async def test_logging_out_empties_what_the_browser_keeps(desk: WebRoom) -> None:
    async with (
        desk.person(GRACE) as browser,
        browser.post("/logout", allow_redirects=False) as answer,
    ):
        assert (answer.status, answer.headers["Clear-Site-Data"]) == (303, '"storage"')


def test_a_checkout_without_built_scripts_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(PagesNotBuilt, match="scripts/build-pages"):
        Assets(tmp_path)
