"""Reception: takes a caller from the first ring to the operators, the bot, voicemail or good-bye.

Joins the menu's state machine with the AGI session, and tells the ledger what happened. It knows neither AMI
nor the web: customers, the bot and the ledger are callables given to it.

What the dialplan reads afterwards: PZ_NEXT (operator | bot | voicemail | bye; anything else means operator),
PZ_QUEUE, PZ_PRIORITY, PZ_BOT_UUID, PZ_LANGUAGE (of which CHANNEL(language) is made). Queue and priority are
set before anything else, so that a VIP keeps their place even if we die a second later.

The fuse: before each step we set Asterisk's own TIMEOUT(absolute) a little beyond the step's length. If this
process freezes, the channel's `T` extension takes the caller to the operators without us. On leaving it is
set to 0; the dialplan must do so too, for the case that we could not.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from ivr import fuse
from ivr.agi import AgiError, AgiSession, CallerHungUp
from ivr.hours import is_open
from ivr.keys import Keys
from ivr.languages import folder_name
from ivr.menu import Ask, Incident, Leave, News, Next, advance, begin
from ivr.prompts import PromptBook
from ivr.scenario import Scenario
from tickets.events import CallEvent, Publish, Value
from tickets.vocabulary import EventKind, HandOver
from voicebot.outcome import Ending, Outcome

_log = structlog.get_logger()

CUSTOMER_S = 0.3
AFTER_BOT = "after-bot"


@dataclass(frozen=True)
class KnownCaller:
    """What reception needs to know about a customer."""

    customer_id: int | None  # None: known, but on no card of ours yet
    vip_level: int  # 0: nobody special
    language: str | None = None  # BCP 47; None: nobody knows


FindCustomer = Callable[[str], Awaitable[KnownCaller | None]]
"""By the raw caller ID. May be slow or fail: the caller never waits longer than 300 ms for it."""


@dataclass(frozen=True)
class ExpectedBot:
    """A conversation that waits for its caller's audio."""

    uuid: UUID
    fuse_s: float | None = None  # of the bot's leg; None: the dialplan's own, short one, which `cti` re-arms


AnnounceBot = Callable[[str, str], ExpectedBot | None]
"""Expect the audio of this call (its call id, its language); None: no room for another conversation."""

BotDecision = Callable[[UUID], Outcome | None]
"""What became of the conversation; None: nobody knows."""


class Reception:
    """Serves AGI sessions; one instance for all calls. `clock` gives aware UTC times."""

    def __init__(
        self,
        scenario: Scenario,
        prompts: PromptBook,
        find_customer: FindCustomer,
        announce_bot: AnnounceBot,
        bot_decision: BotDecision,
        publish: Publish,
        clock: Callable[[], datetime],
        *,
        in_surge: Callable[[], bool] = lambda: False,
        incident: Callable[[], Incident | None] = lambda: None,
        keys: Keys | None = None,
        bot_speaks: Callable[[str], bool] = lambda language: True,
    ) -> None:
        """`bot_speaks`: whether the bot can talk in a language; callers of others get people."""
        self._scenario = scenario
        self._prompts = prompts
        self._find_customer = find_customer
        self._announce_bot = announce_bot
        self._bot_decision = bot_decision
        self._publish = publish
        self._clock = clock
        self._passes_on = False
        self._in_surge = in_surge
        self._incident = incident
        self._keys = keys or Keys()
        self._bot_speaks = bot_speaks

    def pass_on(self) -> None:
        """The service ends: from now on new callers go straight to the operators."""
        self._passes_on = True

    async def serve(self, session: AgiSession) -> None:
        """Look after one caller. Whatever goes wrong in here, the caller goes to an operator.

        Raises:
            CallerHungUp: there is nobody to look after any more.
        """
        await fuse.light(session, CUSTOMER_S)
        call_id = await session.get_variable("PZ_CALL") or session.request.get("agi_uniqueid")
        diary = _Diary(call_id, self._publish, self._clock)
        try:
            if session.request.script == AFTER_BOT:
                leave = await self._after_bot(session)
            else:
                self._keys.enter(call_id)
                leave = await self._receive(session, diary)
            await self._let_go(session, diary, leave)
        except CallerHungUp:
            raise
        except asyncio.CancelledError:
            # The service ends. Closing the link makes the dialplan go on to its default, the operators.
            diary.note(EventKind.HANDED_OVER, {"reason": HandOver.DEADLINE.value})
            raise
        except Exception as error:
            _log.exception(
                "reception failed: the caller goes to an operator",
                action="reception_failed",
                call_id=call_id,
                error=type(error).__name__,
            )
            await self._rescue(session, diary)
        finally:
            self._keys.leave(call_id)

    async def _receive(self, session: AgiSession, diary: "_Diary") -> Leave:
        await session.set_variable("PZ_QUEUE", self._scenario.default_queue)
        caller = await self._recognise(session, diary)
        await session.set_variable("PZ_PRIORITY", self._scenario.priority(caller.vip_level if caller else 0))
        if self._passes_on:
            return self._to_operator(HandOver.SURGE)  # there is no room for one more with us
        diary.language = await self._language(session, diary, caller)
        open_now = is_open(self._clock(), self._scenario.hours, self._scenario.timezone)
        step = begin(
            self._scenario,
            is_open=open_now,
            surge=self._in_surge(),
            incident=self._incident(),
            language=diary.language,
        )
        while True:
            for news in step.news:
                diary.tell(news)
            if step.state.language != diary.language:
                diary.language = step.state.language
                await self._speak(session, diary.language)
            if isinstance(step.do, Leave):
                return step.do
            key = await self._ask(session, step.do, diary)
            step = advance(self._scenario, step.state, key)

    async def _recognise(self, session: AgiSession, diary: "_Diary") -> KnownCaller | None:
        number = session.request.get("agi_callerid")
        if not number:
            return None
        try:
            async with asyncio.timeout(CUSTOMER_S):
                caller = await self._find_customer(number)
        except Exception as error:
            # A slow or broken customer list must not cost the caller anything.
            reason = type(error).__name__
            _log.warning(
                "customer not looked up", action="customer_late", call_id=diary.call_id, error=reason
            )
            return None
        if caller is not None:
            data: dict[str, Value] = {"customer_id": caller.customer_id, "vip_level": caller.vip_level}
            diary.note(EventKind.CUSTOMER_FOUND, data)
        return caller

    async def _language(self, session: AgiSession, diary: "_Diary", caller: KnownCaller | None) -> str:
        """The caller's: as their card has it, else that of the line they rang, which the dialplan knows."""
        own, spoken = self._scenario.language, self._scenario.spoken_languages
        if len(spoken) == 1:
            return own
        of_line = await session.get_variable("PZ_LANGUAGE")
        of_line = of_line if of_line in spoken else own
        of_card = folder_name(caller.language or "") if caller is not None else ""
        known = next((language for language in spoken if folder_name(language) == of_card), of_line)
        if known != of_line:
            await self._speak(session, known)
            diary.note(EventKind.LANGUAGE, {"language": known, "how": "customer"})
            return known
        if of_line != own:
            diary.note(EventKind.LANGUAGE, {"language": of_line, "how": "line"})
        return of_line

    async def _speak(self, session: AgiSession, language: str) -> None:
        """From here on the dialplan's own prompts are in it too, whatever becomes of us."""
        await session.set_variable("PZ_LANGUAGE", language)
        await session.set_variable("CHANNEL(language)", folder_name(language))

    async def _ask(self, session: AgiSession, ask: Ask, diary: "_Diary") -> str | None:
        call_id, prompts = diary.call_id, self._prompts.in_language(diary.language)
        sounds = [piece for name in ask.prompts for piece in prompts.prompt(name)]
        if ask.wait_s:
            # Played, not merely waited: a line without sound seems dead, and the recording would lose time.
            sounds += prompts.quiet(ask.wait_s)
        for sound in sounds:
            await fuse.light(session, sound.seconds)
            key = await session.stream_file(sound.path, ask.keys, seconds=sound.seconds)
            if key is not None:
                self._keys.took(call_id, key)
                return key
            if (lost := self._keys.lost(call_id, ask.keys)) is not None:
                return lost
        return None

    async def _after_bot(self, session: AgiSession) -> Leave:
        outcome = self._bot_decision(UUID(await session.get_variable("PZ_BOT_UUID")))
        return after_bot(outcome, self._scenario.default_queue)

    async def _let_go(self, session: AgiSession, diary: "_Diary", leave: Leave) -> None:
        if leave.next is Next.BOT and not self._bot_speaks(diary.language):
            leave = self._to_operator(HandOver.MENU_CHOICE)
        elif leave.next is Next.BOT:
            expected = self._announce_bot(diary.call_id, diary.language)
            if expected is None:
                leave = self._to_operator(HandOver.SURGE)
            else:
                await session.set_variable("PZ_BOT_UUID", str(expected.uuid))
                if expected.fuse_s is not None:
                    await session.set_variable("PZ_BOT_FUSE", f"{expected.fuse_s:g}")
        if leave.queue is not None:
            await session.set_variable("PZ_QUEUE", leave.queue)
        if leave.reason is not None:
            diary.note(EventKind.HANDED_OVER, {"reason": leave.reason.value})
        await fuse.put_out(session)
        await session.set_variable("PZ_NEXT", leave.next.value)

    async def _rescue(self, session: AgiSession, diary: "_Diary") -> None:
        diary.note(EventKind.HANDED_OVER, {"reason": HandOver.FAULT.value})
        try:
            await fuse.put_out(session)
            await session.set_variable("PZ_NEXT", Next.OPERATOR.value)
        except AgiError:
            # The link is what failed: closing it makes the dialplan go on to its default, the operators.
            _log.warning("the dialplan goes on without us", action="agi_lost", call_id=diary.call_id)

    def _to_operator(self, reason: HandOver | None) -> Leave:
        return Leave(Next.OPERATOR, self._scenario.default_queue, reason)


def after_bot(outcome: Outcome | None, default_queue: str) -> Leave:
    """Where a caller goes who comes back from the bot; `outcome`: None where nobody knows it."""
    if outcome is not None and outcome.ending is Ending.TO_OPERATOR:
        return Leave(Next.OPERATOR, default_queue)  # the bot has told its reason to the ledger itself
    if outcome is not None and outcome.ending is Ending.ANSWERED and not outcome.hung_up:
        return Leave(Next.BYE)
    # The caller is here, so whoever believes them gone is wrong: the audio was cut, not the call.
    return Leave(Next.OPERATOR, default_queue, HandOver.FAULT)


class _Diary:
    """What is known of one call here; tells the ledger of it, each event under an id of its own."""

    def __init__(self, call_id: str, publish: Publish, clock: Callable[[], datetime]) -> None:
        self.call_id = call_id
        self.language = ""  # of the call; empty: not known yet
        self._publish = publish
        self._clock = clock
        # A call comes here more than once (before and after the bot), so counting alone would repeat ids.
        self._visit = secrets.token_hex(4)
        self._count = 0

    def tell(self, news: News) -> None:
        self.note(news.kind, dict(news.data))

    def note(self, kind: EventKind, data: dict[str, Value]) -> None:
        self._count += 1
        source_id = f"{self.call_id}:{self._visit}:{self._count}"
        event = CallEvent("ivr", source_id, self.call_id, self._clock(), kind, data, sequence=self._count)
        self._publish(event)
