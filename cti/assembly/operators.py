"""The operators: what they want to be, and their phones."""

from dataclasses import dataclass

from cti.assembly.frame import Frame
from cti.assembly.pbx import Pbx
from cti.assembly.phones import connect_phones
from cti.operators.click_to_call import ClickToCall
from cti.operators.commands import CallsOut, CommandsCalls, EitherPbx
from cti.operators.controls import CallControls
from cti.operators.keeper import PresenceKeeper
from cti.operators.phones import PhoneBook
from cti.operators.presence import WEB
from cti.operators.rooms import RoomKeeper
from cti.virtual_pbx.controls import VirtualControls
from tickets.database import utc_now
from tickets.events import CallEvent
from tickets.presence import PresenceBook
from tickets.vocabulary import EventKind, PhoneChoice


@dataclass(frozen=True, slots=True)
class Operators:
    """What the desk and its pages need of it."""

    keeper: PresenceKeeper
    phones: PhoneBook
    controls: CallControls
    commands: CommandsCalls  # of both kinds of PBX
    click_to_call: CallsOut
    virtual: VirtualControls


async def staff(frame: Frame, pbx: Pbx) -> Operators:
    """Keep the operators' presence, and the PBX in step with it.

    Raises:
        DatabaseTrouble: their states cannot be read.
    """
    wrap_up_s = {name: float(queue.wrap_up_s) for name, queue in frame.scenario.queues.items()}
    book, page_phones = PresenceBook(frame.sessions), frame.settings.asterisk
    keeper = PresenceKeeper(pbx.link, pbx.queues, book, wrap_up_s, utc_now, page_phones=page_phones)
    await keeper.load()

    def wrap_up(event: CallEvent) -> None:
        if event.kind is EventKind.OPERATOR_LEFT:
            call = frame.live.call(event.call_id)
            keeper.call_left(str(event.data["operator"]), call.queue if call else None, event.at)

    frame.on_events.append(wrap_up)
    frame.on_pbx_events.append(keeper.hear)
    pbx.on_up.append(keeper.wake)
    frame.task("presence", keeper.run())
    phones = connect_phones(frame, pbx)
    controls, click_to_call = _command_calls(frame, pbx, keeper, phones)
    places = lambda: {*phones.names, *frame.scenario.queues}  # noqa: E731
    virtual = VirtualControls(frame.live, places, frame.normalise)
    calls_out: CallsOut = click_to_call if frame.settings.asterisk else virtual
    return Operators(keeper, phones, controls, EitherPbx(controls, virtual), calls_out, virtual)


def _command_calls(
    frame: Frame, pbx: Pbx, keeper: PresenceKeeper, phones: PhoneBook
) -> tuple[CallControls, ClickToCall]:
    scenario = frame.scenario

    def interface_of(extension: str) -> str:
        state = keeper.state_of(extension)
        page = state is not None and state.phone is PhoneChoice.PAGE
        return f"PJSIP/{extension}{WEB if page else ''}"

    controls = CallControls(pbx.link, interface_of, lambda: phones.names, list(scenario.queues))
    click_to_call = ClickToCall(pbx.link, interface_of, frame.normalise, scenario.lines[0], utc_now)
    rooms = RoomKeeper(pbx.link)
    frame.on_pbx_events += [controls.hear, click_to_call.hear, rooms.hear]
    frame.task("rooms", rooms.run())
    for wake in (controls.wake, rooms.wake):
        pbx.on_up.append(wake)
        wake()  # the link may have come up before
    return controls, click_to_call
