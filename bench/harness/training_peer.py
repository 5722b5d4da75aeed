"""The DuckDB side of P10, a program of its own so that its CPU can be told apart:
training_peer.py make|asof|digest ... ; prints one line of JSON."""

import json
import resource
import sys

import duckdb

BEGIN_US = 1_767_225_600_000_000  # 2026-01-01


def connect():
    database = duckdb.connect()
    database.execute("SET threads = 1")
    database.execute("SET TimeZone = 'UTC'")
    return database


def make(database, key, history, entities, days, spine, raw_path, spine_path):
    """A log in the order of arrival, and labels at random places of it."""
    shown = "format('entity-{{:011d}}', {})" if key == "string" else "CAST({} AS BIGINT)"
    days_us = int(days) * 86_400_000_000
    database.execute(f"""
        COPY (SELECT {shown.format(f"hash(i * 2 + 1) % {entities}")} AS id,
                     make_timestamptz(CAST({BEGIN_US} + i * {days_us // int(history)} AS BIGINT))
                       AS event_time,
                     (i % 1000) * 0.25::DOUBLE AS f0, (hash(i) % 1000000) / 1000.0::DOUBLE AS f1,
                     i * 0.5::DOUBLE AS f2, (hash(i * 7) % 100)::DOUBLE AS f3
              FROM range({history}) t(i))
        TO '{raw_path}' (FORMAT parquet, COMPRESSION zstd)""")
    database.execute(f"""
        COPY (SELECT {shown.format(f"hash(i * 2 + 7) % {entities}")} AS id,
                     make_timestamptz(CAST({BEGIN_US} + hash(i * 11 + 1) % {days_us} AS BIGINT))
                       AS event_time,
                     i % 2 AS label
              FROM range({spine}) t(i))
        TO '{spine_path}' (FORMAT parquet, COMPRESSION zstd)""")
    return {}


def asof(database, history, spine, out):
    """The join, as one statement from files to a file."""
    before = cpu_seconds()
    database.execute(f"""
        COPY (SELECT spine.*, h.f0 AS history__f0, h.f1 AS history__f1, h.f2 AS history__f2,
                     h.f3 AS history__f3
              FROM read_parquet('{spine}') spine
              ASOF LEFT JOIN (SELECT id, event_time, f0, f1, f2, f3
                              FROM read_parquet('{history}', hive_partitioning = false)) h
              ON spine.id = h.id AND spine.event_time >= h.event_time)
        TO '{out}' (FORMAT parquet, COMPRESSION zstd)""")
    return {"cpu_seconds": cpu_seconds() - before}


def digest(database, path, where):
    """Of these rows of a training set, whatever their order."""
    rows, digests = database.execute(f"""
        SELECT count(*), sum(hash(id, epoch_us(event_time), CAST(label AS BIGINT), history__f0,
                                  history__f1, history__f2, history__f3)::HUGEINT)
        FROM read_parquet('{path}') WHERE {where}""").fetchone()
    return {"rows": rows, "digest": str(digests)}


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    verb = {"make": make, "asof": asof, "digest": digest}[sys.argv[1]]
    print(json.dumps(verb(connect(), *sys.argv[2:])))
