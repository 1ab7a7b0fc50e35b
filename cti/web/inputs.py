"""What the API and the pages take: paths, queries, bodies. Their descriptions are the OpenAPI document's.

Pure. Unknown fields are refused, and everything has a longest and a largest.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, NaiveDatetime

from tickets.incidents import FARTHEST_END, LONGEST, LONGEST_TOPIC
from tickets.promises import LONGEST_REASON

ROW_ID_MAX = 2**31 - 1  # an INTEGER column; a larger number is no id of ours


def _plain(text: str) -> str:
    # No database text may hold U+0000, and the other control characters have no business in a note.
    if any(ord(sign) < 32 and sign not in "\n\r\t" for sign in text):
        raise ValueError("holds control characters")
    return text


Text = Annotated[str, AfterValidator(_plain)]


class In(BaseModel):
    """What is read from a request: unknown fields are refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuery(In):
    """Which piece of a list."""

    cursor: str | None = Field(None, max_length=512, description="`next_cursor` of the piece before.")
    limit: int = Field(50, ge=1, le=200, description="At most this many items.")


class CallPath(In):
    """A call."""

    call_id: Text = Field(min_length=1, max_length=200, description="As the PBX names it.")


class TicketPath(In):
    """A ticket."""

    ticket: str = Field(
        pattern=r"^PZ-[0-9]{4,10}$", description="The ticket's number, for example `PZ-1001`."
    )

    @property
    def number(self) -> int:
        """The card's own number; one that no ticket has where the name is out of range."""
        number = int(self.ticket.removeprefix("PZ-")) - 1000
        return number if 0 < number <= ROW_ID_MAX else 0


class CustomerPath(In):
    """A customer."""

    customer_id: int = Field(ge=1, le=ROW_ID_MAX)


class RecordingPath(In):
    """A recording."""

    recording_id: int = Field(ge=1, le=ROW_ID_MAX)


class TapeQuery(In):
    """What a recording is asked for."""

    download: bool = Field(False, description="To be kept rather than heard: the audit log tells which.")


class NewCustomer(In):
    """A customer to add."""

    name: Text = Field(min_length=1, max_length=200)
    numbers: list[Annotated[str, Field(max_length=40)]] = Field(
        [], max_length=20, description="As people write them."
    )
    vip_level: int = Field(0, ge=0, le=9, description="0: no VIP; higher is more important.")


class NewIncident(In):
    """What every caller is to hear."""

    # Runs of spaces and line ends are made one before the length counts: the form sends more than is kept.
    topic: Text = Field(
        min_length=1,
        max_length=200,
        description=f"Of the tickets of those who hear it and need no more; {LONGEST_TOPIC} characters.",
    )
    text: Text = Field(
        min_length=1,
        max_length=2000,
        description=f"As callers hear it, in their language; {LONGEST} characters.",
    )
    until: AwareDatetime | None = Field(
        None,
        description=f"Ends by itself then, within {FARTHEST_END.days} days; null: switched off by hand.",
    )


class IncidentForm(NewIncident):
    """The same from the page."""

    until: NaiveDatetime | None = None  # in the contact centre's own time


class IncidentPath(In):
    """An incident."""

    incident_id: int = Field(ge=1, le=ROW_ID_MAX)


class PromiseQuery(PageQuery):
    """Which promises."""

    over: bool | None = Field(None, description="True: only those that have ended; false: only the others.")


class PromisePath(In):
    """A promise."""

    promise_id: int = Field(ge=1, le=ROW_ID_MAX)


class PromiseEnd(In):
    """What a person knows of a promise."""

    state: Literal["reached", "excused"]
    reason: Text = Field(
        "", max_length=LONGEST_REASON, description="How they were reached, or why nobody will call."
    )


class PromisePageQuery(In):
    """Which part of the list, from the page."""

    cursor: str | None = Field(None, max_length=512)
    show: Literal["standing", "person", "over", "all"] = "standing"


class PromiseAct(In):
    """A button of the page."""

    act: Literal["call", "reached", "excused"]
    reason: Text = Field("", max_length=LONGEST_REASON)


class Credentials(In):
    """Login and password."""

    login: Text = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=1024)
    code: str | None = Field(None, max_length=16, description="Of the second factor, where there is one.")


class SessionPath(In):
    """Somewhere one is logged in."""

    session_id: str = Field(pattern=r"^[0-9a-f]{16}$")
