#!/usr/bin/env python3
"""Compares fanin with PyTorch, JAX, ONNX Runtime, burn, candle and scikit-learn on this machine.

    python3 run.py --plots            everything, into this CPU's section of ../RESULTS.md, its
                                      folder of ../plots/, and the table of ../../README.md
    python3 run.py --quick --plots    the same in one short round, to the screen: shows that it works
    python3 run.py --only fanin,torch --configs B,C     a part, to the screen alone
    python3 run.py --report           writes the tables again from the last full run's numbers

Needs Python 3.11 and cargo; for compiled PyTorch a C++ compiler. It installs the Python packages
into .venv here. The machine should do nothing else meanwhile.
"""

import argparse
import json
import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import configs
import machine
import plots
import programs
import report
import sections
from machine import CORES
from programs import HERE, OUT, say


@dataclass(frozen=True)
class Variant:
    """A program and its number of threads."""

    program: str
    threads: int
    command: list[str] = field(hash=False)

    def __str__(self):
        return f"{self.program}, {self.threads} thread{'s' if self.threads > 1 else ''}"


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of short measurements")
    parser.add_argument("--rounds", type=int, help="5, or 1 if --quick")
    parser.add_argument("--seconds", type=float, help="for each measurement: 1.0, or 0.2 if --quick")
    parser.add_argument("--only", type=names_of(configs.PROGRAMS), metavar="PROGRAMS",
                        help=f"of {','.join(configs.PROGRAMS)}")
    parser.add_argument("--configs", type=names_of(configs.CONFIGS), metavar="NAMES",
                        help=f"of {','.join(configs.CONFIGS)}; leaves out the epoch")
    parser.add_argument("--plots", action="store_true", help="also what the plots show")
    parser.add_argument("--venv", type=Path,
                        help="a Python environment to take as it is, with what requirements.txt has")
    parser.add_argument("--output", type=Path,
                        help="the file whose section is replaced: ../RESULTS.md, or with --quick, --only "
                        "or --configs none, and the tables go to the screen")
    parser.add_argument("--report", action="store_true",
                        help="no measurements: the tables and plots of the last ones")
    options = parser.parse_args()
    options.part = bool(options.only or options.configs)
    options.only = options.only or list(configs.PROGRAMS)
    options.configs = options.configs or list(configs.CONFIGS)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 1.0)
    if not options.part and not options.quick:
        options.output = options.output or HERE.parent / "RESULTS.md"
    return options


def names_of(known):
    def parse(text):
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)} among {', '.join(known)}")
        return names

    return parse


class Session:
    """One run: starts programs and keeps their measurements."""

    def __init__(self, options):
        self.options = options
        self.measurements = []
        self.notes = []
        self.start = time.time()
        self.about = machine.about(options)
        self.commands = programs.commands(options, self.notes)
        # A peer runs with one thread and with one per core. The faster one counts.
        self.variants = [
            Variant(program, threads, command)
            for program, command in self.commands.items()
            for threads in sorted({CORES, 1}, reverse=True)
            if program != "fanin" or threads == CORES
        ]

    def run(self, task, turn, variant, nets, what, seconds, *more):
        """Runs a program once, if it can measure any of it, and keeps each line it prints."""
        can = configs.PROGRAMS[variant.program].does.split()
        what = ",".join(each for each in what.split(",") if each in can)
        if not what:
            return
        say(f"{time.time() - self.start:5.0f} s  {task}, round {turn + 1}: {variant}")
        command = [*variant.command, "--what", what, "--seconds", str(seconds)]
        command += ["--threads", str(variant.threads), *more]
        for net in nets:
            command += ["--net", net]
        try:
            done = subprocess.run(command, env=programs.environment(), capture_output=True, text=True,
                                  timeout=1200)
            output, failed = done.stdout, done.returncode != 0
            reason = f"it ended with {done.returncode}"
            if failed:
                say(done.stderr)
        except subprocess.TimeoutExpired as error:
            # Bytes, whatever `text` says.
            output, failed, reason = (error.stdout or b"").decode(), True, "it took over 20 minutes"
        for line in output.splitlines():
            if line.startswith("{"):
                measurement = {"task": task, "round": turn} | json.loads(line)
                self.check(measurement)
                self.measurements.append(measurement)
        if failed:
            self.note(f"{variant} did not finish {task}: {reason}")

    def check(self, measurement):
        """Notes a loss that has not fallen, because such a step does not train."""
        if measurement["what"] == "train":
            first, last = measurement["first_loss"], measurement["last_loss"]
            if not last < first and measurement["task"] == "steps":
                self.note(f"the loss of {measurement['program']} went from {first:.3g} to {last:.3g} "
                          f"in {measurement['net']}")

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)
        say(f"WARNING: {text}")

    def steps(self):
        for turn in range(self.options.rounds):
            for i, config in enumerate(self.options.configs):
                for variant in rotated(self.variants, turn + i):
                    net = configs.CONFIGS[config]
                    self.run("steps", turn, variant, [net], "train,one,many", self.options.seconds)

    def products(self):
        nets = [configs.CONFIGS[c] for c in configs.PRODUCTS if c in self.options.configs]
        for turn in range(self.options.rounds if nets else 0):
            variants = [v for v in self.variants if v.threads == CORES]
            for variant in rotated(variants, turn):
                self.run("products", turn, variant, nets, "products", self.options.seconds / 4)

    def epoch(self):
        directory = os.environ.get("FANIN_DATA")
        if not directory:
            self.note("the epoch of MNIST was not measured: FANIN_DATA is not set")
            return
        directory = Path(directory).resolve()
        directory = directory / "mnist" if (directory / "mnist").is_dir() else directory
        for turn in range(self.options.rounds):
            for variant in rotated(self.variants, turn):
                self.run("epoch", turn, variant, [configs.EPOCH], "epoch", self.options.seconds,
                         "--mnist", str(directory))

    def sweeps(self):
        rounds, seconds = min(self.options.rounds, 3), self.options.seconds * 0.3
        for turn in range(rounds):
            for variant in rotated(self.variants, turn):
                nets = [configs.of_width(width) for width in configs.WIDTHS]
                self.run("width", turn, variant, nets, "train", seconds)
                nets = [configs.of_batch(batch) for batch in configs.BATCHES]
                self.run("batch", turn, variant, nets, "train", seconds)
            if "fanin" in self.commands:
                for threads in range(1, CORES + 1):
                    variant = Variant("fanin", threads, self.commands["fanin"])
                    nets = [configs.CONFIGS[config] for config in self.options.configs]
                    self.run("threads", turn, variant, nets, "train", self.options.seconds)

    def result(self):
        load = os.getloadavg()[0]
        about = self.about | {"minutes": (time.time() - self.start) / 60, "load_after": load}
        return {"about": about, "notes": self.notes, "measurements": self.measurements}


def rotated(items, by):
    """The same jobs in another order, so that no program always follows the same one."""
    by %= max(len(items), 1)
    return items[by:] + items[:by]


def main():
    options = arguments()
    raw = OUT / ("part.json" if options.part else "quick.json" if options.quick else "full.json")
    if options.report:
        result = json.loads(raw.read_text())
    else:
        OUT.mkdir(exist_ok=True)
        session = Session(options)
        session.about["versions"] |= programs.versions(session.commands)
        try:
            session.steps()
            session.products()
            if not options.part:
                session.epoch()
            if options.plots:
                session.sweeps()
        except KeyboardInterrupt:
            session.note("the run was stopped before its end")
        result = session.result()
        raw.write_text(json.dumps(result, indent=1))
    folder = options.output.parent if options.output else OUT
    drawn = {} if options.part else plots.write(result, folder, sections.plots_of(result))
    text = report.text(result, drawn)
    if options.output:
        sections.write(options.output, result, text)
        say(f"written: {options.output}")
        if options.output == HERE.parent / "RESULTS.md":
            sections.write_readme(HERE.parents[1] / "README.md", options.output)
    else:
        print(text)


if __name__ == "__main__":
    main()
