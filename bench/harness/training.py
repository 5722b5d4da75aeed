"""P10: training sets: CPU of `tokura training-set build`, and of DuckDB's ASOF join on the same data
files and on the raw log. P10m: the peak memory of the former.

The history is made once for each size and kept below build/bench-data: a raw log in Parquet, in the
order of arrival, which `tokura import --lane backfill` lays out as a table; and a spine in random order.
"""

import glob
import json
import os
import shutil

from . import machine, processes, report, stores
from .processes import note

RECORDS_PER_ENTITY, DAYS = 100, 30
CPU, MEMORY = "CPU-s", "GB of peak memory"
DEFINITIONS = """project: bench
entities:
  - {name: entity, keys: [{name: id, type: string}]}
feature_groups:
  - name: history
    entity: entity
    owner: bench@example.org
    online: false
    features:
      - {name: f0, type: float64}
      - {name: f1, type: float64}
      - {name: f2, type: float64}
      - {name: f3, type: float64}
feature_services:
  - {name: all, features: ["history:*"]}
"""
PEERS = {"P10.sorted": ("DuckDB ASOF JOIN, the same data files", 2),
         "P10.raw": ("DuckDB ASOF JOIN, raw log in order of arrival", 4)}


class Warehouse(stores.Tokura):
    """`tokura up` on a directory that stays."""

    def __init__(self, place, directory):
        self.place, self.directory, self.flags = place, directory, []
        self.log = os.path.join(directory, "log")
        self.start()

    def definitions(self):
        return DEFINITIONS

    def command(self, *arguments):
        return [self.program, *arguments, "--endpoint", self.address]


def python():
    path = os.path.join(machine.ROOT, "build", "venv", "bin", "python")
    if not os.path.exists(path):
        raise processes.Failed(f"{path} is missing; ops/setup.sh makes it")
    return path


def peer(place, verb, *arguments):
    """Runs a verb of training_peer.py; its report."""
    program = os.path.join(os.path.dirname(__file__), "training_peer.py")
    text, _ = place.measure_client([python(), program, verb, *map(str, arguments)])
    return json.loads(text.splitlines()[-1])


class Data:
    """History, spine and table of one size, made if they are not there."""

    def __init__(self, place, history, spine):
        self.directory = os.path.join(machine.ROOT, "build", "bench-data",
                                      f"training-{history}-{spine}")
        self.raw = os.path.join(self.directory, "raw.parquet")
        self.spine = os.path.join(self.directory, "spine.parquet")
        self.sorted = os.path.join(self.directory, "data", "offline", "bench", "history_v1", "data",
                                   "*", "*.parquet")
        whole = os.path.join(self.directory, "whole")
        if not os.path.exists(whole):
            shutil.rmtree(self.directory, ignore_errors=True)
            os.makedirs(self.directory)
            note(f"making {self.directory}: {history:,} records, {spine:,} rows of a spine")
            peer(place, "make", history, max(1, history // RECORDS_PER_ENTITY), DAYS, spine,
                 self.raw, self.spine)
            warehouse = Warehouse(place, self.directory)
            _, usage = place.measure_client(
                warehouse.command("import", "bench/history", self.raw, "--lane", "backfill"))
            note(f"laid out as a table in {usage.ru_utime + usage.ru_stime:.1f} CPU-s")
            warehouse.stop()
            open(whole, "w").close()
        note(f"the table has {len(glob.glob(self.sorted))} data files")


def build(place, warehouse, data):
    """One training set: (its file, CPU seconds, peak memory in GB)."""
    out = os.path.join(place.directory, "ours.parquet")
    _, usage = place.measure_client(warehouse.command(
        "training-set", "build", "--spine", data.spine, "--service", "bench/all", "--out", out,
        "--threads", "1", "--fresh"))
    return out, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9


def check(place, ours, theirs):
    seen = [peer(place, "digest", path) for path in (ours, theirs)]
    if seen[0] != seen[1]:
        raise processes.Failed(f"P10: not the values of DuckDB's join: {seen[0]} and {seen[1]}")


def run(names, options, place):
    data = Data(place, options.history, options.spine)
    warehouse = Warehouse(place, data.directory)
    theirs = os.path.join(place.directory, "theirs.parquet")
    cost = {"ours": [], "memory": []} | {bench: [] for bench in PEERS}
    for number in range(options.rounds):
        ours, cpu, memory = build(place, warehouse, data)
        cost["ours"].append(cpu)
        cost["memory"].append(memory)
        if "P10" in names:
            for bench, history in (("P10.sorted", data.sorted), ("P10.raw", data.raw)):
                cost[bench].append(peer(place, "asof", history, data.spine, theirs)["cpu_seconds"])
                if number == 0:
                    check(place, ours, theirs)
        note(f"round {number + 1}: " + ", ".join(f"{side} {taken[-1]:.2f}"
                                                 for side, taken in cost.items() if taken))
    warehouse.stop()
    lines = []
    if "P10" in names:
        lines += [report.compare(bench, CPU, cost["ours"], cost[bench], name, goal)
                  for bench, (name, goal) in PEERS.items()]
    if "P10m" in names:
        lines.append(report.compare("P10m", MEMORY, cost["memory"], None, None, 4))
    return lines
