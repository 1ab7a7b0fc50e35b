"""The prompt book: every prompt of a scenario as a WAV that Asterisk can play, made ready before any call.

Recorded files win over synthesis, the bot's included. Each language has a book of its own. It may not know
calls or the menu; the synthesisers stand behind `voicebot.voice`, ffmpeg behind `recordings.audio`.
"""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import structlog

from ivr import pieces
from ivr.call_back_rules import ANSWER_S
from ivr.languages import folder_name, in_language
from ivr.menu import LAST_CHANCE_S
from ivr.pieces import Rendered
from ivr.scenario import STATIC_PROMPTS, Scenario
from recordings.audio import BadAudio, to_telephone_wav
from voicebot.voice import NoVoice, Progress, Voice

log = structlog.get_logger()

STATIC = "static"
"""Sub-folder of the prompts that the dialplan plays by itself, under fixed names. Those of a further language
lie in a folder inside that is named by it: Asterisk looks there first for a channel of that language.
"""

PIECES = "pieces"
"""Sub-folder of the prompts that reception plays, second by second."""

Pieces = tuple[Rendered, ...]
"""A prompt, to be played one piece after the other."""


class PromptsNotReady(Exception):
    """A prompt could not be made ready; the message says which, and what to do."""


class RecordedVoice:
    """A voice for the bot that plays a recording where there is one for the words, and else asks `voice`."""

    def __init__(self, voice: Voice, recorded: Mapping[str, Path]) -> None:
        self._voice = voice
        self._recorded = dict(recorded)

    async def render(self, text: str) -> Path:
        """See `voicebot.voice.Voice`."""
        return self._recorded.get(text) or await self._voice.render(text)

    async def render_all(self, texts: Sequence[str], progress: Progress | None = None) -> list[Path]:
        """See `voicebot.voice.Voice`."""
        to_speak = [text for text in texts if text not in self._recorded]
        spoken = dict(zip(to_speak, await self._voice.render_all(to_speak, progress), strict=True))
        return [self._recorded.get(text) or spoken[text] for text in texts]

    async def speak(self, text: str) -> bytes:
        """See `voicebot.voice.Voice`."""
        return await self._voice.speak(text)

    async def warm(self) -> None:
        """See `voicebot.voice.Voice`."""
        await self._voice.warm()

    async def close(self) -> None:
        """See `voicebot.voice.Voice`."""
        await self._voice.close()


class PromptBook:
    """Reception's prompts by their names in the scenario, and the voice that the bot is to speak with."""

    def __init__(
        self,
        prompts: Mapping[str, Pieces],
        bot_voice: Voice,
        folder: Path,
        translations: "Mapping[str, PromptBook] | None" = None,
    ) -> None:
        self._prompts = dict(prompts)
        self.bot_voice = bot_voice
        self._folder = folder
        self._translations = dict(translations or {})
        self._to_speak: Callable[[], Awaitable[PromptBook]] | None = None

    @classmethod
    def unspoken(
        cls, scenario: Scenario, choose_voice: Callable[[Scenario], Voice], folder: Path
    ) -> "PromptBook":
        """A book with voices and no prompts, for a service that nobody's callers hear: to speak them takes a
        minute of both cores. `speak` makes it whole, if somebody comes who has callers to be spoken to.
        """
        voices: dict[str, Voice] = {}

        def voice_of(own: Scenario) -> Voice:
            if own.language not in voices:
                voices[own.language] = choose_voice(own)
            return voices[own.language]

        book = cls({}, RecordedVoice(voice_of(scenario), {}), folder)
        for language in scenario.languages:
            try:
                voice = voice_of(in_language(scenario, language))
            except NoVoice:
                continue  # said when it is to be spoken
            book._translations[language] = cls({}, RecordedVoice(voice, {}), folder)
        book._to_speak = partial(PromptBook.prepare_languages, scenario, voice_of, folder)
        return book

    @property
    def is_spoken(self) -> bool:
        """Whether the prompts are there."""
        return self._to_speak is None

    async def speak(self) -> None:
        """Make the prompts, if they are not there.

        Raises:
            PromptsNotReady, voicebot.voice.VoiceFailed: see `prepare`.
        """
        if self._to_speak is None:
            return
        made = await self._to_speak()
        for each in made._all():
            each._prompts |= self._prompts  # what was taken in meanwhile
        self._prompts, self.bot_voice, self._translations = made._prompts, made.bot_voice, made._translations
        self._to_speak = None

    @classmethod
    async def prepare_languages(
        cls,
        scenario: Scenario,
        choose_voice: Callable[[Scenario], Voice],
        folder: Path,
        progress: Progress | None = None,
    ) -> Self:
        """The book of the scenario's own language, with those of its further ones behind `in_language`.

        A further language that nothing here can speak is left out, and the log says what to install: its
        callers hear the scenario's own.

        Raises:
            PromptsNotReady, voicebot.voice.VoiceFailed: see `prepare`.
        """
        book = await cls.prepare(scenario, choose_voice(scenario), folder, progress)
        for language in scenario.languages:
            own = in_language(scenario, language)
            try:
                book._translations[language] = await cls.prepare(
                    own, choose_voice(own), folder, progress, static=f"{STATIC}/{folder_name(language)}"
                )
            except NoVoice as error:
                log.warning(
                    "A language cannot be spoken here: its callers hear the scenario's own.",
                    action="language_unspoken",
                    language=language,
                    reason=str(error),
                )
        for each in book._all():  # an invitation to a language is in that language, and for all the others
            for other in book._all():
                each._prompts |= {n: other._prompts[n] for n, sound in each._prompts.items() if not sound}
        return book

    @classmethod
    async def prepare(
        cls,
        scenario: Scenario,
        voice: Voice,
        folder: Path,
        progress: Progress | None = None,
        *,
        static: str = STATIC,
    ) -> Self:
        """Render, convert and lay out everything that callers can hear in the scenario's own language; what
        is ready already is kept.

        `folder` belongs to the book: `recorded/` inside has converted files, `<static>/<name>.wav` the
        prompts of `Scenario.static_texts`.

        Raises:
            PromptsNotReady: a recorded file cannot be used, or `folder` cannot be written.
            voicebot.voice.VoiceFailed: the voice could not speak.
        """
        recorded = await asyncio.to_thread(_convert_all, scenario, folder / "recorded")
        by_name = {name: recorded[prompt.file] for name, prompt in scenario.spoken() if prompt.file}
        texts = {name: prompt.text for name, prompt in scenario.spoken() if prompt.text and not prompt.file}
        bot_texts = scenario.bot_texts()
        bot_voice = RecordedVoice(
            voice, {bot_texts[name]: recorded[file] for name, file in scenario.bot_files.items()}
        )
        # One request for all of them: a synthesiser loads its voice once.
        paths = await bot_voice.render_all([*texts.values(), *scenario.bot.fixed_texts()], progress)
        by_name |= dict(zip(texts, paths, strict=False))
        waits = {LAST_CHANCE_S, ANSWER_S, *(menu.timeout_s for menu in scenario.menus.values())}
        laid_out = await asyncio.to_thread(_lay_out, by_name, waits, folder, static)
        return cls(dict.fromkeys(scenario.invitations(), ()) | laid_out, bot_voice, folder)

    @property
    def languages(self) -> Sequence[str]:
        """Further languages that can be spoken here."""
        return tuple(self._translations)

    def in_language(self, language: str) -> "PromptBook":
        """The book of a language; of one that has none, this."""
        return self._translations.get(language, self)

    def _all(self) -> "tuple[PromptBook, ...]":
        return (self, *self._translations.values())

    def prompt(self, name: str) -> Pieces:
        """The sound of a prompt; none of an invitation to a language that nobody here speaks.

        Raises:
            KeyError: the scenario from which the book was made has no such prompt.
        """
        return self._prompts[name]

    async def add(self, name: str, sound: Path) -> None:
        """Take in a prompt that is in no scenario, for callers of all languages: telephone WAV, named by its
        content.

        Raises:
            PromptsNotReady: `folder` cannot be written.
        """
        try:
            laid_out = await asyncio.to_thread(pieces.lay_out, sound, self._folder / PIECES)
        except OSError as error:
            raise _unwritable(self._folder, error) from error
        for each in self._all():
            each._prompts[name] = laid_out

    def quiet(self, seconds: int) -> Pieces:
        """Silence of that length, to be played while a menu waits for a key."""
        return self._prompts[_quiet(seconds)]


def _convert_all(scenario: Scenario, folder: Path) -> dict[Path, Path]:
    """Recorded file → telephone WAV, named by its content: a new recording is never mistaken for the old."""
    converted: dict[Path, Path] = {}
    for _, file in scenario.files():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / f"{hashlib.sha256(file.read_bytes()).hexdigest()}.wav"
            if not target.exists():
                to_telephone_wav(file, target)
        except OSError as error:
            at = error.filename or file
            raise PromptsNotReady(
                f"{at} cannot be read or written ({error.strerror}): correct the path or its permissions."
            ) from error
        except BadAudio as error:
            raise PromptsNotReady(f"The prompt {file} is no sound ({error}): record it as WAV.") from error
        converted[file] = target
    return converted


def _lay_out(
    by_name: Mapping[str, Path], waits: Iterable[int], folder: Path, static: str
) -> dict[str, Pieces]:
    try:
        for name in (static, PIECES):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name in by_name.keys() & set(STATIC_PROMPTS):
            _copy(by_name[name], folder / static / f"{name}.wav")
        sounds = {name: pieces.lay_out(path, folder / PIECES) for name, path in by_name.items()}
        return sounds | {_quiet(seconds): pieces.quiet(folder / PIECES, seconds) for seconds in waits}
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> PromptsNotReady:
    return PromptsNotReady(
        f"{folder} cannot be written ({error.strerror}): make it writable or set PRESSZERO_DATA."
    )


def _quiet(seconds: int) -> str:
    return f"quiet-{seconds}"


def _copy(source: Path, target: Path) -> None:
    """Whole or not at all: the PBX may be playing the old one right now."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".prompt-", suffix=".wav")
    os.close(handle)
    try:
        shutil.copyfile(source, name)
        os.chmod(name, 0o644)  # the PBX may be another user
        os.replace(name, target)
    finally:
        Path(name).unlink(missing_ok=True)
