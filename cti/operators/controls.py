"""What operators and supervisors do with a call: hold, send on, ask a colleague, join, listen, take over.

Each command looks at the PBX's channels anew, sends caller and phone to their places in our dialplan
(`presszero-call`, `presszero-desk`), and returns when the dialplan says that they are there. The dialplan
holds the promise that nobody is lost: with this program gone in the middle of anything, an operator who puts
the phone down leaves the caller with a colleague or in the queue.

Knows AMI and the places; no accounts and no web. The ledger hears of everything from the PBX itself.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Protocol
from weakref import WeakValueDictionary

from cti.asterisk.ami import AmiCut, AmiLate, AmiRefused, AmiReply, BadAmiValue
from cti.asterisk.events import AmiEvent, HungUp, ListedChannel, RecorderMuted, SentOn, StageReached, phone_of
from cti.asterisk.translate import CALL_CONTEXT
from cti.operators.legs import DESK_CONTEXT, ROOM, Asking, By, Legs, at_desks, legs_of

DONE_S = 2.0  # for a channel to reach its place
RING_S = 30  # a colleague's or supervisor's phone
KEY_MS = 160  # a key's tone
KEY_PAUSE_S = 0.25  # from key to key
_KEYS = re.compile(r"[0-9A-D*#]{1,24}")
_NOBODY_ASKED = frozenset({"held", "talk", "attended", "taken", "sent", "queue"})  # stages
_SOMEBODY_ELSES = frozenset({"attended", "taken", "queue"})  # stages
_SPIES = {"listen": "", "whisper": "w"}  # options of ChanSpy


class NoSuchCall(LookupError):
    """The call is over, or not theirs who commands."""


class PbxSaysNo(Exception):
    """The command does not fit the call as it is; the message says why."""


class CommandsPbx(Protocol):
    """The part of `AmiLink` that is needed here; its own deadlines hold."""

    async def list_action(self, name: str, /) -> list[AmiEvent]: ...

    async def action(self, name: str, /, **fields: str | Sequence[str]) -> AmiReply: ...


class CallControls:
    """One per PBX. All commands raise `NoSuchCall` and `PbxSaysNo`, whose messages are for people."""

    def __init__(
        self,
        pbx: CommandsPbx,
        interface_of: Callable[[str], str],
        operators: Callable[[], Collection[str]],
        queues: Collection[str],
    ) -> None:
        """
        Args:
            pbx: the AMI link.
            interface_of: extension → the phone that the operator has chosen, PJSIP/101.
            operators: all extensions.
            queues: names of the queues.
        """
        self._pbx, self._interface_of = pbx, interface_of
        self._operators, self._queues = operators, queues
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._waiting: dict[tuple[str, str], set[asyncio.Future[None]]] = {}
        self._asked: dict[str, Asking] = {}
        self._muted: set[str] = set()  # calls whose recording is paused
        self._learning: asyncio.Task[None] | None = None
        self._unmuting: set[asyncio.Task[None]] = set()

    # --- what the PBX tells

    def hear(self, events: Iterable[AmiEvent]) -> None:
        """Take what AMI tells."""
        for event in events:
            if isinstance(event, StageReached):
                self._staged(event)
            elif isinstance(event, RecorderMuted):
                (self._muted.add if event.muted else self._muted.discard)(event.uniqueid)
            elif isinstance(event, HungUp):
                self._asked.pop(event.uniqueid, None)
                self._muted.discard(event.uniqueid)
            elif isinstance(event, SentOn):  # by a phone's own key
                self._moved_on(event.uniqueid)

    def wake(self) -> None:
        """The link is up again: who is being asked about calls since before anybody listened."""
        self._asked.clear()
        self._learning = asyncio.create_task(self._learn())

    async def _learn(self) -> None:
        with suppress(AmiCut, AmiLate, AmiRefused, PbxSaysNo):  # the next link will know
            listed = await self._pbx.list_action("CoreShowChannels")
            channels = [one for one in listed if isinstance(one, ListedChannel)]
            for phone in at_desks(channels, self._operators(), By(None, anybodys=True)):
                if phone.exten == "consult":
                    call_id, whom = await self._get(phone, "PZ_DESK"), await self._get(phone, "PZ_TO")
                    self._asked[call_id] = Asking(whom, answered=bool(phone.bridge))

    def consulting(self, call_id: str) -> Asking | None:
        """Who is being asked about this call while the caller hears music."""
        return self._asked.get(call_id)

    def _staged(self, event: StageReached) -> None:
        if event.stage == "consult":
            self._asked[event.call_id] = Asking(event.to)
        elif event.stage == "asked" and event.call_id in self._asked:
            self._asked[event.call_id] = Asking(event.to, answered=True)
        elif event.stage in _NOBODY_ASKED:
            self._asked.pop(event.call_id, None)
        if event.stage in _SOMEBODY_ELSES:
            self._moved_on(event.call_id)
        for future in self._waiting.get((event.call_id, event.stage), ()):
            if not future.done():
                future.set_result(None)

    def _moved_on(self, call_id: str) -> None:
        """A pause of the recording ends with the talk of the operator who has asked for it."""
        if call_id in self._muted:
            self._muted.discard(call_id)
            task = asyncio.create_task(self._record_again(call_id))
            self._unmuting.add(task)
            task.add_done_callback(self._unmuting.discard)

    async def _record_again(self, call_id: str) -> None:
        with suppress(AmiRefused, AmiCut, AmiLate):  # the call may just have ended
            await self._pbx.action("MixMonitorMute", Channel=call_id, Direction="both", State="0")

    # --- commands

    async def hang_up(self, call_id: str, who: By) -> None:
        """End the call for both. A phone that only rings is let be, and the queue rings another."""
        async with self._doing(call_id, who) as legs:
            if legs.phone is not None and legs.phone.rings:
                await self._hang_up(legs.phone)
                return
            for leg in (legs.caller, legs.asked, legs.phone):
                if leg is not None:
                    await self._hang_up(leg)

    async def hold(self, call_id: str, who: By, on: bool) -> None:
        """The caller hears music and the operator nothing, or they hear each other again."""
        async with self._doing(call_id, who) as legs:
            phone = _talking(legs)
            if legs.place == "consult":
                raise PbxSaysNo("A colleague is being asked: complete the transfer, or return to the caller.")
            if on is (legs.place == "wait"):
                return
            with self._until(call_id, "held" if on else "talk") as done:
                await (self._to_desk(legs, "wait") if on else self._send(phone, "talk"))
                await done()

    async def transfer(self, call_id: str, who: By, to: str) -> None:
        """Send the caller on to a colleague or into a queue. Whom the colleague does not answer is queued."""
        async with self._doing(call_id, who) as legs:
            phone = _talking(legs)
            self._can_go_to(to, legs)
            if legs.place == "consult":
                raise PbxSaysNo("A colleague is being asked: complete the transfer, or return to the caller.")
            await self._send_on(legs, phone, to)

    async def consult(self, call_id: str, who: By, to: str) -> None:
        """Ring a colleague while the caller hears music. Does nobody answer, both are together again."""
        async with self._doing(call_id, who) as legs:
            _talking(legs)
            self._can_go_to(to, legs)
            if to not in self._operators():
                raise PbxSaysNo("A queue cannot be asked: transfer the caller to it.")
            if legs.place == "consult":
                raise PbxSaysNo("A colleague is being asked already.")
            with self._until(call_id, "consult") as done:
                await self._to_desk(legs, "consult", __PZ_TO=to)
                await done()

    async def complete(self, call_id: str, who: By) -> None:
        """The colleague who was asked has the caller; should their phone still ring, it rings for them."""
        async with self._doing(call_id, who) as legs:
            phone = _talking(legs)
            if legs.place != "consult":
                raise PbxSaysNo("No colleague is being asked.")
            if legs.asked is None or legs.asked.rings:
                asking = self._asked.get(call_id)
                await self._send_on(legs, phone, asking.whom if asking else await self._get(phone, "PZ_TO"))
                return
            with self._until(call_id, "attended") as done:
                await self._hang_up(phone)  # the dialplan does the rest, as with a phone put down
                await done()

    async def return_to_caller(self, call_id: str, who: By) -> None:
        """Leave the colleague and be with the caller again."""
        async with self._doing(call_id, who) as legs:
            phone = _talking(legs)
            if legs.place != "consult":
                raise PbxSaysNo("No colleague is being asked.")
            with self._until(call_id, "talk") as done:
                if legs.asked is not None and not legs.asked.rings:
                    await self._send(phone, "talk", (legs.asked, DESK_CONTEXT, "leave"))
                else:
                    await self._send(phone, "talk")
                await done()

    async def conference(self, call_id: str, who: By, to: str) -> None:
        """Ring a colleague or supervisor, who joins caller and operator."""
        async with self._doing(call_id, who) as legs:
            phone = _talking(legs)
            if to not in self._operators():
                raise PbxSaysNo(f"There is no operator {to}.")
            if legs.place in ("wait", "consult"):
                raise PbxSaysNo("The caller is on hold: take them back first.")
            await self._into_room(legs)
            await self._ring(legs, to, "talk", by=phone_of(phone.channel) or "")

    async def send_dtmf(self, call_id: str, who: By, digits: str) -> None:
        """Press keys into the caller's line."""
        if not _KEYS.fullmatch(digits):
            raise PbxSaysNo("Only the keys 0 to 9, A to D, * and # can be pressed, at most 24 at once.")
        async with self._doing(call_id, who) as legs:
            _talking(legs)
            for digit in digits:
                await self._act("PlayDTMF", Channel=legs.caller.channel, Digit=digit, Duration=str(KEY_MS))
                await asyncio.sleep(KEY_PAUSE_S)

    async def start_recording(self, call_id: str, who: By) -> None:
        """Not needed: the dialplan has begun it."""
        raise PbxSaysNo("This call is recorded from its first word.")

    async def pause_recording(self, call_id: str, who: By, on: bool) -> None:
        """The recording goes on in silence (a card number is spoken), or with its sound again."""
        async with self._doing(call_id, who) as legs:
            _talking(legs)
            await self._mute(legs.caller, on)

    async def listen(self, call_id: str, supervisor: str, mode: str) -> None:
        """Ring the supervisor, to hear both; `whisper`: and be heard by the operator; `barge`: by both."""
        async with self._doing(call_id, By(supervisor, anybodys=True)) as legs:
            phone = _talking(legs)
            self._not_in_it(legs, supervisor)
            if mode == "barge":
                await self._into_room(legs)
                await self._ring(legs, supervisor, "talk", by=legs.operator)
            else:
                await self._ring(
                    legs, supervisor, "listen", by=legs.operator, PZ_PHONE=phone.channel, PZ_SPY=_SPIES[mode]
                )

    async def take_over(self, call_id: str, supervisor: str) -> None:
        """Ring the supervisor's phone; once it is answered the caller is theirs, and the operator is free."""
        async with self._doing(call_id, By(supervisor, anybodys=True)) as legs:
            phone = _talking(legs)
            self._not_in_it(legs, supervisor)
            if legs.place == "consult":
                raise PbxSaysNo("The operator is asking a colleague at this moment: try again.")
            await self._into_room(legs)
            await self._ring(
                legs, supervisor, "take", by=legs.operator, PZ_PHONE=phone.channel, PZ_FROM=legs.operator
            )

    # --- how

    @asynccontextmanager
    async def _doing(self, call_id: str, who: By) -> AsyncIterator[Legs]:
        """One command at a time for each call, on the call as the PBX has it at that moment."""
        lock = self._locks.setdefault(call_id, asyncio.Lock())
        async with lock:
            yield await self._look(call_id, who)

    async def _look(self, call_id: str, who: By) -> Legs:
        try:
            listed = await self._pbx.list_action("CoreShowChannels")
        except (AmiCut, AmiLate, AmiRefused) as error:
            raise PbxSaysNo(f"The PBX cannot be asked now. {error}") from error
        channels = [one for one in listed if isinstance(one, ListedChannel)]
        desks = {
            one.uniqueid: await self._get(one, "PZ_DESK")
            for one in at_desks(channels, self._operators(), who)
        }
        legs = legs_of(call_id, channels, self._operators(), who, desks)
        # Somebody else's call and one that is over are the same to who may not command them all.
        if legs is None or (legs.phone is None and not who.anybodys):
            raise NoSuchCall("This call is not on your phone, or it is over.")
        return legs

    def _can_go_to(self, to: str, legs: Legs) -> None:
        if to not in self._operators() and to not in self._queues:
            raise PbxSaysNo(f"There is neither an operator nor a queue {to}.")
        if to == legs.operator:
            raise PbxSaysNo("The caller is with this operator already.")

    @staticmethod
    def _not_in_it(legs: Legs, supervisor: str) -> None:
        if legs.operator == supervisor:
            raise PbxSaysNo("You have this call yourself.")

    async def _send_on(self, legs: Legs, phone: ListedChannel, to: str) -> None:
        with suppress(PbxSaysNo):  # a pause is for what the operator hears who has asked for it
            await self._mute(legs.caller, False)
        place, variable = ("send", "PZ_TO") if to in self._operators() else ("requeue", "PZ_QUEUE")
        await self._set(legs.caller, **{variable: to, "PZ_FROM": legs.operator})
        with self._until(legs.caller.uniqueid, "sent") as done:
            await self._redirect((legs.caller, CALL_CONTEXT, place), (phone, DESK_CONTEXT, "bye"))
            await done()

    async def _to_desk(self, legs: Legs, place: str, **variables: str) -> None:
        """Send the operator's phone to a place, and the caller into the room if they are not there."""
        phone = _talking(legs)
        await self._set(phone, **self._about(legs, legs.operator), **variables)
        await self._send(phone, place, None if legs.in_room else (legs.caller, CALL_CONTEXT, ROOM))

    async def _into_room(self, legs: Legs) -> None:
        """Where more than two can hear each other."""
        if not legs.in_room:
            with self._until(legs.caller.uniqueid, "talk") as done:
                await self._to_desk(legs, "talk")
                await done()

    @staticmethod
    def _about(legs: Legs, extension: str) -> dict[str, str]:
        # Two underlines: also for the colleague whom the dialplan rings from here.
        return {
            "__PZ_DESK": legs.caller.uniqueid,
            "__PZ_WITH": legs.caller.channel,
            "__PZ_ME": extension,
        }

    async def _ring(self, legs: Legs, extension: str, place: str, by: str, **variables: str) -> None:
        about = self._about(legs, extension) | variables
        await self._act(
            "Originate",
            Channel=self._interface_of(extension),
            Context=DESK_CONTEXT,
            Exten=place,
            Priority="1",
            CallerID=by,
            Timeout=str(RING_S * 1000),
            Variable=[f"{name}={value}" for name, value in about.items()],
            Async="true",
        )

    async def _mute(self, caller: ListedChannel, on: bool) -> None:
        await self._act("MixMonitorMute", Channel=caller.channel, Direction="both", State="1" if on else "0")

    async def _hang_up(self, leg: ListedChannel) -> None:
        try:
            await self._pbx.action("Hangup", Channel=leg.channel)
        except (AmiRefused, BadAmiValue):
            pass  # it is gone by itself
        except (AmiCut, AmiLate) as error:
            raise PbxSaysNo(f"The PBX cannot be asked now. {error}") from error

    async def _set(self, channel: ListedChannel, **variables: str) -> None:
        for name, value in variables.items():
            await self._act("Setvar", Channel=channel.channel, Variable=name, Value=value)

    async def _get(self, channel: ListedChannel, variable: str) -> str:
        try:
            reply = await self._pbx.action("Getvar", Channel=channel.channel, Variable=variable)
        except (AmiRefused, BadAmiValue):  # gone meanwhile
            return ""
        except (AmiCut, AmiLate) as error:
            raise PbxSaysNo(f"The PBX cannot be asked now. {error}") from error
        return reply.fields.get("value", "")

    async def _send(
        self, phone: ListedChannel, place: str, other: tuple[ListedChannel, str, str] | None = None
    ) -> None:
        await self._redirect((phone, DESK_CONTEXT, place), other)

    async def _redirect(
        self, one: tuple[ListedChannel, str, str], other: tuple[ListedChannel, str, str] | None
    ) -> None:
        """Both at once: what one of them leaves must not hang the other up."""
        channel, context, exten = one
        fields = {"Channel": channel.channel, "Context": context, "Exten": exten, "Priority": "1"}
        if other is not None:
            channel, context, exten = other
            fields |= {
                "ExtraChannel": channel.channel,
                "ExtraContext": context,
                "ExtraExten": exten,
                "ExtraPriority": "1",
            }
        await self._act("Redirect", **fields)

    async def _act(self, name: str, **fields: str | Sequence[str]) -> AmiReply:
        try:
            return await self._pbx.action(name, **fields)
        except AmiRefused as error:
            raise PbxSaysNo(f"The PBX did not do it: {error}") from error
        except BadAmiValue as error:
            raise PbxSaysNo("The PBX has a name in this call that cannot be commanded.") from error
        except (AmiCut, AmiLate) as error:
            raise PbxSaysNo(f"The PBX cannot be asked now. {error}") from error

    @contextmanager
    def _until(self, call_id: str, stage: str) -> Iterator[Callable[[], Awaitable[None]]]:
        """Inside, what is yielded waits until the dialplan tells of that stage of the call."""
        future = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault((call_id, stage), set())
        waiting.add(future)

        async def done() -> None:
            try:
                async with asyncio.timeout(DONE_S):
                    await future
            except TimeoutError as error:
                raise PbxSaysNo("The PBX did not do it in time: the call may just have ended.") from error

        try:
            yield done
        finally:
            waiting.discard(future)
            if not waiting:
                self._waiting.pop((call_id, stage), None)


def _talking(legs: Legs) -> ListedChannel:
    if legs.phone is None or legs.phone.rings:
        raise PbxSaysNo("No operator has this caller.")
    return legs.phone
