"""The tape shelf's rows: one recording per call, one transcript per recording.

Lies on the base of `tickets`; knows how rows look, not how they come to be.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Integer, String, Text
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from recordings.transcript import spoken
from tickets.database import Base, UtcDateTime


def _words(context: DefaultExecutionContext) -> str:
    phrases = context.get_current_parameters()["phrases"]  # type: ignore[no-untyped-call]
    return spoken(phrase["text"] for phrase in phrases)


class Recording(Base):
    """A call's tape, or the reason why there is none.

    `missing_reason` is None exactly when `key`, `sha256`, `seconds` and `bytes` tell of a file in the store.
    """

    __tablename__ = "recordings"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    call_id: Mapped[str] = mapped_column(String(200), ForeignKey("calls.call_id"), unique=True)
    key: Mapped[str | None] = mapped_column(String(255))  # in the store: 2026/11/21/<call_id>.mp3
    sha256: Mapped[str | None] = mapped_column(String(64))  # of the stored file, hexadecimal
    seconds: Mapped[float | None] = mapped_column(Float)
    bytes: Mapped[int | None] = mapped_column(BigInteger)  # of the stored file
    # Waveform: {"caller": [...], "heard": [...]}, integers 0 … 100 (per cent of full scale), oldest first.
    peaks: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    # Of a tape that was delivered in parts: recordings.parts.to_json, in their order. None: the spool's.
    parts: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    # Keys of tapes that had fewer parts: to be forgotten by the store.
    replaced: Mapped[list[str] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    missing_reason: Mapped[str | None] = mapped_column(String(200))  # a sentence for the ticket page


class Transcript(Base):
    """What was said in a recording. Text of people: never to be logged."""

    __tablename__ = "transcripts"

    recording_id: Mapped[int] = mapped_column(
        ForeignKey("recordings.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    language: Mapped[str] = mapped_column(String(16))  # BCP 47: "en"
    engine: Mapped[str] = mapped_column(String(64))  # "whisper tiny.en"
    phrases: Mapped[list[dict[str, Any]]] = mapped_column(JSON)  # recordings.transcript.to_json
    words: Mapped[str] = mapped_column(Text, default=_words, server_default="")  # the same, to be searched
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
