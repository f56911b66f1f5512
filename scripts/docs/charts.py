"""Small SVG charts without a library: lines on logarithmic axes, and bars. They follow the reader's colour scheme."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape
from typing import TypeVar

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 74, 190, 58, 56
# Okabe and Ito's palette, which colour-blind people can tell apart, on white and on black.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a8a")
_STYLE = (
    "text{font:13px system-ui,-apple-system,'Segoe UI',Roboto,Arial,sans-serif;fill:#333}.title{font-size:16px;font-weight:600}"
    ".small{font-size:12px;fill:#666}.grid{stroke:#ddd}.axis{stroke:#888}.range{stroke:#222}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}.small{fill:#aaa}.grid{stroke:#3a3a3a}.axis{stroke:#888}.range{stroke:#eee}}"
)

Place = Callable[[float], float]
T = TypeVar("T")


@dataclass(frozen=True)
class Point:
    """A median with the lowest and the highest round."""

    x: float
    y: float
    low: float
    high: float


def number(value: float) -> str:
    """1,234 or 0.42: as many digits as say something."""
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}"


def lines(
    title: str, x_label: str, y_label: str, series: dict[str, list[Point]], *, note: str = "", colours: dict[str, str] | None = None
) -> str:
    """One line a contender, with the range of the rounds; both axes logarithmic. `note` stands under the title."""
    points = [point for found in series.values() for point in found]
    xs = sorted({point.x for point in points})
    x_at = _scale(xs[0], xs[-1], LEFT, WIDTH - RIGHT)
    least, most = _decades(min(point.low for point in points), max(point.high for point in points))
    y_at = _scale(least, most, HEIGHT - BOTTOM, TOP)
    parts = [*_frame(title, f"{x_label} (logarithmic)", f"{y_label} (logarithmic)", note)]
    for tick in _ticks(least, most):
        parts += [_line(LEFT, y_at(tick), WIDTH - RIGHT, y_at(tick), "grid"), _text(LEFT - 8, y_at(tick) + 4, number(tick), "small", "end")]
    parts += [_text(x_at(x), HEIGHT - BOTTOM + 20, number(x), "small", "middle") for x in xs]
    labels = _spread([(y_at(found[-1].y), name) for name, found in series.items()])
    for name, found, colour in _coloured(series.items(), colours):
        parts += _one_line(found, colour, x_at, y_at)
        parts.append(
            f'<text x="{WIDTH - RIGHT + 14}" y="{labels[name] + 4:.1f}" style="fill:{colour};font-weight:600">{escape(name)}</text>'
        )
    return _svg(parts, HEIGHT)


def _coloured(rows: Iterable[tuple[str, T]], colours: dict[str, str] | None) -> Iterable[tuple[str, T, str]]:
    """Each with the colour of its name, or the next one."""
    return [(name, row, (colours or {}).get(name, COLOURS[nth % len(COLOURS)])) for nth, (name, row) in enumerate(rows)]


def _one_line(found: list[Point], colour: str, x_at: Place, y_at: Place) -> Iterable[str]:
    path = " ".join(f"{x_at(point.x):.1f},{y_at(point.y):.1f}" for point in found)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5" stroke-linejoin="round"/>'
    for point in found:
        x, low, high = x_at(point.x), y_at(point.low), y_at(point.high)
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{colour}" stroke-opacity=".5"/>'
        yield f'<circle cx="{x:.1f}" cy="{y_at(point.y):.1f}" r="3.5" fill="{colour}"/>'


def bars(title: str, x_label: str, rows: list[tuple[str, Point, str]], *, note: str = "", colours: dict[str, str] | None = None) -> str:
    """One horizontal bar a row, its value and what is said of it beside it, the range of the rounds as a thin line."""
    step, top = 34, TOP + 8
    height = top + step * len(rows) + 44
    left, most = 210, max(point.high for _, point, _ in rows)
    reach = WIDTH - left - 170
    parts = [*_title(title, note), _text(left, height - 14, x_label, "small", "start")]
    for nth, (name, (point, said), colour) in enumerate(_coloured(((name, (point, said)) for name, point, said in rows), colours)):
        y, end = top + nth * step, left + reach * point.y / most
        low, high = (left + reach * value / most for value in (point.low, point.high))
        parts += [
            _text(left - 10, y + 17, name, "", "end"),
            f'<rect x="{left}" y="{y}" width="{end - left:.1f}" height="22" rx="2" fill="{colour}" fill-opacity=".85"/>',
            f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{y + 11}" y2="{y + 11}" class="range" stroke-width="2"/>',
            _text(max(end, high) + 8, y + 16, number(point.y) + said, "", "start"),
        ]
    return _svg(parts, height)


def _title(title: str, note: str) -> Iterable[str]:
    yield _text(20, 22, title, "title", "start")
    if note:
        yield _text(20, 40, note, "small", "start")


def _frame(title: str, x_label: str, y_label: str, note: str) -> Iterable[str]:
    yield from _title(title, note)
    yield _line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "axis")
    yield _line(LEFT, TOP, LEFT, HEIGHT - BOTTOM, "axis")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label, "small", "middle")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield f'<text class="small" text-anchor="middle" transform="translate(18 {middle}) rotate(-90)">{escape(y_label)}</text>'


def _scale(low: float, high: float, start: float, end: float) -> Place:
    if high <= low:
        return lambda value: (start + end) / 2
    return lambda value: start + (end - start) * (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))


def _decades(low: float, high: float) -> tuple[float, float]:
    """The next 1, 2 or 5 below and above."""
    low, high = max(low, 1e-3), max(high, 1e-3)
    steps = [base * 10**power for power in range(-3, 9) for base in (1, 2, 5)]
    least = max(step for step in steps if step <= low * 1.0001)
    return least, min((step for step in steps if step >= high and step > least), default=high)


def _ticks(least: float, most: float) -> list[float]:
    dense = most / least <= 200
    bases = (1, 2, 5) if dense else (1,)
    found = [base * 10.0**power for power in range(-3, 9) for base in bases]
    return [tick for tick in found if least * 0.999 <= tick <= most * 1.001]


def _spread(wanted: list[tuple[float, str]], gap: float = 18) -> dict[str, float]:
    """Where labels go: near their lines, and not over one another."""
    placed: dict[str, float] = {}
    last = -math.inf
    for y, name in sorted(wanted):
        last = max(y, last + gap)
        placed[name] = last
    over = max(0.0, last - (HEIGHT - BOTTOM))
    return {name: y - over for name, y in placed.items()}


def _text(x: float, y: float, text: str, kind: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _svg(parts: Iterable[str], height: float) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img"><style>{_STYLE}</style>'
    return "\n".join([head, *parts, "</svg>"]) + "\n"
