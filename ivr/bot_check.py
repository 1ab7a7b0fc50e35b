"""What is wrong with the bot's part of a scenario that no single value shows: names and fields nobody knows.

Pure: a `BotScript` in, places and sentences out. It may not know the file or its lines.
"""

from collections.abc import Iterable, Iterator, Mapping

from voicebot.lookup import Lookup
from voicebot.script import BotScript, Identity, Question
from voicebot.slots import Slot
from voicebot.texts import CUSTOMER, fields_of

Place = tuple[str | int, ...]
Finding = tuple[Place, str]


def findings(script: BotScript) -> Iterator[Finding]:
    """Everything to correct, in no particular order; places count from the top of the file."""
    for at, sentence in _findings(script):
        yield ("bot", *at), sentence


def _findings(script: BotScript) -> Iterator[Finding]:
    yield from _prompts(script)
    yield from _identity(script)
    by_name = {question.name: question for question in script.questions}
    for n, question in enumerate(script.questions):
        place: Place = ("questions", n)
        yield from _names(script, question, place, by_name)
        known = _known(script, question, by_name)
        yield from _slots(question.slots, (*place, "slots"), known)
        if question.confirm is not None:
            yield from _unknown(question.confirm, (*place, "confirm"), set())
        if question.answer is not None:
            said = known | {slot.name for slot in question.slots} | {CUSTOMER}
            yield from _unknown(question.answer, (*place, "answer"), said)
        if question.lookup in script.lookups:
            given = known | {slot.name for slot in question.slots}
            yield from _asked(script.lookups[question.lookup], question, (*place, "lookup"), given)
    yield from _lookups(script)


def _prompts(script: BotScript) -> Iterator[Finding]:
    """Texts that belong to no question: nothing is known there but the customer."""
    for name in type(script).model_fields:
        text = getattr(script, name)
        if isinstance(text, str):
            allowed = {CUSTOMER} if name == "greeting" else set()
            yield from _unknown(text, (name,), allowed)


def _identity(script: BotScript) -> Iterator[Finding]:
    identity = script.identity
    if identity is None:
        return
    for name in ("intro", "passed", "not_passed"):
        yield from _unknown(getattr(identity, name), ("identity", name), set())
    yield from _slots(identity.slots, ("identity", "slots"), set())
    lookup = script.lookups.get(identity.lookup)
    if lookup is None:
        yield ("identity", "lookup"), _no_lookup(script, identity.lookup)
    else:
        asked = {slot.name for slot in identity.slots}
        for missing in sorted(lookup.asks_with - asked):
            yield (
                ("identity", "lookup"),
                f"the look-up {identity.lookup!r} needs {{{missing}}}, which no slot of the check asks for",
            )
        for name in sorted(identity.when.keys() - lookup.fields.keys()):
            yield ("identity", "when", name), _no_field(identity.lookup, lookup, name)
    if not any(question.private for question in script.questions):
        yield (
            ("identity",),
            "no question is `private: true`, so nobody would be asked; mark one, or remove it",
        )


def _names(
    script: BotScript, question: Question, place: Place, by_name: Mapping[str, Question]
) -> Iterator[Finding]:
    if question.private and script.identity is None:
        yield (*place, "private"), "say under `identity:` how callers prove who they are"
    if question.lookup is not None and question.lookup not in script.lookups:
        yield (*place, "lookup"), _no_lookup(script, question.lookup)
    if question.follows is None:
        return
    followed = by_name.get(question.follows)
    if followed is None:
        yield (*place, "follows"), f"there is no question {question.follows!r}"
    elif followed is question or followed.follows is not None:
        root = followed.follows or "another question"
        yield (*place, "follows"), f"a follow-up of a follow-up never counts; let it follow {root}"


def _known(script: BotScript, question: Question, by_name: Mapping[str, Question]) -> set[str]:
    """What has a value before the question's own slots are asked for."""
    known = _proved(script, script.identity) if question.private else set()
    followed = by_name.get(question.follows or "")
    if followed is not None and followed is not question:
        known |= {slot.name for slot in followed.slots}
        known |= _proved(script, script.identity) if followed.private else set()
    return known


def _proved(script: BotScript, identity: Identity | None) -> set[str]:
    if identity is None:
        return set()
    lookup = script.lookups.get(identity.lookup)
    return {slot.name for slot in identity.slots} | (set(lookup.fields) if lookup else set())


def _slots(slots: Iterable[Slot], place: Place, known: set[str]) -> Iterator[Finding]:
    before = set(known)
    for n, slot in enumerate(slots):
        at = (*place, n)
        if slot.name in before:
            yield (*at, "name"), f"{slot.name!r} is known already and would never be asked for; rename it"
        for name in ("ask", "again"):
            if (text := getattr(slot, name)) is not None:
                yield from _unknown(text, (*at, name), before | {CUSTOMER})
        if slot.confirm is not None:
            yield from _unknown(slot.confirm, (*at, "confirm"), before | {slot.name, CUSTOMER})
            if slot.name not in fields_of(slot.confirm):
                yield (*at, "confirm"), f"say the value back: write {{{slot.name}}} where it belongs"
        before.add(slot.name)


def _asked(lookup: Lookup, question: Question, place: Place, given: set[str]) -> Iterator[Finding]:
    """Whether this question has what its look-up needs, and what its texts say."""
    for missing in sorted(lookup.asks_with - given):
        yield place, f"the look-up {question.lookup!r} needs {{{missing}}}; ask for it in a slot"
    if not lookup.cases and lookup.otherwise is None:
        yield place, f"the look-up {question.lookup!r} has nothing to say; give it `cases:` or `otherwise:`"
    at: Place = ("lookups", question.lookup or "")
    allowed = given | set(lookup.fields) | {CUSTOMER}
    for n, case in enumerate(lookup.cases):
        yield from _unknown(case.say, (*at, "cases", n, "say"), allowed)
    if lookup.otherwise is not None:
        yield from _unknown(lookup.otherwise, (*at, "otherwise"), allowed)
    for name, text in (("not_found", lookup.not_found.say), ("failed", lookup.failed)):
        yield from _unknown(text, (*at, name), given | {CUSTOMER})
    again = lookup.not_found.ask_again
    if again is not None and again not in {slot.name for slot in question.slots}:
        yield (*at, "not_found", "ask_again"), f"the question {question.name!r} has no slot {again!r}"


def _lookups(script: BotScript) -> Iterator[Finding]:
    used = {question.lookup for question in script.questions}
    used |= {script.identity.lookup} if script.identity is not None else set()
    for name, lookup in script.lookups.items():
        if name not in used:
            yield ("lookups", name), "no question asks it; give one `lookup: " + name + "`, or remove it"
        for n, case in enumerate(lookup.cases):
            for field in sorted(case.when.keys() - lookup.fields.keys()):
                yield ("lookups", name, "cases", n, "when", field), _no_field(name, lookup, field)


def _unknown(text: str, place: Place, allowed: set[str]) -> Iterator[Finding]:
    for name in sorted(fields_of(text) - allowed):
        yield place, f"nothing is known here as {{{name}}}; there is {_list(allowed)}"


def _no_lookup(script: BotScript, name: str) -> str:
    return f"there is no look-up {name!r}; `lookups:` has {_list(script.lookups)}"


def _no_field(name: str, lookup: Lookup, field: str) -> str:
    return f"the look-up {name!r} has no field {field!r}; its `fields:` are {_list(lookup.fields)}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
