import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.customers.answers import LONGEST_ANSWER, BadAnswer
from cti.customers.crm_answer import CrmCard, read_answer

pytestmark = pytest.mark.unit

ADA = {"name": "Ada Lovelace", "vip_level": 2, "reference": "C-17"}


def read(body: object, status: int = 200, content_type: str = "application/json") -> CrmCard | None:
    return read_answer(status, content_type, json.dumps(body).encode())


def test_it_reads_a_card():
    assert read(ADA) == CrmCard(name="Ada Lovelace", vip_level=2, reference="C-17")
    assert read({**ADA, "language": "ru"}) == CrmCard(
        name="Ada Lovelace", vip_level=2, reference="C-17", language="ru"
    )
    assert read({"name": "Bob", "vip_level": 0, "mood": [1]}) == CrmCard(name="Bob", vip_level=0)
    assert read(ADA, content_type="application/vnd.crm+json") is not None


def test_it_takes_404_for_nobody_whatever_else_it_says():
    assert read("<html>", 404, "text/html") is None


def test_it_makes_one_printable_line_of_a_name():
    card = read(ADA | {"name": " Ada\r\n\x00\x1b[31m  Lovelace\u202e "})
    assert card is not None
    assert card.name == "Ada [31m Lovelace"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"name": ""}, "name"),
        ({"name": " \n"}, "name"),
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"vip_level": 10}, "vip_level"),
        ({"vip_level": -1}, "vip_level"),
        ({"vip_level": "2"}, "vip_level"),
        ({"vip_level": True}, "vip_level"),
        ({"vip_level": None}, "vip_level"),
        ({"reference": 17}, "reference"),
    ],
)
def test_it_believes_nothing_of_an_answer_with_a_wrong_value(change, where):
    with pytest.raises(BadAnswer, match=f"^unfit: {where}$") as refusal:
        read(ADA | change)
    assert refusal.value.__suppress_context__


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"[" * 60_000, b"{" * 60_000, b'{"name": "A', b"\xff"])
def test_it_refuses_what_is_no_object(body: bytes):
    with pytest.raises(BadAnswer):
        read_answer(200, "application/json", body)


@pytest.mark.parametrize(
    ("status", "content_type", "length", "reason"),
    [
        (500, "application/json", 10, "status 500"),
        (204, "application/json", 0, "status 204"),
        (301, "application/json", 10, "status 301"),
        (200, "text/html", 10, "not application/json"),
        (200, "application/json", LONGEST_ANSWER + 1, "more than 64 kB"),
    ],
)
def test_it_says_why_it_refuses(status: int, content_type: str, length: int, reason: str):
    with pytest.raises(BadAnswer, match=reason):
        read_answer(status, content_type, b" " * length)


@given(st.integers(100, 599), st.text(max_size=30), st.binary(max_size=200))
def test_it_gives_a_card_or_nobody_or_says_no(status: int, content_type: str, body: bytes):
    with contextlib.suppress(BadAnswer):
        read_answer(status, content_type, body)
