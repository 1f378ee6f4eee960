# SPDX-License-Identifier: MIT
"""report.py - from measured values to rows, and rows to JSON and tables.

'values' maps (work, side) to a number; what could not be measured is missing.
"""

import math

import rows

HEAD = ("what", "Torpor", "peer", "", "ratio", "goal", "")


def geometric_mean(numbers):
    return math.exp(sum(math.log(number) for number in numbers) / len(numbers))


def compare(row, ours, theirs):
    """How many times better than the peer, None when a side is missing."""
    if ours is None or theirs is None or ours <= 0 or theirs <= 0:
        return None
    return ours / theirs if row.rate else theirs / ours


def is_met(row, ours, ratio):
    if row.goal is None:
        return None
    if row.most:
        return None if ours is None else ours <= row.goal
    return None if ratio is None else ratio >= row.goal


def make_result(row, values):
    """What bench.json says of a row."""
    ours = [values.get((work, row.ours)) for work in row.works]
    theirs = [values.get((work, row.peer)) for work in row.works]
    ratios = [compare(row, *pair) for pair in zip(ours, theirs)]
    ratio = None if None in ratios else geometric_mean(ratios)
    mine = None if None in ours else geometric_mean(ours)
    return {
        "name": row.name,
        "unit": row.unit,
        "torpor": mine,
        "peer": row.peer,
        "peer_value": None if None in theirs else geometric_mean(theirs),
        "ratio": ratio,
        "goal": row.goal,
        "goal_is": "at most" if row.most else "ratio",
        "met": is_met(row, mine, ratio),
    }


def number(value):
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def goal_text(result):
    if result["goal"] is None:
        return ""
    if result["goal_is"] == "at most":
        return f"at most {number(result['goal'])} {result['unit']}"
    return f"{result['goal']:g}x"


def met_text(result):
    return {None: "", True: "met", False: "missed"}[result["met"]]


def ratio_text(ratio):
    if ratio is None:
        return "-"
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.3g}x"


def cells(result):
    unit = result["unit"]
    return (
        result["name"],
        f"{number(result['torpor'])} {unit}",
        result["peer"] or "-",
        f"{number(result['peer_value'])} {unit}" if result["peer"] else "-",
        ratio_text(result["ratio"]),
        goal_text(result),
        met_text(result),
    )


def text_table(results):
    table = [HEAD, *map(cells, results)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
    lines = []
    for line in table:
        padded = (
            cell.rjust(width) if i in (1, 3, 4) else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths))
        )
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def markdown_table(results):
    lines = [HEAD, ("---", "---:", "---", "---:", "---:", "---", "---")]
    lines += map(cells, results)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
