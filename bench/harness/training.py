"""P10: training sets: CPU of `tokura training-set build`, and of DuckDB's ASOF join on the same data
files and on the raw log; and of Feast's file offline store, on less, for it holds every record of each
label's entity in memory at once. P10m: the peak memory of ours.

The history is made once for each size and kind of key, and kept below build/bench-data: a raw log in
Parquet, in the order of arrival, which `tokura import --lane backfill` lays out as a table; and a spine in
random order. Keys are int64, where DuckDB is at its best, and in the lines named .text strings of 18 bytes.
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
  - {{name: entity, keys: [{{name: id, type: {key}}}]}}
feature_groups:
  - name: history
    entity: entity
    owner: bench@example.org
    online: false
    features:
      - {{name: f0, type: float64}}
      - {{name: f1, type: float64}}
      - {{name: f2, type: float64}}
      - {{name: f3, type: float64}}
feature_services:
  - {{name: all, features: ["history:*"]}}
"""
SORTED = ("sorted", "DuckDB ASOF JOIN, the same data files", 2)
RAW = ("raw", "DuckDB ASOF JOIN, raw log in order of arrival", 4)
KEYS = {"int64": "", "string": ".text"}  # how the lines of each kind of key end


class Warehouse(stores.Tokura):
    """`tokura up` on a directory that stays."""

    def __init__(self, place, directory, key):
        self.place, self.directory, self.flags, self.key = place, directory, [], key
        self.log = os.path.join(directory, "log")
        self.start()

    def definitions(self):
        return DEFINITIONS.format(key=self.key)

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
    """History, spine and table of one size and kind of key, made if they are not there."""

    def __init__(self, place, history, spine, key):
        self.key = key
        self.directory = os.path.join(machine.ROOT, "build", "bench-data",
                                      f"training-{key}-{history}-{spine}")
        self.raw = os.path.join(self.directory, "raw.parquet")
        self.spine = os.path.join(self.directory, "spine.parquet")
        self.sorted = os.path.join(self.directory, "data", "offline", "bench", "history_v1", "data",
                                   "*", "*.parquet")
        whole = os.path.join(self.directory, "whole")
        if not os.path.exists(whole):
            shutil.rmtree(self.directory, ignore_errors=True)
            os.makedirs(self.directory)
            note(f"making {self.directory}: {history:,} records, {spine:,} rows of a spine")
            peer(place, "make", key, history, max(1, history // RECORDS_PER_ENTITY), DAYS, spine,
                 self.raw, self.spine)
            warehouse = Warehouse(place, self.directory, key)
            _, usage = place.measure_client(
                warehouse.command("import", "bench/history", self.raw, "--lane", "backfill"))
            note(f"laid out as a table in {usage.ru_utime + usage.ru_stime:.1f} CPU-s")
            warehouse.stop()
            open(whole, "w").close()
        # Those of an earlier program may have other bytes.
        shutil.rmtree(os.path.join(self.directory, "data", "offline", "_datasets"),
                      ignore_errors=True)
        note(f"the table has {len(glob.glob(self.sorted))} data files")


def build(place, warehouse, data):
    """One training set: (its file, CPU seconds, peak memory in GB)."""
    out = os.path.join(place.directory, "ours.parquet")
    _, usage = place.measure_client(warehouse.command(
        "training-set", "build", "--spine", data.spine, "--service", "bench/all", "--out", out,
        "--threads", "1", "--fresh"))
    return out, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e9


def check(place, ours, theirs, rows="true"):
    seen = [peer(place, "digest", path, rows) for path in (ours, theirs)]
    if seen[0] != seen[1]:
        raise processes.Failed(f"P10: the values differ: {seen[0]} and {seen[1]}")


def run_with(data, names, options, place):
    """The lines of one kind of key."""
    warehouse = Warehouse(place, data.directory, data.key)
    theirs = os.path.join(place.directory, "theirs.parquet")
    cpu, memory, peers = [], [], {SORTED: [], RAW: []}
    for number in range(options.rounds):
        ours, seconds, gigabytes = build(place, warehouse, data)
        cpu.append(seconds)
        memory.append(gigabytes)
        for comparison, taken in peers.items() if "P10" in names else ():
            history = data.sorted if comparison is SORTED else data.raw
            taken.append(peer(place, "asof", history, data.spine, theirs)["cpu_seconds"])
            if number == 0:
                check(place, ours, theirs)
        note(f"{data.key} keys, round {number + 1}: {seconds:.2f} CPU-s and {gigabytes:.2f} GB; "
             f"DuckDB {', '.join(f'{taken[-1]:.2f}' for taken in peers.values() if taken)}")
    warehouse.stop()
    lines = [report.compare(f"P10.{bench}{KEYS[data.key]}", CPU, cpu, peers[bench, name, goal],
                            name, goal) for bench, name, goal in peers if "P10" in names]
    if "P10m" in names:
        lines.append(report.compare(f"P10m{KEYS[data.key]}", MEMORY, memory, None, None, 4))
    return lines


def run_feast(options, place):
    """Feast once: it takes long, and other rounds would show nothing new."""
    python_of_feast = os.path.join(machine.ROOT, "build", "bench-venv", "bin", "python")
    if not os.path.exists(python_of_feast):
        note("P10.feast: skipped: ops/setup.sh --bench installs Feast")
        return []
    data = Data(place, options.feast_history, options.feast_history // 10, "int64")
    warehouse = Warehouse(place, data.directory, data.key)
    theirs = os.path.join(place.directory, "theirs.parquet")
    ours, seconds, _ = build(place, warehouse, data)
    warehouse.stop()
    program = os.path.join(os.path.dirname(__file__), "training_feast.py")
    text, _ = place.measure_client([python_of_feast, program, data.raw, data.spine, theirs,
                                    data.key.upper()])
    feast = json.loads(text.splitlines()[-1])["cpu_seconds"]
    # Feast leaves out labels whose entity has later records only.
    check(place, ours, theirs, "history__f0 IS NOT NULL")
    note(f"{options.feast_history:,} records: {seconds:.2f} CPU-s; Feast {feast:.2f}")
    return [report.compare("P10.feast", CPU, [seconds], [feast], "Feast 0.67 file offline store", 50)]


def run(names, options, place):
    lines = []
    for key in KEYS:
        data = Data(place, options.history, options.spine, key)
        lines += run_with(data, names, options, place)
    return lines + (run_feast(options, place) if "P10" in names else [])
