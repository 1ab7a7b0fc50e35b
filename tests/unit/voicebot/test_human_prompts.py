"""How the bench counts errors: what must count, and what must not."""

import pytest

from tests.fakes.human_prompts import edits, word_pair

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("said", "recognised", "errors"),
    [
        ("Press one, now.", "press 1 now", 0),
        ("Dial 500 or 28", "dial five hundred or twenty-eight", 0),
        ("the file name", "The filename.", 0),
        ("Enter your e-mail", "enter your email", 0),
        ("dial extension 8500", "dial extension 8500", 0),
        ("the caller was", "the color was", 1),
        ("a valid number", "valid number", 1),
        ("no conferences exist", "no conferences do exist", 1),
        ("I am sorry", "I'm sorry", 2),
        ("press the pound key", "", 4),
    ],
)
def test_it_counts_words_that_differ_and_not_how_they_are_written(said, recognised, errors):
    assert edits(*word_pair(said, recognised)) == errors
