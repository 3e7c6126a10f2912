"""Writes the measurements of one run as tables in Markdown: the section of its CPU."""

from collections import defaultdict
from math import prod
from statistics import geometric_mean, median

from configs import (CONFIGS, EPOCH, EPOCH_GOAL, MEASURES, PEERS, PRODUCT_GOAL, PRODUCTS, PRODUCTS_GOAL,
                     PROGRAMS, PYTORCH, goals_of)


class Cell:
    """One quantity of one program: a value for each round."""

    def __init__(self, rounds, threads):
        self.rounds, self.threads = rounds, threads
        self.median = median(rounds.values())

    def range(self):
        """The minimum, the median and the maximum of the rounds."""
        return min(self.rounds.values()), self.median, max(self.rounds.values())

    def ratio(self, other):
        """The ratio to the other: of the medians, and the minimum and maximum over rounds."""
        each = [self.rounds[r] / other.rounds[r] for r in self.rounds if r in other.rounds]
        ratio = self.median / other.median
        return ratio, min(each, default=ratio), max(each, default=ratio)


def cells(measurements, task):
    """`{(program, what, net): Cell}`, each at its fastest number of threads."""
    rounds = defaultdict(dict)
    for m in measurements:
        if m["task"] == task:
            rounds[m["program"], m["what"], m["net"], m["threads"]][m["round"]] = m["median_us"]
    best = {}
    for (*key, threads), values in rounds.items():
        cell = Cell(values, threads)
        if tuple(key) not in best or cell.median < best[tuple(key)].median:
            best[tuple(key)] = cell
    return best


def best_peer(found, what, net, peers=PEERS):
    """The fastest other program and its cell."""
    peers = [(found[p, what, net].median, p) for p in peers if (p, what, net) in found]
    if not peers:
        return None, None
    peer = min(peers)[1]
    return peer, found[peer, what, net]


def number(value):
    """A number with at least three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(low, middle, high, unit=""):
    """The median, and in brackets the range if there are several rounds."""
    ends = "" if low == high else f" ({number(low)}–{number(high)})"
    return f"{number(middle)}{unit}{ends}"


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def verdict(goal, value, reached):
    return f"{value}: {'reached' if reached else '**not reached**'} (goal {goal})"


def goals(found, names, cores):
    rows = []
    for what, label in MEASURES.items():
        row = [label]
        for name in names:
            goal, net = goals_of(cores)[what][name], CONFIGS[name]
            peer, cell = best_peer(found, what, net)
            ours = found.get(("fanin", what, net))
            if not peer or not ours:
                row.append("–")
                continue
            ratio, low, high = cell.ratio(ours)
            text = f"{spread(low, ratio, high, '×')} {PROGRAMS[peer].label}"
            row.append(verdict(f"{goal}", text, ratio >= goal))
        rows.append(row)
    return table(["fanin is faster than the best peer", *names], rows)


def times(found, what, names, cores):
    """Microseconds with the spread over the rounds, and the ratios to fanin."""
    rows = []
    for program, each in PROGRAMS.items():
        row = [each.label]
        for name in names:
            net = CONFIGS[name]
            cell, ours = found.get((program, what, net)), found.get(("fanin", what, net))
            if not cell:
                row.append("–")
                continue
            text = spread(*cell.range())
            if cell.threads != cores:
                text += " ¹"
            if program != "fanin" and ours:
                ratio = f"{number(cell.ratio(ours)[0])}×"
                is_best = best_peer(found, what, net)[0] == program
                text += f"<br>**{ratio}**" if is_best else f"<br>{ratio}"
            row.append(text)
        if any(text != "–" for text in row[1:]):
            rows.append(row)
    return table(["µs", *names], rows)


def product_rates(measurements, names):
    """Each product of a training step as `(name, net, what, flops, cells)`, with the cells of fanin,
    PyTorch (by MKL) and the gemm crate; without those that a program has not measured."""
    found = cells(measurements, "products")
    for name in names:
        layers, batch = CONFIGS[name].split(":")[0].split("-"), CONFIGS[name].split(":")[3]
        for i, (inputs, outputs) in enumerate(zip(layers, layers[1:])):
            for what in ("X·Wᵀ", "dY·W", "dYᵀ·X"):
                net = f"{batch}-{inputs}-{outputs}"
                three = [found.get((p, what, net)) for p in ("fanin", "torch", "gemm")]
                # Nothing needs the dX of the first layer.
                if None not in three and (i > 0 or what != "dY·W"):
                    yield name, net, what, 2 * prod(map(int, net.split("-"))), three


def product_shares(measurements):
    """Per cent of MKL's rate: the geometric mean over the products, the least, and which it is."""
    shares = [(100 * mkl.ratio(ours)[0], f"{what} of {net}")
              for _, net, what, _, (ours, mkl, _) in product_rates(measurements, PRODUCTS)]
    return (geometric_mean(share for share, _ in shares), *min(shares)) if shares else None


def products(measurements, names, cores):
    """The products by fanin, PyTorch and the gemm crate, each on all cores."""
    total, flops = defaultdict(lambda: defaultdict(float)), defaultdict(int)
    details = []
    for name, net, what, work, three in product_rates(measurements, names):
        flops[name] += work
        for program, cell in enumerate(three):
            for turn, value in cell.rounds.items():
                total[name, program][turn] += value
        rates = [work / cell.median / 1e3 for cell in three]
        row = [f"{name}: {net.replace('-', ', ')}", what, *map(number, rates)]
        details.append([*row, f"{100 * rates[0] / rates[1]:.0f} %"])
    if not details:
        return None
    summary = []
    for name, work in flops.items():
        three = [Cell(total[name, program], cores) for program in range(3)]
        percent, low, high = (100 * ratio for ratio in three[1].ratio(three[0]))
        rates = [number(work / cell.median / 1e3) for cell in three]
        summary.append([name, *rates, spread(low, percent, high, " %")])
    head = ["", "fanin, GFLOP/s", "MKL, GFLOP/s", "gemm crate, GFLOP/s"]
    text = table([*head, "fanin has of MKL's rate"], summary)
    mean, least, which = product_shares(measurements)
    mean = verdict(f"{PRODUCTS_GOAL} %", f"{mean:.0f} %", mean >= PRODUCTS_GOAL)
    least = verdict(f"{PRODUCT_GOAL} %", f"{least:.0f} %, {which}", least >= PRODUCT_GOAL)
    text += f"\nOf MKL's rate in the geometric mean over the products: {mean}. The least: {least}.\n"
    text += "\n<details><summary>Each product</summary>\n\n"
    text += table(["batch, in, out", "product", *head[1:], "of MKL's"], details)
    return text + "\n</details>\n"


def bounds(measurements, names, cores):
    """The time of the arithmetic alone, at the fastest rate of any product in this run, beside the
    goal."""
    rates = [2 * prod(map(int, net.split("-"))) / cell.median / 1e3
             for (_, _, net), cell in cells(measurements, "products").items()]
    found, peak = cells(measurements, "steps"), max(rates, default=0)
    rows = []
    for what, label in MEASURES.items():
        for name in names:
            layers, _, optimizer, batch = CONFIGS[name].split(":")
            layers = [int(n) for n in layers.split("-")]
            weights = [a * b for a, b in zip(layers, layers[1:])]
            ours, peer = found.get(("fanin", what, CONFIGS[name])), best_peer(found, what, CONFIGS[name])[1]
            if not peak or not ours or not peer:
                continue
            if what == "train":
                # Three products per layer, except the dX of the first.
                work, moved = 2 * int(batch) * (3 * sum(weights) - weights[0]), {"adam": 28, "sgd": 20}[optimizer]
            else:
                work, moved = 2 * (1 if what == "one" else 1024) * sum(weights), 4
            least, needed = work / peak / 1e3, peer.median / goals_of(cores)[what][name]
            share = 100 * least / ours.median
            verdict = "reached" if ours.median <= needed else (
                "out of reach: arithmetic alone takes longer" if least > needed else "")
            rows.append([label, name, number(work / 1e6), number(moved * sum(weights) / 1e6), number(least),
                         number(ours.median), f"{share:.0f} %", number(needed), verdict])
    head = ["", "", "MFLOP", "MB of weights moved", f"µs at {peak:.0f} GFLOP/s", "fanin, µs",
            "arithmetic's share", "the goal needs, µs", ""]
    return table(head, rows) if rows else None


def epoch_ratio(measurements):
    """fanin's speed relative to PyTorch's, eager or compiled, with its range, and which of both."""
    found = cells(measurements, "epoch")
    ours = found.get(("fanin", "epoch", EPOCH))
    peer, cell = best_peer(found, "epoch", EPOCH, PYTORCH)
    return (*cell.ratio(ours), PROGRAMS[peer].label) if ours and peer else None


def epoch(measurements, cores):
    found, rows = cells(measurements, "epoch"), []
    for program, about in PROGRAMS.items():
        if each := found.get((program, "epoch", EPOCH)):
            low, middle, high = (1e-6 * value for value in each.range())
            mark = "" if each.threads == cores else " ¹"
            rows.append([about.label, spread(low, middle, high) + mark])
    if not rows:
        return None
    text = table(["", "s"], rows)
    if found := epoch_ratio(measurements):
        ratio, low, high, peer = found
        faster = f"{spread(low, ratio, high, '×')} faster than {peer}"
        text += f"\nfanin is {verdict(f'{EPOCH_GOAL}×', faster, ratio >= EPOCH_GOAL)}\n"
    return text


def text(result, drawn):
    """The section of the CPU, without its heading. `drawn` maps each plot's path to its caption."""
    about, measurements = result["about"], result["measurements"]
    cores, found = about["cores"], cells(measurements, "steps")
    names = [n for n in CONFIGS if any(net == CONFIGS[n] for _, _, net in found)]
    parts = []
    if about["quick"]:
        parts.append("> **From a `--quick` run.** One round of short measurements, on a machine that may "
                     "have been busy: it shows that the comparison works. The numbers say nothing.\n")
    elif about["load_before"] > 0.5 * cores:
        parts.append(f"> **The machine was busy** when this run began (load {about['load_before']:.1f}): "
                     "trust the numbers less than their spread.\n")
    parts.append(settings(about))
    for note in result["notes"]:
        parts.append(f"- Note: {note}")
    if result["notes"]:
        parts.append("")
    if names:
        parts.append("### What was promised\n")
        parts.append(goals(found, names, cores))
        parts.append("In brackets the least and the most of any round. The best peer is the fastest of all, "
                     "each with the better of one thread and all cores.\n")
        for what, label in MEASURES.items():
            parts.append(f"### {label[0].upper()}{label[1:]}\n")
            parts.append(times(found, what, names, cores))
        parts.append(f"Median of the rounds (least–most), and below it how many times faster fanin is; the "
                     f"best peer's in bold. ¹ with one thread, where that was faster than {cores}.\n")
    if part := products(measurements, PRODUCTS, cores):
        parts.append("### Matrix products of a training step\n")
        parts.append(f"With {cores} threads each.\n")
        parts.append(part)
    if part := bounds(measurements, names, cores):
        parts.append("### What bounds it\n")
        parts.append(part)
    if part := epoch(measurements, cores):
        parts.append("### An epoch of MNIST\n")
        parts.append(part)
    if drawn:
        parts.append("### Plots\n")
        parts += [f"![{caption}]({path})\n" for path, caption in drawn.items()]
    return "\n".join(parts)


def settings(about):
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    cpu = about["cpu"]
    return f"""\
- Machine: {cpu['name']} ({cpu['vendor']}, family {cpu['family']}, model {cpu['model']}; {cpu['vectors']}), \
{about['cores']} cores, {about['memory_gib']:.0f} GiB; {about['system']}
- Versions: fanin commit {about['commit']}, {versions}
- Run: {about['date']}, {about['rounds']} round{'s' * (about['rounds'] > 1)}, {about['seconds']} s for each \
measurement, {about['minutes']:.0f} minutes; load {about['load_before']:.1f} before it, {about['load_after']:.1f} at its end
"""
