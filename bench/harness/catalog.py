"""Which benchmarks there are, and running several of them."""

import collections

from . import (backfill, history, ingest, load, machine, memory, overload, processes, reads, restart,
               stores, training)
from .processes import note

Benchmark = collections.namedtuple("Benchmark", "about group run")

BENCHMARKS = {
    "P1": Benchmark("100 entities x 20 features through router and node, CPU; Redis hashes",
                    "reads", reads.run),
    "P2": Benchmark("the same, direct to a node and through the router; best packed peer",
                    "reads", reads.run),
    "P3": Benchmark("the same on one connection, p50; Redis hashes, memcached, Redis packed",
                    "reads", reads.run),
    "P4": Benchmark("5 of the 20 features of 100 entities, CPU; Redis hashes, best packed peer",
                    "reads", reads.run),
    "P5": Benchmark("1 entity on one connection, p50, without and with spinning; best peer",
                    "reads", reads.run),
    "P7": Benchmark("memory an entity of 20 float64 and 20 float32", "P7", memory.run_p7),
    "P8": Benchmark("durable ingest in batches of 64 rows, CPU a row; Redis AOF everysec",
                    "P8", ingest.run),
    "P9": Benchmark("records of a log into sorted, deduplicated zstd Parquet, CPU and size; DuckDB",
                    "P9", history.run),
    "P10": Benchmark("point-in-time join, CPU; DuckDB's ASOF join on the same files and on raw logs",
                     "training", training.run),
    "P10m": Benchmark("peak memory of a point-in-time join", "training", training.run),
    "P13": Benchmark("backfill lane, rows a CPU second; p99 of online reads beside it",
                     "P13", backfill.run),
    "S1": Benchmark("seconds from a restart to the first read, and to all rows warm",
                    "S1", restart.run),
    "S2": Benchmark("memory an entity over several schemas", "S2", memory.run_s2),
    "O1": Benchmark("goodput at 5 times the sustainable load, and recovery from it",
                    "O1", overload.run),
}


def run(options, place):
    """The lines of all benchmarks asked for. Those of one group share their servers."""
    note(f"machine: {machine.describe()}")
    lines = []
    names = list(dict.fromkeys(options.names))
    while names:
        benchmark = BENCHMARKS[names[0]]
        together = [name for name in names if BENCHMARKS[name].group == benchmark.group]
        note(f"running {', '.join(together)}")
        lines += benchmark.run(together, options, place)
        names = [name for name in names if name not in together]
    return lines


def self_test(place):
    """Plants wrong values and sees that they are found."""
    entities = 2_000
    store = stores.Tokura(place)
    load.fill(store, entities)
    load.spot_check(store, entities)
    load.fill(store, entities // 2, "--generation", 7)
    try:
        load.spot_check(store, entities)
    except processes.Failed as failure:
        if "not the value written" not in str(failure):
            raise
        note(f"self-test: found, as it must be: {failure}")
        return
    finally:
        store.close()
    raise processes.Failed("self-test: wrong values went unnoticed")
