"""How house tests look at the outcome: ticket, call and recording, as the desk would show them."""

from tests.fakes.outcome import Outcome, outcome_in
from tests.house.centre import Centre

__all__ = ["Outcome", "outcome_of"]


async def outcome_of(
    centre: Centre, call_id: str, *, transcript: bool = False, within_s: float = 60
) -> Outcome:
    """Wait until the call has ended and its recording (and transcript) is there; exactly one ticket."""
    shelf = centre.settings.recordings_folder
    return await outcome_in(centre.database, shelf, call_id, transcript=transcript, within_s=within_s)
