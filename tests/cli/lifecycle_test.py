#!/usr/bin/env python3
"""The life of servers: one process or several, kill -9 and restart, and damaged files."""

import json
import os
import signal
import subprocess
import time

import harness
from harness import Case, DEFINITIONS, main, Served, tokura, WEATHER


class Lifecycle(Served):
    def test_ready_file_is_the_contract(self):
        ready = self.server.ready
        self.assertEqual(sorted(ready), ["http", "nodes", "pid", "router"])
        self.assertEqual(ready["pid"], self.server.process.pid)
        self.assertEqual([node["id"] for node in ready["nodes"]], ["n1"])
        code, out = self.server.stop()
        self.assertEqual((code, out), (0, b""))
        self.assertFalse(os.path.exists(self.server.ready_file))

    def test_second_process_is_refused_and_names_the_first(self):
        result = tokura("up", "--data-dir", self.server.data, "--listen", "127.0.0.1:0")
        self.refused(2, f"pid {self.server.process.pid}", result)
        self.assertTrue(os.path.exists(self.server.ready_file))

    def test_history_trains_and_is_proved_across_kill_and_restart(self):
        token = self.put_weather()["token"]
        self.run_verb("wait", token, "--timeout", "30s")
        spine = self.write("spine.csv", "origin,event_time,label\nJFK,2013-01-01T12:00:00Z,1\n"
                                        "JFK,2013-01-03T00:00:00Z,0\nXXX,2013-01-01T00:00:00Z,1\n")
        out = os.path.join(self.directory, "train.csv")
        manifest = self.run_json("training-set", "build", "--spine", spine, "--features",
                                 "flights/weather:[temp, visib]", "--out", out)
        self.assertEqual((manifest["rows"], manifest["mode"], manifest["features"]),
                         (3, "event", ["weather__temp", "weather__visib"]))
        with open(out) as file:
            lines = file.read().splitlines()
        self.assertEqual(lines[0], "origin,event_time,label,weather__temp,weather__visib")
        self.assertTrue(lines[1].startswith("JFK,") and ",39.02," in lines[1], lines)
        self.assertTrue(lines[2].startswith("JFK,") and ",41.5," in lines[2], lines)
        report = self.run_json("verify")
        self.assertEqual((report["equal"], report["differences"]), (True, []))

        self.server.stop(signal.SIGKILL)
        log = os.path.join(self.server.data, "nodes", "n1", "log")
        inspected = json.loads(tokura("inspect", "log", log, "--json").stdout)
        self.assertEqual(inspected["total_records"], 4)
        self.assertEqual({r["group"] for r in inspected["records"]}, {"flights/weather@1"})
        table = os.path.join(self.server.data, "offline", "flights", "weather_v1")
        self.assertIn("4 rows", tokura("inspect", "table", table).stdout)

        self.server.start()
        self.assertEqual(self.temps("origin=JFK", "origin=LGA"),
                         [("PRESENT", 41.5), ("PRESENT", 39.9)])
        self.assertTrue(self.run_json("verify", "--group", "flights/weather")["equal"])
        self.assertEqual(self.run_json("doctor")["findings"], [])
        self.assertEqual(self.server.stop(signal.SIGINT)[0], 0)

    def test_a_damaged_file_is_a_difference_and_a_damaged_log_is_named(self):
        self.put_weather()
        self.run_verb("wait")
        for folder, _, names in os.walk(os.path.join(self.server.data, "offline")):
            for name in names:
                if name.endswith(".parquet") and "2013-01-02" in folder:
                    os.truncate(os.path.join(folder, name), 50)
        report = self.run_json("verify", code=1)
        self.assertFalse(report["equal"])
        self.assertEqual({d["group"] for d in report["differences"]}, {"flights/weather@1"})

        self.assertEqual(self.server.stop()[0], 0)
        log = os.path.join(self.server.data, "nodes", "n1", "log")
        segment = os.path.join(log, sorted(n for n in os.listdir(log) if n.endswith(".seg"))[0])
        with open(segment, "r+b") as file:
            file.seek(200)
            byte = file.read(1)
            file.seek(200)
            file.write(bytes([byte[0] ^ 0x40]))
        self.refused(4, os.path.basename(segment), tokura("inspect", "segment", segment))
        result = tokura("up", "--data-dir", self.server.data, "--listen", "127.0.0.1:0", "--http",
                        "127.0.0.1:0")
        self.assertEqual(result.returncode, 4, result.stderr)
        self.assertIn(os.path.basename(segment), result.stderr.splitlines()[-1])

    def test_a_damaged_snapshot_is_no_table_and_is_told(self):
        self.put_weather()
        self.run_verb("wait")
        self.assertEqual(self.server.stop()[0], 0)
        for group in ("weather_v1", "route_stats_v1"):
            folder = os.path.join(self.server.data, "offline", "flights", group, "metadata")
            newest = max((n for n in os.listdir(folder) if n.endswith(".metadata.json")),
                         key=lambda name: int(name.split(".")[0][1:]))
            path = os.path.join(folder, newest)
            with open(path, "r+b") as file:
                file.seek(30)
                file.write(b"\x7f")
            self.refused(4, newest, tokura("inspect", "table", os.path.dirname(folder)))
        self.server.start()
        self.assertEqual(self.temps("origin=JFK"), [("PRESENT", 41.5)])
        self.assertIn("flights/", self.run_verb("verify", code=4))
        findings = self.run_json("doctor", code=1)["findings"]
        self.assertEqual([f["level"] for f in findings], ["error", "error"])
        self.assertEqual(sorted(f["what"].split()[0] for f in findings),
                         ["flights/route_stats@1", "flights/weather@1"])


class SinglePrograms(Case):
    def start(self, program, name, *flags):
        ready = os.path.join(self.directory, name)
        log = open(os.path.join(self.directory, name + ".log"), "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([os.path.join(harness.BIN, program), "--ready-file", ready, *flags],
                                   stdout=log, stderr=log)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        deadline = time.monotonic() + 60
        while not os.path.exists(ready):
            if process.poll() is not None or time.monotonic() > deadline:
                with open(log.name) as file:
                    raise AssertionError(file.read())
            time.sleep(0.01)  # a poll for the ready file, bounded by the deadline
        with open(ready) as file:
            return process, json.load(file)

    def test_node_router_and_compactor_work_as_processes_of_their_own(self):
        catalog = "file://" + os.path.join(self.directory, "catalog")
        offline = os.path.join(self.directory, "offline")
        self.refused(3, "tokura-node", tokura("--catalog", catalog, program="tokura-router"))
        node, _ = self.start("tokura-node", "node.json", "--catalog", catalog, "--data-dir",
                             os.path.join(self.directory, "n1"), "--listen", "127.0.0.1:0")
        router, ready = self.start("tokura-router", "router.json", "--catalog", catalog, "--listen",
                                   "127.0.0.1:0", "--http", "127.0.0.1:0")
        endpoint = ["--endpoint", ready["router"]]
        applied = tokura("apply", self.write("f.yaml", DEFINITIONS), *endpoint)
        self.assertEqual(applied.returncode, 0, applied.stderr)
        path = self.write("weather.csv", WEATHER)
        deadline = time.monotonic() + 30
        while True:  # the node looks for a new revision every second
            put = tokura("put", "flights/weather", path, "--json", *endpoint)
            if put.returncode == 0 or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        self.assertEqual(json.loads(put.stdout)["accepted"], 4, put.stderr)
        once = tokura("--catalog", catalog, "--offline", offline, "--once", program="tokura-compactor")
        self.assertEqual(once.returncode, 0, once.stderr)
        table = os.path.join(offline, "flights", "weather_v1")
        self.assertIn("4 rows", tokura("inspect", "table", table).stdout)
        self.assertEqual(tokura("offline", "status", *endpoint).returncode, 3)
        # A feature that is defined later reaches the node without a restart.
        wider = DEFINITIONS.replace("      - {name: visib,", "      - {name: dew, type: float64}\n"
                                    "      - {name: visib,")
        applied = tokura("apply", self.write("f.yaml", wider), *endpoint)
        self.assertEqual(applied.returncode, 0, applied.stderr)
        row = '{"origin": "JFK", "event_time": "2013-02-01T00:00:00Z", "dew": 30}'
        deadline = time.monotonic() + 30
        while tokura("put", "flights/weather", "-", *endpoint, stdin=row).returncode != 0:
            self.assertLess(time.monotonic(), deadline, "the node never saw the new feature")
            time.sleep(0.1)
        get = tokura("get", "--features", "flights/weather:[temp, dew]", "--key", "origin=JFK",
                     "--format", "csv", *endpoint)
        self.assertEqual(get.stdout.splitlines()[1], "JFK,41.5,30")
        for process in (router, node):
            process.terminate()
            self.assertEqual(process.wait(timeout=60), 0)


if __name__ == "__main__":
    main()
