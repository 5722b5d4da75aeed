#!/usr/bin/env python3
"""Random files through the backfill lane, against a slow oracle of what the table must say then.

TOKURA_BACKFILL_SEEDS=200 takes so many histories instead of a few.
"""

import csv
import datetime
import gzip
import json
import os
import random

import pyarrow
import pyarrow.parquet

from harness import main, Served

FEATURES = ("temp", "visib")
DEFAULTS = {"visib": 10.0}
BEGIN = datetime.datetime(2013, 1, 1, tzinfo=datetime.timezone.utc)


def time_at(hour):
    return BEGIN + datetime.timedelta(hours=hour)


class Row:
    """`values`: of the features that its file names; a bad one is rejected."""

    def __init__(self, key, hour, values, bad=False):
        self.key, self.hour, self.values, self.bad = key, hour, values, bad

    def columns(self, text):
        columns = {"origin": self.key, "event_time": time_at(self.hour).isoformat() if text
                   else time_at(self.hour)} | self.values
        if self.bad:  # of a time that is yet to come
            columns["event_time"] = "2999-01-01T00:00:00Z" if text else time_at(10_000_000)
        return columns


class Oracle:
    """Every record that was imported, in the order of writing; each once."""

    def __init__(self):
        self.records, self.files = [], set()

    def take(self, content, rows):
        if content in self.files:
            return 0
        self.files.add(content)
        good = [row for row in rows if not row.bad]
        self.records += good
        return len(good)

    def value(self, key, feature, hour, default=None):
        """The newest that names the feature; of equal times the one written last."""
        found = [(row.hour, place) for place, row in enumerate(self.records)
                 if row.key == key and row.hour <= hour and feature in row.values]
        return self.records[max(found)[1]].values[feature] if found else default


class RandomFiles(Served):
    def test_tables_say_what_the_files_said(self):
        for seed in range(int(os.environ.get("TOKURA_BACKFILL_SEEDS", "3"))):
            with self.subTest(seed=seed):
                self.history(random.Random(seed), f"S{seed}-")

    def history(self, chance, prefix):
        oracle, before = Oracle(), []
        for number in range(6):
            if before and chance.random() < 0.3:
                path, rows = chance.choice(before)  # again
            else:
                path, rows = self.random_file(chance, prefix, number)
                before.append((path, rows))
            flags = ["--promote"] if chance.random() < 0.3 else []
            with open(path, "rb") as file:
                content = file.read()
            fresh = oracle.take(content, rows)
            rejected = sum(row.bad for row in rows)
            counts = self.run_json("import", "flights/weather", path, "--lane", "backfill", *flags,
                                   code=1 if rejected else 0)
            self.assertEqual((counts["accepted"] + counts["rejected"], counts["rejected"]),
                             (len(rows), rejected))
            self.assertEqual(counts["accepted"] - counts["repeated"], fresh)
        self.check_training(oracle, chance, prefix)
        self.check_online(oracle, before, prefix)
        self.run_verb("wait")
        self.assertTrue(self.run_json("verify")["equal"])

    def random_file(self, chance, prefix, number):
        features = chance.sample(FEATURES, chance.randint(0, len(FEATURES)))
        rows = [Row(prefix + chance.choice("abcd"), chance.randint(0, 40),
                    {f: chance.choice([None, float(chance.randint(0, 99))]) for f in features},
                    bad=chance.random() < 0.03)
                for _ in range(chance.randint(1, 60))]
        kind = chance.choice(["csv", "csv.gz", "jsonl", "jsonl.gz", "parquet"])
        path = os.path.join(self.directory, f"{prefix}{number}.{kind}")
        if kind == "parquet":
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(
                [row.columns(text=False) for row in rows],
                schema=pyarrow.schema([("origin", pyarrow.string()),
                                       ("event_time", pyarrow.timestamp("ms", "UTC")),
                                       *((f, pyarrow.float64()) for f in features)])), path)
            return path, rows
        opened = gzip.open if kind.endswith(".gz") else open
        with opened(path, "wt", newline="") as file:
            if kind.startswith("csv"):
                writer = csv.DictWriter(file, ["origin", "event_time", *features])
                writer.writeheader()
                writer.writerows(row.columns(text=True) for row in rows)
            else:
                file.writelines(json.dumps(row.columns(text=True)) + "\n" for row in rows)
        return path, rows

    def check_training(self, oracle, chance, prefix):
        asked = [(prefix + chance.choice("abcde"), chance.randint(0, 41)) for _ in range(50)]
        spine = self.write("spine.csv", "origin,event_time\n" + "".join(
            f"{key},{time_at(hour).isoformat()}\n" for key, hour in asked))
        out = os.path.join(self.directory, "train.csv")
        self.run_verb("training-set", "build", "--spine", spine, "--out", out, "--features",
                      "flights/weather:temp,flights/weather:visib")
        with open(out) as file:
            rows = list(csv.DictReader(file))
        for (key, hour), row in zip(asked, rows, strict=True):
            for feature in FEATURES:
                got = row["weather__" + feature]
                self.assertEqual(float(got) if got else None,
                                 oracle.value(key, feature, hour, DEFAULTS.get(feature)),
                                 (key, hour, feature))

    def check_online(self, oracle, before, prefix):
        """All promoted, online is the newest of everything."""
        for path, rows in before:
            self.run_json("import", "flights/weather", path, "--lane", "backfill", "--promote",
                          code=1 if any(row.bad for row in rows) else 0)
        keys = [prefix + letter for letter in "abcd"]
        answer = self.run_json("get", "--features", "flights/weather:temp",
                               *(word for key in keys for word in ("--key", "origin=" + key)))
        self.assertEqual(answer["features"][0]["values"],
                         [oracle.value(key, "temp", 100) for key in keys])


if __name__ == "__main__":
    main()
