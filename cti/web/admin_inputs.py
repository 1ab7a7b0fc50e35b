"""What administrators' forms carry. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import Field

from cti.web.inputs import ROW_ID_MAX, In, Text
from tickets.people import Rights
from tickets.vocabulary import Role


class PersonPath(In):
    """An account."""

    person_id: int = Field(ge=1, le=ROW_ID_MAX)


class GroupPath(In):
    """A group."""

    group_id: int = Field(ge=1, le=ROW_ID_MAX)


class PeopleQuery(In):
    """Which part of the list."""

    q: Text = Field("", max_length=100)
    show: Literal["active", "all"] = "active"


class PersonForm(In):
    """Rights of a person; the groups are boxes of their own, see `ticked`."""

    name: Text = Field("", max_length=200)
    role: Role
    extension: Text | None = Field(None, max_length=32)
    hears_group: Literal["on"] | None = None

    def rights(self, groups: frozenset[int], *, active: bool = True) -> Rights:
        """As the accounts take them."""
        return Rights(
            name=self.name,
            role=self.role,
            extension=self.extension,
            active=active,
            hears_group=self.hears_group is not None,
            groups=groups,
        )


class NewPersonForm(PersonForm):
    """A person to add."""

    login: Text = Field(min_length=1, max_length=64)
    name: Text = Field(min_length=1, max_length=200)


class LogQuery(In):
    """Which part of the audit log. Days are the contact centre's own, both inside."""

    cursor: str | None = Field(None, max_length=512)
    kind: Literal["rights", "recordings", "all"] = "all"
    who: Text | None = Field(None, max_length=64)
    subject: Text | None = Field(None, max_length=200)
    since: date | None = Field(None, ge=date(2000, 1, 1), le=date(2999, 12, 31))
    until: date | None = Field(None, ge=date(2000, 1, 1), le=date(2999, 12, 31))


def ticked(form: Mapping[str, str], what: str) -> list[str]:
    """The boxes that were ticked: of `group-3=on` the `3`."""
    return [name.removeprefix(f"{what}-") for name in form if name.startswith(f"{what}-")]


def ticked_ids(form: Mapping[str, str], what: str) -> frozenset[int]:
    """The same where they are numbers; anything else is passed over."""
    return frozenset(
        int(one) for one in ticked(form, what) if one.isascii() and one.isdigit() and len(one) < 11
    )
