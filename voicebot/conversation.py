"""One call's conversation with the bot: joins ear, understanding, dialogue and voice over a `MediaPort`.

Knows no carrier, no PBX and no database; news goes up by `publish`, the end comes back as an `Outcome`.
Whatever breaks in here – recogniser, voice, code – the caller goes to an operator.

One task listens (so that barge-in and keys act at once, whatever else is going on) and leaves its news in a
queue; the other takes the news one by one, asks the dialogue and speaks.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

import structlog

from recordings.transcript import Recognised
from tickets.events import Publish
from tickets.vocabulary import HandOver
from voicebot import moves as talk
from voicebot.dialogue import Dialogue
from voicebot.diary import BotDiary, Clock
from voicebot.hearing import Ear
from voicebot.lookup import Answer, Failed, LookUp, Trouble
from voicebot.media import BYTES_PER_SECOND, Audio, Digit, MediaPort
from voicebot.moves import Say, State, Step
from voicebot.outcome import Ending, Outcome
from voicebot.recognizers.port import RecogniserBusy, RecogniserFailed, RecogniserLate
from voicebot.segmenter import Silence, SpeechEnded
from voicebot.slots import HIDDEN
from voicebot.texts import Part
from voicebot.understanding import Kind, Understanding
from voicebot.voice import Voice, VoiceFailed, read_telephone_wav

_log = structlog.get_logger()

BARGE_IN_S: Final = 0.3
"""Speech that long over the bot's voice means it: the bot falls silent."""
PATIENCE_S: Final = 1.2
"""Recognition longer than that is bridged by "one moment"."""
VOICE_S: Final = 3.0
"""Deadline for the sound of a text: rendered ahead it takes a millisecond."""
LOOKING_S: Final = 0.8
"""A look-up longer than that is bridged by "one moment"."""
LOOKED_S: Final = 0.5
"""A look-up has this long beyond its own deadline; whoever asks ought to keep that one."""
KEYS_S: Final = 2.0
"""No key for that long: a number is not going on – and a zero at its end was the wish for a person."""
NO_AUDIO_S: Final = 8.0
"""A line without any audio at all counts as a silent caller after that."""
GAP: Final = bytes(BYTES_PER_SECOND // 4)
"""Silence between two sentences of the bot."""
SURE: Final = 0.45
"""Recogniser's confidence below which the words are in doubt."""
TICK_S: Final = 1.0
"""How often the clock is looked at while nothing happens."""
LAST_WORDS_S: Final = 2.0
"""Beyond their own length the last words have this long to leave; then the caller goes on without them."""
NEWS: Final = 64
"""News waiting at most: a flood of keys must not grow without bound."""


@dataclass(frozen=True, slots=True)
class _Words:
    recognised: Recognised
    started_at_s: float


@dataclass(frozen=True, slots=True)
class _Broken:
    error: Exception


@dataclass(frozen=True, slots=True)
class _Drained:
    pass


_News = (
    _Words
    | _Broken
    | _Drained
    | talk.Key
    | talk.KeysPaused
    | talk.Silence
    | talk.StillLooking
    | talk.LookedUp
    | talk.TimeIsUp
)


class Conversation:
    """One conversation; used once."""

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
        customer: str | None = None,
        limit_s: float = 180.0,
    ) -> None:
        """Take `ear` made for this call alone; understanding, dialogue and voice are shared by all calls.

        `look_up`: asks the company's system; None: every look-up fails. `customer`: the caller's name.
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
        self._news: asyncio.Queue[_News] = asyncio.Queue(NEWS)
        self._gone = asyncio.Event()
        self._helpers: set[asyncio.Task[None]] = set()
        self._untold = 0  # utterances that have ended, and whose words nobody has acted on yet
        self._deaf = False  # decided: what the caller says now is for the operator
        self._held = ""  # the first part of a sentence that went on
        self._heard: str | None = None
        self._saying: tuple[Say, ...] = ()
        self._interrupted: tuple[Say, ...] = ()
        self._started_at = self._last_sound_at = self._said_at = self._key_at = 0.0

    async def run(self, media: MediaPort) -> Outcome:
        """Hold the conversation to its end. Never raises, except when it is cancelled from outside."""
        self._started_at = self._last_sound_at = self._said_at = asyncio.get_running_loop().time()
        self._diary.started()
        outcome = Outcome.to_operator(HandOver.FAULT)
        try:
            self._help(self._listen, media)
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
            self._ear.close()
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

    # --- listening ---

    async def _listen(self, media: MediaPort) -> None:
        spoke = False
        async for event in media:
            if isinstance(event, Audio):
                spoke = self._hear(media, event.pcm, spoke)
            elif isinstance(event, Digit):
                self._tell(talk.Key(event.digit))
        self._gone.set()
        self._tell(_Drained())  # whoever waits for news sees that the caller is gone

    def _hear(self, media: MediaPort, pcm: bytes, spoke: bool) -> bool:
        """One frame; `spoke` and the answer: whether the bot was speaking before it, and now."""
        self._last_sound_at = asyncio.get_running_loop().time()
        speaks = media.playing
        if spoke and not speaks and not self._ear.speaking_s and not self._untold:
            self._ear.restart()  # the caller's time to think begins when the bot is silent
        for segment in self._ear.hear(pcm):
            if isinstance(segment, SpeechEnded):
                self._untold += 1
                self._help(self._recognise, media, segment.started_at_s)
            elif isinstance(segment, Silence) and not speaks and not self._untold:
                self._tell(talk.Silence())
        if speaks and not self._deaf and self._ear.speaking_s >= BARGE_IN_S:
            self._interrupted = self._saying
            self._fall_silent(media)
        return speaks

    def _fall_silent(self, media: MediaPort) -> None:
        media.stop_playing()
        self._saying = ()
        self._said_at = asyncio.get_running_loop().time()

    async def _recognise(self, media: MediaPort, started_at_s: float) -> None:
        words = asyncio.ensure_future(self._ear.words())
        try:
            done, _ = await asyncio.wait({words}, timeout=PATIENCE_S)
            if not done and not media.playing and not self._deaf:
                await self._speak(media, Say("one_moment", self._dialogue.script.one_moment))
            recognised = await words  # its deadline is the recogniser pool's
        finally:
            words.cancel()
        self._tell(_Words(recognised, started_at_s))

    # --- talking ---

    async def _talk(self, media: MediaPort) -> Outcome:
        self._check_ear()
        step = self._dialogue.begin(self._clock(), self._customer)
        while True:
            ending = await self._act(media, step)
            if ending is not None:
                return ending
            if self._gone.is_set():
                return self._hung_up(step.state)
            news = await self._next(media, step.state)
            if self._gone.is_set():
                return self._hung_up(step.state)  # what they asked last, nobody can answer any more
            step = self._take(media, step.state, news)

    def _hung_up(self, state: State) -> Outcome:
        """A caller who leaves after an answer got what they called for."""
        ending = Ending.GONE if state.answered is None else Ending.ANSWERED
        return Outcome(ending, topic=state.answered, heard=self._heard, hung_up=True)

    async def _next(self, media: MediaPort, state: State) -> _News:
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
            quiet_since = max(self._last_sound_at, self._said_at)
            if not media.playing and not self._untold and now() - quiet_since >= NO_AUDIO_S:
                self._last_sound_at = now()
                return talk.Silence()

    def _take(self, media: MediaPort, state: State, news: _News) -> Step:
        match news:
            case _Broken(error):
                raise error
            case _Words(recognised, started_at_s):
                self._untold -= 1
                step = self._understand(state, recognised, started_at_s)
            case _Drained():
                step = Step(state)
            case talk.Key():
                self._key_at = asyncio.get_running_loop().time()
                self._fall_silent(media)  # who presses a key has heard enough of what is being said
                step = self._dialogue.step(state, news)
            case _:
                step = self._dialogue.step(state, news)
        busy = media.playing or self._untold or self._ear.speaking_s > 0
        if not step.actions and step.state.closing and not busy:
            return self._dialogue.step(step.state, talk.AllSaid())
        return step

    def _understand(self, state: State, recognised: Recognised, started_at_s: float) -> Step:
        text = f"{self._held} {recognised.text}".strip()
        understood = self._understanding.classify(text, state.after)
        if self._held and understood.kind is Kind.OUT_OF_SCOPE:
            alone = self._understanding.classify(recognised.text, state.after)
            understood = alone if alone.kind is not Kind.NOTHING else understood
        goes_on = self._ear.speaking_s > 0 or self._untold > 0
        if goes_on and understood.kind not in (Kind.OPERATOR, Kind.QUESTION):
            self._held = text  # they only drew breath: wait for the rest
            return Step(state)
        self._held = ""
        interrupted, self._interrupted = self._interrupted, ()
        if understood.kind is Kind.NOTHING and interrupted:
            return Step(state, interrupted)  # a cough stopped the bot: say it again
        if text:
            private = self._dialogue.is_private(state) and understood.kind is not Kind.OPERATOR
            self._heard = HIDDEN if private else text
            self._diary.turn("caller", self._heard, understood.intent, understood.score, started_at_s)
        sure = recognised.confidence is None or recognised.confidence >= SURE
        return self._dialogue.step(state, talk.Heard(understood, clear=sure, text=text))

    async def _act(self, media: MediaPort, step: Step) -> Outcome | None:
        """Speak and decide; the outcome where the dialogue has ended."""
        says = tuple(action for action in step.actions if isinstance(action, Say))
        self._deaf = step.state.over
        for action in step.actions:
            if isinstance(action, talk.Note):
                self._diary.learnt(action)
            elif isinstance(action, talk.LookUp):  # under way while the bot speaks
                self._help(self._ask_company, action)
        if says:
            await self._say(media, says, last=step.state.over)
        if step.state.closing and not step.state.over:
            self._help(self._tell_when_drained, media)
        for action in step.actions:
            if isinstance(action, talk.GiveToOperator):
                if says:
                    await self._finish_speaking(media)
                else:
                    media.stop_playing()
                return Outcome.to_operator(action.reason, step.state.answered, self._heard)
            if isinstance(action, talk.Finish):
                await self._finish_speaking(media)
                return Outcome(Ending.ANSWERED, topic=step.state.answered, heard=self._heard)
        return None

    async def _say(self, media: MediaPort, says: tuple[Say, ...], *, last: bool) -> None:
        self._saying = says
        for say in says:
            if self._saying is not says or self._gone.is_set():
                return  # interrupted: the rest is not wanted either
            try:
                await self._speak(media, say)
            except (VoiceFailed, TimeoutError):
                if not last:
                    raise
                # The decision stands without its words, and keeps its own reason.
                _log.exception("a prompt has no sound", action="prompt_failed", prompt=say.prompt)

    async def _speak(self, media: MediaPort, say: Say) -> None:
        told = False
        for part in say.spoken:
            if told and self._saying and say not in self._saying:
                return  # interrupted within it
            async with asyncio.timeout(VOICE_S):
                pcm = await self._sound(part)
            now = asyncio.get_running_loop().time()
            if media.playing:
                media.play(GAP)
                self._said_at += len(GAP) / BYTES_PER_SECOND
            begins_at = max(now, self._said_at)
            media.play(pcm)
            self._said_at = begins_at + len(pcm) / BYTES_PER_SECOND
            if not told:
                self._diary.turn("bot", say.text, say.prompt, None, begins_at - self._started_at)
                told = True

    async def _sound(self, part: Part) -> bytes:
        if not part.kept:
            return await self._voice.speak(part.text)
        return await asyncio.to_thread(read_telephone_wav, await self._voice.render(part.text))

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

    async def _finish_speaking(self, media: MediaPort) -> None:
        """Let the last words out; a carrier that does not send them must not hold the caller."""
        left = max(0.0, self._said_at - asyncio.get_running_loop().time())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left + LAST_WORDS_S):
                await media.drained()

    async def _tell_when_drained(self, media: MediaPort) -> None:
        await media.drained()
        self._tell(_Drained())

    # --- housekeeping ---

    def _check_ear(self) -> None:
        """Nobody need talk to the deaf until they have said something."""
        if (trouble := self._ear.trouble) is not None:
            raise RecogniserFailed(trouble)

    def _tell(self, news: _News) -> None:
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
            self._tell(_Broken(error))
