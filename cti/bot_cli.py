"""`presszero bot`: talk to a scenario's bot without a telephone, and see how well its phrases teach it.

Terminal only: what is understood and said is decided in `voicebot`.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cti.customers.lookups import LookupDesk
from cti.settings import Settings
from cti.shipped import shipped_scenario
from cti.speech import choose_recognizer, engine_for
from ivr.languages import in_language
from ivr.scenario import Scenario
from ivr.scenario_file import load_scenario
from recordings.audio import to_telephone_wav
from recordings.transcript import Recognised
from tickets.database import utc_now
from voicebot.conversation import SURE
from voicebot.dialogue import Dialogue
from voicebot.evidence import Evidence
from voicebot.exam import UNSURE, Exam, examine
from voicebot.lookup import Answer
from voicebot.moves import (
    AllSaid,
    Finish,
    GiveToOperator,
    Heard,
    Input,
    Key,
    KeysPaused,
    LookedUp,
    LookUp,
    Note,
    Say,
    Silence,
    State,
    Step,
)
from voicebot.packaged_meaning import packaged_meaning
from voicebot.telephone_wav import read_telephone_wav
from voicebot.understanding import LEAD, Kind, Nearest, Understanding, Understood
from voicebot.values import date_of, digits, number_of

SHOWN = 3  # questions whose scores are shown

bot = typer.Typer(no_args_is_help=True, help="The voicebot without a telephone: talk to it, teach it.")
console = Console()

ScenarioFile = Annotated[
    Path | None, typer.Argument(help="The scenario file; default: the configured one, or the lottery.")
]
Language = Annotated[str, typer.Option(help="One of the scenario's languages; default: its own.")]


class NoSuchLanguage(Exception):
    """The scenario does not speak it; the message says which it speaks."""


def _read(file: Path | None, language: str) -> Scenario:
    scenario = load_scenario(file or Settings.read().scenario or shipped_scenario())
    wanted = language or scenario.language
    if wanted not in scenario.spoken_languages:
        spoken = ", ".join(scenario.spoken_languages)
        raise NoSuchLanguage(f"The scenario does not speak {wanted!r}: choose one of {spoken}.")
    return scenario if wanted == scenario.language else in_language(scenario, wanted)


@bot.command("try")
def try_command(
    scenario: ScenarioFile = None,
    language: Language = "",
    wav: Annotated[
        list[Path] | None, typer.Option(help="Say this sound file instead of typing; several: turn by turn.")
    ] = None,
) -> None:
    """Talk to the bot: see what it hears, how it understands it and why, and what it says.

    Type what a caller says. "#5" presses a key, an empty line is silence, Ctrl+D hangs up.
    """
    talk = _Talk(_read(scenario, language))
    step = talk.dialogue.begin(utc_now())
    state = talk.act(step)
    for heard in talk.spoken_files(wav) if wav else talk.typed():
        state = talk.turn(state, heard)
        if state.over:
            return
    console.print("[dim]The caller hangs up.[/]")


@bot.command("train")
def train_command(scenario: ScenarioFile = None, language: Language = "") -> None:
    """Ask the bot each example phrase that it has not seen, and name what to mend."""
    chosen = _read(scenario, language)
    with console.status("Asking the bot …"):
        exam = examine(chosen.bot, chosen.language, packaged_meaning(chosen.language))
    _show(exam)


class _Talk:
    """One conversation on the terminal."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.dialogue = Dialogue(scenario.bot, scenario.language, ZoneInfo(scenario.timezone))
        self._understanding = Understanding.train(
            scenario.bot, scenario.language, packaged_meaning(scenario.language)
        )

    def typed(self) -> Iterator[str | Recognised]:
        """What is typed, until Ctrl+D."""
        while True:
            try:
                yield console.input("[bold cyan]caller[/] ")
            except (EOFError, KeyboardInterrupt):
                console.print()
                return

    def spoken_files(self, files: list[Path]) -> Iterator[Recognised]:
        """What the configured recogniser hears in sound files of any kind."""
        settings = Settings.read()
        engine = engine_for(self.scenario.language, self.scenario, settings)
        with console.status("Loading the recogniser …"):
            recognizer = choose_recognizer(*engine, self.scenario.language)
        for file in files:
            with tempfile.TemporaryDirectory() as folder:
                narrow = Path(folder, "narrow.wav")
                to_telephone_wav(file, narrow)
                listening = recognizer.start()
                listening.accept(read_telephone_wav(narrow))
            heard = listening.result()
            sure = "" if heard.confidence is None else f" [dim]sure by {heard.confidence:.2f}[/]"
            console.print(f"[bold cyan]caller[/] {escape(heard.text)}{sure} [dim]{escape(file.name)}[/]")
            yield heard

    def turn(self, state: State, said: str | Recognised) -> State:
        """One turn of the caller's; the state when the bot has spoken."""
        for happened in self._inputs(state, said):
            state = self.act(self.dialogue.step(state, happened))
        return state if state.over else self.act(self.dialogue.step(state, AllSaid()))

    def act(self, step: Step) -> State:
        """Show what the bot says and does, look-ups and what follows from them included."""
        for action in step.actions:
            match action:
                case Say():
                    words = " ".join(part.text for part in action.spoken)
                    console.print(f"[bold green]bot[/]    {escape(words)} [dim]{action.prompt}[/]")
                case GiveToOperator():
                    console.print(f"[bold yellow]→ to an operator[/] [dim]{action.reason.value}[/]")
                case Finish():
                    console.print("[bold yellow]→ the call is over, answered[/]")
                case Note():
                    sure = "" if action.sure else ", not confirmed"
                    console.print(f"[dim]  noted: {action.name} {escape(action.value)}{sure}[/]")
                case LookUp():
                    answer = asyncio.run(self._look_up(action))
                    console.print(f"[dim]  looked up {action.name}: {escape(str(answer))}[/]")
                    answered = LookedUp(action.serial, answer)
                    return self.act(self.dialogue.step(step.state, answered))
        return step.state

    async def _look_up(self, asked: LookUp) -> Answer:
        settings = Settings.read()
        token = settings.lookups_token.get_secret_value()
        lookups = self.scenario.bot.lookups
        async with LookupDesk.connected(settings.lookups_url, token, lookups) as desk:
            return await desk.ask(asked.name, asked.values)

    def _inputs(self, state: State, said: str | Recognised) -> Iterator[Input]:
        text = said.text if isinstance(said, Recognised) else said
        sure = isinstance(said, str) or said.confidence is None or said.confidence >= SURE
        if isinstance(said, str) and text.startswith("#") and len(text) > 1:
            yield from (Key(key) for key in text[1:].replace(" ", ""))
            yield KeysPaused()
        elif not text.strip():
            console.print("[dim]  silence[/]")
            yield Silence()
        else:
            understood = self._understanding.classify(text, state.after)
            self._explain(text, understood, state)
            yield Heard(understood, clear=sure, text=text)

    def _explain(self, text: str, understood: Understood, state: State) -> None:
        language = self.scenario.language
        values = {
            "digits": digits(text, language),
            "number": number_of(text, language),
            "date": date_of(text, language, state.today),
        }
        found = [f"{name} {value}" for name, value in values.items() if value not in (None, "")]
        if found:
            console.print(f"[dim]  values: {', '.join(found)}[/]")
        nearest = self._understanding.nearest(text, state.after)[:SHOWN]
        if understood.kind in (Kind.QUESTION, Kind.OUT_OF_SCOPE):
            scores = ", ".join(f"{one.evidence.name} {one.evidence.rank:.2f}" for one in nearest)
            console.print(f"[dim]  nearest: {scores}[/]")
            console.print(f"[dim]  why: {'; '.join(_reasons(nearest[0].evidence)) if nearest else ''}[/]")
        console.print(f"  [magenta]{understood.intent}[/] [dim]{_why(understood, nearest)}[/]")


def _reasons(evidence: Evidence) -> Iterator[str]:
    """What speaks for the nearest question, in likenesses of 0 … 1."""
    yield f"words {evidence.alike:.2f}, letters {evidence.spelled:.2f}, elsewhere {evidence.elsewhere:.2f}"
    if evidence.by_meaning:
        yield f"meaning {evidence.meant:.2f}, elsewhere {evidence.meant_else:.2f}"
    if evidence.strange_words:
        yield f"{evidence.strange_words} words that nobody taught"


def _why(understood: Understood, ranked: Sequence[Nearest]) -> str:
    enough, ahead = (ranked[0].enough, ranked[0].lead) if ranked else (1.0, 0.0)
    match understood.kind:
        case Kind.OPERATOR:
            return "a wish for a person: above everything"
        case Kind.QUESTION:
            return f"a question of the scenario's: chance {understood.score:.2f}, {enough:.2f} is enough"
        case Kind.OUT_OF_SCOPE if understood.clear:
            return "out of scope: certainly none of the questions"
        case Kind.OUT_OF_SCOPE if understood.maybe:
            return (
                f"perhaps {understood.maybe}: chance {understood.score:.2f}, from {enough:.2f} on it is sure"
            )
        case Kind.OUT_OF_SCOPE if understood.score >= enough and ahead < LEAD:
            return "not clear: two questions are equally likely"
        case Kind.OUT_OF_SCOPE:
            return f"not clear: nearest chance {understood.score:.2f}, {enough:.2f} is enough"
        case Kind.NOTHING:
            return "no words that say anything"
        case Kind.YES | Kind.NO | Kind.GOODBYE:
            return "by the rules of the language"


def _show(exam: Exam) -> None:
    console.print(
        f"[bold]{exam.accuracy:.0%}[/] of {len(exam.answers)} phrases found their question without having "
        f"been seen, [bold]{exam.rejection:.0%}[/] of {exam.beside} sentences beside them were rejected "
        "(everyday ones, and what is left to people)."
    )
    if confusions := exam.confusions():
        table = Table("Question", "Chosen instead", "Phrases", title="Confusions")
        for question, chosen, times in confusions:
            style = "dim" if chosen == UNSURE else ""
            table.add_row(question, chosen, str(times), style=style)
        console.print(table)
    if to_mend := exam.to_mend():
        table = Table("Phrase", "Of", "Nearest to", "Score", title="Phrases nearest to another question")
        for one in to_mend:
            table.add_row(escape(one.phrase), one.question, one.nearest, f"{one.score:.2f}")
        console.print(table)
    if exam.taken:
        table = Table("Sentence beside the questions", "Taken for", "Score", title="Taken for a question")
        for one in exam.taken:
            table.add_row(escape(one.phrase), one.nearest, f"{one.score:.2f}")
        console.print(table)
    for name, phrases in exam.few:
        console.print(f"[yellow]{name}[/] has only {phrases} phrases: write a few more, as callers say it.")
