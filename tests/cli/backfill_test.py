#!/usr/bin/env python3
"""The backfill lane: files straight into the table, past the log and the online store."""

import gzip
import json
import os
import signal
import subprocess
import time
import urllib.request

import duckdb
from pyiceberg.table import StaticTable

import harness
from harness import DEFINITIONS, main, Served, tokura, WEATHER

HISTORY = "origin,event_time,temp\n" + "".join(
    f"A{i % 50},2013-01-{1 + i % 28:02}T{i % 24:02}:00:00Z,{i}\n" for i in range(2_000))


class Backfill(Served):
    def backfill(self, *arguments, **options):
        return self.run_json("import", "flights/weather", *arguments, "--lane", "backfill", **options)

    def rows(self, columns="origin, event_time, temp"):
        status = self.run_json("offline", "status")["groups"]
        (folder,) = [g["location"] for g in status if g["group"] == "flights/weather@1"]
        folder = folder.removeprefix("file://") + "/metadata/"
        metadata = folder + f"v{self.read(folder + 'version-hint.text').strip()}.metadata.json"
        tasks = StaticTable.from_metadata(metadata).scan().plan_files()
        files = [task.file.file_path for task in tasks]
        if not files:
            return []
        with duckdb.connect() as db:
            return db.execute(f"SELECT {columns} FROM read_parquet({files}) ORDER BY ALL").fetchall()

    def training_value(self, origin):
        """The temperature as training sees it long after."""
        spine = self.write("spine.csv", f"origin,event_time\n{origin},2013-06-01\n")
        out = os.path.join(self.directory, "train.csv")
        self.run_verb("training-set", "build", "--spine", spine, "--features",
                      "flights/weather:temp", "--out", out)
        return self.read(out).splitlines()[1].split(",")[-1]

    def read(self, path):
        with open(path) as file:
            return file.read()

    def metric(self, name):
        with urllib.request.urlopen(f"http://{self.server.ready['http']}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    def test_rows_lie_in_the_table_and_nowhere_else(self):
        path = self.write("weather.csv", WEATHER)
        counts = self.backfill(path)
        self.assertEqual((counts["accepted"], counts["rejected"], counts["repeated"]), (4, 0, 0))
        self.assertEqual(len(counts["import_id"]), 32)
        rows = self.rows("_stores, _seq, _origin, is_deleted")
        self.assertEqual(rows, [(2, n, "import:" + counts["import_id"], False) for n in (1, 2, 3, 4)])
        self.assertEqual(self.temps("origin=JFK"), [("NOT_FOUND", None)])
        self.assertEqual(self.metric("tokura_node_commit_records_total"), 0)
        self.run_verb("wait")
        self.assertTrue(self.run_json("verify")["equal"])
        entry = os.path.join(self.server.data, "offline", "_imports", counts["import_id"] + ".json")
        self.assertEqual(json.loads(self.read(entry))["lane"], "backfill")

    def test_the_same_content_twice_changes_nothing_and_a_correction_wins(self):
        first = self.backfill(self.write("weather.csv", WEATHER))
        self.backfill(self.write("right.csv", WEATHER.replace("41.5", "42.5")))
        again = self.backfill(self.write("copy.csv", WEATHER))
        self.assertEqual(again["import_id"], first["import_id"])
        self.assertEqual((again["accepted"], again["repeated"]), (4, 4))
        self.assertEqual(len(self.rows()), 8)
        self.assertEqual(self.training_value("JFK"), "42.5")

    def test_of_two_rows_of_one_key_and_time_the_later_wins(self):
        self.backfill(self.write("twice.csv", "origin,event_time,temp\nJFK,2013-01-01,1\n"
                                              "JFK,2013-01-01,2\n"))
        self.assertEqual(self.training_value("JFK"), "2")

    def test_an_import_that_was_killed_is_run_again(self):
        path = self.write("history.csv", HISTORY)
        arguments = ["import", "flights/weather", path, "--lane", "backfill", "--endpoint",
                     self.server.ready["router"]]
        process = subprocess.Popen([os.path.join(harness.BIN, "tokura"), *arguments, "--rate", "1"],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        registry = os.path.join(self.server.data, "offline", "_imports")
        while not os.path.isdir(registry) or not os.listdir(registry):
            self.assertIsNone(process.poll())
        beside = tokura(*arguments)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(beside.returncode, 2, beside.stderr)
        self.assertIn("another process is importing the same content", beside.stderr)
        counts = self.backfill(path)
        self.assertEqual(counts["accepted"], 2_000)
        self.assertEqual(self.rows("_seq"), [(n,) for n in range(1, 2_001)])

    def test_bad_rows_are_mended_and_imported(self):
        bad = self.write("bad.csv", "origin,event_time,temp\nJFK,2013-01-01T06:00:00Z,warm\n"
                                    "LGA,2013-01-01T06:00:00Z,3\nEWR,2999-01-01T06:00:00Z,3\n")
        rejects = os.path.join(self.directory, "rejects.csv")
        counts = self.backfill(bad, "--rejects", rejects, code=1)
        self.assertEqual((counts["accepted"], counts["rejected"]), (1, 2))
        self.assertEqual([(r["line"], r["message"].split(":")[0]) for r in counts["rejects"]],
                         [(2, "temp"), (4, "event_time")])
        mended = self.read(rejects).replace("warm", "7").replace("2999", "2013")
        self.backfill(self.write("mended.csv", mended))
        self.assertEqual([row[0] for row in self.rows("origin")], ["EWR", "JFK", "LGA"])

    def test_a_dry_run_checks_every_row_and_writes_nothing(self):
        bad = self.write("bad.csv", WEATHER + "EWR,2999-01-01T06:00:00Z,3,\n")
        for lane in ("live", "backfill"):
            counts = self.run_json("import", "flights/weather", bad, "--lane", lane, "--dry-run",
                                   code=1)
            self.assertEqual((counts["accepted"], counts["rejected"]), (4, 1), lane)
        self.assertEqual(self.rows(), [])
        self.assertFalse(os.path.exists(os.path.join(self.server.data, "offline", "_imports")))

    def test_a_file_that_breaks_off_can_be_imported_once_it_is_whole(self):
        whole = gzip.compress(HISTORY.encode())
        path = os.path.join(self.directory, "history.csv.gz")
        with open(path, "wb") as file:
            file.write(whole[:len(whole) // 2])
        self.assertIn("history.csv.gz", self.run_verb("import", "flights/weather", path, "--lane",
                                                      "backfill", code=2))
        with open(path, "wb") as file:
            file.write(whole)
        self.assertEqual(self.backfill(path)["accepted"], 2_000)
        self.assertEqual(len(self.rows()), 2_000)

    def test_promoted_rows_are_the_newest_of_their_key(self):
        self.run_json("put", "flights/weather", self.write(
            "live.csv", "origin,event_time,temp\nLGA,2013-01-05,70\nEWR,2013-01-01,71\n"))
        path = self.write("history.csv", "origin,event_time,temp,visib,pilot_note\n"
                          "JFK,2013-01-01,1,5,a\nJFK,2013-01-02,2,,b\n"
                          "LGA,2013-01-01,3,7,c\nEWR,2013-01-02,4,8,d\n")
        counts = self.backfill(path, "--promote", "--nulls", "skip")
        # Of LGA only the visibility is news; of JFK that of the day before.
        self.assertEqual((counts["accepted"], counts["promoted"]), (4, 4))
        self.assertEqual(self.temps("origin=JFK", "origin=LGA", "origin=EWR"),
                         [("PRESENT", 2), ("PRESENT", 70), ("PRESENT", 4)])
        answer = self.run_json("get", "--features", "flights/weather:visib", "--key", "origin=JFK",
                               "--key", "origin=LGA", "--key", "origin=EWR")
        self.assertEqual(answer["features"][0]["values"], [5, 7, 8])
        self.run_verb("wait")
        self.assertTrue(self.run_json("verify")["equal"])
        again = self.backfill(path, "--promote", "--nulls", "skip")
        self.assertEqual((again["repeated"], again["promoted"]), (4, 0))

    def test_promotion_needs_a_group_that_is_online(self):
        offline = self.write("offline.yaml", DEFINITIONS.replace(
            "    owner: ops@example.org\n", "    owner: ops@example.org\n    online: false\n"))
        self.run_verb("apply", offline, "--allow-destroy")
        path = self.write("stats.csv", "carrier,origin,dest,event_time,delay\nUA,JFK,SFO,2013-01-01,1\n")
        self.assertIn("is not online", self.run_verb("import", "flights/route_stats", path, "--lane",
                                                     "backfill", "--promote", code=2))
        self.run_verb("import", "flights/route_stats", path, "--lane", "live", "--promote", code=2)

    def test_a_group_that_is_switched_online_later_is_filled_from_its_table(self):
        offline = self.write("offline.yaml", DEFINITIONS.replace(
            "    owner: forecasting@example.org\n",
            "    owner: forecasting@example.org\n    online: false\n"))
        self.run_verb("apply", offline, "--allow-destroy")
        fill = os.path.join(self.server.data, "offline", "_fills", "2.json")
        self.wait_for(lambda: os.path.exists(fill))
        self.backfill(self.write("history.csv", "origin,event_time,temp\nJFK,2013-01-01,1\n"
                                                "LGA,2013-01-01,2\nJFK,2013-01-02,3\n"))
        self.put_weather()
        self.run_verb("apply", self.definitions)
        self.wait_for(lambda: '"online":true,"done":true' in self.read(fill))
        self.assertEqual(self.temps("origin=JFK", "origin=LGA"), [("PRESENT", 41.5), ("PRESENT", 39.9)])
        self.run_verb("wait")
        self.assertTrue(self.run_json("verify")["equal"])
        self.assertEqual(self.metric("tokura_offline_fill_records_total"), 3)

    def wait_for(self, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.server.log_text())
            time.sleep(0.02)  # a poll, bounded by the deadline

    def test_patterns_are_expanded_and_must_match(self):
        self.write("2013-a.csv", "origin,event_time,temp\nJFK,2013-01-01,1\n")
        self.write("2013-b.csv", "origin,event_time,temp\nLGA,2013-01-01,1\n")
        counts = self.backfill(os.path.join(self.directory, "2013-*.csv"))
        self.assertEqual((counts["accepted"], len(counts["imports"])), (2, 2))
        self.assertIn("no file matches", self.run_verb(
            "import", "flights/weather", os.path.join(self.directory, "*.parquet"), "--lane",
            "backfill", code=2))

    def test_a_group_without_a_table_is_refused(self):
        online = self.write("online.yaml", DEFINITIONS.replace(
            "    owner: ops@example.org\n", "    owner: ops@example.org\n    offline: false\n"))
        self.run_verb("apply", online, "--allow-destroy")
        path = self.write("stats.csv", "carrier,origin,dest,event_time,delay\nUA,JFK,SFO,2013-01-01,1\n")
        self.assertIn("is not offline", self.run_verb("import", "flights/route_stats", path, "--lane",
                                                      "backfill", code=2))


if __name__ == "__main__":
    main()
