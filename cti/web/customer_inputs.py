"""What the API and the pages take about a customer, and numbers as people write them."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from cti.web.inputs import In, Text
from cti.web.problems import BadField, Problem
from cti.web.ticket_inputs import TicketName
from tickets.numbers import normalise_number

Name = Annotated[Text, Field(min_length=1, max_length=200)]
Numbers = Annotated[
    list[Annotated[str, Field(max_length=40)]], Field(max_length=20, description="As people write them.")
]
VipLevel = Annotated[int, Field(ge=0, le=9, description="0: no VIP; higher is more important.")]


class NewCustomer(In):
    """A customer to add."""

    name: Name
    numbers: Numbers = Field([])
    vip_level: VipLevel = 0
    ticket: TicketName | None = Field(
        None, description="The ticket of a call from a number that nobody knew: it becomes the customer's."
    )


class CustomerEdit(In):
    """What is to be changed about a customer; what is left out stays."""

    name: Name = "–"
    numbers: Numbers = Field([])
    vip_level: VipLevel = 0


class CustomerForm(In):
    """The form of a new customer, or of one that is edited."""

    name: Name
    numbers: Text = Field("", max_length=1000)  # by commas or lines
    vip_level: VipLevel | None = None
    ticket: TicketName | None = None

    @property
    def each_number(self) -> list[str]:
        """As they were written."""
        return [
            part for line in self.numbers.splitlines() for part in map(str.strip, line.split(",")) if part
        ]


def in_e164(numbers: Sequence[str], region: str) -> list[str]:
    """The numbers as they are kept, each once. Raises 400 that names those that are none."""
    found = [normalise_number(raw, region) for raw in numbers]
    errors = [
        BadField(where=f"body.numbers.{index}", message="is no phone number")
        for index, number in enumerate(found)
        if number is None
    ]
    if errors:
        raise Problem(400, "bad-request", f"{errors[0].where}: is no phone number.", errors)
    return list(dict.fromkeys(number for number in found if number))
