#!/usr/bin/env python3
"""Training sets as users make them: formats, bad spines, kills, and the same bytes again."""

import gzip
import json
import os
import signal
import subprocess
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.parquet as pq

import harness
from harness import main, Served, tokura

HOURS = "origin,event_time,temp\n" + "".join(
    f"{origin},2013-01-{day:02}T{hour:02}:00:00Z,{day}.{hour}\n"
    for origin in ("JFK", "LGA") for day in range(1, 29) for hour in range(24))
SPINE = "origin,event_time,late\n" + "".join(
    f"{'JFK' if i % 3 else 'LGA'},2013-01-{1 + i % 28:02} {i % 24:02}:30:00,{i % 2}\n" for i in range(3_000))


class TrainingSets(Served):
    def setUp(self):
        super().setUp()
        self.import_hours(HOURS)
        self.spine = self.write("spine.csv", SPINE)

    def import_hours(self, text):
        self.run_verb("import", "flights/weather", self.write("hours.csv", text), "--lane", "backfill")

    def path(self, name):
        return os.path.join(self.directory, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def build(self, out, *flags, spine=None):
        source = [] if spine == "" else ["--spine", spine or self.spine]
        return self.run_json("training-set", "build", *source, "--features", "flights/weather:[temp, visib]",
                             "--out", self.path(out), *flags)

    def refusal(self, out, spine):
        return self.run_verb("training-set", "build", "--spine", spine, "--features", "flights/weather:[temp, visib]",
                             "--out", self.path(out), code=2)

    def refused_spine(self, name, content, part):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(content)
        self.assertIn(part, self.refusal("out.csv", path))
        self.assertFalse(os.path.exists(self.path("out.csv")))

    def folder(self, *names):
        return os.path.join(self.server.data, "offline", "_datasets", *names)

    def test_formats_hold_the_same_rows(self):
        self.build("a.parquet")
        self.build("a.arrow")
        self.build("a.csv")
        table = pq.read_table(self.path("a.parquet"))
        self.assertEqual(table.num_rows, 3_000)
        self.assertEqual(table.column_names, ["origin", "event_time", "late", "weather__temp", "weather__visib"])
        self.assertTrue(table.equals(feather.read_table(self.path("a.arrow"))))
        self.assertEqual(table["late"].to_pylist(), [i % 2 for i in range(3_000)])
        self.assertEqual(table["weather__temp"][0].as_py(), 1.0)  # LGA at 00:30 of the first day
        # each as a spine again, its types as they are
        again = pq.read_table(self.path("a.parquet")).drop(["weather__temp", "weather__visib"])
        pq.write_table(again, self.path("s.parquet"))
        feather.write_feather(again, self.path("s.feather"))
        with gzip.open(self.path("s.csv.gz"), "wt") as file:
            file.write(SPINE)
        for name in ("s.parquet", "s.feather", "s.csv.gz"):
            self.build("b.parquet", spine=self.path(name))
            self.assertTrue(pq.read_table(self.path("b.parquet")).equals(table), name)

    def test_zoned_and_naive_times_and_categories(self):
        naive = pa.array([1356998400000] * 2, pa.timestamp("ms"))  # 2013-01-01
        zoned = pc.assume_timezone(naive, "America/New_York")
        for times, expected in ((naive, 1.0), (zoned, 1.5)):
            table = pa.table({"origin": pa.array(["JFK", "LGA"]).dictionary_encode(), "event_time": times})
            pq.write_table(table, self.path("s.parquet"))
            self.build("out.parquet", spine=self.path("s.parquet"))
            out = pq.read_table(self.path("out.parquet"))
            self.assertEqual(out["weather__temp"].to_pylist(), [expected, expected])
            self.assertEqual(out["event_time"].type, times.type)

    def test_bad_spines_are_refused_with_the_reason(self):
        self.refused_spine("s.csv", b"", "is empty")
        self.refused_spine("s.parquet", b"no parquet", "s.parquet")
        self.refused_spine("s.json", b"{}", "expected .parquet, .csv")
        self.refused_spine("s.csv", b"orign,event_time\nJFK,2013-01-01\n", "lacks 'origin' (did you mean 'orign'?)")
        self.refused_spine("s.csv", b"origin,event_time\nJFK,2013-01-01\nJFK,soon\n", "column 'event_time', row 2")
        self.refused_spine("s.csv", b'origin,event_time\nJFK,"2013\n', "s.csv:2")
        self.refused_spine("s.csv", b"origin,event_time,weather__temp\nJFK,2013-01-01,1\n", "rename")
        os.mkdir(self.path("d.parquet"))
        self.assertIn("is a directory", self.refusal("out.csv", self.path("d.parquet")))
        self.assertIn("same file", self.refusal("spine.csv", self.path("./spine.csv")))
        pq.write_table(pa.table({"origin": ["JFK"], "event_time": [1.5]}), self.path("s.parquet"))
        self.assertIn("'event_time' is double", self.refusal("out.csv", self.path("s.parquet")))
        self.assertEqual(self.run_json("training-set", "list"), {"training_sets": []})

    def test_times_outside_the_history_are_counted(self):
        spine = self.write("early.csv", "origin,event_time\nJFK,1999-01-01\nJFK,2013-01-05\n")
        result = tokura("training-set", "build", "--spine", spine, "--features", "flights/weather:temp", "--out",
                        self.path("out.csv"), "--json", "--endpoint", self.server.ready["router"])
        self.assertIn("1 row with a time before the first record", result.stderr)
        self.assertEqual(json.loads(result.stdout)["rows_outside_history"], 1)

    def test_splits_and_samples(self):
        manifest = self.build("out.parquet", "--split", "train=0.8,test=0.2", "--stratify", "late", "--seed", "7")
        self.assertEqual(manifest["rows_of_parts"], {"train": 2_400, "test": 600})
        train = pq.read_table(self.path("out.parquet"), filters=[("split", "=", "train")])
        self.assertEqual(sum(train["late"].to_pylist()), 1_200)
        self.assertEqual(self.build("out.csv", "--sample", "0.1", "--stratify", "late")["rows"], 300)
        by_time = self.build("out.csv", "--split-time", "2013-01-15")
        self.assertEqual(sum(by_time["rows_of_parts"].values()), 3_000)

    def test_rows_from_the_tables(self):
        january = self.build("out.parquet", "--entities", "all", "--from", "2013-01-01", "--to", "2013-01-03", spine="")
        self.assertEqual(january["rows"], 2 * 48)
        self.build("now.csv", "--entities", "all", "--as-of", "now", spine="")
        lines = self.read("now.csv").decode().splitlines()
        self.assertEqual([line.split(",")[0] for line in lines], ["origin", "JFK", "LGA"])
        self.assertTrue(lines[1].endswith(",28.23,10"), lines)

    def test_the_same_bytes_after_writes_compaction_expiry_and_new_definitions(self):
        manifest = self.build("first.parquet")
        self.import_hours(HOURS.replace("Z,", "Z,9"))
        self.write("features.yaml", harness.DEFINITIONS.replace("default: 10.0", "default: 11.0"))
        self.run_verb("apply", self.definitions)
        self.run_verb("offline", "compact")
        self.run_verb("offline", "expire", "--older-than", "1us")
        self.run_verb("training-set", "reproduce", manifest["id"][:8], "--out", self.path("again.parquet"))
        self.assertEqual(self.read("again.parquet"), self.read("first.parquet"))
        self.assertNotEqual(self.build("second.parquet")["id"], manifest["id"])
        self.assertEqual(len(self.run_json("training-set", "list")["training_sets"]), 2)
        self.assertEqual(self.run_json("training-set", "show", manifest["id"][:8]), manifest)
        os.unlink(self.folder(manifest["id"], "spine.csv"))
        self.assertIn("its spine is gone", self.run_verb(
            "training-set", "reproduce", manifest["id"], "--out", self.path("third.parquet"), code=2))
        self.run_verb("training-set", "drop", manifest["id"])
        self.assertIn("no training set", self.run_verb("training-set", "show", manifest["id"], code=2))

    def test_a_build_that_was_killed_is_taken_up(self):
        expected = self.build("expected.parquet")
        self.run_verb("training-set", "drop", expected["id"])
        command = [os.path.join(harness.BIN, "tokura"), "training-set", "build", "--spine", self.spine, "--features",
                   "flights/weather:[temp, visib]", "--out", self.path("out.parquet"), "--endpoint",
                   self.server.ready["router"]]
        for delay in (0.02, 0.05, 0.1, 0.15):
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                process.wait(timeout=delay)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            process.communicate()
            listed = self.run_json("training-set", "list")["training_sets"]
            if os.path.exists(self.path("out.parquet")):
                self.assertEqual(self.read("out.parquet"), self.read("expected.parquet"))
                self.assertEqual(len(listed), 1)
        manifest = self.build("out.parquet")
        self.assertEqual(manifest["id"], expected["id"])
        self.assertEqual(self.read("out.parquet"), self.read("expected.parquet"))
        self.assertEqual(os.listdir(self.folder("_building")), [])
        self.assertEqual([name for name in os.listdir(self.directory) if name.endswith(".tmp")], [])


if __name__ == "__main__":
    main()
