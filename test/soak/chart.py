#!/usr/bin/env python3
"""Draws what a soak saw over time: chart.py TABLE REPORT CHART.

TABLE is what coauth_soak wrote, REPORT what it printed."""

import csv
import html
import pathlib
import sys

WIDTH, LEFT, RIGHT, PANEL, GAP, TOP = 760, 64, 150, 130, 44, 84
INK, FAINT, FIRST, SECOND, THIRD = "#1c2128", "#57606a", "#1f6feb", "#9aa7b4", "#bc4c00"
PANELS = (
    ("Memory of the clients' process, MiB", (("resident", "resident"), ("in_use", "in use"))),
    ("Fetches and descriptors", (("in_flight", "in flight"), ("on_connections", "on connections"),
                                 ("descriptors", "descriptors"))),
    ("A second", (("tokens", "tokens"), ("failures", "failures"))),
)


def text(x, y, content, size=12, anchor="start", colour=INK, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{colour}" font-weight="{weight}">{html.escape(content)}</text>')


def nice(most):
    """The least of 1, 2, 5, 10, ... that is not below."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= most:
                return factor * step
        step *= 10


def line(samples, name, title, colour, top, place, scale_x, most):
    points = " ".join(
        f"{LEFT + one['seconds'] * scale_x:.1f},{top + PANEL * (1 - one[name] / most):.1f}"
        for one in samples)
    yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
    highest = max(one[name] for one in samples)
    yield text(WIDTH - RIGHT + 10, top + 14 + 34 * place, title, colour=colour, weight="bold")
    yield text(WIDTH - RIGHT + 10, top + 29 + 34 * place, f"at most {highest:,.0f}", colour=FAINT)


def panel(samples, title, lines, top, duration):
    most = nice(max(one[name] for one in samples for name, _ in lines))
    scale_x = (WIDTH - LEFT - RIGHT) / duration
    yield text(LEFT, top - 8, title, weight="bold", colour=FAINT)
    for part in (0, 0.5, 1):
        y = top + PANEL * (1 - part)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#d0d7de"/>'
        yield text(LEFT - 8, y + 4, f"{most * part:,.0f}", anchor="end", colour=FAINT)
    for place, ((name, what), colour) in enumerate(zip(lines, (FIRST, SECOND, THIRD))):
        yield from line(samples, name, what, colour, top, place, scale_x, most)


def chart(samples, report):
    duration = samples[-1]["seconds"]
    height = TOP + len(PANELS) * (PANEL + GAP) + 10
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">')
    yield "<title>A thousand fetches in flight at servers that misbehave</title>"
    yield f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    yield text(16, 26, "A thousand fetches in flight at servers that misbehave", 17, weight="bold")
    seed = next(one for one in report if one.startswith("COAUTH_SEED="))
    results = [one for one in report if " tokens, " in one or one.startswith("memory ")]
    yield text(16, 44, f"{duration / 60:.1f} minutes, {seed}; {results[0]}", 11, colour=FAINT)
    yield text(16, 58, results[1], 11, colour=FAINT)
    for i, (title, lines) in enumerate(PANELS):
        yield from panel(samples, title, lines, TOP + 16 + i * (PANEL + GAP), duration)
    y = height - 12
    for part in (0, 0.25, 0.5, 0.75, 1):
        x = LEFT + (WIDTH - LEFT - RIGHT) * part
        yield text(x, y, f"{duration * part / 60:.1f} min", anchor="middle", colour=FAINT)
    yield "</svg>"


def main():
    table, report, into = map(pathlib.Path, sys.argv[1:])
    with table.open(encoding="utf-8") as source:
        samples = [{name: float(value) for name, value in row.items()}
                   for row in csv.DictReader(source)]
    lines = chart(samples, report.read_text(encoding="utf-8").splitlines())
    into.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
