"""Look-ups in the company's system: how they are declared, what is asked, and what is made of the answer.

Pure: no sockets and no clock. Whoever asks (`cti/customers`) is given to the conversation as a callable; it
uses `address` for the question and `extract` for the answer.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from voicebot.parts import Name, ScriptPart, Spoken
from voicebot.slots import say
from voicebot.texts import fields_of

LONGEST_FIELD: Final = 200
"""Signs of a field of the answer; the bot reads no novels."""
DEADLINE_S: Final = 2.0

Value = str | int | float | bool
Expected = str | int | bool


class Trouble(StrEnum):
    """Why there is no answer. The desk shows it to the operator who takes over."""

    LATE = "late"  # not within the deadline
    GONE = "gone"  # nobody there, or cut off
    UNFIT = "unfit"  # an answer that is not what was agreed
    RESTING = "resting"  # failed several times just now, and is left alone for a while
    NOT_SET_UP = "not_set_up"  # nobody said where the company's system is


class FieldFrom(ScriptPart):
    """Where a field stands in the answer's JSON, and how it is said."""

    path: Annotated[str, StringConstraints(pattern=r"^[^.\s]{1,80}(\.[^.\s]{1,80}){0,7}$")]
    """Keys of objects, from the outside in: `prize.amount`."""
    kind: Literal["text", "digits", "date"] = "text"
    """Digits are read one by one, an ISO date in words."""

    @model_validator(mode="before")
    @classmethod
    def _plain_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


class Case(ScriptPart):
    """One kind of answer."""

    when: Annotated[dict[Name, Expected], Field(min_length=1)]
    """Fields and what they have to be, all of them; upper and lower case are the same."""
    say: Spoken


class NotFound(ScriptPart):
    """The company does not know it: status 404."""

    say: Spoken = "I am sorry, I can not find that."
    ask_again: Name | None = None
    """The slot that is asked for once more."""

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, value: Any) -> Any:
        return {"say": value} if isinstance(value, str) else value


class Lookup(ScriptPart):
    """A question to the company's system over HTTP."""

    path: Annotated[str, StringConstraints(pattern=r"^[^\s/]\S{0,499}$")] | None = None
    """Below PRESSZERO_LOOKUPS_URL, with {slot} fields: `tickets/{ticket}`."""
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s{}/]+/\S{0,499}$")] | None = None
    """Or a whole address elsewhere, which is never sent the token."""
    method: Literal["GET"] = "GET"
    deadline_s: Annotated[float, Field(gt=0, le=10, strict=False)] = DEADLINE_S
    fields: dict[Name, FieldFrom] = Field(default_factory=dict)
    cases: Annotated[tuple[Case, ...], Field(strict=False, max_length=50)] = ()
    """The first one that fits is said."""
    otherwise: Spoken | None = None
    """When no case fits; without it that is a failure."""
    not_found: NotFound = NotFound()
    failed: Spoken = "I am sorry, our system does not answer just now."
    """Said before the caller goes to an operator."""

    @field_validator("path", "url")
    @classmethod
    def _has_fields(cls, value: str | None) -> str | None:
        if value is not None:
            fields_of(value)
            if "?" in value and "{" in urlsplit(value).fragment:
                raise ValueError("a part behind # is never sent; leave it out")
        return value

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give either `path:`, below PRESSZERO_LOOKUPS_URL, or a whole `url:`")
        return self

    @property
    def asks_with(self) -> set[str]:
        """The values that it needs."""
        return fields_of(self.path or self.url or "")

    def texts(self) -> Iterator[str]:
        """Everything that it may say."""
        yield from (case.say for case in self.cases)
        if self.otherwise is not None:
            yield self.otherwise
        yield from (self.not_found.say, self.failed)


@dataclass(frozen=True, slots=True)
class Found:
    """The company's answer, as far as the scenario asked for it."""

    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Unknown:
    """The company does not know it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no answer to go by."""

    trouble: Trouble


Answer = Found | Unknown | Failed

LookUp = Callable[[str, Mapping[str, str]], Awaitable[Answer]]
"""Asks the look-up of this name with these values; in time, and never raises."""


class UnfitAnswer(Exception):
    """The answer is not what the scenario says; the message names fields, and nothing out of them."""


def address(lookup: Lookup, values: Mapping[str, str]) -> str:
    """The path or URL with its fields filled in, each quoted so that it stays within its place.

    Raises:
        KeyError: a value is missing.
    """
    place = lookup.path or lookup.url or ""
    for name in fields_of(place):
        place = place.replace("{" + name + "}", quote(values[name], safe=""))
    return place


def extract(lookup: Lookup, answer: object) -> Found:
    """The fields of the answer's JSON. What is not there, or null, is left out.

    Raises:
        UnfitAnswer: no object, or a field that is a list, an object, or too long.
    """
    if not isinstance(answer, dict):
        raise UnfitAnswer("JSON is no object")
    found: dict[str, Value] = {}
    for name, place in lookup.fields.items():
        value: object = answer
        for key in place.path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        if value is None:
            continue
        if not isinstance(value, str | int | float | bool):
            raise UnfitAnswer(f"unfit: {name}")
        if isinstance(value, str):
            value = " ".join("".join(sign if sign.isprintable() else " " for sign in value).split())
        if len(str(value)) > LONGEST_FIELD:
            raise UnfitAnswer(f"too long: {name}")
        found[name] = value
    return Found(found)


def fits(when: Mapping[str, Expected], fields: Mapping[str, Value]) -> bool:
    """Whether all these fields are as expected."""
    return all(name in fields and _plain(fields[name]) == _plain(value) for name, value in when.items())


def words_for(lookup: Lookup, fields: Mapping[str, Value]) -> str | None:
    """What to say to these fields; None where the scenario has nothing for them."""
    for case in lookup.cases:
        if fits(case.when, fields):
            return case.say
    return lookup.otherwise


def spoken_fields(lookup: Lookup, fields: Mapping[str, Value], language: str) -> dict[str, str]:
    """The fields as they are said; one that is not of its kind is left out."""
    spoken: dict[str, str] = {}
    for name, value in fields.items():
        if (place := lookup.fields.get(name)) is None:
            continue
        kind = place.kind
        text = _plain(value) if not isinstance(value, str) else value
        if kind == "digits" and not (text.isascii() and text.isdigit()):
            continue
        try:
            spoken[name] = say(kind, text[:10] if kind == "date" else text, language)
        except ValueError:
            continue
    return spoken


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.2f}"
    return str(value).casefold()
