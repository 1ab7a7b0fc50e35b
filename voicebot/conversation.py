"""One call's conversation with the bot: joins ear, understanding, dialogue and voice over a `MediaPort`.

Knows no carrier, no PBX and no database; news goes up by `publish`, the end comes back as an `Outcome`.
Whatever breaks in here – recogniser, voice, code – the caller goes to an operator.

One task listens (`voicebot.listening`) and leaves its news in a queue; the other, here, takes the news one by
one, asks the dialogue and speaks (`voicebot.speaking`).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, Final

import structlog

from recordings.transcript import Recognised
from tickets.events import Publish
from tickets.vocabulary import HandOver
from voicebot import moves as talk
from voicebot.dialogue import Dialogue
from voicebot.diary import BotDiary, Clock
from voicebot.hearing import Ear
from voicebot.listening import Listener
from voicebot.lookup import Answer, Failed, LookUp, Trouble
from voicebot.media import MediaPort
from voicebot.moves import Say, State, Step
from voicebot.news import Broken, Drained, News, Words
from voicebot.outcome import Ending, Outcome
from voicebot.recognizers.port import RecogniserBusy, RecogniserFailed, RecogniserLate
from voicebot.slots import HIDDEN
from voicebot.speaking import Mouth
from voicebot.understanding import Kind, Understanding
from voicebot.voice import Voice

_log = structlog.get_logger()

NO_AUDIO_S: Final = 8.0
"""A line without any audio at all counts as a silent caller after that."""
SURE: Final = 0.45
"""Recogniser's confidence below which the words are in doubt."""
WELL: Final = 0.6
"""Score from which a question is understood so well that the caller's turn may end early."""
SENTENCE_S: Final = 1.2
"""Speech that long without a word that the recogniser knows is no cough: something was said."""
TICK_S: Final = 1.0
"""How often the clock is looked at while nothing happens."""
LOOKING_S: Final = 0.8
"""A look-up longer than that is bridged by "one moment"."""
LOOKED_S: Final = 0.5
"""A look-up has this long beyond its own deadline; whoever asks ought to keep that one."""
KEYS_S: Final = 2.0
"""No key for that long: a number is not going on – and a zero at its end was the wish for a person."""
REPLY: Final = "reply"
"""What words are called in the ledger that answer a question of the bot's own."""
NAME_S: Final = 0.3
"""Deadline for the caller's name."""
NEWS: Final = 64
"""News waiting at most: a flood of keys must not grow without bound."""


_COMPLETE: Final = frozenset({Kind.QUESTION, Kind.OPERATOR, Kind.YES, Kind.NO, Kind.GOODBYE})


class Conversation:
    """One conversation; used once."""

    _mouth: Mouth
    _listener: Listener

    def __init__(
        self,
        call_id: str,
        *,
        ear: Ear,
        understanding: Understanding,
        dialogue: Dialogue,
        voice: Voice,
        publish: Publish,
        clock: Clock,
        look_up: LookUp | None = None,
        customer: Callable[[], Awaitable[str | None]] | None = None,
        limit_s: float = 180.0,
    ) -> None:
        """Take `ear` made for this call alone; understanding, dialogue and voice are shared by all calls.

        `look_up`: asks the company's system; None: every look-up fails. `customer`: tells the caller's name,
        for texts that want it.
        """
        self._call_id = call_id
        self._ear = ear
        self._understanding = understanding
        self._dialogue = dialogue
        self._voice = voice
        self._look_up = look_up
        self._customer = customer
        self._clock = clock
        self._diary = BotDiary(call_id, publish, clock)
        self._limit_s = limit_s
        self._news: asyncio.Queue[News] = asyncio.Queue(NEWS)
        self._helpers: set[asyncio.Task[None]] = set()
        self._held = ""  # the first part of a sentence that went on
        self._held_private = False  # whether that was an answer to a private question
        self._unclear = ""  # what was heard last, if nothing could be made of it
        self._heard: str | None = None
        self._after: str | None = None  # the question answered last
        self._started_at = self._key_at = 0.0

    async def run(self, media: MediaPort) -> Outcome:
        """Hold the conversation to its end. Never raises, except when it is cancelled from outside."""
        self._started_at = asyncio.get_running_loop().time()
        self._mouth = Mouth(media, self._voice, self._told)
        self._listener = Listener(self._ear, self._mouth, tell=self._tell, help_with=self._help)
        self._ear.understands = self._could_act_on
        self._listener.one_moment = Say("one_moment", self._dialogue.script.one_moment)
        self._mouth.one_moment = self._listener.one_moment
        self._diary.started()
        outcome = Outcome.to_operator(HandOver.FAULT)
        try:
            self._help(self._listener.listen, media)
            outcome = await self._talk(media)
        except (RecogniserLate, RecogniserFailed, RecogniserBusy) as error:
            late = isinstance(error, RecogniserLate)
            outcome = Outcome.to_operator(HandOver.DEADLINE if late else HandOver.FAULT, heard=self._heard)
            _log.warning(
                "the bot is deaf: the caller goes to an operator",
                action="bot_deaf",
                call_id=self._call_id,
                error=type(error).__name__,
            )
        except Exception as error:
            _log.exception(
                "the bot failed: the caller goes to an operator",
                action="bot_fault",
                call_id=self._call_id,
                error=type(error).__name__,
            )
        finally:
            self._ear.end()
            self._diary.ended(outcome)
            _log.info(
                "the bot let go of a call",
                action="bot_ended",
                call_id=self._call_id,
                ending=outcome.ending.value,
                reason=outcome.reason and outcome.reason.value,
            )
            for helper in self._helpers:
                helper.cancel()
            await asyncio.gather(*self._helpers, return_exceptions=True)
        return outcome

    def time_is_up(self) -> None:
        """Come to the end now: the caller goes to an operator."""
        self._limit_s = 0.0  # seen within a tick

    # --- talking ---

    async def _talk(self, media: MediaPort) -> Outcome:
        self._check_ear()
        step = self._dialogue.begin(self._clock(), await self._name())
        while True:
            ending = await self._act(media, step)
            if ending is not None:
                return ending
            if self._listener.gone.is_set():
                return self._hung_up(step.state)
            news = await self._next(step.state)
            if self._listener.gone.is_set():
                return self._hung_up(step.state)  # what they asked last, nobody can answer any more
            step = self._take(step.state, news)

    async def _name(self) -> str | None:
        """The caller's, if it is known soon: nobody waits in silence for the sake of a greeting."""
        if self._customer is None:
            return None
        try:
            async with asyncio.timeout(NAME_S):
                return await self._customer()
        except Exception as error:  # a deadline that has passed is one too
            _log.warning("the bot greets without a name", action="bot_nameless", error=type(error).__name__)
            return None

    def _hung_up(self, state: State) -> Outcome:
        """A caller who leaves after an answer got what they called for."""
        ending = Ending.GONE if state.answered is None else Ending.ANSWERED
        return Outcome(ending, topic=state.answered, heard=self._heard, hung_up=True)

    async def _next(self, state: State) -> News:
        """Wait for news; the clock brings some itself."""
        now = asyncio.get_running_loop().time
        while True:
            self._check_ear()
            left = self._started_at + self._limit_s - now()
            if left <= 0:
                return talk.TimeIsUp()
            pause = self._key_at + KEYS_S - now() if state.typing else TICK_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, min(left, pause, TICK_S))):
                    return await self._news.get()
            if state.typing and now() - self._key_at >= KEYS_S:
                self._key_at = now()
                return talk.KeysPaused()
            quiet_since = max(self._listener.last_sound_at, self._mouth.silent_since)
            waiting = not self._mouth.speaks and not self._listener.words_are_coming
            if waiting and now() - quiet_since >= NO_AUDIO_S:
                self._listener.last_sound_at = now()
                return talk.Silence()

    def _take(self, state: State, news: News) -> Step:
        match news:
            case Broken(error):
                raise error
            case Words(recognised, started_at_s, spoken_s):
                self._listener.taken()
                step = self._understand(state, recognised, started_at_s, spoken_s)
            case Drained():
                step = Step(state)
            case talk.Key():
                self._key_at = asyncio.get_running_loop().time()
                self._mouth.fall_silent()  # who presses a key has heard enough of what is being said
                step = self._dialogue.step(state, news)
            case _:
                step = self._dialogue.step(state, news)
        busy = self._mouth.speaks or self._mouth.cut_off or self._listener.somebody_speaks
        if not step.actions and step.state.closing and not busy:
            return self._dialogue.step(step.state, talk.AllSaid())
        return step

    def _understand(self, state: State, recognised: Recognised, started_at_s: float, spoken_s: float) -> Step:
        if self._mouth.cut_off and self._mouth.unheard and not self._held:
            self._held = self._unclear  # both began to speak at once: it was the middle of their sentence
        text = f"{self._held} {recognised.text}".strip()
        understood = self._understanding.classify(text, state.after)
        if self._held and understood.kind is Kind.OUT_OF_SCOPE:
            alone = self._understanding.classify(recognised.text, state.after)
            understood = alone if alone.kind is not Kind.NOTHING else understood
        private = self._dialogue.is_private(state) or self._held_private
        if self._listener.somebody_speaks and understood.kind not in (Kind.OPERATOR, Kind.QUESTION):
            self._held, self._held_private = text, private  # they only drew breath: wait for the rest
            return Step(state)
        self._held, self._held_private = "", False
        unheard = not text and spoken_s >= SENTENCE_S
        again = unheard and (state.unheard or state.closing)
        if understood.kind is Kind.NOTHING and self._mouth.cut_off and not again:
            self._listener.go_on()  # a cough stopped the bot
            return Step(replace(state, unheard=unheard))
        self._mouth.forget()
        self._unclear = text if understood.kind is Kind.OUT_OF_SCOPE and not private else ""
        sure = recognised.confidence is None or recognised.confidence >= SURE
        heard = talk.Heard(understood, sure, text, unheard)
        if text:
            self._heard = HIDDEN if private else text
            # What answers a question of the bot's own ("one two five") is no question that it does not know.
            reply = understood.kind is Kind.OUT_OF_SCOPE and self._dialogue.is_answer(state, heard)
            intent = REPLY if reply else understood.intent
            self._diary.turn("caller", self._heard, intent, understood.score, started_at_s)
        return self._dialogue.step(state, heard)

    async def _act(self, media: MediaPort, step: Step) -> Outcome | None:
        """Speak and decide; the outcome where the dialogue has ended."""
        says = tuple(action for action in step.actions if isinstance(action, Say))
        self._listener.deaf = step.state.over
        self._listener.expect(self._dialogue.expects(step.state))
        self._after = step.state.after
        for action in step.actions:
            if isinstance(action, talk.Note):
                self._diary.learnt(action)
            elif isinstance(action, talk.Thumb):
                self._diary.thumb(up=action.up, question=action.question)
            elif isinstance(action, talk.LookUp):  # under way while the bot speaks
                self._help(self._ask_company, action)
        if says:
            await self._mouth.say(says, last=step.state.over)
        if step.state.closing and not step.state.over:
            self._help(self._tell_when_said)
        for action in step.actions:
            if isinstance(action, talk.GiveToOperator):
                if says:
                    await self._mouth.finish()
                else:
                    media.stop_playing()
                return Outcome.to_operator(action.reason, step.state.answered, self._heard)
            if isinstance(action, talk.Finish):
                await self._mouth.finish()
                return Outcome(Ending.ANSWERED, topic=step.state.answered, heard=self._heard)
        return None

    async def _ask_company(self, asked: talk.LookUp) -> None:
        """Ask, tell where it takes long, and tell the answer – which always comes."""
        lookup = self._dialogue.script.lookups[asked.name]
        answer: Answer = Failed(Trouble.NOT_SET_UP)
        if self._look_up is not None:
            asking = asyncio.ensure_future(self._look_up(asked.name, asked.values))
            try:
                done, _ = await asyncio.wait({asking}, timeout=LOOKING_S)
                if not done:
                    self._tell(talk.StillLooking(asked.serial))
                async with asyncio.timeout(max(0.0, lookup.deadline_s - LOOKING_S) + LOOKED_S):
                    answer = await asking
            except TimeoutError:
                answer = Failed(Trouble.LATE)
            except Exception as error:
                _log.exception("a look-up broke", action="lookup_broke", error=type(error).__name__)
                answer = Failed(Trouble.GONE)
            finally:
                asking.cancel()
        self._tell(talk.LookedUp(asked.serial, answer))

    async def _tell_when_said(self) -> None:
        await self._mouth.all_said()
        self._tell(Drained())

    # --- housekeeping ---

    def _could_act_on(self, text: str) -> bool:
        """Whether these words alone would bring the conversation on: then nobody need wait for more."""
        understood = self._understanding.classify(f"{self._held} {text}".strip(), self._after)
        return understood.kind in _COMPLETE and understood.score >= WELL

    def _told(self, say: Say, begins_at: float) -> None:
        self._diary.turn("bot", say.text, say.prompt, None, begins_at - self._started_at)

    def _check_ear(self) -> None:
        """Nobody need talk to the deaf until they have said something."""
        if (trouble := self._ear.trouble) is not None:
            raise RecogniserFailed(trouble)

    def _tell(self, news: News) -> None:
        with contextlib.suppress(
            asyncio.QueueFull
        ):  # only a flood of keys fills it; it needs no more of them
            self._news.put_nowait(news)

    def _help(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
        helper = asyncio.create_task(self._guarded(work, *arguments))
        self._helpers.add(helper)
        helper.add_done_callback(self._helpers.discard)

    async def _guarded(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
        try:
            await work(*arguments)
        except Exception as error:
            self._tell(Broken(error))
