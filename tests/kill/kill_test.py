#!/usr/bin/env python3
"""kill -9 at random moments under load, again and again, on one data directory.

Writers put batches over HTTP and remember what was acknowledged. A batch whose answer never came is put
again, with the same write ids, after the restart. In the end:
  - every acknowledged write is read back online with its values,
  - the files hold every acknowledged write exactly once, and nothing that was never sent,
  - no record is half there: both of its cells agree with its key,
  - `tokura verify` finds log, rows and files equal.
With --care the tables are compacted and expired all the while, and that is killed, too.
With --cold the server has room for few rows in memory, and between two lives the view of its rows is
sometimes deleted or damaged.
"""

import argparse
import collections
import glob
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pyarrow.parquet as pq
from pyiceberg.table import StaticTable

DEFINITIONS = """
project: kills
entities:
  - {name: thing, keys: [{name: id, type: int64}]}
feature_groups:
  - name: facts
    entity: thing
    owner: tests@example.org
    features: [{name: a, type: int64}, {name: b, type: string}]
"""
BATCH = 20


class Server:
    """One data directory and the process that serves it, restarted as often as it is killed."""

    def __init__(self, tokura, directory, flags=(), data=None):
        self.tokura, self.directory, self.flags = tokura, directory, flags
        self.data = data or os.path.join(directory, "data")
        self.ready_file = os.path.join(directory, "ready.json")
        self.definitions = os.path.join(directory, "kills.yaml")
        with open(self.definitions, "w") as file:
            file.write(DEFINITIONS)
        self.process = self.ready = None

    def start(self):
        if os.path.exists(self.ready_file):
            os.unlink(self.ready_file)
        self.log = open(os.path.join(self.directory, "tokura.log"), "wb")
        self.process = subprocess.Popen(
            [self.tokura, "up", "--data-dir", self.data,
             "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--ready-file", self.ready_file,
             "--definitions", self.definitions, "--compact-interval", "100ms", *self.flags],
            stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.ready_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(self.log.name, errors="replace") as file:
                    raise SystemExit(f"not ready after a restart:\n{file.read()[-3000:]}")
            time.sleep(0.005)  # a poll for the ready file, bounded by the deadline
        with open(self.ready_file) as file:
            self.ready = json.load(file)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(timeout=60) == 0, "SIGTERM should end with 0"

    def harm_view(self, rng):
        """Deletes the view, or flips a byte of it, or leaves it alone."""
        view = os.path.join(self.directory, "data", "nodes", "n1", "view")
        files = [path for path in sorted(glob.glob(view + "/*")) if os.path.getsize(path) > 0]
        draw = rng.random()
        if draw < 0.1:
            shutil.rmtree(view, ignore_errors=True)
        elif draw < 0.3 and files:
            with open(rng.choice(files), "r+b") as file:
                at = rng.randrange(os.path.getsize(file.name))
                file.seek(at)
                byte = file.read(1)[0] ^ (1 << rng.randrange(8))
                file.seek(at)
                file.write(bytes([byte]))

    def connect(self):
        host, port = self.ready["http"].rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=60)

    def start_care(self, rng):
        """The table is compacted, or its snapshots expire, beside the server."""
        what = rng.choice([["compact"], ["expire", "--older-than", rng.choice(["1us", "1s"])]])
        return subprocess.Popen([self.tokura, "offline", *what, "--endpoint", self.ready["router"]],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def run(self, *arguments):
        return subprocess.run([self.tokura, *arguments, "--endpoint", self.ready["router"]],
                              capture_output=True, text=True)


COLD = ["--row-memory", "256KiB", "--view-interval", "20ms"]


class Writer:
    """Puts batches of its own keys; keeps what was acknowledged and what hangs in the balance."""

    def __init__(self, number, base_us):
        self.number, self.base_us = number, base_us
        self.next = 0
        self.acknowledged = set()
        self.sent = set()
        self.unanswered = []  # the batch to put again

    def record(self, key):
        return {"key": {"id": key}, "event_time": self.base_us + key, "values": {"a": key, "b": str(key)},
                "write_id": f"{self.base_us // 1000:012x}7{key & 0xFFF:03x}8{key:015x}"}

    def run(self, server, stop):
        try:
            connection = server.connect()
            while not stop.is_set():
                if not self.unanswered:
                    start = self.number * 10_000_000 + self.next
                    self.next += BATCH
                    self.unanswered = list(range(start, start + BATCH))
                self.sent.update(self.unanswered)
                body = json.dumps({"group": "kills/facts",
                                   "records": [self.record(key) for key in self.unanswered]})
                connection.request("POST", "/v1/records:put", body)
                response = connection.getresponse()
                answer = json.loads(response.read())
                if response.status != 200:
                    raise SystemExit(f"put answered {response.status}: {answer}")
                results = [result["status"] for result in answer["results"]]
                if "REJECTED" in results:
                    raise SystemExit(f"a good record was rejected: {answer}")
                if all(result == "OK" for result in results):
                    self.acknowledged.update(self.unanswered)
                    self.unanswered = []
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            pass  # killed under us: the batch stays unanswered


def check_online(server, acknowledged):
    connection = server.connect()
    keys = sorted(acknowledged)
    for start in range(0, len(keys), 1000):
        chunk = keys[start:start + 1000]
        body = json.dumps({"features": ["kills/facts:[a, b]"], "keys": {"id": chunk}})
        deadline = time.monotonic() + 60
        while True:
            connection.request("POST", "/v1/features:get", body)
            answer = json.loads(connection.getresponse().read())
            if not any("UNKNOWN" in feature["status"] for feature in answer["features"]):
                break
            # While a damaged view is made again, cold rows are not known; never wrong, never gone.
            assert time.monotonic() < deadline, "rows stay UNKNOWN"
        a, b = (feature["values"] for feature in answer["features"])
        assert a == chunk, f"online, keys from {chunk[0]}: cells differ from what was acknowledged"
        assert b == [str(key) for key in chunk], f"online, keys from {chunk[0]}: half records"


def check_files(server, acknowledged, sent, cared):
    status = json.loads(server.run("offline", "status", "--json").stdout)
    folder = status["groups"][0]["location"].removeprefix("file://")
    metadata = status["groups"][0]["metadata_location"].removeprefix("file://")
    assert os.path.exists(metadata), metadata
    counts = collections.Counter()
    in_table = {file["file_path"].removeprefix("file://")
                for file in StaticTable.from_metadata(metadata).inspect.files().to_pylist()}
    there = set(glob.glob(folder + "/data/*/*.parquet"))
    assert in_table <= there, f"files of the table are gone, as {list(in_table - there)[:5]}"
    # Without care nothing is ever replaced, and nothing else may be left.
    assert cared or there == in_table, f"files are left over, as {list(there - in_table)[:5]}"
    for path in in_table:
        table = pq.ParquetFile(path).read(columns=["id", "a", "b", "_write_id"]).to_pydict()
        counts.update(whole_keys(path, table))
    check_counts(counts, acknowledged, sent)
    return len(counts)


def whole_keys(path, table):
    """The keys of a table's rows, none of which is half there."""
    for key, a, b in zip(table["id"], table["a"], table["b"]):
        assert a == key and b == str(key), f"{path}: half record of key {key}"
    return table["id"]


def check_counts(counts, acknowledged, sent):
    """`counts`: how often each key is in the files."""
    doubled = [key for key, count in counts.items() if count > 1]
    assert not doubled, f"{len(doubled)} records are in the files twice, as {doubled[:5]}"
    missing = acknowledged - counts.keys()
    assert not missing, f"{len(missing)} acknowledged records are not in the files, as {list(missing)[:5]}"
    invented = counts.keys() - sent
    assert not invented, f"the files hold {len(invented)} records that were never sent"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokura", required=True)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--care", action="store_true")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="tokura-kill-") as directory:
        server = Server(options.tokura, directory, COLD if options.cold else [])
        base_us = time.time_ns() // 1000 - 30 * 86_400_000_000
        writers = [Writer(number, base_us) for number in range(2)]
        for number in range(options.kills):
            server.start()
            stop = threading.Event()
            threads = [threading.Thread(target=writer.run, args=(server, stop)) for writer in writers]
            for thread in threads:
                thread.start()
            # The moment of the kill: sometimes at once, sometimes amid commits and compactions.
            care = server.start_care(rng) if options.care else None
            longest = [0.1, 0.3, 0.6] if options.care else [0.0, 0.01, 0.05, 0.1, 0.15, 0.25]
            stop.wait(rng.choice(longest) * rng.random())
            if care and rng.random() < 0.5:
                care.send_signal(signal.SIGKILL)
            server.kill()
            stop.set()
            if care:
                care.wait(timeout=60)
            for thread in threads:
                thread.join()
            if options.cold:
                server.harm_view(rng)
            if (number + 1) % 50 == 0:
                total = sum(len(writer.acknowledged) for writer in writers)
                print(f"{number + 1} kills, {total} writes acknowledged", flush=True)
        server.start()
        acknowledged = set().union(*(writer.acknowledged for writer in writers))
        sent = set().union(*(writer.sent for writer in writers))
        assert acknowledged, "no write was ever acknowledged: this test showed nothing"
        check_online(server, acknowledged)
        waited = server.run("wait", "--stores", "offline", "--timeout", "60s")
        assert waited.returncode == 0, waited.stderr
        # A clean stop and start removes files that a crash left unpublished.
        server.stop()
        server.start()
        in_files = check_files(server, acknowledged, sent, options.care)
        verified = server.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        server.stop()
        print(f"{options.kills} kills: {len(acknowledged)} acknowledged writes, {in_files} records in the "
              f"files, none lost, none twice, none half")


if __name__ == "__main__":
    sys.exit(main())
