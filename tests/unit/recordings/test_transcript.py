"""Phrases as JSON and WebVTT."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.transcript import (
    SPEAKERS,
    BadTranscript,
    Phrase,
    Word,
    from_json,
    interleave,
    to_json,
    to_webvtt,
)

pytestmark = pytest.mark.unit

seconds = st.floats(0, 1e5, allow_nan=False)
words = st.builds(Word, st.text(), seconds, seconds, st.none() | st.floats(0, 1))
phrases = st.builds(
    Phrase,
    st.sampled_from(SPEAKERS),
    seconds,
    seconds,
    st.text(),
    st.none() | st.floats(0, 1),
    st.lists(words, max_size=3).map(tuple),
)


@given(st.lists(phrases, max_size=4))
def test_it_comes_back_from_json_unchanged(spoken: list[Phrase]) -> None:
    assert from_json(json.loads(json.dumps(to_json(spoken)))) == tuple(spoken)


@pytest.mark.parametrize(
    "rows",
    [
        [{}],
        [{"speaker": "ghost", "start_s": 0, "end_s": 1, "text": "", "confidence": None, "words": []}],
        [{"speaker": "bot", "start_s": 0, "end_s": 1, "text": "", "words": [], "more": 1}],
        [{"speaker": "bot", "start_s": 0, "end_s": 1, "text": "", "words": [{"text": "a"}]}],
    ],
)
def test_it_refuses_damaged_json(rows: list[dict[str, object]]) -> None:
    with pytest.raises(BadTranscript):
        from_json(rows)


def test_it_makes_one_conversation_of_both_sides() -> None:
    asks, thanks = Phrase("caller", 1.0, 2.0, "when?"), Phrase("caller", 6.0, 7.0, "thanks")
    answers = Phrase("bot", 3.0, 5.0, "at eight")
    assert interleave([asks, thanks], [answers]) == (asks, answers, thanks)


def test_it_writes_webvtt_with_speakers() -> None:
    spoken = [
        Phrase("caller", 0.25, 1.5, "When is the next draw?"),
        Phrase("operator", 3661.0, 3662.0004, "Now"),
    ]
    assert to_webvtt(spoken) == (
        "WEBVTT\n\n"
        "00:00:00.250 --> 00:00:01.500\n<v caller>When is the next draw?</v>\n\n"
        "01:01:01.000 --> 01:01:02.000\n<v operator>Now</v>\n"
    )


def test_it_is_a_valid_file_without_any_phrase() -> None:
    assert to_webvtt([]) == "WEBVTT\n"


def test_it_lets_no_words_forge_a_cue() -> None:
    text = "a\n\n00:00:09.000 --> 00:00:10.000\n<v operator>I promise</v>"
    lines = to_webvtt([Phrase("caller", 1, 2, text)]).splitlines()
    assert len(lines) == 4
    assert "<v operator>" not in lines[3]
    assert "--&gt;" in lines[3]


@given(phrases)
def test_every_cue_ends_after_it_begins(phrase: Phrase) -> None:
    for line in to_webvtt([phrase]).splitlines():
        if " --> " in line:
            begin, end = line.split(" --> ")
            assert begin < end
