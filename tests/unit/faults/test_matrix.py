import dataclasses
import json
import xml.etree.ElementTree as ET

import pytest

from tests.house.faults.matrix import Cell, Got, Matrix, Tape, joined
from tests.house.faults.picture import svg

pytestmark = pytest.mark.unit

HELD = Cell("service killed", "menu", Got.QUEUE, 0.4, "waits for an operator", 1, True, Tape(9.0, 8.0, None))


def test_it_holds_when_the_caller_is_with_people_in_time_with_one_ticket_and_a_recording():
    assert HELD.holds
    assert HELD.words() == "0.4 s"


@pytest.mark.parametrize(
    ("change", "shortcoming"),
    [
        ({"after_s": 5.1}, "took 5.1 s"),
        ({"got": Got.LOST, "where": "hung up", "after_s": None}, "lost: hung up"),
        ({"got": Got.ELSEWHERE, "where": "bot, in Dial", "after_s": None}, "elsewhere: bot, in Dial"),
        ({"tickets": 0}, "0 tickets"),
        ({"tickets": 2}, "2 tickets"),
        ({"ended": False}, "never ended in the ledger"),
        ({"tape": Tape(None, 8.0, None)}, "recording: none"),
        ({"tape": Tape(3.0, 8.0, None)}, "recording: 3 of 8 s"),
    ],
)
def test_it_says_what_falls_short(change: dict[str, object], shortcoming: str):
    assert dataclasses.replace(HELD, **change).shortcomings() == [shortcoming]


@pytest.mark.parametrize("got", [Got.STAYED, Got.LEFT, Got.NEXT_CALL, Got.OPERATOR])
def test_who_is_with_people_or_had_left_is_not_late(got: Got):
    assert dataclasses.replace(HELD, got=got, after_s=None).holds


def test_a_recording_that_is_missing_for_a_reason_on_the_ticket_is_enough():
    assert Tape(None, 8.0, "The PBX left no recording of this call.").fine


def test_a_matrix_holds_only_when_every_fault_was_tried_and_no_call_came_from_nowhere():
    whole = Matrix((HELD,), {}, {}, {"service killed": ()})
    assert whole.holds
    assert not joined([whole, Matrix((), {}, {"disk full": "no disk"}, {})]).holds
    assert not dataclasses.replace(whole, ghosts={"service killed": ("pz-1.1",)}).holds
    assert not Matrix((), {}, {}, {}).holds


def test_its_json_has_every_figure():
    told = json.loads(Matrix((HELD,), {"service killed": ""}, {}, {}).to_json())
    assert told["cells"][0]["after_s"] == 0.4
    assert told["cells"][0]["holds"]
    assert told["cells"][0]["tape"] == {"seconds": 9.0, "wanted_s": 8.0, "reason": None}


def test_the_picture_shows_each_cell_and_what_falls_short():
    slow = dataclasses.replace(HELD, moment="bot <speaking>", after_s=9.8)
    picture = svg(Matrix((HELD, slow), {}, {}, {}), ["menu", "bot <speaking>"], "Faults & moments")
    drawn = ET.fromstring(picture)  # noqa: S314 -- our own
    words = ["".join(node.itertext()) for node in drawn.iter() if node.tag.endswith(("text", "title"))]
    assert {"0.4 s", "9.8 s", "Faults & moments", "bot <speaking>", "service killed"} <= set(words)
    assert any(word.endswith("took 9.8 s") for word in words)
