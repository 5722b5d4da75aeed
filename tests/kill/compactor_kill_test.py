#!/usr/bin/env python3
"""kill -9 of tokura-compactor, again and again, beside a node and a router that live on and are written to.

In the end `tokura up` serves the same directory, and must find:
  - every acknowledged write online, and in the table exactly once, whole; nothing that was never sent,
  - with tables on a file system: no file that the table does not name,
  - log, rows and files equal (`tokura verify`).
With --s3 the tables are in an object store (moto), and the compactor dies at one of its requests.

  compactor_kill_test.py --bin build/release/bin [--kills 500 (default $TOKURA_KILLS, or 5)] [--seed 7] [--s3]
"""

import argparse
import collections
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest.mock

from pyiceberg.table import StaticTable

from kill_test import Server, Writer, check_counts, check_files, check_online, whole_keys

GIVE_UP = 60  # seconds, for what must happen in time


class Parts:
    """tokura-node and tokura-router, and one tokura-compactor after another."""

    def __init__(self, programs, directory, data, offline):
        self.programs, self.directory, self.offline = programs, directory, offline
        self.catalog = "file://" + os.path.join(data, "catalog")
        self.log = open(os.path.join(directory, "parts.log"), "wb")
        self.processes = []
        self.node, _ = self.start("tokura-node", "--data-dir", data, "--listen", "127.0.0.1:0",
                                  "--log-retention", "64KiB", "--view-interval", "100ms")
        self.router, self.ready = self.start("tokura-router", "--listen", "127.0.0.1:0", "--http",
                                             "127.0.0.1:0")

    def spawn(self, program, *flags):
        process = subprocess.Popen(
            [os.path.join(self.programs, program), "--catalog", self.catalog, *flags],
            stdout=self.log, stderr=self.log)
        self.processes.append(process)
        return process

    def start(self, program, *flags):
        ready_file = os.path.join(self.directory, program + ".json")
        process = self.spawn(program, "--ready-file", ready_file, *flags)
        deadline = time.monotonic() + GIVE_UP
        while not os.path.exists(ready_file):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{program} is not ready:\n{self.log_text()}")
            time.sleep(0.005)  # a poll for the ready file, bounded by the deadline
        with open(ready_file) as file:
            return process, json.load(file)

    def spawn_compactor(self, *flags):
        return self.spawn("tokura-compactor", "--offline", self.offline, "--compact-interval",
                          "20ms", *flags)

    def connect(self):
        return Server.connect(self)

    def stop(self):
        for process in (self.router, self.node):
            process.terminate()
            assert process.wait(timeout=GIVE_UP) == 0, self.log_text()

    def kill(self):
        for process in self.processes:
            process.kill()
            process.wait(timeout=GIVE_UP)

    def log_text(self):
        with open(self.log.name, errors="replace") as file:
            return file.read()[-3000:]


class Folder:
    """Tables on this machine. A compactor dies at any moment, sometimes before it has begun."""

    environment = {}

    def __init__(self, directory):
        self.root = os.path.join(directory, "offline")

    def kill(self, compactor, rng):
        with contextlib.suppress(subprocess.TimeoutExpired):
            compactor.wait(timeout=0.8 * rng.random())
        compactor.kill()
        compactor.wait(timeout=GIVE_UP)

    def check(self, server, acknowledged, sent):
        return check_files(server, acknowledged, sent, cared=False)

    def close(self):
        pass


class Bucket:
    """Tables in an object store. A compactor dies at one of its requests, before or after it is done."""

    root = "s3://kills/lake"
    REQUESTS = 60  # more than a compactor makes until its first commit is done

    def __init__(self, directory):
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "s3"))
        from object_store import ObjectStore  # here, for it takes a second
        self.store = ObjectStore()
        self.store.make_bucket("kills")
        self.environment = {**self.store.environment(), "TMPDIR": directory}

    def kill(self, compactor, rng):
        left = rng.randrange(self.REQUESTS)
        outcome = rng.choice(["cut", "lost"])

        def fault(method, path):
            nonlocal left
            left -= 1
            if left >= 0:
                return None
            compactor.kill()
            return outcome

        self.store.fault = fault
        compactor.wait(timeout=GIVE_UP)
        self.store.fault = lambda method, path: None

    def check(self, server, acknowledged, sent):
        status = json.loads(server.run("offline", "status", "--json").stdout)["groups"][0]
        table = StaticTable.from_metadata(status["metadata_location"], self.store.pyiceberg())
        rows = table.scan().to_arrow().to_pydict()
        check_counts(collections.Counter(whole_keys(status["location"], rows)), acknowledged, sent)
        return len(rows["id"])

    def close(self):
        self.store.stop()


def kill_compactors(kills, parts, tables, rng, writers):
    """Kills so many while all writers write; then one may finish."""
    stop = threading.Event()
    threads = [threading.Thread(target=writer.run, args=(parts, stop)) for writer in writers]
    for thread in threads:
        thread.start()
    for number in range(kills):
        compactor = parts.spawn_compactor()
        tables.kill(compactor, rng)
        assert compactor.returncode == -signal.SIGKILL, f"ended by itself:\n{parts.log_text()}"
        if (number + 1) % 50 == 0:
            print(f"{number + 1} kills", flush=True)
    stop.set()
    for thread in threads:
        thread.join()
    last = parts.spawn_compactor("--once")
    assert last.wait(timeout=GIVE_UP) == 0, parts.log_text()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="where the programs are")
    parser.add_argument("--kills", type=int, default=int(os.environ.get("TOKURA_KILLS", 5)))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--s3", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="tokura-kill-"))
        tables = Bucket(directory) if options.s3 else Folder(directory)
        stack.callback(tables.close)
        stack.enter_context(unittest.mock.patch.dict(os.environ, tables.environment))
        server = Server(os.path.join(options.bin, "tokura"), directory, ["--offline", tables.root])
        server.start()  # applies the definitions
        server.stop()
        stack.callback(lambda: server.process.poll() is None and server.kill())
        parts = Parts(options.bin, directory, server.data, tables.root)
        stack.callback(parts.kill)
        base_us = time.time_ns() // 1000 - 30 * 86_400_000_000
        writers = [Writer(number, base_us) for number in range(2)]
        kill_compactors(options.kills, parts, tables, rng, writers)
        parts.stop()
        acknowledged = set().union(*(writer.acknowledged for writer in writers))
        sent = set().union(*(writer.sent for writer in writers))
        assert acknowledged, "no write was ever acknowledged: this test showed nothing"
        server.start()
        check_online(server, acknowledged)
        in_tables = tables.check(server, acknowledged, sent)
        verified = server.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        server.stop()
        print(f"{options.kills} kills: {len(acknowledged)} acknowledged writes, {in_tables} records in the "
              f"table, none lost, none twice, none half")


if __name__ == "__main__":
    sys.exit(main())
