"""P9: the records of a change log into sorted, deduplicated zstd Parquet, a file a day: by the
classes of the compactor from the log's segments, and by DuckDB from the same records, exported as
uncompressed Parquet. Each on one core; then DuckDB compares what both wrote."""

import json
import os

from . import machine, processes, report
from .processes import note

CPU_GOAL = 3
SIZE_GOAL = 1.05  # times the peer's
USER_SHARE = 20  # records a user
COMPARE = """
SELECT count(*), sum(hash({columns})::HUGEINT), sum(clicks_7d), sum(spend_30d::DECIMAL(18, 2)), min(event_time),
       max(write_time), count(DISTINCT user_id)
FROM read_parquet('{files}')"""
COLUMNS = ("user_id, clicks_7d, spend_30d, score, segment, last_seen, is_member, event_time, "
           "write_time, is_deleted, _written, _record_ttl, _write_id, _stores, _late, _origin, _seq")


def python():
    return os.path.join(machine.ROOT, "build", "venv", "bin", "python")


def run_program(place, *command):
    """What it printed."""
    code, output, errors = place.run_client(list(command))
    if code != 0:
        raise processes.Failed(f"{os.path.basename(command[0])} failed:\n{errors[-2000:]}")
    return output


def same_rows(place, ours, peers):
    """Failed unless DuckDB reads the same rows from both."""
    script = ("import duckdb, sys; c = duckdb.connect(); "
              "c.execute(\"SET TimeZone = 'UTC'; SET enable_progress_bar = false\"); "
              "print(*[c.execute(q).fetchall() for q in sys.argv[1:]], sep=chr(10))")
    queries = [COMPARE.format(columns=COLUMNS, files=files) for files in (ours, peers)]
    of_ours, of_peers = run_program(place, python(), "-c", script, *queries).splitlines()
    if of_ours != of_peers:
        raise processes.Failed(f"P9: DuckDB reads from our files {of_ours}, from its own {of_peers}")
    return of_ours


def one_round(place, directory):
    """Figures of ours, the peer, and the peer without the columns of bookkeeping."""
    program = os.path.join(place.programs, "tokura-bench-history")
    peer = os.path.join(machine.ROOT, "bench", "harness", "duckdb_lay_out.py")
    outs = [os.path.join(directory, name) for name in ("ours", "peer", "bare")]
    records = os.path.join(directory, "records")
    ours = json.loads(run_program(place, program, "lay-out", directory, "--out", outs[0]))
    peers = json.loads(run_program(place, python(), peer, records, outs[1]))
    bare = json.loads(run_program(place, python(), peer, records, outs[2], "--bare"))
    rows = same_rows(place, f"{outs[0]}/**/*.parquet", f"{outs[1]}/*.parquet")
    for out in outs:
        place.remove_directory(out)
    note(f"P9: {ours['cpu_seconds']:.1f} CPU-s ({ours['read_cpu_seconds']:.1f} of them reading the "
         f"log), DuckDB {peers['cpu_seconds']:.1f}, bare {bare['cpu_seconds']:.1f}; both hold {rows}")
    return ours, peers, bare


def run(names, options, place):
    directory = place.new_directory("p9")
    program = os.path.join(place.programs, "tokura-bench-history")
    run_program(place, program, "make", directory, "--records", str(options.history), "--users",
                str(max(options.history // USER_SHARE, 1)))
    note(f"P9: {options.history:,} records made")
    rounds = [one_round(place, directory) for _ in range(options.rounds)]
    place.remove_directory(directory)
    peer = f"duckdb {rounds[0][1]['version']}"

    def column(side, figure):
        return [figures[side][figure] for figures in rounds]

    cpu = f"CPU-s for {options.history:,} records"
    return [
        report.compare("P9", cpu, column(0, "cpu_seconds"), column(1, "cpu_seconds"), peer,
                       CPU_GOAL),
        report.compare("P9.bare", cpu, column(0, "cpu_seconds"), column(2, "cpu_seconds"),
                       f"{peer} without the columns of bookkeeping", None),
        report.compare("P9.size", "bytes of the files", column(0, "bytes"), column(1, "bytes"), peer,
                       1 / SIZE_GOAL),
        report.compare("P9.memory", "bytes of memory at most", column(0, "memory_bytes"),
                       column(1, "memory_bytes"), peer, None)]
