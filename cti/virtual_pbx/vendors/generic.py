"""The generic push: three events that connectors of many PBXs send already, because Zammad takes them.

    POST <address>/generic/<token>      JSON or form
    newCall   event, callId, from, to, direction: in | out, user (one or several), queue
    answer    … and answeringNumber
    hangup    … and cause: normalClearing, busy, cancel, noAnswer, congestion, notFound, forwarded

It tells no times: what it tells happened when it came. It knows no commands, no past calls, no recordings.
Source: Zammad's documentation of its generic CTI integration.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic_core import from_json

from cti.virtual_pbx.contract import (
    Address,
    Hook,
    Refused,
    Reply,
    Taken,
    VirtualPbx,
    Why,
    digest_of,
    neutral_id,
)
from cti.virtual_pbx.settings import ConnectionSettings
from tickets.events import CallEvent, Value
from tickets.facts import Fact
from tickets.vocabulary import Direction, EventKind

_KINDS = ("newCall", "answer", "hangup")
_NOBODY = frozenset({"anonymous", "unknown", "private", "restricted"})
_DONE = Reply("{}", content_type="application/json")


class GenericPush(VirtualPbx[ConnectionSettings]):
    """Everything that speaks Zammad's generic CTI push. The secret is the last part of the address."""

    vendor: ClassVar[str] = "generic"
    title: ClassVar[str] = "Generic push"
    settings_type = ConnectionSettings
    cabinet_word: ClassVar[str] = "token at the end of the address"
    secret_is_ours: ClassVar[bool] = True

    def addresses(self) -> list[Address]:
        """See `VirtualPbx.addresses`."""
        token = self.settings.secrets[0].value.get_secret_value()
        return [
            Address(
                "Where the connector asks for the CTI address", f"{self.settings.public_url}/generic/{token}"
            )
        ]

    def take(self, hook: Hook, now: datetime) -> Taken:
        """See `VirtualPbx.take`."""
        token = hook.path.strip("/").encode()
        good = [secret.encode() for secret in self.settings.good_secrets(now)]
        if not any(hmac.compare_digest(token, one) for one in good):
            raise Refused(Why.FORGED, "The token at the end of the address is wrong.")
        told = _told(hook)
        kind, native = told.get("event"), told.get("callId")
        if kind not in _KINDS or not isinstance(native, str) or not native:
            raise Refused(Why.UNFIT, f"Send `callId`, and as `event` one of {', '.join(_KINDS)}.")
        fact_id = digest_of(kind, native, str(told.get("answeringNumber", "")))
        call_id = neutral_id(self.vendor, native)
        return Taken((Fact(self.vendor, fact_id, call_id, kind, now, told),), reply=_DONE)

    def tell(self, facts: Sequence[Fact]) -> list[CallEvent]:
        """See `VirtualPbx.tell`."""
        told = {
            fact.kind: fact for fact in sorted(facts, key=lambda fact: fact.at, reverse=True)
        }  # the first counts
        begin = min(facts, key=lambda fact: fact.at)
        events = [self._received(told.get("newCall", begin))] if "newCall" in told else []
        if (new := told.get("newCall")) and (queue := _text(new.data.get("queue"))):
            events.append(_event(new, EventKind.QUEUE_JOINED, queue=queue))
        answer, hangup = told.get("answer"), told.get("hangup")
        if answer:
            events.append(_event(answer, EventKind.OPERATOR_ANSWERED, operator=self._operator(answer)))
        if hangup:
            if answer:
                events.append(_event(hangup, EventKind.OPERATOR_LEFT, operator=self._operator(answer)))
            cause = _text(hangup.data.get("cause"))
            events.append(_event(hangup, EventKind.ENDED, cause=cause))
        return events

    def _received(self, fact: Fact) -> CallEvent:
        outward = fact.data.get("direction") == "out"
        number, line = _text(fact.data.get("from")), _text(fact.data.get("to"))
        if outward:
            number, line = line, number
        direction = Direction.OUTBOUND if outward else Direction.INBOUND
        number = "" if number.lower() in _NOBODY else number
        caller = self.house.normalise(number) if number else None
        return _event(
            fact, EventKind.RECEIVED, caller_raw=number, caller=caller, line=line, direction=direction.value
        )

    def _operator(self, answer: Fact) -> str:
        by_number = _text(answer.data.get("answeringNumber"))
        users = answer.data.get("user")
        by_name = _text(users[0] if isinstance(users, list) and users else users)
        known = [self.settings.operator(word) for word in (by_number, by_name) if word]
        return next((word for word in known if word in self.house.scenario.operators), next(iter(known), ""))


def _told(hook: Hook) -> dict[str, Any]:
    if "json" in str(hook.headers.get("Content-Type", "")):
        try:
            told = from_json(hook.body, allow_inf_nan=False)
        except ValueError:
            raise Refused(Why.UNFIT, "The body is no JSON.") from None
        if not isinstance(told, dict):
            raise Refused(Why.UNFIT, "The body is no JSON object.")
        return told
    told = {}
    for name, value in hook.form():
        if name.endswith("[]"):
            told.setdefault(name[:-2], []).append(value)
        else:
            told[name] = value
    return told


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _event(fact: Fact, kind: EventKind, **data: Value) -> CallEvent:
    return CallEvent(fact.source, f"{kind}:{fact.call_id}", fact.call_id, fact.at, kind, data)
