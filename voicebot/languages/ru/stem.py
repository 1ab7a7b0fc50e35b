"""Cutting Russian words to their stems: the Snowball algorithm.

https://snowballstem.org/algorithms/russian/stemmer.html

Pure. "билета", "билету" and "билетами" are one word for understanding.
"""

import re
from functools import lru_cache

_VOWELS = "аеиоуыэюя"
_REGION = re.compile(f"[{_VOWELS}](.*)$")
_REGION_2 = re.compile(f"[{_VOWELS}][^{_VOWELS}].*?[{_VOWELS}][^{_VOWELS}](.*)$")

_GERUND = re.compile("(?:(?<=[ая])(?:вшись|вши|в)|(?:ывшись|ившись|ывши|ивши|ыв|ив))$")
_REFLEXIVE = re.compile("(?:ся|сь)$")
_ADJECTIVE = re.compile(
    "(?:ими|ыми|его|ого|ему|ому|ее|ие|ые|ое|ей|ий|ый|ой|ем|им|ым|ом|их|ых|ую|юю|ая|яя|ою|ею)$"
)
_PARTICIPLE = re.compile("(?:(?<=[ая])(?:ющ|вш|ем|нн|щ)|(?:ивш|ывш|ующ))$")
_VERB = re.compile(
    "(?:(?<=[ая])(?:ешь|нно|ете|йте|ла|на|ли|ем|ло|но|ет|ют|ны|ть|й|л|н)"
    "|(?:ейте|уйте|ила|ыла|ена|ите|или|ыли|ило|ыло|ено|ует|уют|ены|ить|ыть|ишь|ей|уй|ил|ыл|им|ым|ен|ят|ит|ыт|ую|ю))$"
)
_NOUN = re.compile(
    "(?:иями|иях|ями|ием|иям|ией|ами|еи|ии|ей|ой|ий|ям|ем|ам|ом|ях|ах|ев|ов|ие|ье|ию|ью|ия|ья|а|е|и|й|о|у|ы|ь|ю|я)$"
)
_DERIVED = re.compile("(?:ость|ост)$")
_SUPERLATIVE = re.compile("(?:ейше|ейш)$")


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The stem of a lower-case word; "ё" counts as "е"."""
    word = word.replace("ё", "е")
    region = _REGION.search(word)
    if region is None:
        return word
    head, tail = word[: region.start(1)], region[1]
    tail = _without_ending(tail)
    tail = tail.removesuffix("и")
    second = _REGION_2.match(head + tail) or _REGION_2.search(head + tail)
    derived = _DERIVED.search(tail)
    if derived and second and len(head) + derived.start() >= second.start(1):
        tail = tail[: derived.start()]
    if tail.endswith("нн"):
        tail = tail[:-1]
    elif _SUPERLATIVE.search(tail):
        tail = _SUPERLATIVE.sub("", tail)
        tail = tail[:-1] if tail.endswith("нн") else tail
    else:
        tail = tail.removesuffix("ь")
    return head + tail


def _without_ending(tail: str) -> str:
    if _GERUND.search(tail):
        return _GERUND.sub("", tail)
    tail = _REFLEXIVE.sub("", tail)
    if _ADJECTIVE.search(tail):
        return _PARTICIPLE.sub("", _ADJECTIVE.sub("", tail))
    for ending in (_VERB, _NOUN):
        if ending.search(tail):
            return ending.sub("", tail)
    return tail
