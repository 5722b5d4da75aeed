"""What the tests of the programs use: a server on a directory of its own, the program itself, and `main`.

Each file runs alone:

  verbs_test.py --bin build/release/bin
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BIN = None  # where the programs are: set by main

DEFINITIONS = """
project: flights
entities:
  - name: airport
    keys: [{name: origin, type: string}]
  - name: route
    keys: [{name: carrier, type: string}, {name: origin, type: string}, {name: dest, type: string}]
    partition_keys: [carrier]
feature_groups:
  - name: weather
    entity: airport
    owner: forecasting@example.org
    description: Hourly weather at the origin.
    features:
      - {name: temp, type: float64, description: Degrees Fahrenheit.}
      - {name: visib, type: float64, default: 10.0}
      - {name: gusts, type: list<float64>, deprecated: true}
      - {name: pilot_note, type: string, pii: true, online: false}
      - {name: sky, type: "vector<float32, 8>"}
  - name: route_stats
    entity: route
    owner: ops@example.org
    features:
      - {name: delay, type: float32}
      - {name: flights, type: int64}
feature_services:
  - name: delay_model
    features: ["weather:[temp, visib]", "route_stats:*"]
"""

WEATHER = '''origin,event_time,temp,visib
JFK,2013-01-01T06:00:00Z,39.02,10
JFK,2013-01-02T06:00:00Z,41.5,
LGA,2013-01-01T06:00:00Z,39.9,9.5
"é,""x""\",2013-01-01 06:00:00,1,2
'''


class Server:
    """`tokura up` on one data directory."""

    def __init__(self, directory):
        self.directory = directory
        self.data = os.path.join(directory, "data")
        self.ready_file = os.path.join(directory, "ready.json")
        self.process = self.ready = None

    def start(self, *flags):
        if os.path.exists(self.ready_file):  # of a process that was killed
            os.unlink(self.ready_file)
        self.log = os.path.join(self.directory, "up.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "tokura"), "up", "--data-dir", self.data, "--listen",
                 "127.0.0.1:0", "--http", "127.0.0.1:0", "--ready-file", self.ready_file, *flags],
                stdout=subprocess.PIPE, stderr=log)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.ready_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"not ready: {self.process.poll()}\n{self.log_text()}")
            time.sleep(0.01)  # a poll for the ready file, bounded by the deadline
        with open(self.ready_file) as file:
            self.ready = json.load(file)
        return self

    def log_text(self):
        with open(self.log, errors="replace") as file:
            return file.read()[-3000:]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, out


def tokura(*arguments, program="tokura", stdin=None, environment=None):
    return subprocess.run([os.path.join(BIN, program), *arguments], input=stdin, text=True,
                          capture_output=True, timeout=120,
                          env={**os.environ, **(environment or {})})


class Case(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="tokura-cli-")
        self.directory = self.temporary.name
        self.addCleanup(self.temporary.cleanup)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def refused(self, code, part, result):
        """One line on standard error that says `part`; nothing on standard output."""
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertIn(part, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)


class Served(Case):
    """A server with the definitions, stopped at the end."""

    DEFINED = True

    def setUp(self):
        super().setUp()
        self.definitions = self.write("features.yaml", DEFINITIONS)
        self.server = Server(self.directory)
        self.addCleanup(self.kill)
        self.server.start(*(["--definitions", self.definitions] if self.DEFINED else []))

    def kill(self):
        if self.server.process is not None and self.server.process.poll() is None:
            self.server.process.kill()
            self.server.process.communicate()

    def run_verb(self, *arguments, code=0, stdin=None):
        result = tokura(*arguments, "--endpoint", self.server.ready["router"], stdin=stdin)
        self.assertEqual(result.returncode, code, f"{arguments}\n{result.stdout}\n{result.stderr}")
        if code >= 2:
            self.assertEqual(result.stdout, "")
            self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        return result.stdout if code < 2 else result.stderr

    def run_json(self, *arguments, **options):
        return json.loads(self.run_verb(*arguments, "--json", **options))

    def put_weather(self):
        return self.run_json("put", "flights/weather", self.write("weather.csv", WEATHER))

    def temps(self, *keys):
        arguments = [word for key in keys for word in ("--key", key)]
        answer = self.run_json("get", "--features", "flights/weather:temp", *arguments)
        return list(zip(answer["features"][0]["status"], answer["features"][0]["values"]))


def main():
    global BIN
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="where the programs are")
    known, rest = parser.parse_known_args()
    BIN = os.path.abspath(known.bin)
    unittest.main(module="__main__", argv=[sys.argv[0], *rest])
