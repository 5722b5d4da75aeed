"""P1 to P5: reads of shape S. Every round measures each side once; a side that several comparisons
need is measured once for all of them."""

import collections
import signal

from . import load, processes, report, shapes, stores
from .processes import note

CPU, P50 = "server CPU-us per request", "p50 us"

# How a store is asked. `store` is a key of STORES; `by`: how it is spoken to, if not as usual;
# `five` asks for 5 of the 20 features; `alone`: on one connection, one request at a time; `spin`:
# server and client never sleep while they wait.
Side = collections.namedtuple("Side", "store by batch five alone spin",
                              defaults=(None, 100, False, False, False))
# `beside`: sides that are measured and shown, and not judged.
Comparison = collections.namedtuple("Comparison", "bench unit ours peers goal beside",
                                    defaults=((),))

STORES = {
    "tokura": stores.Tokura,
    "tokura-spin": lambda place: stores.Tokura(place, flags=("--durability", "flushed", "--spin")),
    "redis-hashes": stores.RedisHashes,
    "redis-packed": stores.RedisPacked,
    "memcached": stores.Memcached,
}
PEER_NAMES = {"redis-hashes": "redis 7.0 HMGET", "redis-packed": "redis 7.0 MGET packed",
              "memcached": "memcached 1.6 get packed"}

ROUTER, NODE = Side("tokura"), Side("tokura", by="tokura-node")
LIBRARY = Side("tokura", by="tokura-library", alone=True)
HASHES, PACKED, MEMCACHED = Side("redis-hashes"), Side("redis-packed"), Side("memcached")


def alone(side, **changes):
    return side._replace(alone=True, **changes)


ONE_OF_EACH_PEER = [alone(side, batch=1) for side in (HASHES, PACKED, MEMCACHED)]

COMPARISONS = {
    "P1": [Comparison("P1", CPU, ROUTER, [HASHES], 10)],
    "P2": [Comparison("P2.direct", CPU, NODE, [PACKED, MEMCACHED], 4),
           Comparison("P2.router", CPU, ROUTER, [PACKED, MEMCACHED], 2)],
    "P3": [Comparison("P3.hmget", P50, alone(ROUTER), [alone(HASHES)], 4, [LIBRARY]),
           Comparison("P3.memcached", P50, alone(ROUTER), [alone(MEMCACHED)], 1.33),
           Comparison("P3.mget", P50, alone(ROUTER), [alone(PACKED)], None)],
    # A packed peer has no projection: it sends whole rows.
    "P4": [Comparison("P4.hmget", CPU, NODE._replace(five=True), [HASHES._replace(five=True)], 10),
           Comparison("P4.packed", CPU, NODE._replace(five=True), [PACKED, MEMCACHED], 6)],
    "P5": [Comparison("P5", P50, alone(ROUTER, batch=1), ONE_OF_EACH_PEER, 0.95,
                      [alone(NODE, batch=1), LIBRARY._replace(batch=1)]),
           Comparison("P5.spin", P50, alone(ROUTER._replace(store="tokura-spin"), batch=1,
                                            spin=True), ONE_OF_EACH_PEER, 2.2)],
}


def run(names, options, place):
    comparisons = [c for name in names for c in COMPARISONS[name]]
    if not stores.has_flag(place, "--spin"):
        for comparison in [c for c in comparisons if c.ours.spin]:
            note(f"{comparison.bench}: skipped: this build of `tokura up` has no --spin")
            comparisons.remove(comparison)
    sides = list(dict.fromkeys(side for c in comparisons for side in (c.ours, *c.peers, *c.beside)))
    running = start(dict.fromkeys(side.store for side in sides), options, place)
    samples = collections.defaultdict(list)
    for number in range(options.rounds):
        for position in range(len(sides)):
            side = sides[(position + number) % len(sides)]  # nobody is always first
            samples[side].append(measure(side, running[side.store], options, seed=number + 1))
    for side in sides:
        describe(side, samples[side])
    for store in running.values():
        store.close()
    return [line_of(comparison, samples) for comparison in comparisons]


def start(keys, options, place):
    running = {}
    for key in keys:
        running[key] = STORES[key](place)
        filled = load.fill(running[key], options.entities)
        processes.settle(running[key].pid)
        note(f"{key}: {options.entities:,} entities in {filled['seconds']:.1f} s")
        pause(key, running[key])
    return running


def pause(key, store):
    """A server that spins takes the core from its neighbours, so it is stopped between its turns."""
    if key == "tokura-spin":
        store.process.send_signal(signal.SIGSTOP)


def measure(side, store, options, seed):
    flags = ["--batch", side.batch, "--seconds", options.seconds, "--seed", seed,
             "--connections", 1 if side.alone else 4, "--depth", 1 if side.alone else 4]
    if side.spin:
        flags.append("--spin")
    if side.five:
        flags += ["--features", shapes.FEW]
        if side.store == "tokura" and side.by != "tokura-node":
            flags += ["--service", "bench/five"]
    store.process.send_signal(signal.SIGCONT)
    sample = load.run(store, "read", options.entities, *flags, by=side.by)
    pause(side.store, store)
    return sample


def figure(unit, sample):
    if unit == P50:
        return sample["p50_us"]
    return sample["server_cpu_seconds"] * 1e6 / sample["requests"]


def describe(side, samples):
    """What was seen of one side, for people."""
    def of(take):
        return report.median([take(sample) for sample in samples])
    note(f"{side.by or side.store:14} {side.batch:4} x {shapes.FEW if side.five else 20:<2} "
         f"{'alone' if side.alone else '16 in flight':12}"
         f"{of(lambda s: figure(CPU, s)):9.1f} server CPU-us/request"
         f"{of(lambda s: s['client_cpu_seconds'] * 1e6 / s['requests']):8.1f} client"
         f"{of(lambda s: s['requests'] / s['seconds']):10.0f} requests/s"
         f"{of(lambda s: s['p50_us']):9.1f} p50 us{of(lambda s: s['p99_us']):10.1f} p99 us")


def line_of(comparison, samples):
    """Against the peer that is best at it."""
    def figures(side):
        return [figure(comparison.unit, sample) for sample in samples[side]]
    best = min(comparison.peers, key=lambda side: report.median(figures(side)))
    return report.compare(comparison.bench, comparison.unit, figures(comparison.ours),
                          figures(best), PEER_NAMES[best.store], comparison.goal)
