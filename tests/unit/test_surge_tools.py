"""The tools that judge a load run: order in the queue, what falls short, the callers' sound, the picture."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.house.surge.picture import draw
from tests.house.surge.plan import surge_plan
from tests.house.surge.sound import mu_law
from tests.house.surge.stories import Story, overtaken, shortcomings
from tests.house.surge.watch import Moment, read_figures

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOBODY = Story("", False, True, "", "", 1, True, None, NOON, NOON, None, None, None, None, None)


def waiting(name: str, joined_s: float, rung_s: float | None, left_s: float | None = None) -> Story:
    def at(seconds: float | None) -> datetime | None:
        return None if seconds is None else NOON + timedelta(seconds=seconds)

    over = at(None if rung_s is None else rung_s + 30)
    left = at(left_s or rung_s)
    return replace(NOBODY, call_id=name, joined=at(joined_s), rung=at(rung_s), left=left, over=over)


def test_it_sees_who_was_overtaken_and_by_how_much() -> None:
    stories = [waiting("a", 0, 20), waiting("b", 1, 10), waiting("c", 2, 21), waiting("d", 3, None, 25)]
    assert overtaken(stories, 1) == [("a", "b", 10.0)]
    assert overtaken(stories, 2) == []  # one was free for "a" all the time, who heard an announcement
    just_put_through = [waiting("a", 0, 7), waiting("b", 1, 4)]
    assert overtaken(just_put_through, 1) == []


def test_a_vip_overtakes_nobody_who_is_none() -> None:
    assert overtaken([waiting("a", 0, 20), replace(waiting("b", 1, 10), vip=True)], 1) == []


def test_ringing_at_once_or_having_left_before_is_not_being_overtaken() -> None:
    assert overtaken([waiting("a", 0, 11), waiting("b", 1, 10)], 1) == []
    assert overtaken([waiting("a", 0, None, 9), waiting("b", 1, 10)], 1) == []
    assert overtaken([waiting("a", 0, None, 30), waiting("b", 1, 10)], 1) == [("a", "b", 20.0)]


def test_it_names_everything_that_falls_short() -> None:
    good = [replace(NOBODY, call_id="a"), replace(NOBODY, call_id="b", kept=False, reason="No sound.")]
    assert shortcomings(good, offered=2, failed=0, operators=1) == []
    bad = [
        replace(NOBODY, call_id="a", tickets=2),
        replace(NOBODY, call_id="b", kept=False),
        replace(NOBODY, call_id="c", ended=False),
    ]
    assert shortcomings(bad, offered=4, failed=1, operators=1) == [
        "1 callers were rejected or cut off.",
        "1 callers are not in the ledger, or too many are.",
        "1 calls have not ended.",
        "1 calls have no ticket, or several.",
        "1 calls have neither recording nor a reason.",
    ]


def test_the_surge_is_as_many_times_the_steady_load() -> None:
    plan = surge_plan(steady_per_minute=6, steady_s=60, times=20, surge_s=300, operators=3, talk_s=9)
    steady, surge = plan.phases
    assert surge.calls_per_minute == 20 * steady.calls_per_minute
    assert plan.callers == pytest.approx(6 + 600, abs=2)


def test_mu_law_is_that_of_g711() -> None:
    known = {0: 0xFF, 1000: 0xCE, -1000: 0x4E, 32767: 0x80, -32768: 0x00, 8: 0xFE}
    assert list(mu_law(np.array(list(known), dtype=np.int16))) == list(known.values())


def test_it_draws_a_run() -> None:
    moments = [
        Moment(
            float(n),
            {"menu": n, "bot": 0, "queued": 2 * n, "talking": 1, "voicemail": 0},
            n > 3,
            8,
            {},
            {},
            {},
        )
        for n in range(10)
    ]
    picture = draw(moments, "5 < 6")
    texts = [element.text for element in ElementTree.fromstring(picture).iter() if element.text]  # noqa: S314 -- ours
    assert "5 < 6" in texts
    assert "surge mode" in texts
    assert "with the bot" not in texts  # nobody was
    assert picture.count("<polygon") == 3


def test_it_reads_the_services_own_figures() -> None:
    text = """# TYPE presszero_live_calls gauge
presszero_live_calls{state="ringing"} 2
presszero_live_calls{state="menu"} 3
# TYPE presszero_surge gauge
presszero_surge 1
# TYPE presszero_bot_ceiling gauge
presszero_bot_ceiling 7
# TYPE presszero_bot_refused counter
presszero_bot_refused_total 4
# TYPE presszero_recogniser_wait_seconds histogram
presszero_recogniser_wait_seconds_bucket{le="0.5"} 8
presszero_recogniser_wait_seconds_bucket{le="+Inf"} 9
presszero_recogniser_wait_seconds_count 9
presszero_recogniser_wait_seconds_sum 3.5
"""
    figures = read_figures(text)
    assert figures.stages["menu"] == 5
    assert (figures.surge, figures.ceiling, figures.refused) == (True, 7, 4)
    assert figures.waits == {"0.5": 8, "+Inf": 9}
