"""The scenario: what callers hear and where they go, as frozen models.

Reception's contract with whoever writes the file. Pure: no files, no clock; `scenario_file` reads it from
disk, `scenario_check` looks for what one model alone cannot see. It may not know the PBX or the database.

Every name that ends up in the PBX's configuration (queues, extensions, numbers, music) is held to a narrow
pattern here, so that a scenario cannot smuggle anything into a dialplan.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.types import StringConstraints

from ivr.call_back_rules import CallBackRules
from ivr.surge_rules import Surge
from ivr.vip_rules import Vip
from ivr.waiting_words import WaitingWords
from voicebot.script import BotScript

if TYPE_CHECKING:
    from ivr.languages import LanguageWords

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Extension = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,10}$")]
Number = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{2,15}$")]
PersonName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\"<>;\[\]\\|]{1,64}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1500)]
DigitKey = Annotated[str, StringConstraints(pattern=r"^[1-9*#]$")]
Seconds = Annotated[int, Field(ge=1, le=3600)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]  # BCP 47

MAIN_MENU = "main"
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
STATIC_PROMPTS = (
    "connecting",
    "please_hold",
    "voicemail",
    "voicemail_thanks",
    "duty_ringing",
    "call_back_greeting",
)
"""What the dialplan plays by itself, with our program away or dead, where the scenario has it."""


class Model(BaseModel):
    """Frozen, refuses unknown keys; `101` and `"101"` are the same extension."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


def _beside(file: Path, info: ValidationInfo) -> Path:
    """A path as written in the scenario is relative to the scenario's folder, when that is known."""
    folder: Path | None = (info.context or {}).get("folder")
    return file if folder is None else folder / file


def voice_beside(value: str, info: ValidationInfo) -> str:
    """`voice:` as written in a file. Raises ValueError: it is none."""
    if value in ("auto", "espeak"):
        return value
    if not value.endswith(".onnx"):
        raise ValueError("write auto, espeak, or the path of a Piper .onnx file")
    return str(_beside(Path(value), info))


def files_beside(value: dict[str, Path], info: ValidationInfo) -> dict[str, Path]:
    """`bot_files:` as written in a file."""
    return {name: _beside(file, info) for name, file in value.items()}


class Prompt(Model):
    """Something that callers hear: words to be spoken by the voice, or a recorded WAV file, which wins.

    In the file either a plain text, or `file:` with a path relative to the scenario (and `text:` with its
    words, for people who read along).
    """

    text: Words | None = None
    file: Path | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, value: Any) -> Any:
        return value if isinstance(value, dict | Prompt) else {"text": value}

    @field_validator("file")
    @classmethod
    def _beside_the_scenario(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        return value if value is None else _beside(value, info)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.text is None and self.file is None:
            raise ValueError("give the prompt a text, or a file")
        return self


class Span(Model):
    """Opening hours of one stretch, local wall time; `end` not after `start` means the next day."""

    start: time
    end: time  # exclusive; 00:00 is midnight at the end of the day


_SPAN = re.compile(r"^\s*(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)\s*$")


class DayHours(Model):
    """One day: `closed`, or stretches such as `08:00-12:00, 13:00-22:00`."""

    spans: tuple[Span, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value.strip() == "closed":
            return {"spans": []}
        return {"spans": [_span(part) for part in value.split(",")]}


def _span(text: str) -> Span:
    match = _SPAN.match(text)
    if not match:
        raise ValueError(f"write hours as 08:00-22:00, or closed; {text.strip()[:40]!r} is neither")
    start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
    if (end_hour, end_minute) == (24, 0):
        end_hour = 0
    if max(start_hour, end_hour) > 23 or max(start_minute, end_minute) > 59:
        raise ValueError(f"{text.strip()!r} holds a time that does not exist; a day runs from 00:00 to 24:00")
    return Span(start=time(start_hour, start_minute), end=time(end_hour, end_minute))


def weekdays(key: str) -> tuple[int, ...]:
    """The days that a key of `weekly` names: `mon` → (0,), `fri-mon` → (4, 5, 6, 0).

    Raises:
        ValueError: the key names no days.
    """
    first, dash, last = key.partition("-")
    if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
        raise ValueError("write days as mon, tue, wed, thu, fri, sat, sun, or a range such as mon-fri")
    start = WEEKDAYS.index(first)
    length = (WEEKDAYS.index(last) - start) % 7 + 1 if dash else 1
    return tuple((start + n) % 7 for n in range(length))


class Holidays(Model):
    """Whose public holidays are days off: ISO 3166 country, and optionally its subdivision."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
    subdivision: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,5}$")] | None = None


class Hours(Model):
    """When people are there. Exceptions win over holidays, holidays over the week."""

    open: Literal["24/7"] | None = None
    weekly: dict[str, DayHours] = {}  # a day that is not named is closed
    holidays: Holidays | None = None
    exceptions: dict[date, DayHours] = {}
    closed_menu: Name | None = None  # after the closed prompt; None: straight to voicemail

    @field_validator("weekly")
    @classmethod
    def _each_day_once(cls, value: dict[str, DayHours]) -> dict[str, DayHours]:
        named = [day for key in value for day in weekdays(key)]
        twice = {WEEKDAYS[day] for day in named if named.count(day) > 1}
        if twice:
            raise ValueError(f"{', '.join(sorted(twice))} stands in more than one line; name each day once")
        return value

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if (self.open is None) == (not self.weekly):
            raise ValueError("write either `open: 24/7` or the hours of the days under `weekly:`")
        return self

    @classmethod
    def always(cls) -> Self:
        """Open day and night, whatever the calendar says (a demo must work at any hour)."""
        return cls(open="24/7")


class Prompts(Model):
    """The prompts that stand outside the menus. At every one of them zero is a person."""

    greeting: Prompt
    recording_notice: Prompt | None = None
    closed: Prompt
    surge: Prompt | None = None  # after the greeting, while surge mode is on
    invalid: Prompt  # a key that the menu does not have
    no_input: Prompt  # no key, before the menu is repeated
    connecting: Prompt  # static: on the way into the queue
    please_hold: Prompt  # static: while waiting
    voicemail: Prompt  # static: before the tone
    voicemail_thanks: Prompt  # static
    duty_ringing: Prompt  # static: nobody in the queue, the duty phone rings
    call_back_offer: Prompt | None = None  # while waiting: press one to be called back
    call_back_confirm: Prompt | None = None  # after one was pressed: one again takes it
    call_back_promised: Prompt | None = None  # it is on the list; good-bye
    call_back_greeting: Prompt | None = None  # static: the person has answered our call
    goodbye: Prompt


class Option(Model):
    """Where one key of a menu leads: exactly one of the six."""

    to: Literal["bot", "voicemail"] | None = None  # in the file just `bot` or `voicemail`
    menu: Name | None = None
    queue: Name | None = None
    announce: Prompt | None = None
    language: Language | None = None  # from here on the call is in it; the menu is said again
    invitation: Prompt | None = None  # to that language, in it: said after the menu to callers of another
    then: Literal["menu", "goodbye"] = "menu"  # after an announcement
    topic: Words | None = None  # of an announcement: what the ticket of an informed caller says

    @model_validator(mode="before")
    @classmethod
    def _plain_word(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        targets = (self.to, self.menu, self.queue, self.announce, self.language)
        if sum(target is not None for target in targets) != 1:
            raise ValueError(
                "lead the key to exactly one of: bot, voicemail, menu, queue, announce, language"
            )
        if self.model_fields_set & {"then", "topic"} and self.announce is None:
            raise ValueError("`then:` and `topic:` belong to an announcement only")
        if self.invitation is not None and self.language is None:
            raise ValueError("`invitation:` belongs to a language only")
        return self


class Menu(Model):
    """One IVR menu. Zero is not among the options: it is the operator, always."""

    prompt: Prompt
    options: Annotated[dict[DigitKey, Option], Field(min_length=1)]
    repeat: Annotated[int, Field(ge=0, le=5)] = 2  # how often it is said again before an operator takes over
    timeout_s: Annotated[int, Field(ge=1, le=30)] = 5  # silence after the prompt


class Queue(Model):
    """Operators who are rung for the same callers."""

    operators: Annotated[tuple[Extension, ...], Field(min_length=1)]
    ring_s: Seconds = 15  # one operator's phone, then the next one's
    wait_s: Seconds = 300  # then the duty phone or voicemail
    music: Name = "default"
    wrap_up_s: Annotated[int, Field(ge=0, le=3600)] = 15  # to write up a call before the next one; 0: none


class Scenario(Model):
    """A whole scenario file. `default_queue` is where zero leads: the first queue of the file."""

    name: Words
    language: Language = "en"  # of this file, and of every call until another is known
    languages: dict[Language, Path] = {}  # further ones, each with the file of its words (`ivr.languages`)
    timezone: str = "UTC"
    region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]  # how national numbers are read
    voice: str = "auto"  # "auto", "espeak", or a Piper .onnx file beside the scenario
    lines: Annotated[tuple[Number, ...], Field(min_length=1)]  # the DIDs that callers dial
    line_languages: dict[Number, Language] = {}  # of those whose language is written beside them
    hours: Hours
    prompts: Prompts
    menus: dict[Name, Menu]
    bot: BotScript
    bot_files: dict[str, Path] = {}  # recorded files: by the bot's prompt name, or by question for its answer
    queues: Annotated[dict[Name, Queue], Field(min_length=1)]
    operators: dict[Extension, PersonName]
    call_back: CallBackRules | None = None  # None: nobody is offered to be called back
    surge: Surge | None = None  # None: however many call, everything stays the same
    duty_phone: Number | None = None  # rung when the queue gave nobody
    vip: Vip = Vip()
    waiting: WaitingWords | None = None  # None: callers hear `please_hold`, and no place
    _words: dict[str, "LanguageWords"] = PrivateAttr(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _lines_with_languages(cls, value: Any) -> Any:
        """`lines:` is a list, or says the language beside each: `"+18005550101": ru`."""
        lines = value.get("lines") if isinstance(value, dict) else None
        if not isinstance(lines, dict):
            return value
        spoken = {line: language for line, language in lines.items() if language is not None}
        return {**value, "lines": list(lines), "line_languages": spoken}

    @field_validator("languages")
    @classmethod
    def _languages_beside(cls, value: dict[str, Path], info: ValidationInfo) -> dict[str, Path]:
        return files_beside(value, info)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("write a time zone of the IANA list, such as Europe/Madrid") from error
        return value

    @field_validator("voice")
    @classmethod
    def _voice_beside(cls, value: str, info: ValidationInfo) -> str:
        return voice_beside(value, info)

    @field_validator("bot_files")
    @classmethod
    def _files_beside(cls, value: dict[str, Path], info: ValidationInfo) -> dict[str, Path]:
        return files_beside(value, info)

    @property
    def spoken_languages(self) -> tuple[str, ...]:
        """Every language that a call can be in, this file's first."""
        return (self.language, *self.languages)

    @property
    def words(self) -> Mapping[str, "LanguageWords"]:
        """Of the further languages, once their files are read; see `languages.in_language`."""
        return self._words

    def with_words(self, words: Mapping[str, "LanguageWords"]) -> "Scenario":
        """This scenario with the words of its further languages."""
        whole = self.model_copy()
        whole._words = dict(words)
        return whole

    @property
    def default_queue(self) -> str:
        """Name of the queue behind zero and behind every fault."""
        return next(iter(self.queues))

    def priority(self, vip_level: int) -> int:
        """The caller's QUEUE_PRIO at joining; 0 for those who are no VIP."""
        return self.vip.joining_priority(vip_level)

    def static_texts(self) -> dict[str, Prompt]:
        """The prompts that the dialplan plays while we are away, by name."""
        prompts = {name: getattr(self.prompts, name) for name in STATIC_PROMPTS}
        return {name: prompt for name, prompt in prompts.items() if prompt is not None}

    def spoken(self) -> Iterator[tuple[str, Prompt]]:
        """Every prompt of reception that is in this language, with its name: `greeting`, `menu-main`,
        `announce-main-2`, …
        """
        for name in Prompts.model_fields:
            prompt = getattr(self.prompts, name)
            if prompt is not None:
                yield name, prompt
        for menu_name, menu in self.menus.items():
            yield f"menu-{menu_name}", menu.prompt
            for digit, option in menu.options.items():
                if option.announce is not None:
                    yield announcement_name(menu_name, digit), option.announce
                if option.invitation is not None and option.language == self.language:
                    yield invitation_name(menu_name, digit), option.invitation

    def invitations(self) -> Iterator[str]:
        """The names of the invitations to all languages."""
        for menu_name, menu in self.menus.items():
            for digit, option in menu.options.items():
                if option.invitation is not None:
                    yield invitation_name(menu_name, digit)

    def files(self, announcements: str = "options") -> Iterator[tuple[tuple[str, ...], Path]]:
        """Every recorded file, with the keys of its prompt from the top of the file.

        `announcements`: the key of a menu under which they stand; a language file has one of its own.
        """
        places = {
            **{name: ("prompts", name) for name in Prompts.model_fields},
            **{f"menu-{name}": ("menus", name, "prompt") for name in self.menus},
            **{
                announcement_name(name, digit): ("menus", name, announcements, digit, "announce")
                for name, menu in self.menus.items()
                for digit in menu.options
            },
        }
        for name, prompt in self.spoken():
            if prompt.file is not None and name in places:
                yield places[name], prompt.file
        for menu_name, menu in self.menus.items():
            for digit, option in menu.options.items():
                if option.invitation is not None and option.invitation.file is not None:
                    yield ("menus", menu_name, "options", digit, "invitation"), option.invitation.file
        for name, file in self.bot_files.items():
            yield ("bot_files", name), file

    def bot_texts(self) -> dict[str, str]:
        """What the bot says, by the names that `bot_files` may use: prompts, and answers by question."""
        return self.bot.prompts()


def announcement_name(menu: str, digit: str) -> str:
    """The prompt name of a menu option's announcement; `*` and `#` are spelt, for file names."""
    return f"announce-{menu}-{_spelt(digit)}"


def invitation_name(menu: str, digit: str) -> str:
    """The prompt name of a menu option's invitation to another language."""
    return f"invite-{menu}-{_spelt(digit)}"


def _spelt(digit: str) -> str:
    return {"*": "star", "#": "pound"}.get(digit, digit)
