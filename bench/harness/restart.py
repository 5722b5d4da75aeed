"""S1: how long a node with many rows takes to serve again, and to be warm, after a clean stop and
after kill -9 by turns."""

import re
import signal
import time
import urllib.request

from . import load, processes, report, stores
from .processes import note

FIRST_READ_GOAL, WARM_GOAL = 2, 60
WARM_SECONDS_MAX = 600
ROWS_IN_MEMORY = re.compile(rb"^tokura_node_rows(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


def rows_in_memory(store):
    with urllib.request.urlopen(f"http://{store.ready['http']}/metrics", timeout=30) as answer:
        return sum(float(rows) for rows in ROWS_IN_MEMORY.findall(answer.read()))


def wait_warm(store, rows):
    deadline = time.monotonic() + WARM_SECONDS_MAX
    while rows_in_memory(store) < rows:
        if time.monotonic() > deadline:
            raise processes.Failed(f"S1: {WARM_SECONDS_MAX} s after the start only "
                                   f"{rows_in_memory(store):,.0f} of {rows:,} rows are in memory")
        time.sleep(0.05)


def restart(store, rows, how):
    """Stops and starts the server: seconds to the first right answers, and to all rows warm."""
    store.stop(how)
    begin = time.monotonic()
    store.start()
    load.run(store, "read", rows, "--batch", 100, "--seconds", 0, "--warm-up", 0)
    first = time.monotonic() - begin
    wait_warm(store, rows)
    warm = max(first, time.monotonic() - begin)
    load.spot_check(store, rows)
    note(f"S1: after {how.name}: first read {first:.2f} s, warm {warm:.2f} s, "
         f"{processes.memory_bytes(store.pid) / 2**20:,.0f} MiB")
    return first, warm


def run(names, options, place):
    rows = options.restart_rows
    store = stores.Tokura(place)
    filled = load.fill(store, rows)
    processes.settle(store.pid)
    note(f"S1: {rows:,} rows written in {filled['seconds']:.0f} s")
    samples = [restart(store, rows, signal.SIGKILL if number % 2 else signal.SIGTERM)
               for number in range(options.rounds)]
    store.close()
    warm = [sample[1] for sample in samples]
    return [
        report.compare("S1.first_read", "s to the first read after a restart",
                       [sample[0] for sample in samples], None, None, FIRST_READ_GOAL),
        report.compare("S1.warm", "s to all rows warm after a restart", warm, None, None, WARM_GOAL),
        report.compare("S1.rate", "rows/s warmed by a restart", [rows / seconds for seconds in warm],
                       None, None, None, report.HIGHER)]
