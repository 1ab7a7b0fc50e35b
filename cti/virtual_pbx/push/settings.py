"""To whom our calls are told: one JSON file beside the connections', written by `presszero push`.

An address holds the help desk's token, so it is a secret like any other. Read again whenever it changes.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_serializer, field_validator

from cti.virtual_pbx.settings import Secret, good, read_connection, with_new, write_connection

FILE = "push.json"


class Target(BaseModel):
    """One help desk."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    url: SecretStr  # its address for the generic push, token included
    secrets: tuple[Secret, ...] = ()  # Standard Webhooks', the newest first; none: nothing is signed
    give_up_h: Annotated[float, Field(gt=0, le=24 * 14)] = 24.0  # what could not be told by then is dead

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: SecretStr) -> SecretStr:
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
            raise ValueError("write the whole address, as in https://desk.example/api/v1/cti/<token>")
        if parts.username is not None or parts.password is not None:
            raise ValueError("leave user and password out of the address")
        return url

    @field_serializer("url", when_used="json")
    def _in_clear(self, url: SecretStr) -> str:
        return url.get_secret_value()  # into the file, which only its owner reads

    def good_secrets(self, now: datetime) -> Iterator[str]:
        """Those that messages are signed with now."""
        return good(self.secrets, now)

    def with_new_secret(self, value: str, now: datetime) -> "Target":
        """The same with another secret; for a day messages are signed with that of before, too."""
        return self.model_copy(update={"secrets": with_new(self.secrets, value, now)})


class PushSettings(BaseModel):
    """All of them, by name."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    targets: dict[str, Target] = {}

    @field_validator("targets")
    @classmethod
    def _have_names(cls, targets: dict[str, Target]) -> dict[str, Target]:
        if not all(re.fullmatch(r"[a-z0-9-]{1,32}", name) for name in targets):
            raise ValueError("a name has small letters, digits and hyphens, 32 at most")
        return targets


def read_push(folder: Path) -> PushSettings:
    """Nobody, where there is no file.

    Raises:
        BadConnection: it cannot be read, or makes no sense.
    """
    file = folder / FILE
    return read_connection(file, PushSettings, "presszero push add") if file.exists() else PushSettings()


def write_push(folder: Path, settings: PushSettings) -> None:
    """Write it whole or not at all, for its owner alone.

    Raises:
        OSError: the disk or its rights.
    """
    write_connection(folder / FILE, settings)
