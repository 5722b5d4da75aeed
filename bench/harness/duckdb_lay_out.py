"""The peer of P9, a process of its own: DuckDB brings the exported records of a log into sorted,
deduplicated zstd Parquet, a file a day. Prints one line of JSON.

    duckdb_lay_out.py RECORDS OUT [--bare]
"""

import argparse
import datetime
import glob
import json
import os
import resource
import time

import duckdb

# As the table has them; `--bare`: without what only the store itself needs.
BARE = ("user_id, clicks_7d, spend_30d, score, segment, last_seen, is_member, event_time, "
        "write_time, is_deleted, _write_id")
ALL = BARE + ", _written, _record_ttl, _stores, false AS _late, _origin, _seq"

# What costs DuckDB least of the ways to drop repeats: few write ids come twice, so those that do are
# found first, and a semi-join takes the rest as it is. A window over all rows costs a tenth more,
# DISTINCT ON half as much again.
LAY_OUT = """
COPY (
  WITH repeated AS MATERIALIZED (
    SELECT _write_id, min(write_time) AS first FROM {records} WHERE {of_day}
    GROUP BY 1 HAVING count(*) > 1)
  SELECT {columns} FROM {records} LEFT JOIN repeated USING (_write_id)
  WHERE {of_day} AND (first IS NULL OR first = write_time)
  ORDER BY user_id, event_time, _write_id
) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 131072)"""


def lay_out(connection, directory, out, columns):
    records = f"read_parquet('{directory}/*.parquet')"
    first, last = connection.execute(
        f"SELECT min(event_time)::DATE, max(event_time)::DATE FROM {records}").fetchone()
    day = first
    while day <= last:
        following = day + datetime.timedelta(days=1)
        connection.execute(LAY_OUT.format(
            records=records, columns=columns, path=f"{out}/{day}.parquet",
            of_day=f"event_time >= '{day}' AND event_time < '{following}'"))
        day = following


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("records")
    parser.add_argument("out")
    parser.add_argument("--bare", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.out)
    connection = duckdb.connect()
    connection.execute(f"SET threads = 1; SET TimeZone = 'UTC'; SET enable_progress_bar = false; "
                       f"SET temp_directory = '{options.out}/spill'")
    begin = time.process_time()
    lay_out(connection, options.records, options.out, BARE if options.bare else ALL)
    print(json.dumps({
        "cpu_seconds": time.process_time() - begin,
        "bytes": sum(os.path.getsize(path) for path in glob.glob(f"{options.out}/*.parquet")),
        "memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "version": duckdb.__version__}))


if __name__ == "__main__":
    main()
