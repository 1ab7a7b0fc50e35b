"""What is believed of an answer of the company's systems, whichever. Pure: bytes in, a model out."""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from tickets.rows import clean_text

LONGEST_ANSWER = 64 * 1024  # bytes

M = TypeVar("M", bound=BaseModel)


class BadAnswer(Exception):
    """The answer cannot be used. The message names what is wrong with it, and nothing out of it."""


def one_line(text: str) -> str:
    """For pydantic: printable, without line ends, not empty."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in clean_text(text)).split())
    if not line:
        raise ValueError("it is empty")
    return line


Line = Annotated[str, Field(max_length=200), AfterValidator(one_line)]


def read_json(status: int, content_type: str, body: bytes, model: type[M]) -> M | None:
    """What a system says; None for 404, a number that it does not know.

    Raises:
        BadAnswer: another status, another type than JSON, or other contents than they should be.
    """
    if status == 404:
        return None
    if status != 200:
        raise BadAnswer(f"status {status}")
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise BadAnswer("not application/json")
    if len(body) > LONGEST_ANSWER:
        raise BadAnswer(f"more than {LONGEST_ANSWER // 1024} kB")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        where = {".".join(str(part) for part in fault["loc"]) or "JSON" for fault in error.errors()}
        raise BadAnswer(f"unfit: {', '.join(sorted(where))}") from None  # its values are a customer's data
