import pytest

from voicebot import turn_end
from voicebot.turn_end import OPEN, YES_NO, SoFar, expect_digits, is_unfinished, silence_that_ends

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("so_far", "expects", "wanted"),
    [
        (None, OPEN, turn_end.UNHEARD_S),
        (SoFar(""), OPEN, turn_end.OPEN_S),
        (SoFar("something else entirely"), OPEN, turn_end.OPEN_S),
        (SoFar("When is the next draw?", understood=True), OPEN, turn_end.UNDERSTOOD_S),
        (SoFar("winning numbers", complete=True), OPEN, turn_end.COMPLETE_S),
        (SoFar("Yes.", understood=True), YES_NO, turn_end.COMPLETE_S),
        (SoFar("I would like to know, um...", understood=True), OPEN, turn_end.HESITATION_S),
        (SoFar("1 2 5"), expect_digits(3), turn_end.COMPLETE_S),
        (SoFar("125."), expect_digits(3), turn_end.COMPLETE_S),
        (SoFar("twenty five seven"), expect_digits(3), turn_end.COMPLETE_S),
        (SoFar("one two"), expect_digits(3), turn_end.NUMBER_S),
        (SoFar("one two five"), expect_digits(), turn_end.NUMBER_S),
        (SoFar("I do not have it", understood=False), expect_digits(3), turn_end.OPEN_S),
    ],
)
def test_the_silence_that_ends_a_turn_depends_on_what_is_missing(so_far, expects, wanted):
    assert silence_that_ends(so_far, expects) == wanted


@pytest.mark.parametrize(
    ("said", "count", "ends"),
    [
        ("два пять", 2, turn_end.COMPLETE_S),
        ("двести десять", 3, turn_end.COMPLETE_S),
        ("двадцать пять", 3, turn_end.NUMBER_S),
        ("мой номер", 3, turn_end.OPEN_S),
    ],
)
def test_it_counts_the_digits_of_another_language(said, count, ends):
    assert silence_that_ends(SoFar(said), expect_digits(count), "ru") == ends


@pytest.mark.parametrize(
    ("language", "text"),
    [
        *(("en", text) for text in ("I would like to", "my ticket is, um", "and the", "I want")),
        *(("ru", text) for text in ("мне нужно узнать, э", "я хочу")),
    ],
)
def test_it_knows_a_sentence_that_cannot_end_like_this(language, text):
    assert is_unfinished(text, language)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        *(("en", text) for text in ("", "how much is it", "goodbye", "an operator, please.")),
        *(("ru", text) for text in ("я хочу выиграть", "сколько стоит билет")),
    ],
)
def test_it_lets_whole_sentences_end(language, text):
    assert not is_unfinished(text, language)
