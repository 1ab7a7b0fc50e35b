"""Live calls of which a virtual PBX tells nothing any more: when to ask about each, and when to give it up.

Pure: times are given. Long talks are silent too, so a call is asked about ever less often, the longer it
stays silent, and many of them together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tickets.call import Call
from tickets.events import CallEvent
from tickets.facts import Fact
from tickets.vocabulary import EventKind

GIVEN_UP_AFTER = timedelta(hours=4)  # without a word of a call, if its vendor knows no more of it
ABANDONED_AFTER = timedelta(hours=24)  # if its vendor cannot be asked: no call is that long
NO_RECORD = "unknown: nobody told of the end"


@dataclass(frozen=True, slots=True)
class Word:
    """What is known of a live call."""

    began: datetime
    last: datetime  # when something was told of it
    facts: int  # that were told


def words_of(calls: Iterable[Call], facts: Mapping[str, Sequence[Fact]]) -> dict[str, Word]:
    """By call id. A call of which no fact is left has had its only word when it came."""
    words = {}
    for call in calls:
        told = facts.get(call.call_id, ())
        last = max((fact.at for fact in told), default=call.received_at)
        words[call.call_id] = Word(call.received_at, last, len(told))
    return words


def given_up(vendor: str, call_id: str, word: Word) -> CallEvent:
    """The end of a call of which no more is known: it was at its last word, as far as anybody knows."""
    data = {"cause": NO_RECORD}
    return CallEvent(vendor, f"given_up:{call_id}", call_id, word.last, EventKind.ENDED, data, 9)


@dataclass(slots=True)
class _Asked:
    """How a silent call was asked about."""

    word: Word  # what was known before
    at: datetime
    pause: timedelta  # until the next time


class Silences:
    """Of one vendor."""

    def __init__(self, silence: timedelta, longest_pause: timedelta) -> None:
        """
        Args:
            silence: after so long without a word a call's end may have been missed.
            longest_pause: between two questions about the same call.
        """
        self._silence, self._longest = silence, longest_pause
        self._asked: dict[str, _Asked] = {}

    def due(self, words: Mapping[str, Word], now: datetime) -> set[str]:
        """The calls to be asked about now, of all that live."""
        for call_id in self._asked.keys() - words.keys():
            del self._asked[call_id]
        return {call_id for call_id, word in words.items() if self._is_due(call_id, word, now)}

    def asked(self, words: Mapping[str, Word], call_ids: Iterable[str], now: datetime) -> None:
        """The vendor was asked about these and has answered; `words` are those of before."""
        for call_id in call_ids:
            before = self._asked.get(call_id)
            same = before is not None and before.word == words[call_id]
            pause = min(self._longest, before.pause * 2) if before is not None and same else self._silence
            self._asked[call_id] = _Asked(words[call_id], now, pause)

    def lost(self, words: Mapping[str, Word]) -> set[str]:
        """Calls of which the vendor, asked long after the last word, knew no more than was known before."""
        lost = set()
        for call_id, word in words.items():
            asked = self._asked.get(call_id)
            if asked and asked.word == word and asked.at - word.last >= GIVEN_UP_AFTER:
                lost.add(call_id)
                del self._asked[call_id]  # should the ledger never get its end, it is asked about again
        return lost

    def _is_due(self, call_id: str, word: Word, now: datetime) -> bool:
        if now - word.last < self._silence:
            return False
        asked = self._asked.get(call_id)
        return asked is None or now - asked.at >= (asked.pause if asked.word == word else self._silence)
