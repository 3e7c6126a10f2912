"""Writes the measurements of run.py as tables in Markdown."""

from collections import defaultdict
from math import prod
from statistics import median

from configs import (CONFIGS, EPOCH, EPOCH_GOAL, GOALS, MEASURES, PEERS, PRODUCTS, PRODUCTS_GOAL,
                     PROGRAMS)


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


def best_peer(found, what, net):
    """The fastest other program and its cell."""
    peers = [(found[p, what, net].median, p) for p in PEERS if (p, what, net) in found]
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


def goals(found, names):
    rows = []
    for what, label in MEASURES.items():
        row = [label]
        for name in names:
            goal, net = GOALS[what][name], CONFIGS[name]
            peer, cell = best_peer(found, what, net)
            ours = found.get(("fanin", what, net))
            if not peer or not ours:
                row.append("–")
                continue
            ratio, low, high = cell.ratio(ours)
            text = f"{spread(low, ratio, high, '×')} {PROGRAMS[peer]}"
            row.append(verdict(f"{goal}", text, ratio >= goal))
        rows.append(row)
    return table(["fanin is faster than the best peer", *names], rows)


def times(found, what, names, cores):
    """Microseconds with the spread over the rounds, and the ratios to fanin."""
    rows = []
    for program, label in PROGRAMS.items():
        row = [label]
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


def products(measurements, names, cores):
    """The products of a training step, by fanin, PyTorch and the gemm crate, each on all cores."""
    found = cells(measurements, "products")
    programs = ("fanin", "torch", "gemm")
    summary, details = [], []
    for name in names:
        layers, batch = CONFIGS[name].split(":")[0].split("-"), CONFIGS[name].split(":")[3]
        total = defaultdict(lambda: defaultdict(float))
        flops = 0
        for i, (inputs, outputs) in enumerate(zip(layers, layers[1:])):
            for what in ("X·Wᵀ", "dY·W", "dYᵀ·X"):
                # Nothing needs the dX of the first layer.
                if i == 0 and what == "dY·W":
                    continue
                three = [found.get((p, what, f"{batch}-{inputs}-{outputs}")) for p in programs]
                if None in three:
                    return None
                work = 2 * int(batch) * int(inputs) * int(outputs)
                flops += work
                for program, cell in zip(programs, three):
                    for turn, value in cell.rounds.items():
                        total[program][turn] += value
                rates = [work / cell.median / 1e3 for cell in three]
                row = [f"{name}: {batch}, {inputs}, {outputs}", what, *map(number, rates)]
                details.append([*row, f"{100 * rates[0] / rates[1]:.0f} %"])
        ours, theirs, crate = (Cell(total[program], cores) for program in programs)
        percent, low, high = (100 * ratio for ratio in theirs.ratio(ours))
        percents = spread(low, percent, high, " %")
        row = [name, *(number(flops / cell.median / 1e3) for cell in (ours, theirs, crate))]
        summary.append([*row, verdict(f"{PRODUCTS_GOAL} %", percents, percent >= PRODUCTS_GOAL)])
    head = ["", "fanin, GFLOP/s", "MKL, GFLOP/s", "gemm crate, GFLOP/s", "fanin has of MKL's rate"]
    text = table(head, summary)
    text += "\n<details><summary>Each product</summary>\n\n"
    text += table(["batch, in, out", "product", *head[1:4], "of MKL's"], details)
    return text + "\n</details>\n"


def bounds(measurements, names):
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
            least, needed = work / peak / 1e3, peer.median / GOALS[what][name]
            share = 100 * least / ours.median
            verdict = "reached" if ours.median <= needed else (
                "out of reach: arithmetic alone takes longer" if least > needed else "")
            rows.append([label, name, number(work / 1e6), number(moved * sum(weights) / 1e6), number(least),
                         number(ours.median), f"{share:.0f} %", number(needed), verdict])
    head = ["", "", "MFLOP", "MB of weights moved", f"µs at {peak:.0f} GFLOP/s", "fanin, µs",
            "arithmetic's share", "the goal needs, µs", ""]
    return table(head, rows) if rows else None


def epoch(measurements, cores):
    found = cells(measurements, "epoch")
    ours = found.get(("fanin", "epoch", EPOCH))
    peer, cell = best_peer(found, "epoch", EPOCH)
    rows = []
    for program, label in PROGRAMS.items():
        if each := found.get((program, "epoch", EPOCH)):
            low, middle, high = (1e-6 * value for value in each.range())
            mark = "" if each.threads == cores else " ¹"
            rows.append([label, spread(low, middle, high) + mark])
    if not rows:
        return None
    text = table(["", "s"], rows)
    if ours and peer:
        ratio, low, high = cell.ratio(ours)
        faster = f"{spread(low, ratio, high, '×')} faster than {PROGRAMS[peer]}"
        text += f"\nfanin is {verdict(f'{EPOCH_GOAL}×', faster, ratio >= EPOCH_GOAL)}\n"
    return text


def text(result, drawn):
    """The whole page. `drawn` maps each plot's file name to its caption."""
    about, measurements = result["about"], result["measurements"]
    cores, found = about["cores"], cells(measurements, "steps")
    names = [n for n in CONFIGS if any(net == CONFIGS[n] for _, _, net in found)]
    parts = ["# fanin beside PyTorch, JAX, burn and candle\n"]
    parts.append("Written by [peers/run.py](peers/run.py); do not edit.\n")
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
    parts.append("## What was promised\n")
    parts.append(goals(found, names))
    parts.append("In brackets the least and the most of any round. The best peer is the fastest of all, "
                 "each with the better of one thread and all cores.\n")
    for what, label in MEASURES.items():
        parts.append(f"## {label[0].upper()}{label[1:]}\n")
        parts.append(times(found, what, names, cores))
    parts.append(f"Median of the rounds (least–most), and below it how many times faster fanin is; the "
                 f"best peer's in bold. ¹ with one thread, where that was faster than {cores}.\n")
    shown = [name for name in PRODUCTS if name in names]
    if shown and (part := products(measurements, shown, cores)):
        parts.append("## Matrix products of a training step\n")
        parts.append("`X·Wᵀ`, `dY·W` and `dYᵀ·X` of every layer but the first layer's `dY·W`, which "
                     f"nobody needs; ours through `fanin::tensor::gemm`, MKL's through `torch.mm`; "
                     f"{cores} threads each.\n")
        parts.append(part)
    if part := bounds(measurements, names):
        parts.append("## What bounds it\n")
        parts.append("The arithmetic of a step or prediction at the fastest rate that any product of this run "
                     "reached, ours or another's; and the bytes that the optimizer reads and writes (Adam 28 "
                     "for each weight, SGD with momentum 20), or that a prediction reads of the weights. A "
                     "goal below the first is out of reach of any program that computes the products. "
                     "What one sample needs is not arithmetic, but its weights from cache or memory.\n")
        parts.append(part)
    if part := epoch(measurements, cores):
        parts.append("## An epoch of MNIST\n")
        parts.append("60,000 images, 784-128-10, batch 64, Adam, from bytes in memory, shuffling and "
                     "normalization included; PyTorch on tensors in memory, without a DataLoader.\n")
        parts.append(part)
    if drawn:
        parts.append("## Plots\n")
        parts += [f"![{caption}](plots/{file})\n" for file, caption in drawn.items()]
    return "\n".join(parts)


def settings(about):
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    networks = [[name, *text.split(":")] for name, text in CONFIGS.items()]
    for row in networks:
        row[3] = {"adam": "Adam, 1e-3", "sgd": "SGD, 0.01, momentum 0.9"}[row[3]]
        row.append("MSE" if row[1].endswith("-1") else "cross-entropy")
    return f"""\
- Machine: {about['cpu']}, {about['cores']} cores, {about['memory_gib']:.0f} GiB; {about['system']}
- Versions: {versions}
- Run: {about['date']}, {about['rounds']} round{'s' * (about['rounds'] > 1)}, {about['seconds']} s for each \
measurement, {about['minutes']:.0f} minutes; load {about['load_before']:.1f} before it, {about['load_after']:.1f} at its end
- Each round starts every program anew for every network, in another order each time. A measurement is
  the median of timed calls after five to warm up; data is in memory; a training step is zero-grad,
  forward, loss, backward, optimizer.
- PyTorch: fused optimizers, `inference_mode` for predictions; compiled: forward pass and loss in one
  `torch.compile`. JAX: `jit` with donated state, awaited each step. burn: backend `flex` with `simd`,
  `x86-v4`. candle: default features; its SGD has no momentum, so its A and D do less than the others'.
  Rust programs are built with `--release` and nothing else.

{table(["", "layers", "activation", "batch", "optimizer", "loss"],
       [[n, layers, activation, batch, optimizer, loss]
        for n, layers, activation, optimizer, batch, loss in networks])}"""
