"""RESULTS.md: a section for each CPU, and above them a summary of all.

A section lies between two markers. The first holds the summary's numbers as JSON. A run replaces
the section of its own CPU and keeps the others' text as it is.
"""

import json
import re

import machine
from configs import (CONFIGS, EPOCH, EPOCH_GOAL, MANY_CORES, MEASURES, PRODUCT_GOAL, PRODUCTS_GOAL, PROGRAMS,
                     goals_of)
from report import best_peer, cells, epoch_ratio, number, product_shares, table

SECTION = re.compile(r"<!-- section (\{.*?\}) -->\n(.*?)<!-- end of section -->\n", re.DOTALL)
README_BLOCK = re.compile(r"(<!-- speed, by benches/peers/run.py -->\n).*?(<!-- end of speed -->\n)", re.DOTALL)


def key(about):
    """Runs on CPUs with the same key replace each other's section."""
    cpu = about["cpu"]
    return tuple(str(value) for value in
                 (cpu["vendor"], cpu["family"], cpu["model"], cpu["vectors"], about["cores"]))


def plots_of(result):
    """The folder of a CPU's plots, beside RESULTS.md."""
    return "plots/" + re.sub(r"\W+", "-", "-".join(key(result["about"]))).lower()


def about(result):
    """What the marker of a run's section holds."""
    about, found = result["about"], cells(result["measurements"], "steps")
    ratios = {what: {} for what in MEASURES}
    for what in MEASURES:
        for name, net in CONFIGS.items():
            peer, cell = best_peer(found, what, net)
            ours = found.get(("fanin", what, net))
            if peer and ours:
                ratios[what][name] = [round(cell.ratio(ours)[0], 3), PROGRAMS[peer].label]
    epoch = epoch_ratio(result["measurements"])
    found |= cells(result["measurements"], "epoch")
    mnist = {what: {PROGRAMS[program].label: round(cell.median, 3) for (program, each, net), cell in found.items()
                    if each == what and net == EPOCH} for what in [*MEASURES, "epoch"]}
    return {
        "cpu": {name: about["cpu"][name] for name in ("vendor", "family", "model", "vectors")},
        "cores": about["cores"],
        "title": machine.title(about["cpu"], about["cores"]),
        "commit": about["commit"],
        "date": about["date"],
        "ratios": ratios,
        "products": product_shares(result["measurements"]),
        "epoch": epoch and [round(epoch[0], 3), epoch[-1]],
        "mnist": mnist,
        "without_onnxruntime": all(program != "onnxruntime" for program, _, _ in found),
    }


def read(path):
    """The sections of a file as pairs of what the marker holds and the text."""
    text = path.read_text() if path.exists() else ""
    return [(json.loads(marker), body) for marker, body in SECTION.findall(text)]


def write(path, result, body):
    """Replaces the section of this CPU, and writes the summary again."""
    new = about(result)
    kept = [section for section in read(path) if key(section[0]) != key(new)]
    path.write_text(page(kept + [(new, heading(new) + body)]))


def heading(about):
    return f"## {about['title']}\n\nCommit {about['commit']}, {about['date']}.\n\n"


def page(sections):
    sections = sorted(sections, key=lambda section: key(section[0]))
    parts = [INTRODUCTION, "## All CPUs\n", summary([marker for marker, _ in sections]), METHOD]
    for marker, body in sections:
        marker = json.dumps(marker, ensure_ascii=False)
        parts.append(f"<!-- section {marker} -->\n{body.rstrip()}\n\n<!-- end of section -->\n")
    return "\n".join(parts)


def times(ratio):
    """A ratio below 1 never looks like 1."""
    return f"{ratio:.3f}" if 0.995 <= ratio < 1 else number(ratio)


def entry(ratio, peer, goal):
    text = f"{times(ratio)} {peer}"
    return f"**{text}**" if ratio < 1 else f"{text} ✓" if ratio >= goal else text


def summary(all_of):
    rows = []
    for what, label in MEASURES.items():
        few, many = goals_of(1)[what], goals_of(MANY_CORES)[what]
        rows.append([label, "*goal*", *map(str, few.values())])
        if many != few:
            rows.append(["", f"*goal from {MANY_CORES} cores on*", *map(str, many.values())])
        for each in all_of:
            goals = goals_of(each["cores"])[what]
            ratios = each["ratios"][what]
            row = [entry(*ratios[name], goals[name]) if name in ratios else "–" for name in CONFIGS]
            rows.append(["", named(each, what), *row])
    text = table(["fanin is faster than the best peer, times", "CPU", *CONFIGS], rows)
    text += "\n✓ reaches its goal; **bold: fanin is behind that peer**. ² without ONNX Runtime.\n\n"
    rows = [["*goal*", f"{PRODUCTS_GOAL} %", f"{PRODUCT_GOAL} %", f"{EPOCH_GOAL}×", "", ""]]
    for each in all_of:
        products, epoch = each["products"], each["epoch"]
        mean, least, which = products or (None, None, None)
        rows.append([
            each["title"],
            share(mean, PRODUCTS_GOAL),
            share(least, PRODUCT_GOAL, f", {which}"),
            f"{number(epoch[0])}× {epoch[1]}{' ✓' * (epoch[0] >= EPOCH_GOAL)}" if epoch else "–",
            each["commit"],
            each["date"],
        ])
    head = ["CPU", "products, of MKL's rate, geometric mean", "the least product",
            "epoch of MNIST, times PyTorch's speed", "commit", "date"]
    return text + table(head, rows)


def named(about, what):
    without = what != "train" and about.get("without_onnxruntime")
    return about["title"] + " ²" * bool(without)


def share(percent, goal, more=""):
    if percent is None:
        return "–"
    return f"{percent:.0f} %{more}" + (" ✓" if percent >= goal else "")


def write_readme(path, results):
    """Writes the speed table of the README from RESULTS.md."""
    block = readme_block([marker for marker, _ in read(results)])
    path.write_text(README_BLOCK.sub(lambda found: found[1] + block + found[2], path.read_text()))


MNIST_ROWS = {  # label and unit, in microseconds
    "train": ("a training step of 64 images, µs", 1),
    "one": ("one image, µs", 1),
    "many": ("1024 images, µs", 1),
    "epoch": ("an epoch of 60,000 images, s", 1e6),
}


def readme_block(all_of):
    """A table of one network on the CPU of the last run, and in how many entries of all tables fanin leads."""
    text = ""
    if with_times := [each for each in all_of if each.get("mnist")]:
        last = max(with_times, key=lambda each: each["date"])
        labels = [each.label for each in PROGRAMS.values()
                  if any(each.label in row for row in last["mnist"].values())]
        rows = []
        for what, (label, unit) in MNIST_ROWS.items():
            row = last["mnist"].get(what, {})
            least = min(row.values(), default=None)
            cells = [f"**{number(row[name] / unit)}**" if row.get(name) == least
                     else number(row[name] / unit) if name in row else "–" for name in labels]
            rows.append([label, *cells])
        text += table([f"784-128-10 on {last['title']}", *labels], rows)
        text += f"\nThe least in bold; commit {last['commit']}. "
    entries = [(each["title"], f"{label.split(' through')[0]} of {layers(CONFIGS[name])}", peer, ratio)
               for what, label in MEASURES.items() for each in all_of
               for name, (ratio, peer) in each["ratios"][what].items()]
    behind = [entry for entry in entries if entry[-1] < 1]
    text += (f"Of four networks up to 784-2500-…-10, in training and prediction on {len(all_of)} CPUs, fanin is "
             f"ahead of the fastest peer in {len(entries) - len(behind)} of {len(entries)} entries:\n")
    for title in dict.fromkeys(title for title, *_ in behind):
        commit = next(each["commit"] for each in all_of if each["title"] == title)
        losses = [(ratio, f"{what} ({peer})") for each, what, peer, ratio in behind if each == title]
        least, where = min(losses)
        text += (f"\n- Behind in {len(losses)} of {sum(each[0] == title for each in entries)} on {title} "
                 f"(commit {commit}); the least is {times(least)} of the peer's speed, in {where}.")
    return text + "\n"


def layers(net):
    """The sizes of a network, shortened in the middle."""
    sizes = net.split(":")[0].split("-")
    return "-".join(sizes if len(sizes) <= 4 else [*sizes[:2], "…", sizes[-1]])


INTRODUCTION = """\
# fanin beside PyTorch, JAX, ONNX Runtime, burn, candle and scikit-learn

Written by [peers/run.py](peers/run.py), which replaces the section of the CPU it runs on; do not edit.
"""

NETWORKS = [[name, *net.split(":")] for name, net in CONFIGS.items()]

METHOD = f"""\
## What is measured

{table(["", "layers", "activation", "batch", "optimizer", "loss"],
       [[name, layers, activation, batch,
         {"adam": "Adam, 1e-3", "sgd": "SGD, 0.01, momentum 0.9"}[optimizer],
         "MSE" if layers.endswith("-1") else "cross-entropy"]
        for name, layers, activation, optimizer, batch in NETWORKS])}
- Each round starts every program anew for every network, in another order each time. A measurement is
  the median of timed calls after five to warm up; data is in memory; a training step is zero-grad,
  forward, loss, backward, optimizer. Steps restart from the first weights, with a new optimizer, every
  200; neither that nor five steps after it are timed.
- PyTorch: fused optimizers, `inference_mode` for predictions; compiled: forward pass and loss in one
  `torch.compile`. JAX: `jit` with donated state, awaited each step. ONNX Runtime: predictions only, by
  a graph of Gemm and activation, io-binding. burn: backend `flex` with `simd`, `x86-v4`. candle:
  default features; its SGD has no momentum, so its A and D do less than the others'. Rust programs are
  built with `--release` and nothing else.
- Products: `X·Wᵀ`, `dY·W` and `dYᵀ·X` of every layer of C and D but the first layer's `dY·W`, which
  nobody needs; ours through `fanin::tensor::gemm`, MKL's through `torch.mm`.
- What bounds it: the arithmetic of a step or prediction at the fastest rate that any product of the
  run reached, ours or another's; and the bytes that the optimizer reads and writes (Adam 28 for each
  weight, SGD with momentum 20), or that a prediction reads of the weights. A goal below the first is
  out of reach of any program that computes the products. What one sample needs is not arithmetic, but
  its weights from cache or memory.
- An epoch of MNIST: 60,000 images, 784-128-10, batch 64, Adam, from bytes in memory, shuffling and
  normalization included. PyTorch on tensors in memory, without a DataLoader. scikit-learn's
  `MLPClassifier.partial_fit` with `alpha=0` starts from Glorot's weights, normalizes the whole set
  before the pass, checks the whole arrays, and multiplies with NumPy's OpenBLAS in float32.
"""
