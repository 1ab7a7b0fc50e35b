"""The language of each call that goes on, in memory: the waiting room asks for it and never waits.

Told by the calls' events as they are published; of calls from before our start, by the ledger.
"""

from collections import OrderedDict
from collections.abc import Mapping

from tickets.events import CallEvent
from tickets.vocabulary import EventKind

REMEMBERED = 10_000  # calls; the oldest are forgotten first


class CallLanguages:
    """Used from one event loop."""

    def __init__(self, own: str) -> None:
        """`own`: of calls that nothing else is known of."""
        self._own = own
        self._known: OrderedDict[str, str] = OrderedDict()

    def begin_with(self, languages: Mapping[str, str]) -> None:
        """Of calls under way at our start."""
        for call_id, language in languages.items():
            self._known.setdefault(call_id, language)

    def hear(self, event: CallEvent) -> None:
        """Something has happened to a call."""
        if event.kind is EventKind.ENDED:
            self._known.pop(event.call_id, None)
        elif event.kind is EventKind.LANGUAGE:
            self.tell(event.call_id, str(event.data.get("language", self._own)))

    def tell(self, call_id: str, language: str) -> None:
        """A call of ours begins in that language."""
        self._known[call_id] = language
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def of(self, call_id: str) -> str:
        """A call's, BCP 47."""
        return self._known.get(call_id, self._own)
