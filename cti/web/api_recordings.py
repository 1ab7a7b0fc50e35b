"""The API of recordings: audio with HTTP ranges, waveform, transcript as JSON and WebVTT.

For supervisors and for the operator of that call. Reads, calls the shelf, presents.
"""

import asyncio
from datetime import timedelta

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from cti.web.access import call_for
from cti.web.inputs import RecordingPath, TapeQuery
from cti.web.openapi import Media, operation
from cti.web.problems import Problem, not_found
from cti.web.schemas import PeaksOut, RecordingOut, TranscriptOut, ticket_name
from cti.web.security import account_of, may_listen
from cti.web.services import services_of
from recordings.shelf import RecordingView, TranscriptView
from recordings.transcript import to_webvtt
from tickets.desk import CallLine, NotFound

ONE_LISTENING = timedelta(minutes=10)  # a player asks for a recording piece by piece
SENDING_DEADLINE_S = 600.0  # of a whole file to a slow client


class _Tape(web.FileResponse):
    """A file that is sent within a deadline: a client that stops reading gives its connection back."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Sends everything; aiohttp calls it after the handler."""
        try:
            async with asyncio.timeout(SENDING_DEADLINE_S):
                return await super().prepare(request)
        except TimeoutError as error:
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("the client reads too slowly") from error


async def _recording(request: web.Request, path: RecordingPath) -> RecordingView:
    return (await _of_call(request, path))[0]


async def _of_call(request: web.Request, path: RecordingPath) -> tuple[RecordingView, CallLine]:
    services = services_of(request)
    view = await services.shelf.by_id(path.recording_id)
    if view is None:
        raise not_found("such recording")
    try:
        line = await call_for(request, view.call_id)
    except NotFound as error:
        raise not_found("such recording") from error
    if not may_listen(account_of(request), line.call):
        raise Problem(403, "not-yours", "A recording is for supervisors and for the operator of that call.")
    return view, line


async def _write_down(
    request: web.Request, what: str, view: RecordingView, line: CallLine, *, once: bool
) -> None:
    """Into the audit log, before anything is given out: who cannot be written down hears nothing."""
    audit, login = services_of(request).audit, account_of(request).login
    subject, detail = ticket_name(line.ticket_number), {"recording": view.id}
    if once:
        await audit.add_once(login, what, subject, detail, within=ONE_LISTENING)
    else:
        await audit.add(login, what, subject, detail)


async def _transcript(request: web.Request, path: RecordingPath) -> TranscriptView:
    view = await _recording(request, path)
    if view.transcript is None:
        raise not_found(
            "transcript of this recording yet" if not view.missing_reason else "transcript without audio"
        )
    return view.transcript


@operation("GET", "/api/v1/recordings/{recording_id}", tag="Recordings", problems=(403,))
async def get_recording(request: web.Request, *, path: RecordingPath) -> RecordingOut:
    """What is known of a recording."""
    return RecordingOut.of(await _recording(request, path))


@operation(
    "GET",
    "/api/v1/recordings/{recording_id}/audio",
    tag="Recordings",
    media=Media("audio/mpeg", "Stereo MP3, the caller on the left, if the PBX told them apart", ranges=True),
    problems=(403, 416),
)
async def get_audio(request: web.Request, *, path: RecordingPath, query: TapeQuery) -> web.StreamResponse:
    """The recording itself; answers HTTP ranges.

    Who listened is in the audit log: once in ten minutes, however many pieces a player asks for.
    """
    view, line = await _of_call(request, path)
    if request.method == "GET":
        what = "recording.downloaded" if query.download else "recording.played"
        await _write_down(request, what, view, line, once=not query.download)
    audio = await services_of(request).shelf.open_audio(view.id)
    response = _Tape(audio.path, headers={"Cache-Control": "private, no-cache"})
    response.content_type = audio.content_type
    return response


@operation("GET", "/api/v1/recordings/{recording_id}/peaks", tag="Recordings", problems=(403,))
async def get_peaks(request: web.Request, *, path: RecordingPath) -> PeaksOut:
    """The recording's waveform."""
    view = await _recording(request, path)
    return PeaksOut(seconds=view.seconds, caller=list(view.peaks.caller), heard=list(view.peaks.heard))


@operation("GET", "/api/v1/recordings/{recording_id}/transcript", tag="Recordings", problems=(403,))
async def get_transcript(request: web.Request, *, path: RecordingPath) -> TranscriptOut:
    """What was said, with times."""
    return TranscriptOut.of(await _transcript(request, path))


@operation(
    "GET",
    "/api/v1/recordings/{recording_id}/transcript.vtt",
    tag="Recordings",
    media=Media("text/vtt", "WebVTT with a voice tag per speaker"),
    problems=(403,),
)
async def get_webvtt(request: web.Request, *, path: RecordingPath, query: TapeQuery) -> web.StreamResponse:
    """What was said, as WebVTT."""
    transcript = await _transcript(request, path)
    if query.download and request.method == "GET":
        view, line = await _of_call(request, path)
        await _write_down(request, "transcript.downloaded", view, line, once=False)
    return web.Response(text=to_webvtt(transcript.phrases), content_type="text/vtt", charset="utf-8")


OPERATIONS = (get_recording, get_audio, get_peaks, get_transcript, get_webvtt)
