"""The doors for calls: reception by FastAGI, the voicebot by AudioSocket or WebSockets. They open late.

Until then, and whenever they are closed, the dialplan takes callers to the operators by itself.
"""

import contextlib
from uuid import UUID

from cti.assembly.frame import Frame
from cti.assembly.pbx import Pbx
from cti.assembly.voicebot import Voicebot
from cti.assembly.waiting import WaitingWell
from cti.asterisk.config import BOT_LIMIT_S
from cti.asterisk.events import AmiEvent, KeyPressed, StageReached
from cti.asterisk.translate import BOT_LEG
from cti.bot.capacity import MOST as MOST_CONVERSATIONS
from cti.bot.conversations import Conversations
from cti.bot.legs import BotLegs
from cti.customers.callers import CallerSearch
from cti.customers.crm import Crm
from cti.operators.keeper import PresenceKeeper
from cti.operators.presence import time_passed
from cti.process.drain import Drain
from cti.virtual_pbx.front import Front
from cti.waiting.surge_watch import SurgeWatch
from ivr.agi import AgiSession
from ivr.call_back import SCRIPT as CALL_BACK_SCRIPT
from ivr.call_back import CallBackDesk
from ivr.keys import Keys
from ivr.prompts import PromptBook
from ivr.reception import ExpectedBot, Reception
from ivr.server import FastAgiServer
from tickets.customers import CustomerBook
from tickets.database import utc_now
from tickets.vocabulary import Presence
from voicebot.server import AudioSocketServer
from voicebot.websocket_lines import WebSocketLines


async def open_doors(
    frame: Frame,
    pbx: Pbx,
    prompts: PromptBook,
    bot: Voicebot,
    waiting: WaitingWell,
    call_back: CallBackDesk | None,
    callers: CallerSearch,
    surge: SurgeWatch,
) -> Drain:
    """Take calls. Returns what closes the doors gently.

    Raises:
        PortTaken: somebody else has a port of ours.
    """
    settings, keys, conversations = frame.settings, Keys(), bot.conversations
    legs = BotLegs(lambda: conversations.unheard, pbx.link)

    def hear(events: list[AmiEvent]) -> None:
        for event in events:
            if isinstance(event, StageReached) and event.stage == BOT_LEG:
                legs.met(event.call_id, event.uniqueid)
            elif isinstance(event, KeyPressed):
                keys.pressed(event.uniqueid, event.key)

    def announce(call_id: str, language: str) -> ExpectedBot | None:
        if settings.bot_audio == "websocket" and not pbx.link.connected:
            return None  # nobody would tell us of the leg
        uuid = conversations.announce(call_id, language)
        # Without a link nobody can re-arm the short fuse of the bot's leg.
        fuse_s = None if pbx.link.connected else BOT_LIMIT_S
        return None if uuid is None else ExpectedBot(uuid, fuse_s)

    frame.on_pbx_events.append(hear)
    frame.task("bot_legs", legs.run())
    reception = Reception(
        frame.scenario,
        prompts,
        callers.find,
        announce,
        conversations.decision,
        frame.publish,
        utc_now,
        in_surge=lambda: surge.state.on,
        incident=waiting.announcer.for_reception,
        keys=keys,
        bot_speaks=bot.speaks,
    )

    async def serve_agi(session: AgiSession) -> None:
        if session.request.script != CALL_BACK_SCRIPT:
            await reception.serve(session)
        elif call_back is not None:  # else the caller waits on, which is the dialplan's default
            await call_back.serve(session)

    agi = FastAgiServer(settings.agi_host, settings.agi_port, serve_agi)
    if settings.asterisk:
        await _open_audio(frame, conversations)
        await frame.open("agi", agi.start(), agi.stop)
    return Drain(reception, agi, conversations)


async def _open_audio(frame: Frame, conversations: Conversations) -> None:
    """The bot's carrier: AudioSocket comes to us, and WebSockets we fetch at the PBX."""
    settings = frame.settings
    if settings.bot_audio == "audiosocket":
        host, port = settings.audiosocket_host, settings.audiosocket_port
        door = AudioSocketServer(host, port, conversations.attend, connections=MOST_CONVERSATIONS)
        await frame.open("audio", door.start(), door.close)
        return
    lines = WebSocketLines(settings.bot_legs, conversations.attend, connections=MOST_CONVERSATIONS)
    await frame.stack.enter_async_context(lines)

    def hear(events: list[AmiEvent]) -> None:
        for event in events:
            if isinstance(event, StageReached) and event.stage == BOT_LEG and event.leg:
                with contextlib.suppress(ValueError):  # no id at all
                    call = UUID(event.audio)
                    if conversations.expects(call):  # else it is another node's
                        lines.take(call, event.leg)

    frame.on_pbx_events.append(hear)


def front_of(
    frame: Frame,
    prompts: PromptBook,
    bot: Voicebot,
    waiting: WaitingWell,
    surge: SurgeWatch,
    keeper: PresenceKeeper,
) -> Front:
    """What a virtual PBX needs that asks us what its callers hear."""

    def presence(operator: str) -> Presence | None:
        state = keeper.state_of(operator)  # None: they have never said anything, and their phone is there
        return None if state is None else time_passed(state, utc_now()).presence

    return Front(
        prompts,
        bot.conversations,
        bot.speaks,
        frame.publish,
        frame.live.calls,
        lambda operator: presence(operator) not in {Presence.PAUSED, Presence.AWAY},
        lambda operator: presence(operator) is Presence.WRAP_UP,
        lambda: surge.state.on,
        waiting.announcer.for_reception,
    )


async def know_callers(frame: Frame, customers: CustomerBook) -> CallerSearch:
    """Who calls: by the customers' cards, and the company's CRM where there is one."""
    settings, ask_crm = frame.settings, None
    if settings.crm_url:
        token = settings.crm_token.get_secret_value()
        crm = await frame.stack.enter_async_context(Crm.connected(settings.crm_url, token))
        ask_crm = crm.ask
    return CallerSearch(customers, ask_crm, frame.normalise)
