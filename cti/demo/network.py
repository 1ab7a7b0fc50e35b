"""A telephone network for demo and tests: a second Asterisk whose legs do what Python tells them.

Callers ring a line of the PBX and speak, press keys, and wait politely for quiet; operators' phones
register with the PBX, ring, answer and talk. All of it is real SIP with real audio. Knows the PBX only by its
SIP address.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cti.asterisk.ami import AmiCut, AmiLate, AmiLink, AmiRefused
from cti.asterisk.config import RTP_PORTS, InstancePlan, render, write_instance
from cti.asterisk.events import AmiEvent, HungUp, StageReached
from cti.asterisk.install import Program
from cti.asterisk.instance import Instance
from cti.ports import free_port, free_udp_port

TEMPLATES = Path(__file__).parent / "templates"
STEP_DEADLINE_S = 60.0
LINES_HOST = "127.0.0.2"
PHONES_HOST = "127.0.0.3"


class CallerGaveUp(Exception):
    """A leg of the network could not do its step: it was hung up, or the deadline passed."""


@dataclass(eq=False)
class Leg:
    """One end of a call, held by Python."""

    link: AmiLink
    unique_id: str
    number: str
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    _step: "asyncio.Future[str] | None" = None

    async def say(self, wav: Path) -> None:
        """Speak a WAV file into the call; returns when it has been spoken."""
        await self._go("say", LEG_FILE=str(wav.with_suffix("")))

    async def wait_for_quiet(self, silence_ms: int = 1200) -> None:
        """Listen until the other side has been silent for `silence_ms`."""
        await self._go("quiet", LEG_SILENCE=str(silence_ms))

    async def answer(self, *, tape: Path | None = None) -> None:
        """Pick the ringing phone up. `tape`: WAV of what it hears."""
        await self._go("idle", **({} if tape is None else {"LEG_TAPE": str(tape)}))

    async def press(self, digits: str) -> None:
        """Press keys, a tenth of a second each."""
        for digit in digits:
            await self.link.action("PlayDTMF", Channel=self.unique_id, Digit=digit, Duration="120")
            await asyncio.sleep(0.3)  # a finger's pace, not a wait for something

    async def hang_up(self) -> None:
        """Put the phone down; fine when the other side has done so already."""
        if not self.hung_up.is_set():
            with contextlib.suppress(AmiRefused, AmiLate, AmiCut):  # it may be gone at this very moment
                await self.link.action("Hangup", Channel=self.unique_id)
        async with asyncio.timeout(STEP_DEADLINE_S):
            await self.hung_up.wait()

    async def _go(self, step: str, **variables: str) -> None:
        if self.hung_up.is_set():
            raise CallerGaveUp(f"the leg was hung up before it could {step}")
        done = asyncio.get_running_loop().create_future()
        self._step = done
        for name, value in variables.items():
            await self.link.action("Setvar", Channel=self.unique_id, Variable=name, Value=value)
        await self.link.action(
            "Redirect", Channel=self.unique_id, Context="network-leg", Exten=step, Priority="1"
        )
        try:
            async with asyncio.timeout(STEP_DEADLINE_S):
                await done
        except TimeoutError as error:
            raise CallerGaveUp(f"the leg was not through with {step} in {STEP_DEADLINE_S:.0f} s") from error

    def reached(self, step: str) -> None:
        """The dialplan says that a step is done."""
        if step == "idle":
            self.answered.set()
        if self._step is not None and not self._step.done():
            self._step.set_result(step)

    def ended(self) -> None:
        """The leg is gone."""
        self.hung_up.set()
        if self._step is not None and not self._step.done():
            self._step.set_exception(CallerGaveUp("the other side hung up"))
            self._step.exception()  # seen: nobody may be waiting any more


class TelephoneNetwork:
    """The second Asterisk with its callers and phones."""

    def __init__(self, link: AmiLink, instance: Instance, lines_address: str) -> None:
        self.link = link
        self.instance = instance
        self.lines_address = lines_address
        self._legs: dict[str, Leg] = {}
        self._ringing: dict[str, asyncio.Queue[Leg]] = {}

    async def call(self, caller: str, line: str, *, tape: Path | None = None) -> Leg:
        """Ring `line` as `caller`; returns when the PBX has answered. `tape`: WAV of what they hear."""
        leg = await self._originate(caller, f"PJSIP/{line}@pbx", tape)
        await _first(leg.answered, leg.hung_up)
        if not leg.answered.is_set():
            raise CallerGaveUp("the PBX did not take the call")
        return leg

    async def dial(self, extension: str, number: str) -> Leg:
        """An operator dials on their own phone; returns at once."""
        return await self._originate(extension, f"PJSIP/{number}@phone-{extension}", None)

    async def ring_colleague(self, extension: str, colleague: str) -> tuple[Leg, Leg]:
        """An operator rings another one, who answers; both ends of their talk."""
        own = await self._originate(extension, f"PJSIP/{colleague}@phone-{extension}", None)
        other = await self.phone_rings(colleague)
        await other.answer()
        return own, other

    async def _originate(self, caller: str, channel: str, tape: Path | None) -> Leg:
        unique_id = f"leg-{secrets.token_hex(8)}"
        leg = Leg(self.link, unique_id, caller)
        self._legs[unique_id] = leg
        variables = {} if tape is None else {"Variable": f"LEG_TAPE={tape}"}
        await self.link.action(
            "Originate",
            Channel=channel,
            ChannelId=unique_id,
            Context="network-leg",
            Exten="idle",
            Priority="1",
            CallerID=caller,
            Timeout="15000",
            **variables,
            Async="true",
        )
        return leg

    async def phone_rings(self, number: str, within_s: float = STEP_DEADLINE_S) -> Leg:
        """Wait until the phone of this number rings."""
        queue = self._ringing.setdefault(number, asyncio.Queue())
        while True:
            async with asyncio.timeout(within_s):
                leg = await queue.get()
            if not leg.hung_up.is_set():  # one that has stopped ringing meanwhile is no use
                return leg

    async def hang_up_all(self) -> None:
        """Everybody puts the phone down."""
        for leg in [leg for leg in self._legs.values() if not leg.hung_up.is_set()]:
            await leg.hang_up()
        self._legs.clear()
        self._ringing.clear()

    def happened(self, events: list[AmiEvent]) -> None:
        """Spread AMI events over the legs."""
        for event in events:
            if isinstance(event, StageReached) and event.stage == "ring":
                leg = Leg(self.link, event.uniqueid, event.line)
                self._legs[leg.unique_id] = leg
                self._ringing.setdefault(leg.number, asyncio.Queue()).put_nowait(leg)
            elif isinstance(event, StageReached) and event.uniqueid in self._legs:
                self._legs[event.uniqueid].reached(event.stage)
            elif isinstance(event, HungUp) and event.uniqueid in self._legs:
                self._legs[event.uniqueid].ended()


async def _first(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        async with asyncio.timeout(STEP_DEADLINE_S):
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


@contextlib.asynccontextmanager
async def telephone_network(
    program: Program,
    folder: Path,
    *,
    pbx_address: str,
    lines_port: int,
    phones: Mapping[str, str],
    rtp_start: int,
) -> AsyncIterator[TelephoneNetwork]:
    """Run the network while the block runs. `phones`: SIP password by extension."""
    folder = await asyncio.to_thread(folder.absolute)
    lines = f"{LINES_HOST}:{lines_port}"
    values: dict[str, object] = {
        "lines_address": lines,
        "phones_address": f"{PHONES_HOST}:{free_udp_port(PHONES_HOST)}",
        "pbx_address": pbx_address,
        "phones": phones,
        "ami_port": free_port(),
        "ami_secret": secrets.token_urlsafe(16),
    }
    rtp_end = rtp_start + RTP_PORTS - 1
    write_instance(InstancePlan(folder, program.modules, rtp_start, rtp_end, system_name="net"))
    render(TEMPLATES, folder / "etc", values)
    ami_port = int(str(values["ami_port"]))
    instance = Instance(program, folder, ami_port)
    await instance.start_async()
    try:
        heard: list[Callable[[list[AmiEvent]], None]] = []
        link = AmiLink(
            "127.0.0.1",
            ami_port,
            "network",
            str(values["ami_secret"]),
            on_events=lambda events: heard[0](events),
        )
        network = TelephoneNetwork(link, instance, lines)
        heard.append(network.happened)
        await link.connect()
        watch = asyncio.create_task(link.run())
        try:
            yield network
        finally:
            watch.cancel()
            await asyncio.wait([watch])
    finally:
        await instance.stop_async()
