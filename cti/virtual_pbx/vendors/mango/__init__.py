"""Mango Office VPBX: what it tells, what it takes, what it keeps.

    POST <address>/mango/events/call            a leg is now so
    POST <address>/mango/events/summary         the call is over
    POST <address>/mango/events/recording       a recording begins, goes on, ends
    POST <address>/mango/events/record/added    … is ready
    POST <address>/mango/events/dtmf            keys, once the caller has pressed the last of them
    POST <address>/mango/result/<command>       what became of a command of ours; perhaps after a prefix
         <address>/mango/ping                   the cabinet looks whether we are there

Each is a form of `vpbx_api_key`, `sign` and `json`; the signature is over the JSON text as it came. Mango
tells in parallel, in any order, once, and does not look at more than our status. The addresses that its
webhooks come from (81.88.80.132, .133, 81.88.82.36, .44, .45) may go into a firewall; here only the
signature counts.

Sources: "API MANGO OFFICE" 1.9 of 2026 and public clients of it. Read, not run: we had no account.
Nothing says what it answers for a recording that is not ready, whether requests for those count as wrong
ones, or what a voicemail looks like; see `commands.py`.
"""

import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, SecretStr, field_serializer, field_validator
from pydantic_core import from_json

from cti.virtual_pbx.contract import (
    Address,
    CallBack,
    CallCommand,
    CommandResult,
    Hook,
    House,
    Offer,
    Refused,
    Reply,
    Taken,
    Tape,
    VirtualPbx,
    Why,
    digest_of,
    neutral_id,
)
from cti.virtual_pbx.settings import ConnectionSettings
from cti.virtual_pbx.vendors.mango.codes import refusal_of
from cti.virtual_pbx.vendors.mango.commands import Commands
from cti.virtual_pbx.vendors.mango.records import tapes_of, tell_past
from cti.virtual_pbx.vendors.mango.signature import JSON, KEY, SIGN, sign
from cti.virtual_pbx.vendors.mango.telling import (
    ADDED,
    CALL,
    KEYS,
    RECORDING,
    SUMMARY,
    Heard,
    Names,
    tell_news,
)
from cti.virtual_pbx.vendors.mango.words import MOST_SEQUENCE, Told, moment, text, whole
from tickets.events import CallEvent
from tickets.facts import Fact

REAL = "https://app.mango-office.ru/vpbx"
STALE = timedelta(hours=1)  # no webhook is that long on its way; the statistics tell what an outage delayed
MOST_ID = 128  # bytes, so says Mango
_KINDS = {"call": CALL, "summary": SUMMARY, "recording": RECORDING, "record/added": ADDED, "dtmf": KEYS}


class MangoSettings(ConnectionSettings):
    """A connection to Mango. The secret is the "key for signatures" of the cabinet, `vpbx_api_salt`."""

    api_key: SecretStr = Field(description='"Unique code of your PBX" (vpbx_api_key)')
    queues: dict[str, str] = Field(  # where nobody said, the number is the name
        default={}, description="Groups of operators as number=queue, as in 300=support"
    )
    asterisk_numbers: tuple[str, ...] = ()  # Mango's numbers behind which our own Asterisk answers
    base_url: str = REAL

    @field_serializer("api_key", when_used="json")
    def _in_clear(self, value: SecretStr) -> str:
        return value.get_secret_value()

    @field_validator("api_key")
    @classmethod
    def _is_a_code(cls, code: SecretStr) -> SecretStr:
        if not re.fullmatch(r"[A-Za-z0-9_-]{8,128}", code.get_secret_value()):
            raise ValueError("copy it from the cabinet: letters and digits, no address and no pairs")
        return code

    @field_validator("queues")
    @classmethod
    def _are_groups(cls, queues: dict[str, str]) -> dict[str, str]:
        if not all(re.fullmatch(r"[0-9]{1,10}", number) and queue for number, queue in queues.items()):
            raise ValueError("write each group's short number and its queue, as in 300=support")
        return queues

    @field_validator("base_url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        if not url.startswith(("https://", "http://")):
            raise ValueError(f"write an address such as {REAL}")
        return url.rstrip("/")

    def queue(self, group: str) -> str:
        """The queue of a group, by its short number."""
        return self.queues.get(group, group)


class Mango(VirtualPbx[MangoSettings]):
    """See `VirtualPbx`."""

    vendor: ClassVar[str] = "mango"
    title: ClassVar[str] = "Mango Office"
    settings_type = MangoSettings
    cabinet_word: ClassVar[str] = "key for signatures (vpbx_api_salt)"
    offers: ClassVar[frozenset[Offer]] = frozenset(Offer)

    def __init__(self, settings: MangoSettings, house: House) -> None:
        """See `VirtualPbx`."""
        super().__init__(settings, house)
        self.commands = Commands(lambda: self.settings, house.session)

    def addresses(self) -> list[Address]:
        """See `VirtualPbx.addresses`."""
        where = "Integrations, API connector: address of the external system"
        return [Address(where, f"{self.settings.public_url}/{self.vendor}")]

    def take(self, hook: Hook, now: datetime) -> Taken:
        """See `VirtualPbx.take`."""
        about, name = _what(hook.path)
        if about == "ping":
            return Taken(reply=Reply("OK"))
        told = self._proved(hook, now)
        if about == "result":
            return Taken(results=_result(told), reply=Reply())
        if about != "events":
            raise Refused(Why.UNFIT, "Mango tells of events/… and result/…, and nothing else is taken here.")
        kind = _KINDS.get(name)
        if kind is None:  # text messages, topics of a talk: nothing of a call
            return Taken(reply=Reply())
        return Taken((self._fact(kind, told, now),), _done(told), Reply())

    def _proved(self, hook: Hook, now: datetime) -> dict[str, Any]:
        fields = dict(hook.form())
        key, signature, told = fields.get(KEY, ""), fields.get(SIGN, ""), fields.get(JSON, "")
        api_key = self.settings.api_key.get_secret_value()
        good = [sign(api_key, told, salt).encode() for salt in self.settings.good_secrets(now)]
        ours = hmac.compare_digest(key.encode(), api_key.encode())
        given = signature.lower().encode()
        if not ours or not any(hmac.compare_digest(given, one) for one in good):
            raise Refused(Why.FORGED, "The signature is wrong: compare the two keys with the cabinet's.")
        try:
            read = from_json(told, allow_inf_nan=False)
        except ValueError:
            raise Refused(Why.UNFIT, "The field `json` is no JSON.") from None
        if not isinstance(read, dict):
            raise Refused(Why.UNFIT, "The field `json` is no JSON object.")
        return read

    def _fact(self, kind: str, told: Told, now: datetime) -> Fact:
        entry = text(told.get("entry_id"))
        which = _ids(kind, told)
        if not 0 < len(entry.encode()) <= MOST_ID or not all(
            0 < len(one.encode()) <= MOST_ID for one in which
        ):
            raise Refused(Why.UNFIT, f"`{kind}` comes with `entry_id` and ids of at most {MOST_ID} bytes.")
        at = moment(told.get("end_time" if kind == SUMMARY else "timestamp"))
        if at is None and kind in {CALL, SUMMARY}:
            raise Refused(Why.UNFIT, f"`{kind}` comes with the time at which it happened.")
        at = at or now
        if abs(now - at) > STALE:
            minutes = round(abs(now - at).total_seconds() / 60)
            raise Refused(
                Why.STALE, f"It happened {minutes} minutes from now: are our clock and Mango's right?"
            )
        fact_id = digest_of(kind, entry, *which)
        return Fact(self.vendor, fact_id, neutral_id(self.vendor, entry), kind, at, told)

    def tell(self, facts: Sequence[Fact]) -> list[CallEvent]:
        """See `VirtualPbx.tell`."""
        heard = Heard(facts, self._names())
        told = tell_news(heard)
        return [*told, *tell_past(heard, told)]

    def _names(self) -> Names:
        settings = self.settings
        return Names(
            settings.operator, settings.queue, settings.asterisk_numbers.__contains__, self.house.normalise
        )

    def tapes(self, facts: Sequence[Fact]) -> list[Tape]:
        """See `VirtualPbx.tapes`."""
        return tapes_of(facts)

    def finished(self, result: CommandResult) -> None:
        """See `VirtualPbx.finished`."""
        self.commands.finished(result)

    async def command(self, command: CallCommand, facts: Sequence[Fact]) -> None:
        """See `VirtualPbx.command`."""
        await self.commands.command(command, Heard(facts, self._names()))

    async def call_back(self, command: CallBack) -> None:
        """See `VirtualPbx.call_back`."""
        await self.commands.call_back(command)

    async def past(self, since: datetime, until: datetime) -> list[Fact]:
        """See `VirtualPbx.past`."""
        return await self.commands.past(self.vendor, since, until)

    async def fetch(self, tape: Tape, into: Path) -> None:
        """See `VirtualPbx.fetch`."""
        await self.commands.fetch(tape, into)


def _what(path: str) -> tuple[str, str]:
    """What is told of, and by which name: "/vpbx/result/call/hangup" is ("result", "call/hangup")."""
    parts = path.strip("/").split("/")
    for number, part in enumerate(parts):
        if part in {"events", "result", "ping"}:
            return part, "/".join(parts[number + 1 :])
    return "", ""


def _ids(kind: str, told: Told) -> tuple[str, ...]:
    """What, besides the call, makes a webhook this one."""
    seq = whole(told.get("seq"))
    number = str(seq) if seq is not None and 0 <= seq <= MOST_SEQUENCE else ""
    recording = text(told.get("recording_id"))
    return {
        CALL: (text(told.get("call_id")), number, text(told.get("call_state"))),
        SUMMARY: (),
        RECORDING: (recording, text(told.get("recording_state"))),
        ADDED: (recording,),
        KEYS: (text(told.get("call_id")), number),
    }[kind]


def _result(told: Told) -> tuple[CommandResult, ...]:
    """What became of a command; of what else there are results (statistics) we ask ourselves."""
    command_id, code = text(told.get("command_id")), whole(told.get("result"))
    if not command_id or code is None:
        return ()
    return (CommandResult(command_id, refusal_of(code)),)


def _done(told: Told) -> tuple[CommandResult, ...]:
    """A leg or a recording that a command has made says that it was done, should the result get lost."""
    command_id = text(told.get("command_id"))
    return (CommandResult(command_id),) if command_id else ()
