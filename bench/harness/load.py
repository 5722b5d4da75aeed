"""Runs tokura-bench, the load generator, against a store."""

import json
import os

from . import processes

WRITE_BATCH = 64
WRITE_CONNECTIONS, WRITE_DEPTH = 4, 8


def run(store, action, entities, *flags, by=None, shape=None):
    """One run; its report as a dictionary. Failed if a value was wrong."""
    kind, *where = store.load_arguments(by)
    command = [os.path.join(store.place.programs, "tokura-bench"), kind, action, *where,
               "--entities", str(entities), "--server-pid", str(store.pid)]
    if shape is not None:
        command += ["--shape", shape.name]
    code, output, errors = store.place.run_client(command + [str(flag) for flag in flags])
    if code != 0:
        raise processes.Failed(errors.strip() or f"tokura-bench ended with {code}")
    report = json.loads(output)
    if report.get("retries"):
        processes.note(f"{kind} refused {report['retries']:,} requests, which were sent again")
    return report


def fill(store, entities, *flags, by=None, shape=None):
    """Writes every entity once, in batches."""
    return run(store, "write", entities, "--batch", WRITE_BATCH, "--connections",
               WRITE_CONNECTIONS, "--depth", WRITE_DEPTH, *flags, by=by, shape=shape)


def spot_check(store, entities, *flags, shape=None, features=None):
    """Reads random entities for a moment, to see that the store holds what was written."""
    wanted = features or (shape.features if shape else 20)
    return run(store, "read", entities, "--batch", 100, "--features", wanted, "--seconds", 0.3,
               "--warm-up", 0, *flags, shape=shape)
