"""P8: durable ingest of shape S in batches of 64 rows, synced every second."""

import collections

from . import load, processes, report, shapes, stores
from .processes import note

CPU_PER_ROW = "server CPU-us per row"
OURS = "tokura"
PEERS = {"redis 7.0 AOF everysec, HSET + EXPIRE": stores.RedisHashes,
         "redis 7.0 AOF everysec, SET EX packed": stores.RedisPacked}
GOAL = 3


def ingest(make, by, options):
    """CPU-us a row, with what the server still does after the last answer, and rows/s."""
    store = make()
    before = processes.cpu_seconds(store.pid)
    filled = load.fill(store, options.entities, by=by)
    processes.settle(store.pid)
    cpu = processes.cpu_seconds(store.pid) - before
    load.spot_check(store, options.entities)
    store.close()
    return cpu * 1e6 / options.entities, filled["rows"] / filled["seconds"]


def run(names, options, place):
    sides = {OURS: (lambda: stores.Tokura(place, shapes.S), None),
             "tokura-node, not judged": (lambda: stores.Tokura(place, shapes.S), "tokura-node")}
    for name, kind in PEERS.items():
        sides[name] = (lambda kind=kind: kind(place, durable=True), None)
    samples = collections.defaultdict(list)
    for number in range(options.rounds):
        for side, (make, by) in sides.items():
            samples[side].append(ingest(make, by, options))
            note(f"{side:40} round {number + 1}: {samples[side][-1][0]:8.2f} server CPU-us/row"
                 f"{samples[side][-1][1]:12,.0f} rows/s")
    cost = {side: [sample[0] for sample in taken] for side, taken in samples.items()}
    best = min(PEERS, key=lambda side: report.median(cost[side]))
    return [report.compare("P8", CPU_PER_ROW, cost[OURS], cost[best], best, GOAL)]
