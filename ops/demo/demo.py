#!/usr/bin/env python3
"""Tokura on a year of real flights: define, write, backfill, read online, query, train, prove.

Run it by ops/demo.sh. Any difference found on the way ends it with an error and exit code 1.
"""

import argparse
import collections
import json
import pathlib
import shutil
import sys
import tempfile
import time

import duckdb
import duckdb_ext
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from flights import DAY_US, LATE_MINUTES, Flights
from proof import Source, same
from store import Failed, Store

KEYS = ["carrier", "origin", "dest", "tailnum"]
BATCH = 1000
SERVICE = "flights/delay_model"


def say(text=""):
    print(text, flush=True)


STARTED = time.monotonic()


def title(number, text):
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    say(f"\n{bold}{number}. {text}{plain}   [{time.monotonic() - STARTED:.0f} s]")


class Progress:
    """A bar on a terminal, a line now and then elsewhere: share, rate, time left."""

    def __init__(self, total, unit):
        self.total, self.unit = total, unit
        self.started = self.shown = time.monotonic()

    def show(self, done):
        now = time.monotonic()
        live = sys.stderr.isatty()
        if done < self.total and now - self.shown < (0.1 if live else 5):
            return
        self.shown = now
        rate = done / max(now - self.started, 1e-9)
        left = (self.total - done) / max(rate, 1e-9)
        bar = "█" * int(30 * done / self.total)
        line = (f"   {bar:<30} {done:>9,} / {self.total:,} {self.unit}  {rate:>9,.0f}/s  "
                f"{left:4.0f} s left")
        print(line, end="\r" if live and done < self.total else "\n", file=sys.stderr, flush=True)


def write_events(store, events):
    """Every event as a live write, in the order in which it became known. Returns rows/s."""
    progress = Progress(len(events), "writes")
    started = time.monotonic()
    for start in range(0, len(events), BATCH):
        by_group = collections.defaultdict(list)
        for event in events[start:start + BATCH]:
            by_group[event.group].append({"key": event.key, "event_time": event.event_time,
                                          "values": event.values, "write_id": event.write_id})
        for group, records in by_group.items():
            answer = store.post("/v1/records:put", {"group": f"flights/{group}", "records": records})
            if answer["accepted"] != len(records):
                bad = [r for r in answer["results"] if r["status"] != "OK"][:3]
                raise Failed(f"{group}: {answer['rejected']} rejected, {answer['unknown']} unknown: {bad}")
        progress.show(min(start + BATCH, len(events)))
    return len(events) / (time.monotonic() - started)


def backfill(store, data, directory):
    """The online path sees only what --promote writes there: the newest of each aircraft."""
    register = directory / "aircraft.parquet"
    pq.write_table(pa.Table.from_pandas(data.register(), preserve_index=False), register)
    arguments = ["import", "flights/aircraft_info", register, "--lane", "backfill", "--promote", "--json"]
    first = json.loads(store.run(*arguments))
    again = json.loads(store.run(*arguments))
    if first["rejected"] or first["accepted"] != len(data.planes) or again["import_id"] != first["import_id"]:
        raise Failed(f"the register has {len(data.planes)} aircraft; imported: {first}, then {again}")
    say(f"   import {first['import_id'][:8]}…: {first['accepted']:,} aircraft, promoted to the online store; "
        f"imported once more, nothing changes")


def duckdb_with_iceberg():
    """DuckDB with the extensions that ops/requirements.txt pins; it would fetch its own else."""
    connection = duckdb.connect()
    for name in ("avro", "iceberg"):
        (path,) = [path for folder in duckdb_ext.__path__
                   for path in pathlib.Path(folder).rglob(name + ".duckdb_extension")]
        connection.execute(f"LOAD '{path}'")
    return connection


def query_with_duckdb(store, data):
    status = json.loads(store.run("offline", "status", "--json"))
    tables = {g["group"].split("/")[1].split("@")[0]: g["location"].removeprefix("file://")
              for g in status["groups"]}
    duck = duckdb_with_iceberg()
    query = ("SELECT origin, count(*) AS hours, round(avg(temp), 1) AS mean_temp, max(wind_gust) AS gust "
             "FROM iceberg_scan('{}') GROUP BY origin ORDER BY origin")
    say(f"   duckdb> {query.format('…/weather_v1')}")
    say("\n".join("   " + line for line in str(duck.sql(query.format(tables["weather"]))).splitlines()))
    for group, expected in (("weather", len(data.weather)), ("aircraft_info", len(data.planes))):
        # What was written to the online store alone (1), as by --promote, is there for the proof.
        rows = duck.sql(f"SELECT count(*) FROM iceberg_scan('{tables[group]}') "
                        f"WHERE _stores <> 1").fetchone()[0]
        if rows != expected:
            raise Failed(f"the table of {group} holds {rows} rows, the source {expected}")


def reproduce(store, dataset, directory):
    """The same bytes after the tables went on: late weather, and small files merged."""
    late = [{"key": {"origin": origin}, "event_time": time.time_ns() // 1000 - DAY_US,
             "values": {"temp": -40.0}} for origin in ("EWR", "JFK", "LGA")]
    store.post("/v1/records:put", {"group": "flights/weather", "stores": "offline", "records": late})
    store.run("wait", "--stores", "offline", "--timeout", "120s")
    store.run("offline", "compact")
    store.run("training-set", "reproduce", dataset["id"], "--out", directory / "again.parquet")
    first, again = ((directory / name).read_bytes() for name in ("train.parquet", "again.parquet"))
    if first != again:
        raise Failed(f"training set {dataset['id']} was reproduced with other bytes")
    say(f"   training set {dataset['id'][:8]}… once more, after late weather and a compaction: "
        f"{len(again):,} bytes, the same")


def read_online(store, rows, include=()):
    """Feature vectors of the flights in `rows` by one request: {column: (values, statuses)}."""
    keys = {name: [None if v != v else v for v in rows[name]] for name in KEYS}
    answer = store.post("/v1/features:get",
                        {"service": SERVICE, "keys": keys, "include": list(include)})
    columns = {}
    for feature in answer["features"]:
        name = feature["name"].split("/")[1].replace("@1:", "__")
        columns[name] = (feature["values"], feature["status"])
    return columns


def latencies(store, rows, requests):
    body = json.dumps({"service": SERVICE, "keys": {name: list(rows[name]) for name in KEYS}})
    times = []
    for _ in range(requests):
        started = time.perf_counter()
        status, _ = store.post_raw("/v1/features:get", body)
        times.append((time.perf_counter() - started) * 1e3)
        if status != 200:
            raise Failed(f"features:get answered {status}")
    return np.percentile(times, 50), np.percentile(times, 99)


def write_spine(flights, path):
    spine = flights[["carrier", "origin", "dest", "tailnum", "flight", "arr_delay"]].copy()
    table = pa.Table.from_pandas(spine, preserve_index=False)
    times = pa.array(flights["departs"].to_numpy(), pa.timestamp("us", tz="UTC"))
    pq.write_table(table.append_column("event_time", times), path)


def design_matrix(table, columns):
    return table[columns].apply(pd.to_numeric, errors="coerce").to_numpy(dtype="float64")


def check_cells(source, training, columns, cells, seed):
    rng = np.random.default_rng(seed)
    for _ in range(cells):
        row = training.iloc[int(rng.integers(len(training)))]
        column = columns[int(rng.integers(len(columns)))]
        t = int(row["event_time"].value // 1000) if hasattr(row["event_time"], "value") else row["event_time"]
        expected = source.cell(column, row, t)
        if not same(row[column], expected):
            raise Failed(f"{column} of flight {row['flight']} ({row['carrier']} {row['origin']}-"
                         f"{row['dest']}, {row['tailnum']}) at {row['event_time']}: the training set "
                         f"has {row[column]}, the source gives {expected}")


def check_online_equals_training(store, rows, directory):
    """Reads vectors online, builds a training set for the same moment, compares cell by cell."""
    for _ in range(5):
        before = read_online(store, rows)
        now_us = time.time_ns() // 1000
        after = read_online(store, rows)
        if before == after:
            break
    else:
        raise Failed("features kept expiring while they were compared")
    moment = rows.assign(departs=now_us)
    write_spine(moment, directory / "now.parquet")
    store.run("training-set", "build", "--spine", directory / "now.parquet", "--service", SERVICE,
              "--out", directory / "now_features.parquet")
    trained = pq.read_table(directory / "now_features.parquet").to_pydict()
    compared = 0
    for column, (values, _) in before.items():
        for i, value in enumerate(values):
            if not same(trained[column][i], value):
                raise Failed(f"{column} of row {i}: online {value}, training {trained[column][i]}")
            compared += 1
    return compared


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokura", required=True)
    parser.add_argument("--directory", help="instead of a fresh temporary directory")
    parser.add_argument("--keep", action="store_true", help="leave the store running")
    parser.add_argument("--share", type=float, default=1.0, help="use only this share of the flights")
    options = parser.parse_args()
    directory = pathlib.Path(options.directory or tempfile.mkdtemp(prefix="tokura-demo-"))
    directory.mkdir(parents=True, exist_ok=True)
    store = Store(options.tokura, directory)
    try:
        summary = run(store, directory, options)
        if options.keep:
            farewell_kept(store, directory)
        else:
            store.down()
            shutil.rmtree(directory, ignore_errors=True)
        say(f"\n{summary}\n   total {time.monotonic() - STARTED:.0f} s")
        if not options.keep:
            say("   ops/demo.sh --keep leaves the store running to try more.")
        return 0
    except Failed as failure:
        print(f"\ndemo: FAILED: {failure}\n      files are left in {directory}", file=sys.stderr)
        if store.process is not None:
            store.process.kill()
        return 1


def run(store, directory, options):
    title(1, "Define")
    store.up()
    here = pathlib.Path(__file__).parent
    say(store.run("apply", here / "flights.yaml"))

    title(2, "Write: every event of the year, live, in the order in which it became known")
    data = Flights(time.time_ns() // 1000, options.share)
    events, late, twice = data.events()
    say(f"   {len(events):,} writes: {len(data.flights):,} flights, {len(data.weather):,} hours of "
        f"weather; {late:,} arrive late, {twice:,} twice")
    rate = write_events(store, events)

    title(3, "Backfill: the register of aircraft, a file, straight into its table")
    backfill(store, data, directory)

    title(4, "Read online: the vectors of 100 flights in one request")
    latest = data.flights[data.flights["tailnum"].notna()].nlargest(100, "departs")
    latest[KEYS].to_csv(directory / "latest.csv", index=False)
    table = store.run("get", "--service", SERVICE, "--keys-file", directory / "latest.csv")
    say("\n".join("   " + line for line in table.splitlines()[:10]) + "\n   …")
    p50, p99 = latencies(store, latest, 1000)
    say(f"   1,000 requests of 100 flights × {len(read_online(store, latest))} features over "
        f"HTTP/JSON: p50 {p50:.2f} ms, p99 {p99:.2f} ms")

    title(5, "The same log as Iceberg tables")
    wait_started = time.monotonic()
    store.run("wait", "--stores", "offline", "--timeout", "120s")
    say(f"   tokura wait: every write is in the tables after {time.monotonic() - wait_started:.1f} s\n")
    say(store.run("offline", "status"))
    query_with_duckdb(store, data)

    title(6, "Train: features of every flight as they were when it was due to depart")
    write_spine(data.flights, directory / "spine.parquet")
    build_started = time.monotonic()
    dataset = json.loads(store.run(
        "training-set", "build", "--spine", directory / "spine.parquet", "--service", SERVICE,
        "--out", directory / "train.parquet", "--json"))
    build_seconds = time.monotonic() - build_started
    training = pq.read_table(directory / "train.parquet").to_pandas()
    columns = [c for c in training.columns if "__" in c]
    say(f"   {len(training):,} rows × {len(columns)} features in {build_seconds:.1f} s")
    if len(training) != len(data.flights):
        raise Failed(f"the training set has {len(training)} rows, the spine {len(data.flights)}")
    model, auc = train(training, columns, data.now_us)
    say(f"   a gradient-boosted model of 'over {LATE_MINUTES} minutes late': "
        f"AUC {auc:.3f} on the last 30 days")
    score(store, model, columns, latest)

    title(7, "Reproduce: the same bytes, whatever was written since")
    reproduce(store, dataset, directory)

    title(8, "Proof")
    check_cells(Source(data), training, columns, 1000, seed=7)
    say("   1,000 random cells, recomputed from the source by brute force: equal")
    compared = check_online_equals_training(store, latest, directory)
    say(f"   online vectors = training features at the same time: {compared:,} values equal")
    verified = store.run("verify")
    say("\n".join("   " + line for line in verified.rstrip().splitlines()))
    return (f"Done: {len(events):,} live writes at {rate:,.0f}/s, reads of 100 flights p50 {p50:.2f} ms "
            f"p99 {p99:.2f} ms,\n   {len(training):,} training rows in {build_seconds:.1f} s; "
            f"log, online store and files proved equal.")


def train(training, columns, now_us):
    done = training[training["arr_delay"].notna()]
    late = (done["arr_delay"] > LATE_MINUTES).to_numpy()
    recent = (done["event_time"] > pd.Timestamp(now_us - 30 * DAY_US, unit="us", tz="UTC")).to_numpy()
    features = design_matrix(done, columns)
    model = HistGradientBoostingClassifier(max_iter=60, random_state=1)
    model.fit(features[~recent], late[~recent])
    auc = roc_auc_score(late[recent], model.predict_proba(features[recent])[:, 1])
    return model, auc


def score(store, model, columns, rows):
    """What serving does: vectors from the router, straight into the model."""
    online = read_online(store, rows)
    frame = pd.DataFrame({column: online[column][0] for column in columns})
    chance = model.predict_proba(design_matrix(frame, columns))[:, 1]
    say("   scored through the router, the three likeliest to be late now:")
    for i in np.argsort(-chance)[:3]:
        row = rows.iloc[int(i)]
        say(f"     {row['carrier']}{row['flight']} {row['origin']}–{row['dest']} {row['tailnum']}: "
            f"{chance[i]:.0%}")


def farewell_kept(store, directory):
    endpoint = store.ready["router"]
    say(f"""
The store keeps running (process {store.ready['pid']}); files are in {directory}. To try next:
   export TOKURA_ENDPOINT={endpoint}
   {store.tokura} get --service {SERVICE} --key carrier=UA,origin=EWR,dest=SFO,tailnum=N14228
   {store.tokura} scan flights/route_stats --prefix carrier=HA
   {store.tokura} describe flights/weather
   curl -s http://{store.ready['http']}/metrics | grep tokura_
   kill {store.ready['pid']}      # drains and stops""")


if __name__ == "__main__":
    sys.exit(main())
