"""Where to split a recording: at silences, into stretches that a recogniser hears in one go. Pure."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Stretch(NamedTuple):
    """A part of a recording, in seconds from its beginning."""

    start_s: float
    end_s: float


def split_at_silences(
    voiced: Sequence[bool],
    frame_s: float,
    *,
    gap_s: float = 0.6,
    shortest_s: float = 0.1,
    longest_s: float = 14.0,
    margin_s: float = 0.24,
) -> list[Stretch]:
    """Find the stretches with speech.

    Args:
        voiced: a flag per frame.
        frame_s: length of a frame.
        gap_s: a shorter silence does not end a stretch.
        shortest_s: stretches with less voiced time are clicks, and left out.
        longest_s: a longer stretch is split at its widest inner silences.
        margin_s: silence kept on either side: soft beginnings and ends of words are no voice to a detector.
    """
    runs = list(_runs(voiced))
    stretches: list[list[tuple[int, int]]] = []
    for run in runs:
        if stretches and (run[0] - stretches[-1][-1][1]) * frame_s < gap_s:
            stretches[-1].append(run)
        else:
            stretches.append([run])
    loud = [s for s in stretches if sum(end - start for start, end in s) * frame_s >= shortest_s]
    parts = [part for stretch in loud for part in _halve(stretch, longest_s / frame_s)]
    return [
        Stretch(
            max(start * frame_s - margin_s, (parts[i - 1][1] + start) / 2 * frame_s if i else 0.0),
            min(
                end * frame_s + margin_s,
                (end + parts[i + 1][0]) / 2 * frame_s if i + 1 < len(parts) else len(voiced) * frame_s,
            ),
        )
        for i, (start, end) in enumerate(parts)
    ]


def _runs(voiced: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Runs of voiced frames as (first, after last)."""
    start: int | None = None
    for at, flag in enumerate(voiced):
        if flag and start is None:
            start = at
        elif not flag and start is not None:
            yield start, at
            start = None
    if start is not None:
        yield start, len(voiced)


def _halve(runs: list[tuple[int, int]], longest: float) -> Iterator[tuple[int, int]]:
    """One stretch as parts of at most `longest` frames, cut at its widest silences (else in the middle)."""
    start, end = runs[0][0], runs[-1][1]
    if end - start <= longest:
        yield start, end
    elif len(runs) == 1:
        middle = (start + end) // 2
        yield from _halve([(start, middle)], longest)
        yield from _halve([(middle, end)], longest)
    else:
        widest = max(range(1, len(runs)), key=lambda i: runs[i][0] - runs[i - 1][1])
        yield from _halve(runs[:widest], longest)
        yield from _halve(runs[widest:], longest)
