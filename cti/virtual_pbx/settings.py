"""The settings of a connection to a virtual PBX: one JSON file for each, written by `presszero connect`.

They are read again whenever the file changes, so a secret is changed without a restart; the one before it
goes on being good until its time is over, so that no webhook on its way is lost. Knows no vendor.
"""

import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_serializer,
    field_validator,
)

OVERLAP = timedelta(hours=24)  # for which the secret of before stays good


class BadConnection(Exception):
    """The settings of a connection cannot be used; the message says which file, and what to do."""


class Secret(BaseModel):
    """A secret that is shared with the vendor."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    value: SecretStr
    until: datetime | None = None  # aware; None: for good

    @field_serializer("value", when_used="json")
    def _in_clear(self, value: SecretStr) -> str:
        return value.get_secret_value()  # into the file, which only its owner reads


def good(secrets: Iterable[Secret], now: datetime) -> Iterator[str]:
    """Those that count now, in their order."""
    for secret in secrets:
        if secret.until is None or now < secret.until:
            yield secret.value.get_secret_value()


def with_new(secrets: Iterable[Secret], value: str, now: datetime) -> tuple[Secret, ...]:
    """Another one in front; that of before stays good for `OVERLAP`, and what is over is left out."""
    before = (
        secret if secret.until else Secret(value=secret.value, until=now + OVERLAP)
        for secret in secrets
        if secret.until is None or now < secret.until
    )
    new = Secret(value=SecretStr(value))
    return (new, *(one for one in before if one.value != new.value))


class ConnectionSettings(BaseModel):
    """What each connection has; vendors add theirs. Frozen.

    A field's description is the question that `presszero connect` asks; one without is not asked for, and
    set by an option. The values of a `SecretStr` are not shown while they are typed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    public_url: str = Field(
        description="Where the vendor reaches us from outside, as in https://calls.example/hooks"
    )
    secrets: tuple[Secret, ...]  # the newest first
    operators: dict[
        str, str
    ] = {}  # the vendor's word for an operator, where it is not the extension: extension
    # Who does not follow the vendor's scheme; see `steering.py`.
    vip_to: dict[int, str] = {}  # from this VIP level up: to this extension or group of the vendor's
    known_to: Literal["", "last_operator"] = ""  # where customers go who are on a card, and no VIPs

    @field_validator("public_url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write an address such as https://calls.example/hooks")
        return url.rstrip("/")

    @field_validator("secrets")
    @classmethod
    def _is_there(cls, secrets: tuple[Secret, ...]) -> tuple[Secret, ...]:
        if not secrets or not all(secret.value.get_secret_value() for secret in secrets):
            raise ValueError("there is no secret")
        return secrets

    def good_secrets(self, now: datetime) -> Iterator[str]:
        """Those that count now, the newest first."""
        return good(self.secrets, now)

    def operator(self, told: str) -> str:
        """The extension of whom the vendor names so; the name itself where nobody said."""
        return self.operators.get(told, told)

    def with_new_secret(self, value: str, now: datetime) -> Self:
        """The same with another secret; that of before stays good for a day."""
        return self.model_copy(update={"secrets": with_new(self.secrets, value, now)})


C = TypeVar("C", bound=BaseModel)


def read_connection(path: Path, settings_type: type[C], mend: str = "") -> C:
    """A connection's file. `mend`: the command that writes it; empty: `presszero connect` and its name.

    Raises:
        BadConnection: it cannot be read, or makes no sense.
    """
    mend = mend or f"presszero connect {path.stem}"
    try:
        told: Any = json.loads(path.read_bytes())
        return settings_type.model_validate(told)
    except OSError as error:
        raise BadConnection(
            f"{path} cannot be read ({error.strerror}): correct its permissions, or remove it and run "
            f"`{mend}`."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BadConnection(
            f"{path}, {name}: {first['msg']}. Run `{mend}`, or correct the file."
        ) from None  # the cause holds what was read
    except (ValueError, RecursionError) as error:
        raise BadConnection(f"{path} is no JSON ({type(error).__name__}): run `{mend}`.") from None


def write_connection(path: Path, settings: BaseModel) -> None:
    """Write it whole or not at all, for its owner alone.

    Raises:
        OSError: the disk or its rights.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(settings.model_dump_json(indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
