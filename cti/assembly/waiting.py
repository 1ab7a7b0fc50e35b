"""What happens to callers who wait: who goes first, what they hear, and who is called back instead."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cti.assembly.frame import Frame
from cti.assembly.pbx import Pbx
from cti.call_languages import CallLanguages
from cti.waiting.call_backs import CallBacks
from cti.waiting.incidents import IncidentAnnouncer
from cti.waiting.queue_keeper import QueueKeeper
from cti.waiting.queues import Waiting
from cti.waiting.room import WaitingRoom
from cti.waiting.surge_watch import SurgeWatch
from ivr.call_back import CallBackDesk
from ivr.call_back_rules import CallBackRules
from ivr.languages import in_language
from ivr.prompts import STATIC, PromptBook
from ivr.waiting_voice import WaitingVoice, WaitingVoices
from ivr.waiting_words import OFFER, incident_piece
from tickets.call_backs import CallBackBook
from tickets.database import DatabaseTrouble, utc_now
from tickets.incidents import IncidentBook
from tickets.places import PlaceBook
from tickets.promises import PromiseBook
from tickets.spoken import SpokenBook
from tickets.talks import TalkBook

MESSAGES_S = 60.0  # to look through all calls for messages; nobody waits for it


@dataclass(frozen=True, slots=True)
class WaitingWell:
    """What reception and the desk need of it."""

    room: WaitingRoom
    announcer: IncidentAnnouncer
    voice: WaitingVoices | None


def keep_queues(frame: Frame, pbx: Pbx) -> None:
    """Who matters goes first, and nobody starves."""
    places = PlaceBook(frame.sessions)
    keeper = QueueKeeper(pbx.link, pbx.queues, frame.live, places.of, frame.scenario.vip)
    frame.task("queue_keeper", keeper.run())


async def know_languages(frame: Frame) -> CallLanguages:
    """The languages of calls, from now on, and of those that go on since before we began."""
    languages = CallLanguages(frame.scenario.language)
    frame.on_events.append(languages.hear)
    if frame.scenario.languages:
        spoken = SpokenBook(frame.sessions)
        with contextlib.suppress(DatabaseTrouble):  # they wait on in the scenario's own
            languages.begin_with(await spoken.languages_of([call.call_id for call in frame.live.calls()]))
    return languages


def let_wait_well(
    frame: Frame,
    pbx: Pbx,
    prompts: PromptBook,
    incidents: IncidentBook,
    surge: SurgeWatch,
    languages: CallLanguages,
) -> WaitingWell:
    """Place and expected wait, the offer of a call-back, and a mass incident, told while callers wait."""
    voice, rules = _voices(frame, prompts, languages), frame.scenario.call_back

    async def take_in(number: int, name: str, sound: Path) -> None:
        await prompts.add(name, sound)
        if voice is not None:
            voice.add(incident_piece(number), [sound])

    announcer = IncidentAnnouncer(incidents.current, prompts.bot_voice.render, take_in, utc_now)
    room = WaitingRoom(
        pbx.link,
        pbx.queues.next,
        TalkBook(frame.sessions).since,
        voice,
        _offers(frame, surge),
        rules.offer_every_s if rules else 0.0,
        announcer,
        utc_now,
    )
    frame.on_changes.append(lambda changes: announcer.happened(change.event for change in changes))
    frame.on_pbx_events.append(room.hear)
    frame.task("incidents", announcer.run())
    frame.task("waiting_room", room.run())
    return WaitingWell(room, announcer, voice)


def _voices(frame: Frame, prompts: PromptBook, languages: CallLanguages) -> WaitingVoices | None:
    """Whoever tells waiting callers their place; None: the scenario has no words for it, or the queue is
    another PBX's.
    """
    if not frame.settings.asterisk:
        return None
    static, made = frame.settings.prompts_folder / STATIC, dict[str, WaitingVoice]()
    for language in (frame.scenario.language, *prompts.languages):
        words, book = in_language(frame.scenario, language).waiting, prompts.in_language(language)
        if words is None:
            return None
        made[language] = WaitingVoice(words, book.bot_voice, language, static)
        if frame.scenario.call_back is not None:
            offer = [Path(f"{piece.path}.wav") for piece in book.prompt("call_back_offer")]
            made[language].add(OFFER, offer)
    return WaitingVoices(made, frame.scenario.language, languages.of)


def call_back_desk(frame: Frame, prompts: PromptBook, promises: PromiseBook) -> CallBackDesk | None:
    """Where a waiting caller may ask for a call-back; None: the scenario has no such thing."""
    if frame.scenario.call_back is None:
        return None

    def vip_level(call_id: str) -> int:
        call = frame.live.call(call_id)
        return call.vip_level if call is not None else 0

    return CallBackDesk(prompts, promises.promise, frame.normalise, vip_level, frame.publish, utc_now)


def call_people_back(frame: Frame, pbx: Pbx, languages: CallLanguages, may_call: Callable[[], bool]) -> None:
    """Keep what was promised, when the turn comes."""
    rules = frame.scenario.call_back or CallBackRules()
    call_backs = CallBacks(
        pbx.link,
        lambda: pbx.queues.picture,
        CallBackBook(frame.sessions, put_off_most_s=rules.retry_after_s),
        CallBackBook(frame.sessions, deadline_s=MESSAGES_S).from_voicemails,
        PlaceBook(frame.sessions).of,
        frame.scenario,
        utc_now,
        may_call=may_call,
        language_of=SpokenBook(frame.sessions).language_of,
        tell_language=languages.tell,
    )
    frame.on_pbx_events.append(call_backs.hear)
    frame.task("call_backs", call_backs.run())


def _offers(frame: Frame, surge: SurgeWatch) -> Callable[[Waiting, datetime], bool]:
    """Whether a waiting caller is offered a call-back by now."""
    rules, in_surge = frame.scenario.call_back, frame.scenario.surge

    def offers(caller: Waiting, now: datetime) -> bool:
        if rules is None or frame.normalise(caller.number) is None:
            return False
        after_s = rules.offer_after_s
        if surge.state.on and in_surge is not None and in_surge.call_back_offer_after_s is not None:
            after_s = in_surge.call_back_offer_after_s
        return (now - caller.joined_at).total_seconds() >= after_s

    return offers
