"""Words of transcripts, to be searched: what is kept beside each transcript, and who finds it.

Text is kept in lower case and looked through as it is, newest recordings first, so that it works the same on
both databases; a search that takes too long is given up. Knows rows; knows no web.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, select

from recordings.tables import Recording, Transcript
from tickets.database import Sessions, use_case
from tickets.patterns import containing
from tickets.tables import CallRow, TicketRow


@dataclass(frozen=True, slots=True)
class Mention:
    """A call in whose recording the words were said."""

    ticket_number: int
    text: str  # the whole transcript, as it is kept for searching


class TranscriptSearch:
    """Looks through transcripts."""

    def __init__(self, sessions: Sessions, *, deadline_s: float = 2.0) -> None:
        self._sessions = sessions
        self._deadline_s = deadline_s

    @use_case
    async def find(self, words: Sequence[str], hearable: ColumnElement[bool], limit: int) -> list[Mention]:
        """Calls in which all these words were said, newest recordings first.

        `hearable`: a clause over `calls` and `tickets`, for the recordings that who asks may hear.
        """
        query = (
            select(TicketRow.number, Transcript.words)
            .join(Recording, Recording.id == Transcript.recording_id)
            .join(CallRow, CallRow.call_id == Recording.call_id)
            .join(TicketRow, TicketRow.call_id == CallRow.call_id)
            .where(hearable, *(containing(Transcript.words, word) for word in words))
            .order_by(Transcript.recording_id.desc())
            .limit(limit)
        )
        async with self._sessions() as session:
            return [Mention(number, text) for number, text in await session.execute(query)]
