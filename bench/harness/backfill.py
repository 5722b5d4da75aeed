"""P13: the backfill lane: rows a CPU second, from Parquet and from CSV, without a write online; and the
p99 of online reads with a backfill beside them, which runs at a rate and at the lowest priority."""

import json
import os
import urllib.request

from . import load, processes, report, shapes, stores, training
from .processes import note

ROWS_PER_CPU_SECOND, P99 = "rows per CPU-s", "p99 us"
GOAL_ROWS = 1e8 / (15 * 60) / 8  # a hundred million rows in 15 min on 8 cores
BESIDE_ROWS_PER_SECOND = 50_000
BESIDE_BATCH = 100
GROUP = """  - name: history
    entity: entity
    owner: bench@example.org
    online: false
    features:
      - {name: f0, type: float64}
      - {name: f1, type: float64}
      - {name: f2, type: float64}
      - {name: f3, type: float64}
      - {name: n0, type: int64}
      - {name: s0, type: string}
feature_services:
"""


class Store(stores.Tokura):
    """The rows of the other benchmarks online, and a group with nothing but a table."""

    def definitions(self):
        return shapes.definitions(self.shape).replace("feature_services:\n", GROUP)

    def import_command(self, path, *flags):
        return [self.program, "import", "bench/history", path, "--lane", "backfill", "--endpoint",
                self.address, *flags]

    def rows_written_online(self):
        with urllib.request.urlopen(f"http://{self.ready['http']}/metrics") as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith("tokura_node_commit_records_total "):
                    return int(float(line.split()[1]))
        raise processes.Failed("the server does not count the records it commits")


def make(place, rows, seed):
    """One history as files: {"parquet": path, "csv": path}."""
    directory = place.new_directory("history")
    paths = {kind: os.path.join(directory, "history." + kind) for kind in ("parquet", "csv")}
    program = os.path.join(os.path.dirname(__file__), "backfill_data.py")
    place.measure_client([training.python(), program, str(rows), str(seed), paths["parquet"],
                          paths["csv"]])
    return paths


def rate(place, store, path, rows):
    """Rows a CPU second of one import, of which every row must be new."""
    text, usage = place.measure_client(store.import_command(path, "--json"))
    counts = json.loads(text.splitlines()[-1])
    if (counts["accepted"], counts["repeated"]) != (rows, 0):
        raise processes.Failed(f"P13: {rows:,} rows became {counts}")
    return rows / (usage.ru_utime + usage.ru_stime)


def speed(options, place):
    rows = options.history // 10
    rates = {"parquet": [], "csv": []}
    for number in range(options.rounds):
        paths = make(place, rows, number)
        store = Store(place)
        for kind, path in paths.items():
            rates[kind].append(rate(place, store, path, rows))
            note(f"round {number + 1}: {rows:,} rows of {kind}: {rates[kind][-1]:,.0f} rows/CPU-s")
        if store.rows_written_online() != 0:
            raise processes.Failed("P13: the backfill wrote online")
        store.close()
        place.remove_directory(os.path.dirname(paths["csv"]))
    return [report.compare(f"P13.{kind}", ROWS_PER_CPU_SECOND, taken, None, None, GOAL_ROWS,
                           report.HIGHER) for kind, taken in rates.items()]


def reads(store, options, seed):
    return load.run(store, "read", options.entities, "--batch", BESIDE_BATCH, "--seconds",
                    options.seconds, "--seed", seed, "--connections", 1, "--depth", 1)["p99_us"]


def reads_beside(place, store, options, seed):
    """The same while a backfill runs, all the time."""
    rows = int(BESIDE_ROWS_PER_SECOND * (options.seconds + 20))
    paths = make(place, rows, seed)
    child = place.start_beside(
        store.import_command(paths["parquet"], "--rate", str(BESIDE_ROWS_PER_SECOND)), store.log)
    p99 = reads(store, options, seed)
    if child.poll() is not None:
        raise processes.Failed("P13: the backfill ended before the reads did")
    worked = processes.cpu_seconds(child.pid)
    place.stop(child)
    place.remove_directory(os.path.dirname(paths["csv"]))
    return p99, worked


def online(options, place):
    store = Store(place)
    load.fill(store, options.entities)
    processes.settle(store.pid)
    alone, beside = [], []
    for number in range(options.rounds):
        alone.append(reads(store, options, number + 1))
        p99, worked = reads_beside(place, store, options, number + 1)
        beside.append(p99)
        note(f"round {number + 1}: p99 {alone[-1]:.0f} us, beside a backfill, which took "
             f"{worked:.2f} CPU-s, {p99:.0f} us")
    store.close()
    return report.compare("P13.online", P99, beside, alone, "without a backfill", 0.9)


def run(names, options, place):
    return [*speed(options, place), online(options, place)]
