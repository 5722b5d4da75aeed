"""The machine: where the programs are, and which cores server and client take."""

import os
import shutil
import subprocess
import sys

from . import processes

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def cores():
    """The core of the servers and that of the client."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        print("bench/run: only one core: server and client share it, so throughput and latency "
              "mean little", file=sys.stderr)
    return allowed[0], allowed[1 % len(allowed)]


def programs(options):
    """The directory of our programs; builds those that are not there."""
    directory = options.bin or os.path.join(ROOT, "build", "release", "bin")
    needed = ["tokura", "tokura-bench"] + (["tokura-bench-history"] if "P9" in options.names else [])
    missing = [name for name in needed if not os.path.exists(os.path.join(directory, name))]
    if missing and options.bin:
        raise processes.Failed(f"{directory} has no {' and no '.join(missing)}")
    if missing:
        built = subprocess.run([os.path.join(ROOT, "ops", "build.sh"), "release", *missing],
                               stdout=sys.stderr)
        if built.returncode != 0:
            raise processes.Failed("ops/build.sh failed")
    return directory


def require(program, package):
    path = shutil.which(program)
    if path is None:
        raise processes.Failed(f"{program} is not installed; ops/setup.sh --bench installs "
                               f"{package}")
    return path


def describe():
    """One line on this machine, for whoever reads the figures."""
    model = "unknown processor"
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo") as file:
        kilobytes = int(file.readline().split()[1])
    return (f"{len(os.sched_getaffinity(0))} cores, {model}, {kilobytes / 2**20:.0f} GiB, "
            f"Linux {os.uname().release}, load {os.getloadavg()[0]:.1f}")
