"""What the company's order system says of a number, and what is believed of it. Pure.

The answer to `GET <url>?number=%2B12025550123` is JSON,
`{"orders": [{"title": "…", "status": "…", "link": "https://…"}], "fields": {"tier": "gold"}}`, or the status
404 for a number that nobody knows. Other keys are passed over; `link` and `fields` may be left out.
"""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from cti.customers.answers import Line, one_line, read_json
from cti.desk.snapshot import Order

MOST_ORDERS = 200  # in an answer
SHOWN = 20  # of them on a desk: the system puts first what matters most
MOST_FIELDS = 20
LONGEST_LINK = 2000

_Status = Annotated[str, Field(max_length=60), AfterValidator(one_line)]
_Name = Annotated[str, Field(max_length=40), AfterValidator(one_line)]


class _OrderIn(BaseModel):
    model_config = ConfigDict(strict=True)

    title: Line
    status: _Status
    link: Annotated[str, Field(max_length=LONGEST_LINK)] | None = None

    @field_validator("link")
    @classmethod
    def _leads_to_a_page(cls, link: str | None) -> str | None:
        """Nothing that a browser would run, and nothing that carries a password."""
        if link is None or not link.isprintable() or " " in link:
            return None
        parts = urlsplit(link)
        fit = parts.scheme in {"http", "https"} and parts.hostname and parts.username is None
        return link if fit and parts.password is None else None


class _AnswerIn(BaseModel):
    model_config = ConfigDict(strict=True)

    orders: list[_OrderIn] = Field(max_length=MOST_ORDERS)
    fields: dict[_Name, Line] = Field(default_factory=dict, max_length=MOST_FIELDS)


class CompanyWord(BaseModel):
    """What the company's own system knows of a number."""

    model_config = ConfigDict(frozen=True)

    orders: tuple[Order, ...] = ()
    fields: dict[str, str] = Field(default_factory=dict)


def read_orders(status: int, content_type: str, body: bytes) -> CompanyWord:
    """Orders and fields; none for 404.

    Raises:
        BadAnswer: another status, another type than JSON, or other contents than they should be.
    """
    answer = read_json(status, content_type, body, _AnswerIn)
    if answer is None:
        return CompanyWord()
    orders = tuple(Order(one.title, one.status, one.link) for one in answer.orders[:SHOWN])
    return CompanyWord(orders=orders, fields=answer.fields)
