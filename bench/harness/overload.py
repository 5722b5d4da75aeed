"""O1: five times the load that the server can sustain. How much useful work is still done, and how
soon everything is as before."""

import time

from . import load, processes, report, stores
from .processes import note

TIMES = 5
CROWD_SECONDS, QUICK_CROWD_SECONDS = 10, 2
CROWD_CONNECTIONS = 32
DEADLINE_SECONDS = 0.25  # an answer later than this is of no use
NORMAL = 0.9  # of the rate before
RECOVERY_SECONDS_MAX = 120
OUTCOMES = ("in_time", "late", "refused", "unknown", "failed", "unsent", "silent")
GOODPUT_GOAL, RECOVERY_GOAL = 0.8, 30


def sustainable(store, options, seconds):
    """Requests a second, with as many in flight as keep the server busy."""
    sample = load.run(store, "read", options.entities, "--batch", 100, "--connections", 4,
                      "--depth", 4, "--seconds", seconds, "--warm-up", 0.2)
    return sample["requests"] / sample["seconds"]


def recovery(store, options, before):
    """Seconds until the rate is normal again."""
    begin = time.monotonic()
    while sustainable(store, options, 0.5) < NORMAL * before:
        if time.monotonic() - begin > RECOVERY_SECONDS_MAX:
            raise processes.Failed(f"not normal {RECOVERY_SECONDS_MAX} s after the overload")
    return time.monotonic() - begin


def one_round(store, options):
    """Goodput under overload as a part of the sustainable rate, and seconds of recovery."""
    before = sustainable(store, options, options.seconds)
    crowd = load.run(store, "crowd", options.entities, "--batch", 100, "--rate", TIMES * before,
                     "--connections", CROWD_CONNECTIONS, "--deadline", DEADLINE_SECONDS,
                     "--seconds", QUICK_CROWD_SECONDS if options.quick else CROWD_SECONDS)
    goodput = crowd["in_time"] / crowd["seconds"] / before
    seconds = recovery(store, options, before)
    outcomes = ", ".join(f"{crowd[name] / crowd['due']:.1%} {name.replace('_', ' ')}"
                         for name in OUTCOMES)
    note(f"O1: sustainable {before:,.0f} requests/s; at {TIMES} times that: {outcomes}; goodput "
         f"{goodput:.0%}; normal after {seconds:.1f} s; client "
         f"{crowd['client_cpu_seconds'] / crowd['seconds']:.0%} of its core")
    return goodput, seconds


def run(names, options, place):
    store = stores.Tokura(place)
    load.fill(store, options.entities)
    processes.settle(store.pid)
    samples = [one_round(store, options) for _ in range(options.rounds)]
    store.close()
    return [
        report.compare("O1.goodput", f"goodput at {TIMES} x load / sustainable rate",
                       [sample[0] for sample in samples], None, None, GOODPUT_GOAL, report.HIGHER),
        report.compare("O1.recovery", "s until normal after overload",
                       [sample[1] for sample in samples], None, None, RECOVERY_GOAL)]
