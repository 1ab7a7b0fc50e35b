"""Wishes that need no training: a person, good-bye, yes, no – by rules over English words.

Pure. The request for a person stands above everything, so it must be found in many wordings and in bad
transcripts; but "can another person collect my prize" is a question about something else and must not be one.
Other languages add words by the script (`operator_words`, `goodbye_words`).
"""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

_CONTRACTIONS = {
    "i'd": "i would",
    "i'm": "i am",
    "i'll": "i will",
    "i've": "i have",
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "wanna": "want to",
    "gonna": "going to",
    "gotta": "got to",
    "gimme": "give me",
    "lemme": "let me",
    "let's": "let us",
    "goodbye": "good bye",
    "good-bye": "good bye",
    "bye-bye": "bye bye",
    "alright": "all right",
    "ok": "okay",
    "'em": "them",
}
_FILLERS = frozenset(
    "um uh uhm erm er ah eh hmm hm mm oh well so like actually please hello hi hey sorry just".split()
)
_POLITE = frozenset(
    "a an the please now yes yeah no okay i said me my thanks thank you sir madam and or to".split()
)

_STRONG = "operators? agents? representatives? reps? humans? colleagues? supervisors? receptionists? consultants? advis[eo]rs?"
_WEAK = "person people somebody someone anybody anyone man woman guy lady manager staff employee member"
_PERSON = {
    "strong": _STRONG.replace(" ", "|"),
    "weak": _WEAK.replace(" ", "|"),
    "desk": r"(?:customer|client|technical|tech) (?:service|services|support|care)|help ?desk|support|support team|call cent(?:er|re)",
}
_ADJECTIVE = r"(?:(?:real|live|actual|living|human|another|different|free|single|proper|your|one of your|the|a|an|any|some|of your) )*"
_ANYONE = rf"(?:{_PERSON['strong']}|{_PERSON['weak']}|{_PERSON['desk']})"

# After the person something may follow that is still the request ("… please", "… who can help me") and not
# another question ("an agent to buy a ticket", "somebody won").
_HELPS = r"(?:talk|speak|help|assist|answer|call|explain|tell|take over|chat|listen|connect)"
_ENDS = (
    r"(?= being\b| there\b| here\b| now\b| not\b| instead\b| immediately\b| right\b| today\b| on the (?:line|phone)\b"
    rf"| (?:who|that|which) (?:can|could|knows|is|will|understands)\b| (?:to|can|could|i can|i could|we can) {_HELPS}\b"
    r"| and\b| because\b| or\b| about\b| for (?:help|this|that)\b| thank| in your\b| from your\b| at your\b| member\b|$)"
)

_REQUESTS = tuple(
    re.compile(pattern)
    for pattern in (
        # talk to a person, speak with one of your colleagues
        rf"\b(?:talk|speak|speaking|talking|chat)(?: directly| again| now)? (?:to|with) {_ADJECTIVE}(?:\w+ )?{_ANYONE}\b(?! else'?s)",
        rf"\b(?:talk|speak|chat) {_ADJECTIVE}{_ANYONE}{_ENDS}",  # the recogniser lost "to"
        # connect me, transfer me to, put me through, hand me over
        r"\b(?:connect|transfer|redirect|forward|switch|patch) (?:me|us|my call|this call|the call)\b",
        r"\b(?:connected|transferred|put through|switched) (?:to|with|through|over)\b",
        r"\b(?:put|pass|hand|get|patch|let) (?:me|us) (?:through|over|on to|onto|in touch)\b",
        rf"\b(?:connect|transfer|put|pass|hand|switch)(?: me)?(?: through| over)? (?:to|with) {_ADJECTIVE}{_ANYONE}\b",
        r"^put through\b",
        # I want an operator, get me a human, is there anybody I can talk to
        rf"(?<!do i )\b(?:want|wants|need|get|give|call|find|prefer|rather have|like|would like|have|reach|ask for|asked for|"
        rf"asking for|looking for|bring|contact|be|got)(?: to (?:have|get|reach|see|contact|call|be with))?(?: me| us)?"
        rf"(?: for)? {_ADJECTIVE}(?:{_ANYONE}){_ENDS}",
        rf"\b(?:is|are) there (?:no |not )?{_ADJECTIVE}{_ANYONE}{_ENDS}",
        rf"\b(?:is|are) {_ADJECTIVE}(?:anybody|anyone|somebody|someone) (?:there|here|available|listening)\b",
        rf"\b(?:can|could|will|would) {_ADJECTIVE}(?:anybody|anyone|somebody|someone|person|human|operator|agent|representative) "
        rf"(?:please )?(?:help|assist|talk|speak|call|take over)\b(?: (?:to|with))?(?: me| us)?(?! (?:else|collect|check|buy))",
        # not with a machine
        r"\b(?:not|stop|hate|never|no|do not want|without)\b(?: \w+){0,6} (?:robots?|bots?|machines?|computers?|recordings?|automated|ai)\b",
        r"\b(?:are you|is this|am i talking to|am i speaking (?:to|with)) (?:just )?(?:a |an )?(?:real |actual |live )?"
        r"(?:robot|bot|machine|computer|recording|automated|human|person|ai)\b",
        r"^(?:press |number |dial |i press )?zero$",
    )
)
_SHORT_REQUEST = re.compile(
    rf"^(?:{_ADJECTIVE}(?:{_ANYONE}|human being)(?: being)?(?: who can {_HELPS}(?: me)?| to {_HELPS}(?: (?:to|with|me))*)?\s*)+$"
)
_NEVER = re.compile(r"\b(?:in person|else)\b")
_LONG_WORDS = ("operator", "representative", "receptionist", "supervisor")

_LONGEST = 14
"""Words of the longest utterance that can be a mere courtesy; it also bounds the work of the patterns."""

_GOODBYE = re.compile(
    r"^(?:(?:no|nope|nah|yes|yeah|okay|all right|right|great|perfect|good|fine|wonderful|excellent|super|cool|lovely|awesome|"
    r"thanks?|thank you|cheers|bye|good bye|see you|a lot|very much|so much|ever so much|then|not now|not really|not today|"
    r"that (?:is|was|will be|would be) (?:it|all|everything|fine|great|good|perfect|enough)(?: (?:for (?:now|today)|i (?:need|needed|wanted)"
    r"(?: to know)?))?|that(?:'?s)? all|nothing(?: else| more)?|i am (?:good|fine|done|all set|okay)|all (?:good|set|clear)|no more"
    r"|no (?:further )?(?:more )?questions?|i do not need anything(?: else)?|for (?:your|the) help|for that|for (?:the|this) information|"
    r"have a (?:nice|good|great) (?:day|evening|one|night|weekend)|you too|good (?:day|night)|that helped(?: me)?(?: a lot)?|"
    r"you have been (?:very |so )?helpful|very (?:helpful|kind|good)|i have (?:got )?(?:everything|all)(?: i need(?:ed)?)?|"
    r"got it|understood|i see|and|you|no need)\s*)+$"
)
_GOODBYE_WORD = re.compile(
    r"\b(?:thanks?|bye|nothing|all|it|done|everything|good|fine|set|need|great|perfect|questions?|cheers|helped|not)\b"
)
_NO = re.compile(r"^(?:(?:no|nope|nah|not|really|now)\s*)+$")
_YES = re.compile(
    r"^(?:(?:yes|yeah|yep|yup|sure|okay|of course|right|correct|i do|i have|there is|one more|another|thing|question|"
    r"all right|got it|i see|understood|go ahead|a|i am)\s*)+$"
)


def words(text: str) -> list[str]:
    """Lower-case words with contractions written out; punctuation is gone."""
    plain = text.lower().replace("’", "'").replace("-", " ").replace("'s", " is")
    plain = plain.replace("n't", " not") if "can't" not in plain and "won't" not in plain else plain
    found: list[str] = []
    for word in re.findall(r"[\w']+", plain):
        found.extend(_CONTRACTIONS.get(word, word.strip("'")).split())
    return [word for word in found if word]


def without_fillers(spoken: Sequence[str]) -> list[str]:
    """The words that carry something: no "um", "please", "hello"."""
    return [word for word in spoken if word not in _FILLERS]


class Wishes:
    """Rules of English plus a script's own words."""

    def __init__(self, operator_words: Sequence[str] = (), goodbye_words: Sequence[str] = ()) -> None:
        self._operator = [words(phrase) for phrase in operator_words]
        self._goodbye = [words(phrase) for phrase in goodbye_words]

    def is_for_a_person(self, spoken: Sequence[str]) -> bool:
        """Whether the caller asks for a person, in whatever words."""
        if any(_has(spoken, phrase) for phrase in self._operator):
            return True
        said = without_fillers(spoken)
        sentence = " ".join(said)
        if not said or (
            _NEVER.search(sentence) and not re.search(r"\b(?:talk|speak|transfer|connect)\b", sentence)
        ):
            return False
        rest = [word for word in said if word not in _POLITE]
        if _SHORT_REQUEST.match(_short(rest)) or any(request.search(sentence) for request in _REQUESTS):
            return True
        # "Operate her", "a representive": a short utterance with a word that is nearly it.
        return len(said) <= 3 and any(
            len(word) >= 6 and SequenceMatcher(None, word, known).ratio() >= 0.8
            for word in (*said, "".join(said))
            for known in _LONG_WORDS
        )

    def is_goodbye(self, spoken: Sequence[str]) -> bool:
        """Whether the caller wants nothing more: thanks, that was all, bye."""
        if any(_has(spoken, phrase) for phrase in self._goodbye):
            return True
        sentence = _short(spoken)
        return bool(_GOODBYE.match(sentence) and _GOODBYE_WORD.search(sentence))

    def is_no(self, spoken: Sequence[str]) -> bool:
        """A bare no."""
        return bool(_NO.match(_short(spoken)))

    def is_yes(self, spoken: Sequence[str]) -> bool:
        """A bare yes, or an "okay" that says nothing more."""
        return bool(_YES.match(_short(spoken)))


def _short(spoken: Sequence[str]) -> str:
    """The utterance without fillers; empty where it is too long for a courtesy."""
    said = without_fillers(spoken)
    return " ".join(said) if len(said) <= _LONGEST else ""


def _has(spoken: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether `phrase` was said; one word alone counts only in a short utterance."""
    if not phrase or (len(phrase) == 1 and len(spoken) > 4):
        return False
    return any(
        list(spoken[at : at + len(phrase)]) == list(phrase) for at in range(len(spoken) - len(phrase) + 1)
    )
