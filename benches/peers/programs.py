"""Builds and installs the programs that run.py compares."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from configs import PROGRAMS
from machine import output_of

HERE = Path(__file__).resolve().parent
OUT = HERE / "out"
IMPORTS = {"torch_steps.py": "torch", "jax_steps.py": "jax, optax",
           "onnx_steps.py": "onnx, onnxruntime", "sklearn_steps.py": "sklearn"}


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
    """A Python with what requirements.txt names. Installs it if necessary."""
    if options.venv:
        return str(options.venv / "bin" / "python")
    venv, wanted = HERE / ".venv", (HERE / "requirements.txt").read_text()
    stamp, python = venv / "installed.txt", venv / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        say("installing PyTorch, JAX and the others: some minutes and gigabytes, once")
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "-r", HERE / "requirements.txt"]
        subprocess.run(install, check=True)
        stamp.write_text(wanted)
    return str(python)


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
            script = PROGRAMS[program].script
            if not script:
                found[program] = build(program)
                continue
            if program == "torch-compiled" and not (shutil.which("g++") or shutil.which("clang++")):
                notes.append("torch-compiled did not run: it needs a C++ compiler (g++ or clang++)")
                continue
            python = make_venv(options)
            subprocess.run([python, "-c", f"import {IMPORTS[script]}"], check=True)
            found[program] = [python, str(HERE / script)]
            if program == "torch-compiled":
                found[program].append("--compile")
        except (OSError, subprocess.CalledProcessError) as error:
            notes.append(f"{program} did not run: it could not be built or installed")
            say(f"WARNING: {notes[-1]}: {error}")
    return found


def versions(commands):
    """The versions of the peers, as installed and as locked."""
    packages = tomllib.loads((HERE / "Cargo.lock").read_text())["package"]
    locked = {package["name"]: package["version"] for package in packages}
    found = {"burn": locked["burn"], "candle": locked["candle-core"],
             "matrixmultiply": locked["matrixmultiply"]}
    script = """
import importlib.metadata as m
for name in ("torch", "jax", "jaxlib", "optax", "onnxruntime", "onnx", "scikit-learn", "numpy"):
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
    python = next((command[0] for p, command in commands.items() if PROGRAMS[p].script), None)
    if python:
        for line in output_of(python, "-c", script).splitlines():
            name, version = line.split(" ", 1)
            found[name] = version
    return found
