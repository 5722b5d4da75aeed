#!/usr/bin/env python3
"""The programs as people and scripts meet them: exit codes, streams, JSON, and a life with kill -9.

  end_to_end_test.py --bin build/release/bin
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BIN = None

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


class Usage(Case):
    def test_help_of_every_verb_has_an_example(self):
        help_text = tokura("--help").stdout
        for verb in ("up plan apply list describe search get put scan delete import wait training-set "
                     "offline verify doctor inspect cluster completion").split():
            self.assertIn(f"\n  {verb} ", help_text)
            result = tokura(verb, "--help")
            self.assertEqual(result.returncode, 0)
            self.assertIn("Examples:\n  ", result.stdout)
            self.assertIn("--print-config", result.stdout)

    def test_programs_say_their_version(self):
        for program in ("tokura", "tokura-node", "tokura-router", "tokura-compactor"):
            result = tokura("--version", program=program)
            self.assertEqual((result.returncode, result.stdout), (0, f"{program} 0.1.0\n"))
            self.assertEqual(tokura("--help", program=program).returncode, 0)

    def test_wrong_words_suggest_the_nearest(self):
        self.refused(2, "did you mean 'apply'?", tokura("aply"))
        self.refused(2, "did you mean '--definitions'?", tokura("up", "--definition", "x"))
        self.refused(2, "did you mean 'build'?", tokura("training-set", "biuld"))
        self.refused(2, "did you mean 'table'?",
                     tokura("get", "--features", "a/b:c", "--key", "a=1", "--format", "tabel"))

    def test_what_is_not_in_this_release_says_so(self):
        for arguments in (["up", "--nodes", "3"], ["cluster", "add", "n2"], ["cluster", "init"], ["offline", "compact"],
                          ["offline", "expire", "--older-than", "3d"], ["training-set", "list"],
                          ["import", "a/b", "x.csv", "--lane", "backfill"],
                          ["import", "a/b", "x.csv", "--lane", "live", "--promote"],
                          ["training-set", "build", "--spine", "s.csv", "--service", "a/b", "--out",
                           "o.csv", "--mode", "known"],
                          ["training-set", "build", "--spine", "s.csv", "--service", "a/b", "--out",
                           "o.csv", "--memory", "2GiB"]):
            self.refused(2, "release", tokura(*arguments))
        self.refused(2, "etcd://", tokura("--catalog", "etcd://localhost:2379", program="tokura-router"))

    def test_unreachable_is_three(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            endpoint = f"127.0.0.1:{unused.getsockname()[1]}"
        self.refused(3, endpoint, tokura("list", "--endpoint", endpoint))

    def test_settings_are_layered(self):
        config = self.write("tokura.yaml", "http: 127.0.0.1:1\nlisten: 127.0.0.1:2\ncompact-interval: 5s\n")
        result = tokura("up", "--config", config, "--listen", "127.0.0.1:4", "--print-config",
                        environment={"TOKURA_HTTP": "127.0.0.1:3", "TOKURA_LISTEN": "127.0.0.1:3"})
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = dict(line.split("  # ")[0].split(": ", 1) for line in result.stdout.splitlines())
        self.assertEqual(lines["listen"], "127.0.0.1:4")
        self.assertEqual(lines["http"], "127.0.0.1:3")
        self.assertEqual(lines["compact-interval"], "5s")
        self.assertEqual(lines["durability"], "fsync")

    def test_up_refuses_what_cannot_be(self):
        data = os.path.join(self.directory, "d")
        self.refused(2, "--insecure", tokura("up", "--data-dir", data, "--listen", "0.0.0.0:0"))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            result = tokura("up", "--data-dir", data, "--listen", address, "--http", "127.0.0.1:0")
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(address, result.stderr.splitlines()[-1])
        file = self.write("file", "")
        result = tokura("up", "--data-dir", file + "/data")
        self.assertEqual(result.returncode, 2, result.stderr)
        newer = os.path.join(self.directory, "newer")
        os.mkdir(newer)
        self.write("newer/FORMAT", "tokura data 9\n")
        self.refused(2, "newer version", tokura("up", "--data-dir", newer))
        self.write("newer/FORMAT", "garbage")
        self.refused(4, "FORMAT, offset 0", tokura("up", "--data-dir", newer))

    def test_completion_scripts_are_printed(self):
        for shell in ("bash", "zsh", "fish"):
            result = tokura("completion", shell)
            self.assertEqual(result.returncode, 0)
            self.assertIn("training-set", result.stdout)
        script = tokura("completion", "bash").stdout
        probe = script + """
COMP_WORDS=(tokura training-set build --sp); COMP_CWORD=3; _tokura; echo "${COMPREPLY[*]}"
COMP_WORDS=(tokura ver); COMP_CWORD=1; _tokura; echo "${COMPREPLY[*]}"
"""
        done = subprocess.run(["bash", "-c", probe], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout, "--spine\nverify\n", done.stderr)


class Life(Served):
    def put_weather(self):
        return self.run_json("put", "flights/weather", self.write("weather.csv", WEATHER))

    def temps(self, *keys):
        arguments = [word for key in keys for word in ("--key", key)]
        answer = self.run_json("get", "--features", "flights/weather:temp", *arguments)
        return list(zip(answer["features"][0]["status"], answer["features"][0]["values"]))

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

    def test_definitions_are_planned_and_applied(self):
        self.assertIn("no changes", self.run_verb("plan", "--exit-code", self.definitions))
        changed = self.write("changed.yaml", DEFINITIONS.replace(
            "      - {name: flights, type: int64}\n", "      - {name: seats, type: int32}\n"))
        text = self.run_verb("plan", "--exit-code", changed, code=1)
        self.assertIn("+ feature flights/route_stats@1:seats", text)
        self.assertIn("(destructive)", text)
        self.run_verb("apply", changed, code=2)
        plan = self.run_json("plan", self.definitions)
        self.assertEqual((plan["changes"], plan["revision"]), ([], 1))
        more = self.write("more.yaml", DEFINITIONS.replace(
            "      - {name: flights, type: int64}\n",
            "      - {name: flights, type: int64}\n      - {name: seats, type: int32}\n"))
        applied = self.run_json("apply", more)
        self.assertEqual(applied["revision"], 2)
        self.assertEqual(self.run_json("describe", "flights/route_stats@1:seats")["type"], "int32")
        self.run_verb("apply", "--if-revision", "1", self.definitions, code=2)

    def test_catalog_is_listed_described_and_searched(self):
        listed = self.run_json("list")
        self.assertEqual(sorted(g["name"] for g in listed["feature_groups"]),
                         ["flights/route_stats@1", "flights/weather@1"])
        self.assertIn("flights/delay_model@1", self.run_verb("list"))
        self.assertIn("Degrees Fahrenheit.", self.run_verb("describe", "flights/weather"))
        found = self.run_json("search", "HOURLY")
        self.assertEqual([g["name"] for g in found["feature_groups"]], ["flights/weather@1"])
        self.assertIn("did you mean 'flights/weather'?",
                      self.run_verb("describe", "flights/wether", code=2))

    def test_rows_are_written_read_scanned_and_deleted(self):
        counts = self.put_weather()
        self.assertEqual((counts["accepted"], counts["rejected"], counts["unknown"]), (4, 0, 0))
        self.assertEqual(self.temps("origin=JFK", "origin=XXX", 'origin="é,""x"""'),
                         [("PRESENT", 41.5), ("NOT_FOUND", None), ("PRESENT", 1)])
        table = self.run_verb("get", "--features", "flights/weather:[temp, visib]", "--key",
                              "origin=JFK", "--key", "origin=XXX")
        self.assertEqual(table, "origin  temp         visib\n"
                                "JFK     41.5          NULL\n"
                                "XXX        -  10 (default)\n")
        keys = self.write("keys.csv", "label,origin\n1,LGA\n2,XXX\n")
        csv = self.run_verb("get", "--features", "flights/weather:temp", "--keys-file", keys,
                            "--format", "csv")
        self.assertEqual(csv, "origin,flights/weather@1:temp\nLGA,39.9\nXXX,\n")
        rows = "".join(json.dumps({"carrier": "UA", "origin": o, "dest": "SFO", "delay": 0.1,
                                   "flights": i, "event_time": "2013-01-01T00:00:00Z"}) + "\n"
                       for i, o in enumerate(("EWR", "JFK", "LGA")))
        self.run_verb("put", "flights/route_stats", "-", stdin=rows)
        scan = self.run_json("scan", "flights/route_stats", "--prefix", "carrier=UA")
        self.assertEqual([(r["key"]["origin"], r["values"]["delay"]) for r in scan["rows"]],
                         [("EWR", 0.1), ("JFK", 0.1), ("LGA", 0.1)])
        first = self.run_json("scan", "flights/route_stats", "--prefix", "carrier=UA", "--limit", "2")
        rest = self.run_json("scan", "flights/route_stats", "--prefix", "carrier=UA", "--cursor",
                             first["cursor"])
        self.assertEqual([r["key"]["origin"] for r in first["rows"] + rest["rows"]],
                         ["EWR", "JFK", "LGA"])
        gone = self.run_json("delete", "flights/route_stats", "--prefix", "carrier=UA,origin=EWR")
        self.assertEqual((gone["accepted"], gone["deleted"]), (1, 1))
        gone = self.run_json("delete", "flights/weather", "--key", "origin=JFK")
        self.assertEqual(gone["accepted"], 1)
        self.assertEqual(self.temps("origin=JFK"), [("NOT_FOUND", None)])
        self.assertIn("origin", self.run_verb("get", "--features", "flights/weather:temp", "--key",
                                              "orgin=JFK", code=2))

    def test_bad_rows_are_rejected_with_line_and_reason_and_can_be_mended(self):
        bad = self.write("bad.csv", "origin,event_time,temp\nJFK,2013-01-01T06:00:00Z,warm\n"
                                    "LGA,2013-01-01T06:00:00Z,3\nEWR,2999-01-01T06:00:00Z,3\n")
        rejects = os.path.join(self.directory, "rejects.csv")
        counts = self.run_json("put", "flights/weather", bad, "--rejects", rejects, code=1)
        self.assertEqual((counts["accepted"], counts["rejected"]), (1, 2))
        self.assertEqual(sorted(r["line"] for r in counts["rejects"]), [2, 4])
        self.assertNotIn("warm", json.dumps(counts["rejects"]))
        with open(rejects) as file:
            mended = file.read().replace("warm", "7").replace("2999", "2013")
        counts = self.run_json("put", "flights/weather", self.write("mended.csv", mended))
        self.assertEqual(counts["accepted"], 2)
        self.assertEqual(self.temps("origin=JFK"), [("PRESENT", 7)])

    def test_same_content_imported_twice_changes_nothing(self):
        path = self.write("weather.csv", WEATHER)
        first = self.run_json("import", "flights/weather", path, "--lane", "live")
        correction = self.write("right.csv", WEATHER.replace("41.5", "42.5"))
        self.run_json("import", "flights/weather", correction, "--lane", "live")
        self.assertEqual(self.temps("origin=JFK"), [("PRESENT", 42.5)])
        again = self.run_json("import", "flights/weather", self.write("copy.csv", WEATHER), "--lane",
                              "live")
        self.assertEqual(again["import_id"], first["import_id"])
        self.assertEqual(self.temps("origin=JFK"), [("PRESENT", 42.5)])
        self.run_verb("wait")
        rows = {g["group"]: g["rows"] for g in self.run_json("offline", "status")["groups"]}
        self.assertEqual(rows["flights/weather@1"], 8)
        dry = self.run_json("import", "flights/weather", path, "--lane", "live", "--dry-run")
        self.assertEqual(dry["accepted"], 4)

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
            newest = sorted(n for n in os.listdir(folder) if n.startswith("tokura-"))[-1]
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

    def test_cluster_status_is_the_contract(self):
        status = self.run_json("cluster", "status")
        self.assertEqual(sorted(status), ["moving", "nodes", "under_replicated"])
        self.assertEqual(sorted(status["nodes"][0]), ["id", "incarnation", "lag_records", "listen",
                                                      "pid", "shards", "state"])
        self.assertEqual(status["nodes"][0]["pid"], self.server.process.pid)
        self.assertIn("n1    UP ", self.run_verb("cluster", "status"))

    def test_numbers_without_sense_are_refused(self):
        self.put_weather()
        weather = self.write("weather.csv", WEATHER)
        for arguments in (["scan", "flights/route_stats", "--prefix", "carrier=UA", "--limit", "-1"],
                          ["import", "flights/weather", weather, "--lane", "live", "--rate", "-1"],
                          ["apply", self.definitions, "--if-revision", "-1"],
                          ["inspect", "log", self.server.data + "/nodes/n1/log", "--limit", "-1"]):
            self.refused(2, "expected a whole number", tokura(*arguments))

    def test_tables_round_what_json_and_csv_keep(self):
        self.run_verb("put", "flights/weather", "-", stdin=json.dumps(
            {"origin": "JFK", "event_time": "2013-01-01T00:00:00Z", "temp": 6.904679999999999}))
        get = ["get", "--features", "flights/weather:temp", "--key", "origin=JFK", "--format"]
        self.assertEqual(self.run_verb(*get, "table").splitlines()[1], "JFK     6.90468")
        self.assertEqual(self.run_verb(*get, "csv").splitlines()[1], "JFK,6.904679999999999")
        self.assertIn("6.904679999999999", self.run_verb(*get, "json"))

    def test_several_files_are_imported_only_if_all_can_be_read(self):
        weather = self.write("weather.csv", WEATHER)
        missing = os.path.join(self.directory, "missing.csv")
        self.assertIn("missing.csv", self.run_verb("import", "flights/weather", weather, missing,
                                                   "--lane", "live", code=2))
        self.assertEqual(self.temps("origin=JFK"), [("NOT_FOUND", None)])
        bad = self.write("bad.csv", "origin,event_time,temp\nEWR,2013-01-01,warm\n"
                                    "EWR,2999-01-01,1\n")
        result = tokura("import", "flights/weather", weather, bad, "--lane", "live", "--endpoint",
                        self.server.ready["router"])
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("bad.csv, line 2: INVALID_ARGUMENT: temp: ", result.stderr)
        # The place in a request is nobody's business.
        self.assertIn("bad.csv, line 3: INVALID_ARGUMENT: event_time: ", result.stderr)

    def test_a_data_file_is_no_snapshot(self):
        self.put_weather()
        self.run_verb("wait")
        folder = os.path.join(self.server.data, "offline", "flights", "weather_v1", "data")
        day = os.path.join(folder, sorted(os.listdir(folder))[0])
        file = os.path.join(day, os.listdir(day)[0])
        self.refused(2, "rows in Parquet", tokura("inspect", "table", file))

    def test_wait_refuses_what_is_no_token(self):
        self.run_verb("wait", "not a token", code=2)


class Empty(Served):
    """A server on which nothing is defined yet."""

    DEFINED = False

    def test_every_verb_answers(self):
        self.assertEqual(self.run_json("list"),
                         {"entities": [], "feature_groups": [], "feature_services": []})
        self.assertIn("does not exist", self.run_verb("get", "--features", "flights/weather:temp",
                                                      "--key", "origin=JFK", code=2))
        self.assertEqual(self.run_json("offline", "status"), {"groups": []})
        self.run_verb("wait")
        (finding,) = self.run_json("doctor", code=1)["findings"]
        self.assertEqual((finding["level"], finding["what"]),
                         ("warning", "no feature group is defined"))
        self.assertEqual(self.run_json("apply", self.definitions)["revision"], 1)


class SinglePrograms(Case):
    def start(self, program, name, *flags):
        ready = os.path.join(self.directory, name)
        log = open(os.path.join(self.directory, name + ".log"), "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([os.path.join(BIN, program), "--ready-file", ready, *flags],
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
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="where the programs are")
    known, rest = parser.parse_known_args()
    BIN = os.path.abspath(known.bin)
    unittest.main(argv=[sys.argv[0], *rest])
