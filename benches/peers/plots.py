"""Draws the measurements of run.py as SVG, without any library.

Colours have medium lightness and there is no background, so a chart suits light and dark pages.
"""

import math
from collections import defaultdict
from statistics import median

from configs import BATCHES, CONFIGS, PROGRAMS, WIDTHS, of_batch, of_width
from report import cells

GREY = "#7d8590"
COLOURS = ["#e5484d", "#e08a00", "#a8721a", "#3b82f6", "#12a594", "#a65fd8"]
WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 74, 150, 44, 56


def write(result, base, folder):
    """Draws each plot that has measurements. Returns paths from `base` and captions."""
    cores, drawn = result["about"]["cores"], {}
    mark = " (quick run)" if result["about"]["quick"] else ""

    def draw(file, caption, lines, **axes):
        lines = {name: points for name, points in lines.items() if points}
        if lines:
            (base / folder).mkdir(parents=True, exist_ok=True)
            (base / folder / file).write_text(chart(caption + mark, lines, **axes))
            drawn[f"{folder}/{file}"] = caption

    def over(task, nets):
        found = cells(result["measurements"], task)
        return {
            each.label: [(x, found[program, "train", net].median) for x, net in nets
                         if (program, "train", net) in found]
            for program, each in PROGRAMS.items()
        }

    draw("width.svg", "A training step over width: W-W-W-10, ReLU, Adam, batch 64",
         over("width", [(width, of_width(width)) for width in WIDTHS]),
         across="width W", up="time of a step")
    draw("batch.svg", "A training step over batch size: 784-128-10, ReLU, Adam",
         over("batch", [(batch, of_batch(batch)) for batch in BATCHES]),
         across="batch size", up="time of a step")
    found, lines = defaultdict(list), {}
    for m in result["measurements"]:
        if m["task"] == "threads":
            found[m["net"], m["threads"]].append(m["median_us"])
    for name, net in CONFIGS.items():
        times = [(t, median(found[net, t])) for t in range(1, cores + 1) if (net, t) in found]
        lines[name] = [(threads, times[0][1] / time) for threads, time in times]
    if any(len(points) > 1 for points in lines.values()):
        lines["ideal"] = [(threads, threads) for threads in range(1, cores + 1)]
    draw("threads.svg", "A training step of fanin over threads, configurations A to D", lines,
         across="threads", up="times faster than with one thread", linear=True)
    return drawn


def chart(title, lines, across, up, linear=False):
    """Lines through points. Both axes are logarithmic, and the vertical one is time unless `linear`."""
    scale = float if linear else math.log10
    xs = sorted({x for points in lines.values() for x, _ in points})
    ys = [y for points in lines.values() for _, y in points]
    left, right = scale(xs[0]), scale(xs[-1])
    if linear:
        bottom, top = 0.0, max(ys) * 1.1
        ticks = [i * step for step in [nice_step(top)] for i in range(int(top / step) + 1)]
    else:
        bottom, top = math.log10(min(ys)) - 0.1, math.log10(max(ys)) + 0.1
        ticks = [10.0**e for e in range(math.ceil(bottom), math.floor(top) + 1)]

    def at_x(x):
        share = (scale(x) - left) / (right - left) if right > left else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def at_y(y):
        return HEIGHT - BOTTOM - (scale(y) - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="13" fill="{GREY}">',
           f"<title>{title}</title>",
           f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">{title}</text>']
    for y in ticks:
        svg.append(line([(LEFT, at_y(y)), (WIDTH - RIGHT, at_y(y))], GREY, 0.5, opacity=0.5))
        label = f"{y:g}" if linear else time_label(y)
        svg.append(f'<text x="{LEFT - 8}" y="{at_y(y) + 4:.1f}" text-anchor="end">{label}</text>')
    for x in xs:
        svg.append(line([(at_x(x), HEIGHT - BOTTOM), (at_x(x), HEIGHT - BOTTOM + 5)], GREY, 1))
        svg.append(f'<text x="{at_x(x):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{x}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    svg.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{across}</text>')
    svg.append(f'<text transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" '
               f'text-anchor="middle">{up}</text>')

    # Draw fanin last, on top of the others.
    colours = dict(zip(lines, COLOURS)) | ({"ideal": GREY} if "ideal" in lines else {})
    for name, points in reversed(lines.items()):
        at = [(at_x(x), at_y(y)) for x, y in points]
        svg.append(line(at, colours[name], 3 if name == "fanin" else 1.8, dashed=name == "ideal"))
        svg += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colours[name]}"/>' for x, y in at]
    ends = {name: at_y(points[-1][1]) for name, points in lines.items()}
    for name, y in apart(ends).items():
        weight = ' font-weight="bold"' if name == "fanin" else ""
        svg.append(f'<text x="{WIDTH - RIGHT + 10}" y="{y + 4:.1f}" fill="{colours[name]}"{weight}>'
                   f"{name}</text>")
    return "\n".join([*svg, "</svg>\n"])


def line(points, colour, width, opacity=1, dashed=False):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dash = ' stroke-dasharray="5 5"' if dashed else ""
    return (f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-opacity="{opacity}"{dash}/>')


def apart(places, gap=16):
    """Moves labels down until none overlaps another."""
    moved, last = {}, -math.inf
    for name, y in sorted(places.items(), key=lambda place: place[1]):
        last = moved[name] = max(y, last + gap)
    # Move labels below the frame up again, and the labels above them as far as necessary.
    limit = HEIGHT - BOTTOM
    for name in reversed(moved):
        moved[name] = min(moved[name], limit)
        limit = moved[name] - gap
    return moved


def nice_step(top):
    """A round step that gives at most about six ticks."""
    power = 10 ** math.floor(math.log10(top / 6))
    return next(power * factor for factor in (1, 2, 5, 10) if top / (power * factor) <= 6)


def time_label(microseconds):
    for unit, size in (("s", 1e6), ("ms", 1e3), ("µs", 1)):
        if microseconds >= size:
            return f"{microseconds / size:g} {unit}"
    return f"{microseconds * 1e3:g} ns"
