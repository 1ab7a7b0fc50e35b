"""What all parts of the bot's script are made of: the base of its models and the texts in them. Pure."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from voicebot.texts import fields_of


def _with_fields(text: str) -> str:
    fields_of(text)
    return text


Spoken = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=1000),
    AfterValidator(_with_fields),
]
"""A text that is spoken to the caller; it may have {fields}."""

Wording = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
"""Words that a caller may use."""

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
"""A few words for people at the desk."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""A name inside the scenario: lower case, digits, underscores."""


class ScriptPart(BaseModel):
    """Frozen, strict, refuses unknown keys."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)
