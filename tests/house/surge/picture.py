"""The run as a picture: calls by stage over time, stacked; an SVG of our own making. Pure."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from xml.sax.saxutils import escape

from tests.house.surge.watch import Moment

COLOURS = {
    "menu": "#8ab4f8",
    "bot": "#b39ddb",
    "queued": "#f6ad55",
    "talking": "#68b984",
    "voicemail": "#9aa5b1",
}
NAMES = {"menu": "in the menu", "bot": "with the bot", "queued": "in the queue", "talking": "talking",
         "voicemail": "leaving a message"}  # fmt: skip
Scale = Callable[[float], float]

WIDTH, HEIGHT = 900, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 64, 44
AFTERWARDS_S = 15.0


def draw(moments: Sequence[Moment], title: str) -> str:
    """An SVG document. It ends soon after the last call: recordings are taken in for minutes more."""
    last = max((moment.at_s for moment in moments if moment.calls), default=0.0)
    moments = [moment for moment in moments if moment.at_s <= last + AFTERWARDS_S]
    stages = [stage for stage in COLOURS if any(moment.stages[stage] for moment in moments)]
    longest = max((moment.at_s for moment in moments), default=1.0)
    highest = _round_up(max((moment.calls for moment in moments), default=1))

    def x(at_s: float) -> float:
        return LEFT + at_s / longest * (WIDTH - LEFT - RIGHT)

    def y(calls: float) -> float:
        return HEIGHT - BOTTOM - calls / highest * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#1f2933">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="16" font-weight="600">{escape(title)}</text>',
        *_surges(moments, x),
        *_grid(longest, highest, x, y),
    ]
    tops = [list(accumulate(moment.stages[stage] for stage in stages)) for moment in moments]
    for n, stage in enumerate(stages):
        above = [f"{x(m.at_s):.1f},{y(top[n]):.1f}" for m, top in zip(moments, tops, strict=True)]
        below = [
            f"{x(m.at_s):.1f},{y(top[n - 1] if n else 0):.1f}" for m, top in zip(moments, tops, strict=True)
        ]
        parts.append(f'<polygon points="{" ".join([*above, *reversed(below)])}" fill="{COLOURS[stage]}"/>')
    for n, stage in enumerate(stages):
        at = LEFT + n * 150
        parts.append(f'<rect x="{at}" y="38" width="12" height="12" rx="2" fill="{COLOURS[stage]}"/>')
        parts.append(f'<text x="{at + 18}" y="49">{NAMES[stage]}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _surges(moments: Sequence[Moment], x: Scale) -> list[str]:
    """Grey behind the stretches in surge mode."""
    parts, began = [], None
    for moment, after in zip(moments, [*moments[1:], None], strict=True):
        if moment.surge and began is None:
            began = moment.at_s
        if began is not None and (after is None or not after.surge):
            width = x(moment.at_s) - x(began)
            parts.append(
                f'<rect x="{x(began):.1f}" y="{TOP}" width="{width:.1f}" '
                f'height="{HEIGHT - TOP - BOTTOM}" fill="#f0f2f5"/>'
                f'<text x="{x(began) + 6:.1f}" y="{TOP + 16}" fill="#52606d">surge mode</text>'
            )
            began = None
    return parts


def _grid(longest: float, highest: int, x: Scale, y: Scale) -> list[str]:
    parts = []
    for calls in range(0, highest + 1, max(1, highest // 5)):
        parts.append(
            f'<path d="M{LEFT} {y(calls):.1f}H{WIDTH - RIGHT}" stroke="#d9dee4"/>'
            f'<text x="{LEFT - 8}" y="{y(calls) + 4:.1f}" text-anchor="end">{calls}</text>'
        )
    step = 60 if longest > 120 else 15
    for second in range(0, int(longest) + 1, step):
        label = f"{second // 60}:{second % 60:02}"
        parts.append(f'<text x="{x(second):.1f}" y="{HEIGHT - 22}" text-anchor="middle">{label}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 5}" text-anchor="middle" fill="#52606d">minutes</text>')
    return parts


def _round_up(number: int) -> int:
    step = 5 if number <= 25 else 25 if number <= 125 else 50
    return max(step, -(-number // step) * step)
