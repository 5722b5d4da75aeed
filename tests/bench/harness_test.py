"""bench/run as people meet it, without peers: what it refuses, how it judges, and that a wrong value
makes a run fail and leaves nothing behind."""

import argparse
import glob
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "bench"))

from harness import catalog, report  # noqa: E402

RUN = os.path.join(ROOT, "bench", "run")
BIN = None


def run(*arguments, **options):
    return subprocess.run([sys.executable, RUN, *arguments], capture_output=True, text=True,
                          timeout=200, **options)


class Comparisons(unittest.TestCase):
    def test_ratio_says_how_often_better_we_are(self):
        line = report.compare("P1", "us", [10, 12, 11], [100, 90, 130], "redis", 10)
        self.assertEqual((line["ours"], line["peer"]), (11, 100))
        self.assertEqual((line["ratio"], line["holds"]), (9.091, False))
        self.assertEqual(line["rounds"], [[10, 100], [12, 90], [11, 130]])

    def test_of_rates_the_higher_is_better(self):
        line = report.compare("X", "rows/s", [300.0], [100.0], "redis", 3, report.HIGHER)
        self.assertEqual((line["ratio"], line["holds"]), (3, True))

    def test_without_a_peer_the_goal_bounds_the_figure(self):
        self.assertTrue(report.compare("P7", "bytes", [215], None, None, 215)["holds"])
        self.assertFalse(report.compare("P7", "bytes", [216], None, None, 215)["holds"])
        self.assertIsNone(report.compare("S2", "bytes", [216], None, None, None)["holds"])


class Program(unittest.TestCase):
    def test_lists_every_benchmark(self):
        listed = run("--list").stdout.split("\n")
        self.assertEqual([line.split()[0] for line in listed if line], list(catalog.BENCHMARKS))

    def test_refuses_an_unknown_name(self):
        result = run("P1", "P99")
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("P99: no such benchmark", result.stderr)

    def test_finds_a_planted_wrong_value(self):
        result = run("--self-test", "--bin", BIN)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("not the value written", result.stderr)

    def test_prints_lines_of_json_last_and_only_them(self):
        with tempfile.NamedTemporaryFile() as copy:
            result = run("S2", "--quick", "--rounds", "1", "--entities", "2000", "--bin", BIN,
                         "--json", copy.name)
            self.assertEqual(result.returncode, 0, result.stderr)
            lines = [json.loads(line) for line in result.stdout.splitlines()]
            self.assertEqual([line["bench"] for line in lines],
                             ["S2.f64x20", "S2.f32x20", "S2.str16x5", "S2.vec128x1"])
            self.assertEqual(copy.read().decode(), result.stdout)

    def test_leaves_nothing_behind_when_interrupted(self):
        with tempfile.TemporaryDirectory() as directory:
            child = subprocess.Popen([sys.executable, RUN, "S2", "--bin", BIN],
                                     env={**os.environ, "TMPDIR": directory},
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            servers = os.path.join(directory, "tokura-bench-*", "tokura-*", "ready.json")
            deadline = time.monotonic() + 60
            while not glob.glob(servers) and time.monotonic() < deadline:
                time.sleep(0.01)  # a poll for the server's ready file, bounded by the deadline
            with open(glob.glob(servers)[0]) as file:
                server = json.load(file)["pid"]
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.wait(60), 130)
            self.assertEqual(os.listdir(directory), [])
            self.assertFalse(os.path.exists(f"/proc/{server}"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    known, rest = parser.parse_known_args()
    BIN = known.bin
    unittest.main(argv=[sys.argv[0], *rest])
