# SPDX-License-Identifier: MIT
"""picture.py - curves as an SVG, with both axes logarithmic.

Each curve is labelled at its end, in its own colour; labels that would lie on
one another are moved apart. Colours follow the reader's preference for light or
dark. Same curves, same bytes.
"""

import math

WIDTH, HEIGHT = 860, 500
LEFT, RIGHT, TOP, BOTTOM = 70, 220, 50, 56
LABEL_HEIGHT = 17

# By curve, for light and for dark backgrounds. The peer's are gray.
COLOURS = (("#0550ae", "#79c0ff"), ("#8250df", "#d2a8ff"),
           ("#1a7f37", "#56d364"), ("#bc4c00", "#ffa657"),
           ("#cf222e", "#ff7b72"))
GRAY = ("#6e7781", "#8b949e")

BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "bytes"))
MICROSECONDS = ((1e6, "s"), (1e3, "ms"), (1, "us"))


def text_of(value, units):
    for unit, name in units:
        if value >= unit * 0.9999:
            return f"{value / unit:g} {name}"
    return f"{value:g} {units[-1][1]}"


class Scale:
    """Maps [low, high] to [start, end], by logarithms."""

    def __init__(self, low, high, start, end):
        self.low, self.high = math.log10(low), math.log10(high)
        self.start, self.end = start, end

    def at(self, value):
        part = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)

    def decades(self):
        first, last = math.ceil(self.low - 1e-9), math.floor(self.high + 1e-9)
        return [10.0 ** power for power in range(first, last + 1)]


def scales_of(curves):
    points = [point for curve in curves for point in curve["points"]]
    low = min(x for x, _ in points)
    high = max(x for x, _ in points)
    bottom = 10.0 ** math.floor(math.log10(min(y for _, y in points)))
    top = 10.0 ** math.ceil(math.log10(max(y for _, y in points)))
    return (Scale(low, max(high, low * 10), LEFT, WIDTH - RIGHT),
            Scale(bottom, max(top, bottom * 10), HEIGHT - BOTTOM, TOP))


def style_of(curves):
    """Rules for light, then for dark."""
    parts = []
    for number, (paper, ink, line) in enumerate(
            (("#ffffff", "#1f2328", "#d1d9e0"),
             ("#0d1117", "#f0f6fc", "#3d444d"))):
        rules = [f".paper{{fill:{paper}}}",
                 f"text{{fill:{ink};stroke:{paper}}}",
                 f".grid{{stroke:{line}}}"]
        for index, curve in enumerate(curves):
            colour = colour_of(index, curve)[number]
            rules.append(f".c{index}{{stroke:{colour}}}")
            rules.append(f".c{index}t{{fill:{colour}}}")
        text = "".join(rules)
        parts.append(text if number == 0 else
                     f"@media(prefers-color-scheme:dark){{{text}}}")
    return ("text{font:13px system-ui,sans-serif;paint-order:stroke;"
            "stroke-width:4px;stroke-linejoin:round}.title{font-weight:600}"
            "path,.grid{fill:none}.curve{stroke-width:2.2}"
            ".theirs{stroke-dasharray:6 4}" + "".join(parts))


def colour_of(index, curve):
    return COLOURS[index % len(COLOURS)] if curve["side"] == "torpor" else GRAY


def spread(places):
    """Moves labels down until none lies on another; the order stays."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    moved = list(places)
    for before, index in zip(order, order[1:]):
        moved[index] = max(moved[index], moved[before] + LABEL_HEIGHT)
    return moved


def draw_grid(across, up):
    parts = []
    for value in up.decades():
        y = up.at(value)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" '
                     f'x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
                     f'<text x="{LEFT - 8}" y="{y + 4:.1f}" '
                     f'text-anchor="end">{text_of(value, MICROSECONDS)}</text>')
    for value in across.decades():
        x = across.at(value)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" '
                     f'x2="{x:.1f}" y2="{HEIGHT - BOTTOM}"/>'
                     f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" '
                     f'text-anchor="middle">{text_of(value, BYTES)}</text>')
    return parts


def draw_curve(index, curve, across, up):
    places = [(across.at(x), up.at(y)) for x, y in curve["points"]]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    theirs = "" if curve["side"] == "torpor" else " theirs"
    dots = "".join(f'<circle class="c{index}t" cx="{x:.1f}" cy="{y:.1f}" '
                   'r="3.2"/>' for x, y in places)
    return f'<path class="curve c{index}{theirs}" d="M{path}"/>{dots}'


def draw_label(index, curve, across, y):
    size, took = curve["points"][-1]
    took = text_of(float(f"{took:.2g}"), MICROSECONDS)
    return (f'<text class="c{index}t" x="{across.at(size) + 9:.1f}" '
            f'y="{y + 4:.1f}">{curve["name"]}, {took}</text>')


def draw(curves, title, across_name):
    """The picture as text."""
    across, up = scales_of(curves)
    labels = spread([up.at(curve["points"][-1][1]) for curve in curves])
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} '
        f'{HEIGHT}" role="img" aria-label="{title}">',
        f"<style>{style_of(curves)}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>',
        f'<text class="title" x="{LEFT}" y="28">{title}</text>',
        *draw_grid(across, up),
        f'<text x="{middle:.0f}" y="{HEIGHT - 12}" text-anchor="middle">'
        f"{across_name}</text>",
        *(draw_curve(index, curve, across, up)
          for index, curve in enumerate(curves)),
        *(draw_label(index, curve, across, labels[index])
          for index, curve in enumerate(curves)),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
