"""What administrators' pages compute: the next extension, a browser's name, the log's words."""

from datetime import UTC, datetime

import pytest

from cti.web.admin import next_extension
from cti.web.admin_inputs import ticked_ids
from cti.web.admin_words import action_words, detail_words
from cti.web.devices import device_name
from cti.web.languages import speaking
from tickets.audit import AuditEntry, Detail

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ([], "101"),
        (["101", "102"], "103"),
        (["101", "103"], "102"),
        (["front-desk", "201", "999"], "202"),
        (["1" * 40], "101"),
    ],
)
def test_it_offers_the_next_free_extension(taken: list[str], free: str) -> None:
    assert next_extension(taken) == free


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox · Linux"),
        (EDGE, "Edge · Windows"),
        (IPHONE, "Safari · iPhone"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
        ("\x1b[31m\0 Firefox/1", "Firefox"),
        ("x" * 10_000, "x" * 60),
    ],
)
def test_it_names_a_browser_as_people_do(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


def test_it_reads_ticked_boxes_and_passes_rubbish_over() -> None:
    form = {"group-3": "on", "group-x": "on", "group-": "on", "group-99999999999": "on", "member-4": "on"}
    assert ticked_ids(form, "group") == {3}


@pytest.mark.parametrize(
    ("action", "detail", "said", "more"),
    [
        (
            "account.role",
            {"from": "operator", "to": "supervisor"},
            "Role changed",
            "Operator → Supervisor",
        ),
        ("account.active", {"to": False}, "Account deactivated", ""),
        ("account.second_factor", {"on": True}, "Second step changed", "on"),
        ("account.password", {"reset": True, "ended": 2}, "Password changed", None),
        ("recording.played", {"recording": 3}, "Recording listened to", ""),
        ("some.thing", {"new": "x"}, "some.thing", "new: x"),
    ],
)
def test_the_log_speaks_in_words(action: str, detail: Detail, said: str, more: str | None) -> None:
    entry = AuditEntry(1, datetime(2026, 11, 21, tzinfo=UTC), "ada", action, "grace", detail)
    with speaking("en"):
        assert action_words(entry) == said
        assert more is None or detail_words(entry) == more
