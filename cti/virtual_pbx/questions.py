"""What `presszero connect` asks: the fields of a vendor's settings, and what is made of the answers. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_origin

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from cti.virtual_pbx.settings import ConnectionSettings

C = TypeVar("C", bound=ConnectionSettings)


class BadAnswer(Exception):
    """An answer that makes no sense; the message says which, and why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}.")
        self.name = name


@dataclass(frozen=True, slots=True)
class Question:
    """One field. Those without a text are not asked for, only set."""

    name: str
    text: str
    hidden: bool  # not shown while it is typed
    default: str | None  # as it would be typed; None: there has to be an answer


def questions(settings_type: type[ConnectionSettings], before: ConnectionSettings | None) -> list[Question]:
    """In the order of the fields; the secrets are asked for elsewhere. `before`: what is answered already."""
    return [
        Question(name, field.description or "", field.annotation is SecretStr, _default(name, field, before))
        for name, field in settings_type.model_fields.items()
        if name != "secrets"
    ]


def settings_from(
    settings_type: type[C],
    answers: Mapping[str, str],
    secrets: tuple[Any, ...],
    before: C | None,
    given: Sequence[tuple[str, str]] = (),
) -> C:
    """The settings. What is not answered stays as it was, or as it is by default.

    Args:
        answers: each is the whole of its setting.
        given: on the command line, one after the other. Of a setting that has pairs, such as `operators`,
            they are added to those that are there: `anna=102` changes Anna alone, `anna=` takes her out, and
            an empty one takes all of them out.

    Raises:
        BadAnswer: the first that makes no sense, or is missing.
    """
    fields = settings_type.model_fields
    for name in [*answers, *(name for name, _ in given)]:
        if name not in fields or name == "secrets":
            known = ", ".join(field for field in fields if field != "secrets")
            raise BadAnswer(name, f"there is no such setting; there are {known}")
    told: dict[str, Any] = {} if before is None else dict(before)
    told |= {name: _read(fields[name], answer) for name, answer in answers.items()}
    for name, text in given:
        told[name] = _with(fields[name], told.get(name), text)
    try:
        return settings_type.model_validate({**told, "secrets": secrets})
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "the whole"
        why = "it has to be answered" if first["type"] == "missing" else first["msg"]
        raise BadAnswer(name, why.removeprefix("Value error, ")) from None  # the cause holds what was typed


def _with(field: FieldInfo, there: Any, text: str) -> Any:
    read = _read(field, text)
    if not isinstance(read, dict) or not read:
        return read
    kept = {name: value for name, value in (there or {}).items() if str(name) not in read}
    return kept | {name: value for name, value in read.items() if value}


def _read(field: FieldInfo, answer: str) -> Any:
    answer = answer.strip()
    origin = get_origin(field.annotation)
    if origin in {tuple, list, set, frozenset}:
        return [part.strip() for part in answer.split(",") if part.strip()]
    if origin is dict:
        pairs = (part.partition("=") for part in answer.split(",") if part.strip())
        return {name.strip(): value.strip() for name, _, value in pairs}
    return answer


def _default(name: str, field: FieldInfo, before: ConnectionSettings | None) -> str | None:
    if before is not None:
        return _typed(getattr(before, name))
    return None if field.is_required() else _typed(field.get_default(call_default_factory=True))


def _typed(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return ",".join(f"{name}={one}" for name, one in value.items())
    if isinstance(value, tuple | list | set | frozenset):
        return ",".join(str(one) for one in value)
    return "" if value is None else str(value)
