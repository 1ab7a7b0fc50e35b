"""Zadarma's virtual PBX (and who sells it under another name).

    POST <address>/zadarma      a form: event=NOTIFY_START …, header Signature
    GET  <address>/zadarma?zd_echo=…      the cabinet's check of the address

NOTIFY_START is answered with the caller's name for the phones and, where the settings say so, with where
the call is to go; else the PBX's own scheme routes, as it does when nobody answers. The API makes calls,
lists past ones and gives recordings; it does nothing to a call under way.

What was read for it, and what nobody says, stands in `words.py`, `story.py` and docs/virtual-pbx-zadarma.md.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, ClassVar

import structlog
from pydantic import Field, field_validator

from cti.virtual_pbx.contract import (
    Address,
    CallBack,
    CallCommand,
    CommandRefused,
    Hook,
    House,
    NotOffered,
    NotYet,
    Offer,
    Refused,
    Reply,
    Route,
    Taken,
    Tape,
    Transfer,
    VirtualPbx,
    Why,
    digest_of,
    neutral_id,
)
from cti.virtual_pbx.settings import ConnectionSettings
from cti.virtual_pbx.vendors.zadarma import words
from cti.virtual_pbx.vendors.zadarma.api import LINK_S, ZadarmaApi
from cti.virtual_pbx.vendors.zadarma.records import past_facts
from cti.virtual_pbx.vendors.zadarma.story import CallStory
from tickets.events import CallEvent
from tickets.facts import Fact

log = structlog.get_logger()

API = "https://api.zadarma.com"
CLOCKS_APART = timedelta(minutes=10)  # then the settings' zone is another than the account's
LINES = 1000  # of statistics at once
PAGES = 100  # of them: more legs than any day has
LONGEST = timedelta(days=30)  # that the API lists at once
_REDIRECT = re.compile(r"[0-9]{3,4}|[0-9]{1,3}|[0-9]{1,3}-([0-9]{1,3}|main)")
_HTTP_OK = "application/json"


class ZadarmaSettings(ConnectionSettings):
    """An account at Zadarma's. The secret is the API's, which signs the webhooks too."""

    key: str = Field(description="API key, from the cabinet: Settings, Integrations and API")
    timezone: str = Field("UTC", description="The account's time zone, such as Europe/Kyiv or UTC+2")
    api_url: str = API
    show_names: bool = True  # customers' names on the phones
    return_s: int = 20  # so long rings whom a caller was steered to, before the scheme takes the call back

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            words.zone_of(name)
        except ValueError:
            raise ValueError("write a zone such as Europe/Kyiv or UTC+2") from None
        return name

    @field_validator("return_s")
    @classmethod
    def _comes_back(cls, seconds: int) -> int:
        if not 3 <= seconds <= 120:  # the vendor's least; 0 would mean never
            raise ValueError("write 3 to 120")
        return seconds


class Zadarma(VirtualPbx[ZadarmaSettings]):
    """See `VirtualPbx`."""

    vendor: ClassVar[str] = "zadarma"
    title: ClassVar[str] = "Zadarma"
    settings_type = ZadarmaSettings
    offers: ClassVar[frozenset[Offer]] = frozenset({Offer.CALL_BACK})
    cabinet_word: ClassVar[str] = "API secret"

    def __init__(self, settings: ZadarmaSettings, house: House) -> None:
        super().__init__(settings, house)
        self._api = ZadarmaApi(house.session)
        self._warned = False

    def addresses(self) -> list[Address]:
        """See `VirtualPbx.addresses`."""
        where = "Settings, Integrations and API, Notifications of PBX calls: switch on all of them"
        return [Address(where, f"{self.settings.public_url}/zadarma")]

    # --- webhooks

    def take(self, hook: Hook, now: datetime) -> Taken:
        """See `VirtualPbx.take`."""
        if (asked := words.echo(hook)) is not None:
            return Taken(reply=Reply(asked))
        told = words.fields(hook)
        words.proven(hook, told, self.settings.good_secrets(now))
        native = told.get("pbx_call_id", "")
        if not native:
            raise Refused(Why.UNFIT, "There is no `pbx_call_id`.")
        if told["event"] != "NOTIFY_RECORD":
            self._must_be_recent(told, now)
        same = [told.get(name, "") for name in _SAME]
        fact_id = digest_of(*same)
        call_id = neutral_id(self.vendor, native)
        return Taken((Fact(self.vendor, fact_id, call_id, told["event"], now, told),))

    def _must_be_recent(self, told: Mapping[str, str], now: datetime) -> None:
        began = words.moment(told.get("call_start", ""), self._zone)
        if began is None:
            raise Refused(Why.UNFIT, "`call_start` is no time such as 2026-03-02 09:30:00.")
        if abs(now - began) > words.STALE:
            raise Refused(Why.STALE, "It is of a call that began long ago, or will.")

    async def answer(self, hook: Hook, taken: Taken) -> Reply:
        """See `VirtualPbx.answer`."""
        if not taken.facts or taken.facts[0].kind != "NOTIFY_START":
            return Reply("{}", content_type=_HTTP_OK)
        fact = taken.facts[0]
        self._compare_clocks(fact)
        number = words.number(str(fact.data.get("caller_id", "")))
        reply: dict[str, Any] = {}
        if number and self.settings.show_names and (name := await self.house.name(number)):
            reply["caller_name"] = name[:60]
        steered = await self.house.steer(self.settings, fact.call_id, number)
        if steered is not None:
            to = self._vendors_word(steered.to)
            if _REDIRECT.fullmatch(to):
                reply |= {"redirect": to, "return_timeout": self.settings.return_s}
            else:
                log.error(
                    "Zadarma cannot send a caller there: write an extension, or a menu's scenario as 0-1, "
                    "into `vip_to`.",
                    action="steering_unfit",
                )
        return Reply(json.dumps(reply), content_type=_HTTP_OK)

    def _compare_clocks(self, start: Fact) -> None:
        began = words.moment(str(start.data.get("call_start", "")), self._zone)
        apart = abs(start.at - began) if began else timedelta()
        if apart > CLOCKS_APART and not self._warned:
            self._warned = True
            log.warning(
                "Zadarma's times are another zone's than `timezone` says: run `presszero connect zadarma`.",
                action="zadarma_zone",
                minutes=round(apart.total_seconds() / 60),
            )

    def tell(self, facts: Sequence[Fact]) -> list[CallEvent]:
        """See `VirtualPbx.tell`."""
        return self._story(facts).events()

    def tapes(self, facts: Sequence[Fact]) -> list[Tape]:
        """See `VirtualPbx.tapes`."""
        return self._story(facts).tapes()

    def _story(self, facts: Sequence[Fact]) -> CallStory:
        return CallStory(
            facts,
            zone=self._zone,
            normalise=self.house.normalise,
            operator=self.settings.operator,
            operators=self.house.scenario.operators,
        )

    @property
    def _zone(self) -> tzinfo:
        return words.zone_of(self.settings.timezone)

    # --- the API

    async def command(self, command: CallCommand, facts: Sequence[Fact]) -> None:
        """See `VirtualPbx.command`: the API has no command for a call under way."""
        if isinstance(command, Transfer):
            raise NotOffered(
                "Zadarma transfers by the phone alone: dial #, the extension, and # in the call."
            )
        if isinstance(command, Route):
            raise NotOffered("Zadarma takes a route only when it tells of a new call: see `vip_to`.")
        raise NotOffered("Zadarma does nothing to a call under way: use the phone.")

    async def call_back(self, command: CallBack) -> None:
        """See `VirtualPbx.call_back`."""
        extension = self._vendors_word(command.operator)
        number = command.to.removeprefix("+")
        await self._ask("/v1/request/callback/", {"from": extension, "to": number, "sip": extension})

    async def past(self, since: datetime, until: datetime) -> list[Fact]:
        """See `VirtualPbx.past`: the legs of calls, and which calls are over by them.

        A busy day takes its time: three pages a minute, which nobody waits for.
        """
        asked = {
            "start": self._local(max(since, until - LONGEST)),
            "end": self._local(until),
            "version": "2",
            "limit": str(LINES),
        }
        rows: list[dict[str, Any]] = []
        for page in range(PAGES):
            if page:
                await self._api.next_page()
            told = await self._ask("/v1/statistics/pbx/", {**asked, "skip": str(page * LINES)})
            lines = told.get("stats")
            found = [row for row in lines if isinstance(row, dict)] if isinstance(lines, list) else []
            rows += found
            if len(found) < LINES:
                break
        return past_facts(self.vendor, rows, self._zone, until)

    async def fetch(self, tape: Tape, into: Path) -> None:
        """See `VirtualPbx.fetch`."""
        try:
            told = await self._ask(
                "/v1/pbx/record/request/", {"call_id": tape.hint or tape.tape_id, "lifetime": str(LINK_S)}
            )
        except CommandRefused as error:
            # The vendor asks for 40 s of patience, and says in no fixed words that there is nothing yet.
            if self.house.clock() - tape.at < timedelta(hours=6):
                raise NotYet("Zadarma has the recording not ready.") from error
            raise
        link = told.get("link") or next(iter(told.get("links") or []), None)
        if not isinstance(link, str):
            raise NotYet("Zadarma has the recording not ready.")
        await self._api.download(self.settings.api_url, link, into)

    async def _ask(self, path: str, asked: Mapping[str, str]) -> dict[str, Any]:
        settings = self.settings
        secret = next(settings.good_secrets(self.house.clock()))
        return await self._api.get(settings.api_url.rstrip("/"), settings.key, secret, path, asked)

    def _local(self, at: datetime) -> str:
        return at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M:%S")

    def _vendors_word(self, extension: str) -> str:
        named = {ours: theirs for theirs, ours in self.settings.operators.items()}
        return named.get(extension, extension)


_SAME = (
    "event", "pbx_call_id", "call_start", "internal", "destination", "caller_id", "called_did", "disposition",
    "call_id_with_rec", "wait_dtmf[name]", "wait_dtmf[digits]",
)  # fmt: skip
"""The fields that tell two webhooks of a call from one that came twice."""
