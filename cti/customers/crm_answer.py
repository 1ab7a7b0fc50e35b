"""What the company's CRM says of a caller, and what of it is believed. Pure: an answer in, a card out.

The answer to `GET <url>?number=%2B12025550123` is JSON, `{"name": "Ada", "vip_level": 2, "reference": null,
"language": "ru"}`, or the status 404 for a number that nobody knows. Other keys are passed over.
"""

from pydantic import BaseModel, ConfigDict, Field

from cti.customers.answers import Line, read_json


class CrmCard(BaseModel):
    """A customer as the CRM knows them."""

    model_config = ConfigDict(strict=True, frozen=True)

    name: Line
    vip_level: int = Field(ge=0, le=9)  # 0: not a VIP
    reference: Line | None = None  # the CRM's own id of the customer
    language: Line | None = None  # BCP 47; one that the scenario has not is passed over


def read_answer(status: int, content_type: str, body: bytes) -> CrmCard | None:
    """Who it is; None for 404, a number that the CRM does not know.

    Raises:
        BadAnswer: another status, another type than JSON, or other contents than they should be.
    """
    return read_json(status, content_type, body, CrmCard)
