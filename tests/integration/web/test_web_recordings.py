"""Recordings over HTTP: ranges, transcript, and who may have them."""

import random

import pytest
from aiohttp import ClientSession

from recordings.intake import TRANSCRIBE
from recordings.transcript import Phrase, Word
from tests.fakes.desk_day import VISITS
from tests.fakes.web_room import TOMAS, WebRoom
from tickets.jobs import JobQueue
from tickets.vocabulary import EventKind

pytestmark = pytest.mark.integration

TALKED, BY_BOT = VISITS[5], VISITS[6]
VOICEMAIL = next(
    visit for visit in VISITS if any(kind is EventKind.VOICEMAIL_STARTED for _, kind, _ in visit.steps)
)
SOUND = random.Random(1).randbytes(5000)
PHRASES = [
    Phrase("caller", 1.5, 2.25, "When is the draw --> <i>tonight</i>?", 0.9, (Word("When", 1.5, 1.7, 0.8),)),
    Phrase("operator", 3.0, 4.0, "At eight."),
]


async def kept(desk: WebRoom) -> str:
    await desk.happen(TALKED)
    return f"/api/v1/recordings/{await desk.keep_tape(TALKED, SOUND, PHRASES)}"


async def test_it_gives_the_whole_recording(desk: WebRoom, sofia: ClientSession) -> None:
    path = await kept(desk)
    async with sofia.get(f"{path}/audio") as answer:
        assert answer.status == 200
        assert answer.content_type == "audio/mpeg"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert "private" in answer.headers["Cache-Control"]
        assert await answer.read() == SOUND
        mark = answer.headers["ETag"]
    async with sofia.get(f"{path}/audio", headers={"If-None-Match": mark}) as answer:
        assert answer.status == 304
    async with sofia.head(f"{path}/audio") as answer:
        assert answer.headers["Content-Length"] == "5000"


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, 4999),
        ("bytes=100-199", 100, 199),
        ("bytes=4999-", 4999, 4999),
        ("bytes=-1", 4999, 4999),
        ("bytes=-9999", 0, 4999),
        ("bytes=4000-99999999", 4000, 4999),
    ],
)
async def test_it_gives_the_range_that_is_asked_for(
    desk: WebRoom, sofia: ClientSession, asked: str, first: int, last: int
) -> None:
    path = await kept(desk)
    async with sofia.get(f"{path}/audio", headers={"Range": asked}) as answer:
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/5000"
        assert await answer.read() == SOUND[first : last + 1]


async def test_it_never_breaks_on_a_range(desk: WebRoom, sofia: ClientSession) -> None:
    path = await kept(desk)
    luck = random.Random(3)
    made = ["".join(luck.choices("bytes=0123456789-, ", k=luck.randrange(1, 24))) for _ in range(60)]
    spans = [f"bytes={luck.randrange(-10, 9000)}-{luck.randrange(-10, 9000)}" for _ in range(60)]
    known = ["bytes=5000-", "bytes=99-1", "bytes=-0", "bytes=-", "bytes=0-1,3-4", "lines=0-1", "bytes=0-0x"]
    for asked in [*known, *made, *spans, f"bytes=0-{'9' * 400}"]:
        async with sofia.get(f"{path}/audio", headers={"Range": asked.strip()}) as answer:
            assert answer.status in {200, 206, 400, 416}, asked
            body = await answer.read()
            if answer.status == 206:
                first, last = answer.headers["Content-Range"].split()[1].split("/")[0].split("-")
                assert body == SOUND[int(first) : int(last) + 1]
            elif answer.status == 200:
                assert body == SOUND


async def test_it_gives_what_was_said_as_json_and_webvtt(desk: WebRoom, sofia: ClientSession) -> None:
    path = await kept(desk)
    async with sofia.get(f"{path}/transcript") as answer:
        transcript = await answer.json()
    assert transcript["phrases"][0]["words"] == [
        {"text": "When", "start_s": 1.5, "end_s": 1.7, "confidence": 0.8}
    ]
    assert transcript["phrases"][1]["speaker"] == "operator"
    async with sofia.get(f"{path}/transcript.vtt") as answer:
        assert answer.content_type == "text/vtt"
        vtt = await answer.text()
    assert vtt.startswith("WEBVTT\n")
    assert (
        "00:00:01.500 --> 00:00:02.250\n<v caller>When is the draw --&gt; &lt;i&gt;tonight&lt;/i&gt;?</v>"
        in vtt
    )
    async with sofia.get(f"{path}/peaks") as answer:
        assert await answer.json() == {"seconds": 26.2, "caller": [0, 50], "heard": [9, 0]}
    async with sofia.get(path) as answer:
        assert (await answer.json())["transcribed"] is True


async def test_it_lets_supervisors_and_that_calls_operator_listen(
    desk: WebRoom, grace: ClientSession
) -> None:
    path = await kept(desk)
    async with desk.person(TOMAS) as tomas:
        for part in ("", "/audio", "/peaks", "/transcript", "/transcript.vtt"):
            async with grace.get(path + part) as answer:
                assert answer.status == 200
            async with tomas.get(path + part) as answer:
                assert answer.status == 403
                assert "At eight" not in await answer.text()


async def test_it_leaks_no_words_of_anothers_call_through_the_ticket(
    desk: WebRoom, grace: ClientSession
) -> None:
    name = await desk.happen(TALKED)
    async with desk.person(TOMAS) as tomas:
        for person, readable in ((grace, True), (tomas, False)):
            async with person.get(f"/api/v1/tickets/{name}") as answer:
                events = (await answer.json())["events"]
            words = [event["data"]["text"] for event in events if event["kind"] == "bot.turn"]
            assert words
            assert all((text is not None) is readable for text in words)


async def test_it_lets_every_operator_hear_a_voicemail_for_one_of_them_calls_back(
    desk: WebRoom, grace: ClientSession
) -> None:
    await desk.happen(VOICEMAIL)
    tape = await desk.keep_tape(VOICEMAIL, SOUND)
    async with grace.get(f"/api/v1/recordings/{tape}/audio") as answer:
        assert answer.status == 200


async def test_it_keeps_calls_that_only_the_bot_answered_for_supervisors(
    desk: WebRoom, grace: ClientSession
) -> None:
    await desk.happen(BY_BOT)
    tape = await desk.keep_tape(BY_BOT, SOUND)
    async with grace.get(f"/api/v1/recordings/{tape}/audio") as answer:
        assert answer.status == 403


async def test_it_says_what_is_missing(desk: WebRoom, sofia: ClientSession) -> None:
    await desk.happen(BY_BOT)
    path = f"/api/v1/recordings/{await desk.keep_tape(BY_BOT, None)}"
    async with sofia.get(path) as answer:
        assert (await answer.json())["missing_reason"] == "It is lost."
    for part in ("/audio", "/transcript", "/transcript.vtt"):
        async with sofia.get(path + part) as answer:
            assert answer.status == 404
            assert answer.content_type == "application/problem+json"


async def test_it_says_so_when_the_file_is_gone_from_the_shelf(desk: WebRoom, sofia: ClientSession) -> None:
    path = await kept(desk)
    for file in (desk.folder / "shelf").rglob("*.mp3"):
        file.unlink()
    async with sofia.get(f"{path}/audio") as answer:
        assert answer.status == 404


async def test_the_ticket_says_why_there_is_no_transcript(desk: WebRoom, sofia: ClientSession) -> None:
    ticket = await desk.happen(TALKED)
    recording_id = await desk.keep_tape(TALKED, SOUND)
    jobs = JobQueue(desk.database.sessions, deadline_s=10)
    await jobs.enqueue(TRANSCRIBE, TALKED.call_id(desk.now), {"recording_id": recording_id})
    job = await jobs.lease([TRANSCRIBE], 60)
    assert job is not None
    await jobs.failed(job, "BadAudio: damaged", None)
    async with sofia.get(f"/tickets/{ticket}") as answer:
        page = await answer.text()
    assert "The audio is damaged." in page
    assert "Being transcribed" not in page
    async with sofia.get(f"/api/v1/recordings/{recording_id}") as answer:
        assert (await answer.json())["transcript_missing_reason"] == "The audio is damaged."
