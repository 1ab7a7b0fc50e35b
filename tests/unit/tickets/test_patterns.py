"""Words to look for, and numbers in any spelling."""

import pytest

from tickets.numbers import number_parts
from tickets.patterns import MOST_WORDS, words_of
from tickets.search import ticket_number

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "region", "parts"),
    [
        ("+1 (202) 555-0143", "US", ("+12025550143",)),
        ("202-555-0143", "US", ("+12025550143", "2025550143")),
        ("555 0143", "US", ("5550143",)),
        ("0143", "US", ("0143",)),
        ("8 916 1234", "RU", ("89161234", "9161234")),
        ("020 7946", "GB", ("0207946", "207946")),
        ("0044 20 7946", "GB", ("0044207946", "44207946")),
        ("014", "US", ()),
        ("Anna", "US", ()),
        ("", "US", ()),
        ("PZ-1001", "US", ()),
        ("1" * 65, "US", ()),
    ],
)
def test_it_finds_the_parts_of_a_number_in_any_spelling(
    written: str, region: str, parts: tuple[str, ...]
) -> None:
    assert set(number_parts(written, region)) >= set(parts)
    assert bool(number_parts(written, region)) is bool(parts)


@pytest.mark.parametrize("written", ["PZ-1001", "pz-1001", "pz 1001", "PZ1001", "#1001", " 1001 "])
def test_it_knows_a_ticket_number(written: str) -> None:
    assert ticket_number(written) == 1


@pytest.mark.parametrize("written", ["1000", "0999", "PZ-1", "PZ-1001x", "1001 1002", "", "9" * 10, "٣٤٥٦"])
def test_it_knows_what_is_no_ticket_number(written: str) -> None:
    assert ticket_number(written) is None


def test_it_looks_for_few_words_in_lower_case() -> None:
    assert words_of("  Nora ÄRGER nora ") == ["nora", "ärger"]
    assert words_of(" \n ") == []
    assert len(words_of(" ".join(map(str, range(100))))) == MOST_WORDS
    assert len("".join(words_of("x" * 10_000))) <= 200
