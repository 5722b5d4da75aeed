#!/usr/bin/env python3
"""A soak: mixed load for many minutes, while the server is killed, stopped and robbed of its view.

Each worker owns its keys, so that it knows what every read must say: it puts, deletes, lets rows expire,
reads back and scans. A write without an answer is put again, with its write id, until it is answered. A
supervisor kills (-9), stops (SIGTERM) or stops and deletes the view, in turn, and notes every few seconds
memory, file handles, bytes on disk, throughput and latency. In the end every key of every worker is read,
the offline tables are brought up to date, and `tokura verify` compares log, rows and files.

Exit 0: nothing lost, nothing wrong, memory and file handles flat.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import queue
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

DEFINITIONS = """
project: soak
entities:
  - {name: item, keys: [{name: worker, type: int32}, {name: id, type: int64}], partition_keys: [worker]}
feature_groups:
  - name: state
    entity: item
    owner: tests@example.org
    features: [{name: a, type: int64}, {name: b, type: string}, {name: c, type: "vector<float32, 8>"}]
  - name: brief
    entity: item
    owner: tests@example.org
    ttl: 20s
    features: [{name: a, type: int64}]
"""
BATCH = 50
TTL_US = 20_000_000
# The server's clock is this machine's; a value this near to its expiry may be read either way.
MARGIN_US = 3_000_000


def now_us():
    return time.time_ns() // 1000


class Lost(Exception):
    """A read that contradicts what was acknowledged."""


class Client:
    """One HTTP connection that is opened again after every restart of the server."""

    def __init__(self, ready_file, stop):
        self.ready_file, self.stop = ready_file, stop
        self.connection = None

    def post(self, path, body):
        """The answer, or None if there was none (the outcome is unknown)."""
        try:
            if self.connection is None:
                with open(self.ready_file) as file:
                    host, port = json.load(file)["http"].rsplit(":", 1)
                self.connection = http.client.HTTPConnection(host, int(port), timeout=30)
            self.connection.request("POST", path, json.dumps(body))
            response = self.connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            self.stop.wait(0.02)
            return None

    def until_answered(self, path, body):
        while True:
            answer = self.post(path, body)
            if answer is not None and answer[0] not in (429, 503, 504):
                return answer


class Worker:
    """Owns keys [0, keys) of its partition and knows the state of each."""

    def __init__(self, number, keys, seed, ready_file, stop, results):
        self.number, self.keys = number, keys
        self.rng = random.Random(seed * 1000 + number)
        self.client = Client(ready_file, stop)
        self.stop, self.results = stop, results
        self.state = {}  # key -> a, or None when deleted
        self.brief = {}  # key -> (a, event time)
        self.last_event_us = 0
        self.serial = 0

    def event_time(self):
        # Later than any before, so that the later write of a key wins whatever the clock does.
        self.last_event_us = max(self.last_event_us + 1, now_us())
        return self.last_event_us

    def write_id(self):
        self.serial += 1
        return f"{self.last_event_us // 1000 & 0xFFFFFFFFFFFF:012x}7000{0x8000 | self.number:04x}{self.serial:012x}"

    def run(self):
        try:
            while not self.stop.is_set():
                self.rng.choices([self.put_state, self.put_brief, self.delete, self.get_state, self.get_brief,
                                  self.scan], weights=[30, 10, 4, 40, 10, 2])[0]()
            self.results.put(("done", self.number, None))
        except Lost as lost:
            self.results.put(("lost", self.number, str(lost)))

    def timed(self, kind, path, body):
        start = time.monotonic()
        answer = self.client.post(path, body)
        if answer is not None and answer[0] == 200:
            self.results.put((kind, time.monotonic() - start, time.monotonic()))
        return answer

    def put(self, group, records):
        body = {"group": group, "records": records}
        while True:
            status, answer = self.client.until_answered("/v1/records:put", body)
            if status != 200:
                raise Lost(f"a good put was answered {status}: {answer}")
            results = {result["status"] for result in answer["results"]}
            if results == {"OK"}:
                self.results.put(("write", len(records), time.monotonic()))
                return
            rejected = [r for r in answer["results"] if r["status"] == "REJECTED" and
                        r["code"] != "RESOURCE_EXHAUSTED"]
            if rejected:
                raise Lost(f"a good record was rejected: {rejected[0]}")
            self.stop.wait(0.02)  # UNKNOWN, or asked to slow down: the same again

    def put_state(self):
        written = {}
        records = []
        for key in self.rng.sample(range(self.keys), BATCH):
            time_us = self.event_time()
            a = self.rng.randrange(1 << 40)
            written[key] = a
            records.append({"key": {"worker": self.number, "id": key}, "event_time": time_us,
                            "values": {"a": a, "b": str(a), "c": [float(a % 1000)] * 8},
                            "write_id": self.write_id()})
        self.put("soak/state", records)
        self.state.update(written)

    def put_brief(self):
        written = {}
        records = []
        for key in self.rng.sample(range(self.keys), BATCH):
            time_us = self.event_time()
            a = self.rng.randrange(1 << 40)
            written[key] = (a, time_us)
            records.append({"key": {"worker": self.number, "id": key}, "event_time": time_us,
                            "values": {"a": a}, "write_id": self.write_id()})
        self.put("soak/brief", records)
        self.brief.update(written)

    def delete(self):
        keys = self.rng.sample(range(self.keys), 5)
        body = {"group": "soak/state", "keys": {"worker": [self.number] * len(keys), "id": keys},
                "event_time": self.event_time(), "write_id": self.write_id()}
        while True:
            status, answer = self.client.until_answered("/v1/records:delete", body)
            if status != 200:
                raise Lost(f"a good delete was answered {status}: {answer}")
            if all(result["status"] == "OK" for result in answer["results"]):
                break
            self.stop.wait(0.02)
        self.state.update({key: None for key in keys})

    def read(self, feature, keys):
        return self.timed("read", "/v1/features:get",
                          {"features": [f"soak/{feature}"], "keys": {"worker": [self.number] * len(keys), "id": keys}})

    def get_state(self, keys=None):
        keys = keys or self.rng.sample(range(self.keys), 100)
        answer = self.read("state:[a, b]", keys)
        if answer is None or answer[0] != 200:
            return False
        a, b = answer[1]["features"]
        for i, key in enumerate(keys):
            if "UNKNOWN" in (a["status"][i], b["status"][i]):
                return False
            expected = self.state.get(key)
            if a["values"][i] != expected or b["values"][i] != (None if expected is None else str(expected)):
                raise Lost(f"worker {self.number} key {key}: expected a={expected}, read a={a['values'][i]} "
                           f"({a['status'][i]}), b={b['values'][i]} ({b['status'][i]})")
        return True

    def get_brief(self, keys=None):
        keys = keys or self.rng.sample(range(self.keys), 100)
        before = now_us()
        answer = self.read("brief:a", keys)
        after = now_us()
        if answer is None or answer[0] != 200:
            return False
        column = answer[1]["features"][0]
        for i, key in enumerate(keys):
            status, value = column["status"][i], column["values"][i]
            if status == "UNKNOWN":
                return False
            a, time_us = self.brief.get(key, (None, 0))
            if after + MARGIN_US < time_us + TTL_US:
                right = value == a
            elif before - MARGIN_US >= time_us + TTL_US:
                right = value is None and status in ("EXPIRED", "NOT_FOUND")
            else:
                right = value in (None, a)
            if not right:
                raise Lost(f"worker {self.number} brief key {key}: expected a={a} of {time_us}, at {before}..{after} "
                           f"read {value} ({status})")
        return True

    def scan(self):
        answer = self.timed("scan", "/v1/records:scan", {"group": "soak/state", "prefix": {"worker": self.number},
                                                          "features": ["a"], "limit": 500})
        if answer is None or answer[0] != 200:
            return
        rows = answer[1]["rows"]
        ids = [row["key"]["id"] for row in rows]
        live = sorted(key for key, a in self.state.items() if a is not None)[:500]
        if ids != live:
            odd = sorted(set(ids) ^ set(live))[:5]
            raise Lost(f"worker {self.number}: a scan gave {len(ids)} rows where {len(live)} are; they differ at {odd}")
        for row in rows:
            if row["values"]["a"] != self.state[row["key"]["id"]]:
                raise Lost(f"worker {self.number} key {row['key']['id']}: a scan gave an older value")

    def check_all(self):
        for start in range(0, self.keys, 1000):
            keys = list(range(start, min(start + 1000, self.keys)))
            for check in (self.get_state, self.get_brief):
                while not check(keys):
                    time.sleep(0.05)  # rows that are being made again read UNKNOWN for a while


def work(number, options, ready_file, stop, check, checked, results):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    worker = Worker(number, options.keys, options.seed, ready_file, stop, results)
    worker.run()
    check.wait()
    try:
        worker.check_all()
        checked.put((number, None, len(worker.state) + len(worker.brief)))
    except Lost as lost:
        checked.put((number, str(lost), 0))


class Server:
    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        self.data = os.path.join(directory, "data")
        self.ready_file = os.path.join(directory, "ready.json")
        self.definitions = os.path.join(directory, "soak.yaml")
        with open(self.definitions, "w") as file:
            file.write(DEFINITIONS)
        self.log = open(os.path.join(directory, "tokura.log"), "ab")
        self.process = None

    def start(self):
        if os.path.exists(self.ready_file):
            os.unlink(self.ready_file)
        command = [self.options.tokura, "up", "--data-dir", self.data, "--listen", "127.0.0.1:0", "--http",
                   "127.0.0.1:0", "--ready-file", self.ready_file, "--definitions", self.definitions,
                   "--compact-interval", "10s", *self.options.flags]
        start = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        while not os.path.exists(self.ready_file):
            if self.process.poll() is not None or time.monotonic() > start + 120:
                with open(self.log.name, errors="replace") as file:
                    raise SystemExit(f"not ready after a restart:\n{file.read()[-3000:]}")
            time.sleep(0.005)  # a poll for the ready file, bounded above
        return time.monotonic() - start

    def end(self, how):
        self.process.send_signal(signal.SIGKILL if how == "kill -9" else signal.SIGTERM)
        code = self.process.wait(timeout=120)
        if how != "kill -9" and code != 0:
            raise SystemExit(f"SIGTERM should end the server with 0, it ended with {code}")
        if how == "stop, view deleted":
            for view in self.views():
                shutil.rmtree(view)

    def views(self):
        return [os.path.join(root, "view") for root, folders, _ in os.walk(self.data) if "view" in folders]

    def memory_bytes(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmRSS"))

    def handles(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def disk_bytes(self, part):
        total = 0
        for root, _, names in os.walk(self.data):
            for name in names if f"/{part}" in root else []:
                try:
                    total += os.path.getsize(os.path.join(root, name))
                except OSError:
                    pass  # removed meanwhile
        return total

    def run(self, *arguments):
        with open(self.ready_file) as file:
            endpoint = json.load(file)["router"]
        return subprocess.run([self.options.tokura, *arguments, "--endpoint", endpoint, "--timeout", "300s"],
                              capture_output=True, text=True)


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p))] if values else float("nan")


class Supervisor:
    ENDINGS = ["kill -9", "stop", "kill -9", "stop, view deleted"]

    def __init__(self, options, server, results):
        self.options, self.server, self.results = options, server, results
        self.samples = []
        self.totals = {"read": 0, "scan": 0, "write": 0}
        self.restarts = []

    def sample(self, since, started):
        reads, writes = [], 0
        while True:
            try:
                kind, value, _ = self.results.get_nowait()
            except queue.Empty:
                break
            if kind == "lost":
                raise SystemExit(f"WRONG: {_}")
            if kind == "read":
                reads.append(value * 1000)
            if kind in self.totals:
                self.totals[kind] += value if kind == "write" else 1
            writes += value if kind == "write" else 0
        seconds = time.monotonic() - since
        memory, handles = self.server.memory_bytes(), self.server.handles()
        self.samples.append((time.monotonic() - started, memory, handles))
        print(f"{time.monotonic() - started:7.0f} {len(reads) / seconds:8.0f} {writes / seconds:9.0f} "
              f"{percentile(reads, .5):8.2f} {percentile(reads, .99):8.2f} {memory / 1e6:8.0f} {handles:8d} "
              f"{self.server.disk_bytes('log') / 1e6:8.0f} {self.server.disk_bytes('view') / 1e6:8.0f}", flush=True)

    def run(self):
        started = time.monotonic()
        print("seconds  reads/s  writes/s   p50 ms   p99 ms   RSS MB  handles   log MB  view MB", flush=True)
        end = started + self.options.minutes * 60
        next_ending = started + self.options.restart_every
        while time.monotonic() < end:
            since = time.monotonic()
            while time.monotonic() < min(since + self.options.sample_every, end):
                time.sleep(0.1)  # the supervisor's own clock; nothing waits for it
                if self.server.process.poll() is not None:
                    raise SystemExit(f"the server ended by itself with {self.server.process.returncode}")
            self.sample(since, started)
            if time.monotonic() >= next_ending:
                how = self.ENDINGS[len(self.restarts) % len(self.ENDINGS)]
                self.server.end(how)
                seconds = self.server.start()
                self.restarts.append(seconds)
                print(f"        {how}; ready again after {seconds:.2f} s", flush=True)
                next_ending = time.monotonic() + self.options.restart_every

    def check_flat(self):
        """Memory and handles of the last quarter against those of the second."""
        ok = True
        quarter = len(self.samples) // 4
        for name, index, slack in (("memory", 1, 64e6), ("file handles", 2, 32)):
            if quarter == 0:
                continue
            early = statistics.median(sample[index] for sample in self.samples[quarter:2 * quarter])
            late = statistics.median(sample[index] for sample in self.samples[-quarter:])
            flat = late <= early * 1.15 + slack
            ok = ok and flat
            unit = 1e6 if index == 1 else 1
            print(f"{name}: {early / unit:.0f} in the second quarter, {late / unit:.0f} in the last: "
                  f"{'flat' if flat else 'NOT FLAT'}")
        return ok


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokura", required=True, help="the program")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--keys", type=int, default=40_000, help="of each worker, in each group")
    parser.add_argument("--restart-every", type=float, default=60, metavar="SECONDS")
    parser.add_argument("--sample-every", type=float, default=10, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("flags", nargs="*", help="for 'tokura up', after --")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="tokura-soak-") as directory:
        server = Server(options, directory)
        server.start()
        stop, check = multiprocessing.Event(), multiprocessing.Event()
        results, checked = multiprocessing.Queue(), multiprocessing.Queue()
        workers = [multiprocessing.Process(target=work, daemon=True, args=(number, options, server.ready_file, stop,
                                                                         check, checked, results))
                   for number in range(options.workers)]
        for worker in workers:
            worker.start()
        supervisor = Supervisor(options, server, results)
        ok = False
        try:
            supervisor.run()
            stop.set()
            done = 0
            while done < len(workers):
                kind, _, message = results.get(timeout=60)
                if kind == "lost":
                    raise SystemExit(f"WRONG: {message}")
                done += kind == "done"
            check.set()
            rows = 0
            for _ in workers:
                number, wrong, count = checked.get(timeout=300)
                if wrong:
                    raise SystemExit(f"WRONG: {wrong}")
                rows += count
            ok = supervisor.check_flat()
            for command in (["wait", "--stores", "offline"], ["verify"]):
                ran = server.run(*command)
                if ran.returncode != 0:
                    raise SystemExit(f"tokura {command[0]} ended with {ran.returncode}: {ran.stdout}{ran.stderr}")
                print(ran.stdout.strip())
            totals = supervisor.totals
            print(f"{options.minutes:g} minutes, {len(supervisor.restarts)} restarts (slowest "
                  f"{max(supervisor.restarts, default=0):.2f} s): {totals['write']} writes acknowledged, "
                  f"{totals['read']} reads of 100 rows and {totals['scan']} scans right, {rows} rows checked in the "
                  f"end: none lost, none wrong")
        finally:
            if server.process.poll() is None:
                server.process.kill()
            if not ok:
                with open(server.log.name, errors="replace") as file:
                    print(f"the end of the server's log:\n{file.read()[-5000:]}", file=sys.stderr)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
