"""What a run tells about the machine, the commit and the settings."""

import os
import platform
import subprocess
import time
from pathlib import Path

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

# What a virtual machine's name of its CPU does not tell, by vendor, family and model.
GENERATIONS = {
    ("AMD", "25", "1"): "Zen 3",
    ("AMD", "25", "17"): "Zen 4",
    ("AMD", "26", "2"): "Zen 5",
    ("Intel", "6", "143"): "Sapphire Rapids",
    ("Intel", "6", "207"): "Emerald Rapids",
}


def about(options):
    versions = {"rustc": output_of("rustc", "--version").removeprefix("rustc ").split(" (")[0]}
    here = str(Path(__file__).parent)
    commit = output_of("git", "-C", here, "rev-parse", "--short", "HEAD")
    changed = output_of("git", "-C", here, "status", "--porcelain", "--", "../../crates")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "commit": commit + (" with changes" if changed else ""),
        "quick": options.quick,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "cores": CORES,
        "cpu": cpu(),
        "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load_before": os.getloadavg()[0],
        "versions": versions,
    }


def cpu():
    """The CPU's vendor, family, model, name, and widest vector instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    values = {name.strip(): value.strip() for name, value in values.items()}
    flags = values.get("flags", values.get("Features", "")).split()
    vectors = {"avx512f": "AVX-512", "avx2": "AVX2", "avx": "AVX", "asimd": "NEON"}
    vendor = values.get("vendor_id", platform.machine())
    return {
        "vendor": {"AuthenticAMD": "AMD", "GenuineIntel": "Intel"}.get(vendor, vendor),
        "family": values.get("cpu family", ""),
        "model": values.get("model", ""),
        "vectors": next((name for flag, name in vectors.items() if flag in flags), "no AVX"),
        "name": values.get("model name", platform.processor() or platform.machine()),
    }


def title(cpu, cores):
    """The CPU as a heading names it."""
    generation = GENERATIONS.get((cpu["vendor"], cpu["family"], cpu["model"]))
    name = " ".join(filter(None, [cpu["vendor"], generation or f"family {cpu['family']} model {cpu['model']}"]))
    return f"{name}, {cpu['vectors']}, {cores} cores"


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
