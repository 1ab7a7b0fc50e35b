"""The pages' languages: which one a request is answered in, and what its texts are in that language.

The English text is the msgid; a language is one `.po` file beside this module (`make words` keeps them up to
date). Knows no page. Mark every text that people see:

    templates    {{ _("Log in") }}, {{ _("by %(who)s", who=login) }}, {{ pgettext("verb", "Open") }},
                 {% trans n=calls | count %}{{ n }} call{% pluralize %}{{ n }} calls{% endtrans %}
    Python       _("Log in"), ngettext("%(num)s call", "%(num)s calls", count), pgettext("verb", "Open");
                 at module level N_("Log in") now and _(text) when it is shown
    TypeScript   import { t, tn } from "./words"; t("Log in"), t("by %(who)s", { who })

A `%` that stands for itself is written `%%`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

FOLDER = Path(__file__).parent
LANGUAGES = {"en": "English", "ru": "Русский"}
"""BCP 47 → its own name, in the order in which they are offered."""

SOURCE = "en"  # what the texts in the code are written in
SCRIPTS = (".ts",)  # texts from these files go to the browser

_spoken: ContextVar[str] = ContextVar("language", default=SOURCE)


def language() -> str:
    """The language of this moment, a key of `LANGUAGES`."""
    return _spoken.get()


def speak(wanted: str | None) -> None:
    """Go on in that language, to the end of the task or the next call; an unknown one changes nothing."""
    if wanted in LANGUAGES:
        _spoken.set(wanted)


@contextmanager
def speaking(wanted: str) -> Iterator[None]:
    """Inside, texts are in that language."""
    before = _spoken.set(wanted)
    try:
        yield
    finally:
        _spoken.reset(before)


def preferred(accepted: str) -> str:
    """The first of our languages in an `Accept-Language` header (RFC 9110, 12.5.4); English when none is."""
    weighed: list[tuple[float, str]] = []
    for part in accepted[:1000].split(","):
        tag, _, weight = part.partition(";q=")
        try:
            weighed.append((float(weight or 1), tag.strip().lower().split("-")[0]))
        except ValueError:
            continue
    weighed.sort(key=lambda one: -one[0])
    return next((tag for weight, tag in weighed if tag in LANGUAGES and weight > 0), SOURCE)


def N_(text: str) -> str:  # noqa: N802 -- what every tool calls it
    """Mark a text that is translated later, with `_`."""
    return text


def gettext(text: str, /, **values: object) -> str:
    """A text in the language of this moment, with `%(name)s` filled in."""
    return _filled(texts().gettext(text), values)


_ = gettext


def ngettext(one: str, many: str, num: int, /, **values: object) -> str:
    """A text with a number, `%(num)s`, in the form that the number asks for."""
    return _filled(texts().ngettext(one, many, num), {"num": num, **values})


def pgettext(context: str, text: str, /, **values: object) -> str:
    """A text that is ambiguous in English: `context` says which one is meant."""
    return _filled(str(texts().pgettext(context, text)), values)


def npgettext(context: str, one: str, many: str, num: int, /, **values: object) -> str:
    """`ngettext` with a context."""
    return _filled(texts().npgettext(context, one, many, num), {"num": num, **values})


def _filled(text: str, values: dict[str, object]) -> str:
    return text % values if "%" in text else text


@lru_cache
def catalogue(wanted: str) -> Catalog:
    """A language's texts as its file has them."""
    with (FOLDER / f"{wanted}.po").open("rb") as file:
        return read_po(file, locale=wanted, domain="messages")


def texts() -> NullTranslations:
    """The texts in the language of this moment, their values not filled in."""
    return _texts(language())


@lru_cache
def _texts(wanted: str) -> NullTranslations:
    if wanted == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, catalogue(wanted))
    compiled.seek(0)
    return Translations(compiled)


@lru_cache
def script_words(wanted: str) -> str:
    """What the scripts of a page say, as JSON: msgid → text, or → its forms by number.

    Fit to stand in a `script` element: there is no `<` in it.
    """
    words: dict[str, object] = {}
    for message in () if wanted == SOURCE else catalogue(wanted):
        if message.id and any(place.endswith(SCRIPTS) for place, _line in message.locations):
            words[_first(message)] = message.string
    return json.dumps(words, ensure_ascii=False).replace("<", "\\u003c")


def _first(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]
