"""The operators: what they want to be, and their phones."""

from dataclasses import dataclass

from cti.assembly.frame import Frame
from cti.assembly.pbx import Pbx
from cti.operators.keeper import PresenceKeeper
from tickets.database import utc_now
from tickets.events import CallEvent
from tickets.presence import PresenceBook
from tickets.vocabulary import EventKind


@dataclass(frozen=True, slots=True)
class Operators:
    """What the desk and its pages need of it."""

    keeper: PresenceKeeper


async def staff(frame: Frame, pbx: Pbx) -> Operators:
    """Keep the operators' presence, and the PBX in step with it.

    Raises:
        DatabaseTrouble: their states cannot be read.
    """
    wrap_up_s = {name: float(queue.wrap_up_s) for name, queue in frame.scenario.queues.items()}
    keeper = PresenceKeeper(pbx.link, pbx.queues, PresenceBook(frame.sessions), wrap_up_s, utc_now)
    await keeper.load()

    def wrap_up(event: CallEvent) -> None:
        if event.kind is EventKind.OPERATOR_LEFT:
            call = frame.live.call(event.call_id)
            keeper.call_left(str(event.data["operator"]), call.queue if call else None)

    frame.on_events.append(wrap_up)
    frame.on_pbx_events.append(keeper.hear)
    pbx.on_up.append(keeper.wake)
    frame.task("presence", keeper.run())
    return Operators(keeper)
