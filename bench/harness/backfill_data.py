"""Makes the history of P13: backfill_data.py ROWS SEED PARQUET CSV."""

import sys

import duckdb

BEGIN_US, DAYS_US = 1_767_225_600_000_000, 7 * 86_400_000_000  # from 2026-01-01 on


def main(rows, seed, parquet, csv):
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'")
    database.execute(f"""
        CREATE VIEW history AS
        SELECT format('entity-{{:011d}}', hash(i * 2 + {seed}) % {max(1, rows // 50)}) AS id,
               make_timestamptz(CAST({BEGIN_US} + i * {DAYS_US // rows} AS BIGINT)) AS event_time,
               (i % 1000) * 0.25::DOUBLE AS f0, (hash(i) % 1000000) / 1000.0::DOUBLE AS f1,
               i * 0.5::DOUBLE AS f2, (hash(i * 7) % 100)::DOUBLE AS f3,
               (i % 100000)::BIGINT AS n0, format('city-{{}}', i % 500) AS s0
        FROM range({rows}) t(i)""")
    database.execute(f"COPY history TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)")
    database.execute(f"COPY history TO '{csv}' (FORMAT csv, HEADER)")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4])
