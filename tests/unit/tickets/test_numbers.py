"""Phone numbers as people and PBXs write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickets.numbers import normalise_bare_number, normalise_number

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("raw", "region", "e164"),
    [
        ("+1 800-555-0123", "US", "+18005550123"),
        ("(800) 555 0123", "US", "+18005550123"),
        ("8005550123", "US", "+18005550123"),
        ("01133612345678", "US", "+33612345678"),
        ("030 1234567", "DE", "+49301234567"),
        ("+18005550123", "DE", "+18005550123"),
        ("00 33 6 12 34 56 78", "FR", "+33612345678"),
    ],
)
def test_it_reads_a_number(raw: str, region: str, e164: str) -> None:
    assert normalise_number(raw, region) == e164


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "anonymous",
        "Anna 8005550123",
        "101",
        "0",
        "+",
        "+999",
        "<script>",
        "1" * 300,
        "8005550123 x 5",
        "\0",
    ],
)
def test_it_gives_nothing_for_what_is_no_number(raw: str) -> None:
    assert normalise_number(raw, "US") is None


def test_it_gives_no_number_longer_than_e164_allows() -> None:
    assert normalise_number("+49" + "1" * 15, "DE") is None


def test_an_unknown_region_reads_only_international_numbers() -> None:
    assert normalise_number("8005550123", "ZZ") is None
    assert normalise_number("+18005550123", "ZZ") == "+18005550123"


@given(st.text(max_size=80))
def test_it_never_fails_and_what_it_gives_stays_the_same(raw: str) -> None:
    once = normalise_number(raw, "US")
    assert once is None or normalise_number(once, "DE") == once


# Without the plus, as virtual PBXs tell numbers.


@pytest.mark.parametrize(
    ("raw", "region", "e164"),
    [
        ("79161234567", "RU", "+79161234567"),
        ("89161234567", "RU", "+79161234567"),  # with the trunk prefix: national
        ("79161234567", "US", "+79161234567"),
        ("12025550143", "US", "+12025550143"),
        ("2025550143", "US", "+12025550143"),  # nobody writes a trunk prefix in North America
        ("4930123456", "DE", "+4930123456"),
        ("030123456", "DE", "+4930123456"),
        ("33612345678", "DE", "+33612345678"),
        ("+79161234567", "US", "+79161234567"),
        (" 79161234567 ", "US", "+79161234567"),
        ("12025550143", "RU", "+12025550143"),
        ("74950001122", "US", "+74950001122"),  # possible, though no table has it
    ],
)
def test_a_bare_number_is_read_as_who_tells_it_means_it(raw: str, region: str, e164: str) -> None:
    assert normalise_bare_number(raw, region) == e164


@pytest.mark.parametrize(
    "raw",
    ["", "101", "112", "anonymous", "sip:101@pbx.example", "1" * 40, "７９１６１２３４５６７８９０１２"],
)
def test_what_is_no_bare_number_either_gives_nothing(raw: str) -> None:
    assert normalise_bare_number(raw, "US") is None


@given(
    st.text(max_size=80) | st.text(alphabet="0123456789", max_size=20),
    st.sampled_from(["US", "RU", "DE", "ZZ"]),
)
def test_a_number_that_is_whole_stays_as_it_is(raw: str, region: str) -> None:
    once = normalise_bare_number(raw, region)
    assert once is None or normalise_bare_number(once, "DE") == once
