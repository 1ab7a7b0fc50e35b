"""The matrix as a picture for the docs: SVG written by hand. Pure."""

from collections.abc import Sequence
from html import escape

from tests.house.faults.matrix import Cell, Got, Matrix

LEFT, TOP, WIDE, HIGH = 250, 150, 74, 26  # of the table's corner and of a cell
COLOURS = {  # fill, ink
    "quick": ("#1b7f5c", "#ffffff"),
    "fine": ("#57b894", "#06281c"),
    "stays": ("#cfe8de", "#14523c"),
    "left": ("#e9ebee", "#4a5158"),
    "short": ("#c8352b", "#ffffff"),
    "untried": ("#f4e3b5", "#5f4a08"),
}
LEGEND = (
    ("quick", "with people within 1 s"),
    ("fine", "within 5 s"),
    ("stays", "was with people and stays"),
    ("left", "had hung up: ticket and recording"),
    ("short", "falls short"),
)


def svg(matrix: Matrix, moments: Sequence[str], title: str) -> str:
    """Rows are faults, columns moments; the figure is the seconds from the fault to the operators' queue."""
    faults = matrix.faults
    width = LEFT + WIDE * len(moments) + 24
    height = TOP + HIGH * len(faults) + 62
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'font-family="system-ui, -apple-system, Segoe UI, sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(16, 28, title, size=17, weight="600"),
        _text(16, 48, "Seconds from the fault until the caller is in the operators' queue.", ink="#4a5158"),
    ]
    for column, moment in enumerate(moments):
        x, y = LEFT + WIDE * column + WIDE / 2 + 4, TOP - 10
        parts.append(
            f'<text x="{x:g}" y="{y:g}" fill="#20262c" transform="rotate(-38 {x:g} {y:g})">'
            f"{escape(moment)}</text>"
        )
    for row, fault in enumerate(faults):
        y = TOP + HIGH * row
        parts.append(_text(LEFT - 10, y + 17, fault, anchor="end", ink="#20262c"))
        cells = matrix.row(fault)
        for column, moment in enumerate(moments):
            parts.append(_cell(LEFT + WIDE * column, y, cells.get(moment), fault in matrix.troubles))
    parts += _legend(TOP + HIGH * len(faults) + 30)
    return "\n".join([*parts, "</svg>\n"])


def _cell(x: float, y: float, cell: Cell | None, troubled: bool) -> str:
    if cell is None:
        kind, words = ("untried", "?") if troubled else ("left", "")
        detail = "not tried"
    else:
        kind, words = _kind(cell), cell.words()
        detail = "; ".join(
            [
                f"{cell.fault}, {cell.moment}: {cell.where}",
                f"recording {cell.tape.words()}",
                *cell.shortcomings(),
            ]
        )
    fill, ink = COLOURS[kind]
    return (
        f'<g><title>{escape(detail)}</title><rect x="{x + 1:g}" y="{y + 1:g}" width="{WIDE - 2}" '
        f'height="{HIGH - 2}" rx="3" fill="{fill}"/>'
        + _text(x + WIDE / 2, y + 17, words, anchor="middle", ink=ink)
        + "</g>"
    )


def _kind(cell: Cell) -> str:
    if not cell.holds:
        return "short"
    if cell.got is Got.STAYED:
        return "stays"
    if cell.got is Got.LEFT:
        return "left"
    return "quick" if cell.after_s is not None and cell.after_s <= 1.0 else "fine"


def _legend(y: float) -> list[str]:
    parts, x = [], 16.0
    for kind, words in LEGEND:
        parts.append(f'<rect x="{x:g}" y="{y:g}" width="14" height="14" rx="3" fill="{COLOURS[kind][0]}"/>')
        parts.append(_text(x + 20, y + 11, words, ink="#4a5158"))
        x += 34 + 6.6 * len(words)
    return parts


def _text(
    x: float, y: float, words: str, *, size: int = 12, weight: str = "400", anchor: str = "start",
    ink: str = "#20262c",
) -> str:  # fmt: skip
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" '
        f'fill="{ink}">{escape(words)}</text>'
    )
