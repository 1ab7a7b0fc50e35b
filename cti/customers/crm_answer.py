"""What the company's CRM says of a caller, and what of it is believed. Pure: an answer in, a card out.

The answer to `GET <url>?number=%2B12025550123` is JSON, `{"name": "Ada", "vip_level": 2, "reference": null}`,
or the status 404 for a number that nobody knows. Other keys are passed over.
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tickets.rows import clean_text

LONGEST_ANSWER = 64 * 1024  # bytes


class BadAnswer(Exception):
    """The CRM's answer cannot be used. The message names what is wrong with it, and nothing out of it."""


def _one_line(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in clean_text(text)).split())
    if not line:
        raise ValueError("it is empty")
    return line


_Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]


class CrmCard(BaseModel):
    """A customer as the CRM knows them."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: _Line
    vip_level: int = Field(ge=0, le=9)  # 0: not a VIP
    reference: _Line | None = None  # the CRM's own id of the customer


def read_answer(status: int, content_type: str, body: bytes) -> CrmCard | None:
    """Who it is; None for 404, a number that the CRM does not know.

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
        return CrmCard.model_validate_json(body)
    except ValidationError as error:
        where = {".".join(str(part) for part in fault["loc"]) or "JSON" for fault in error.errors()}
        raise BadAnswer(f"unfit: {', '.join(sorted(where))}") from None  # its values are a customer's data
