#!/usr/bin/env python3
"""Compares fanin with PyTorch, JAX, burn and candle on this machine, in one run.

    python3 run.py --plots            everything, into ../RESULTS.md and ../plots/
    python3 run.py --quick --plots    the same in one short round: shows that it works
    python3 run.py --only fanin,torch --configs B,C     a part, to the screen alone
    python3 run.py --report           writes the tables again from the last full run's numbers

Needs Python 3.11 and cargo; for compiled PyTorch a C++ compiler. It installs PyTorch and JAX into
.venv here. The machine should do nothing else meanwhile.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import configs
import plots
import report

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


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
                        help="where the tables go: ../RESULTS.md, or with --only or --configs the screen")
    parser.add_argument("--report", action="store_true",
                        help="no measurements: the tables and plots of the last ones")
    options = parser.parse_args()
    options.part = bool(options.only or options.configs)
    options.only = options.only or list(configs.PROGRAMS)
    options.configs = options.configs or list(configs.CONFIGS)
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.2 if options.quick else 1.0)
    if not options.part:
        options.output = options.output or HERE.parent / "RESULTS.md"
    return options


def names_of(known):
    def parse(text):
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)} among {', '.join(known)}")
        return names

    return parse


def say(text):
    print(text, file=sys.stderr, flush=True)


def environment():
    env = dict(os.environ)
    # Every Rust program is built with --release and no other setting, as most users build.
    env.pop("RUSTFLAGS", None)
    # Keep the output of PyTorch's compiler for the next round.
    env["TORCHINDUCTOR_CACHE_DIR"] = str(OUT / "inductor")
    return env


def make_venv(options):
    """A Python with PyTorch and JAX. Installs them if necessary."""
    if options.venv:
        return options.venv / "bin" / "python"
    venv, wanted = HERE / ".venv", (HERE / "requirements.txt").read_text()
    stamp, python = venv / "installed.txt", venv / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        say("installing PyTorch and JAX: some minutes and gigabytes, once")
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
        subprocess.run(install, check=True)
        stamp.write_text(wanted)
    return python


def build(program):
    """Builds a Rust program on its own. In a common build it would get the features that the others
    enable in shared crates."""
    say(f"building {program}-peer")
    command = ["cargo", "build", "--release", "--quiet", "--package", f"{program}-peer"]
    subprocess.run(command, cwd=HERE, check=True, env=environment())
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE / "target"))
    return [str(target / "release" / f"{program}-peer")]


def commands(options, notes):
    """The command of each program. Programs that cannot run are left out and noted."""
    found = {}
    for program in options.only:
        try:
            if program in ("fanin", "burn", "candle"):
                found[program] = build(program)
                continue
            if program == "torch-compiled" and not (shutil.which("g++") or shutil.which("clang++")):
                notes.append("torch-compiled did not run: it needs a C++ compiler (g++ or clang++)")
                continue
            module = "jax" if program == "jax" else "torch"
            python = str(make_venv(options))
            subprocess.run([python, "-c", f"import {module}"], check=True)
            found[program] = [python, str(HERE / f"{module}_steps.py")]
            if program == "torch-compiled":
                found[program].append("--compile")
        except (OSError, subprocess.CalledProcessError) as error:
            notes.append(f"{program} did not run: it could not be built or installed")
            say(f"WARNING: {notes[-1]}: {error}")
    return found


class Session:
    """One run: starts programs and keeps their measurements."""

    def __init__(self, options):
        self.options = options
        self.measurements = []
        self.notes = []
        self.start = time.time()
        self.about = about(options)
        self.commands = commands(options, self.notes)
        # A peer runs with one thread and with one per core. The faster one counts.
        self.variants = [
            Variant(program, threads, command)
            for program, command in self.commands.items()
            for threads in sorted({CORES, 1}, reverse=True)
            if program != "fanin" or threads == CORES
        ]

    def variants_of(self, *programs):
        return [v for v in self.variants if v.program in programs]

    def run(self, task, turn, variant, nets, what, seconds, *more):
        """Runs a program once and keeps each line it prints."""
        say(f"{time.time() - self.start:5.0f} s  {task}, round {turn + 1}: {variant}")
        command = [*variant.command, "--what", what, "--seconds", str(seconds)]
        command += ["--threads", str(variant.threads), *more]
        for net in nets:
            command += ["--net", net]
        try:
            done = subprocess.run(command, env=environment(), capture_output=True, text=True,
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
            variants = [v for v in self.variants_of("fanin", "torch") if v.threads == CORES]
            for variant in rotated(variants, turn):
                self.run("products", turn, variant, nets, "products", self.options.seconds / 4)

    def epoch(self):
        directory = os.environ.get("FANIN_DATA")
        if not directory:
            self.note("the epoch of MNIST was not measured: FANIN_DATA is not set")
            return
        directory = Path(directory).resolve()
        directory = directory / "mnist" if (directory / "mnist").is_dir() else directory
        variants = self.variants_of("fanin", "torch", "torch-compiled")
        for turn in range(self.options.rounds):
            for variant in rotated(variants, turn):
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


def about(options):
    """The machine, the versions and the settings of a run."""
    versions = {"rustc": output_of("rustc", "--version").removeprefix("rustc ").split(" (")[0]}
    commit = output_of("git", "-C", str(HERE), "rev-parse", "--short", "HEAD")
    changed = output_of("git", "-C", str(HERE), "status", "--porcelain", "--", "../../crates")
    versions["fanin"] = f"commit {commit}{' with changes' if changed else ''}"
    return {
        "date": time.strftime("%Y-%m-%d"),
        "quick": options.quick,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "cores": CORES,
        "cpu": cpu_model(),
        "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load_before": os.getloadavg()[0],
        "versions": versions,
    }


def cpu_model():
    """The CPU's name and its widest vector instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    values = {name.strip(): value.strip() for name, value in values.items()}
    flags = values.get("flags", "").split()
    vectors = next((v for v in ("avx512f", "avx2", "avx") if v in flags), "")
    family = f"family {values.get('cpu family', '?')}, model {values.get('model', '?')}"
    vectors = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX"}.get(vectors, "no AVX")
    return f"{values.get('model name', platform.machine())} ({family}; {vectors})"


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def peer_versions(commands):
    """The versions of the peers, as installed and as locked."""
    packages = tomllib.loads((HERE / "Cargo.lock").read_text())["package"]
    locked = {package["name"]: package["version"] for package in packages}
    versions = {"burn": locked["burn"], "candle": locked["candle-core"],
                "matrixmultiply": locked["matrixmultiply"]}
    script = """
import importlib.metadata as m
for name in ("torch", "jax", "jaxlib", "optax", "numpy"):
    try: print(name, m.version(name))
    except m.PackageNotFoundError: pass
import re, sys, platform
print("Python", platform.python_version())
try:
    import torch
    found = re.search(r"Math Kernel Library Version ([\\d.]+)", torch.__config__.show())
    print("MKL", found[1] if found else "none")
except ImportError: pass
"""
    python = next((c[0] for p, c in commands.items() if p in ("torch", "jax")), None)
    if python:
        for line in output_of(python, "-c", script).splitlines():
            name, version = line.split(" ", 1)
            versions[name] = version
    return versions


def main():
    options = arguments()
    raw = OUT / ("part.json" if options.part else "full.json")
    if options.report:
        result = json.loads(raw.read_text())
    else:
        OUT.mkdir(exist_ok=True)
        session = Session(options)
        session.about["versions"] |= peer_versions(session.commands)
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
    drawn = {} if options.part else plots.write(result, HERE.parent / "plots")
    text = report.text(result, drawn)
    if options.output:
        options.output.write_text(text)
        say(f"written: {options.output}")
    else:
        print(text)


if __name__ == "__main__":
    main()
