#!/usr/bin/env python3
"""The documentation as people follow it: its commands are run, its list of flags is compared.

  tutorial_test.py --bin build/release/bin

Blocks that begin with ```sh test run in the order of the page, in an empty directory beside a
server that has the definitions of docs/definitions.md; a block ```text output is what the block
before it prints.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import unittest

BIN = None
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PAGES = ("files", "http", "training-sets")
PROGRAMS = ("tokura-node", "tokura-router", "tokura-compactor")
WAIT_UNTIL_SERVED = "until tokura list >/dev/null 2>&1; do sleep 0.1; done"


def page(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def blocks(text):
    """[(info string, content)] of the fenced blocks."""
    return re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def help_of(*words, program="tokura"):
    return subprocess.run([os.path.join(BIN, program), *words, "--help"], capture_output=True,
                          text=True, timeout=60, check=True).stdout


def entries_of(help_text, heading):
    """The names at the left of the entries below `heading`."""
    found = re.search(rf"^{heading}\n((?:  .*\n)+)", help_text, re.MULTILINE)
    return re.findall(r"^  (\S+)", found.group(1), re.MULTILINE) if found else []


def flags_of(help_text):
    return set(re.findall(r"^  (?:-\w, )?(--[a-z][a-z-]*)", help_text, re.MULTILINE))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Tutorials(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="tokura-docs-")
        self.addCleanup(temporary.cleanup)
        self.directory = temporary.name
        self.servers = []
        self.addCleanup(self.stop, self.servers)
        os.symlink(os.path.join(ROOT, "docs"), os.path.join(self.directory, "docs"))
        native, self.http = free_port(), free_port()
        self.environment = {**os.environ, "PATH": BIN + os.pathsep + os.environ["PATH"],
                            "TOKURA_LISTEN": f"127.0.0.1:{native}",
                            "TOKURA_ENDPOINT": f"127.0.0.1:{native}",
                            "TOKURA_HTTP": f"127.0.0.1:{self.http}"}

    @staticmethod
    def stop(servers):
        for server in servers:
            server.terminate()
            server.wait(30)

    def run_script(self, script):
        """Runs what a person would type, on ports and a directory of this test."""
        script = script.replace("localhost:7480", f"127.0.0.1:{self.http}")
        script = script.replace("/tmp/tokura", os.path.join(self.directory, "data"))
        script = script.replace("curl -s ", "curl -sS --fail-with-body ")
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=self.directory,
                              env=self.environment, capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, f"{script}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def serve(self):
        definitions = [text for info, text in blocks(page("docs/definitions.md")) if info == "yaml"]
        with open(os.path.join(self.directory, "features.yaml"), "w", encoding="utf-8") as file:
            file.write(definitions[0])
        server = subprocess.Popen([os.path.join(BIN, "tokura"), "up", "--data-dir", "data"],
                                  cwd=self.directory, env=self.environment,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.servers.append(server)
        self.run_script(WAIT_UNTIL_SERVED + "\ntokura apply features.yaml docs/tutorial/weather.yaml")

    def test_five_minutes_by_hand(self):
        section = page("README.md").split("## Five minutes by hand\n", 1)[1].split("\n## ", 1)[0]
        ((info, text),) = blocks(section)
        self.assertEqual(info, "sh")
        steps = [line for line in text.splitlines()
                 if not line.startswith(("ops/", "export PATH="))]
        self.assertIn("tokura up --data-dir /tmp/tokura &", steps)
        out = self.run_script("trap 'kill $!; wait $! || true' EXIT\n" + "\n".join(steps))
        self.assertIn("JFK     39.02\n", out)
        self.assertIn("equal: log = files = online rows (1 group, 1 file, 1 record, 1 online row)", out)

    def test_pages(self):
        for name in PAGES:
            with self.subTest(page=name):
                self.setUp()
                self.serve()
                tested = 0
                out = ""
                for info, text in blocks(page(f"docs/{name}.md")):
                    if info == "sh test":
                        out = self.run_script(text)
                        tested += 1
                    elif info == "text output":
                        self.assertEqual(out, text)
                self.assertGreater(tested, 0)

    def test_links_lead_somewhere(self):
        pages = ["README.md"] + ["docs/" + n for n in os.listdir(os.path.join(ROOT, "docs"))
                                 if n.endswith(".md")]
        for name in pages:
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page(name)):
                path = os.path.join(ROOT, os.path.dirname(name), target)
                self.assertTrue(os.path.exists(path), f"{name} links to {target}")


class CommandLinePage(unittest.TestCase):
    def setUp(self):
        self.text = page("docs/cli.md")
        self.named = set(re.findall(r"--[a-z][a-z-]*", self.text))

    def verbs(self):
        """Every path of verbs: ["training-set", "build"]."""
        paths = []
        overview = help_of()
        for section in re.findall(r"^(.+:)$", overview, re.MULTILINE):
            if section.startswith(("Flags", "Examples")):
                continue
            for verb in entries_of(overview, re.escape(section)):
                below = entries_of(help_of(verb), "Verbs:")
                paths += [[verb, name] for name in below] or [[verb]]
        return paths

    def test_every_verb_and_flag_is_there(self):
        known = set()
        paths = self.verbs()
        self.assertGreater(len(paths), 25)
        for path in paths:
            for word in path:
                self.assertRegex(self.text, rf"`[^`\n]*\b{word}\b[^`\n]*`", f"docs/cli.md lacks {path}")
            flags = flags_of(help_of(*path))
            self.assertIn("--help", flags)
            self.assertEqual(flags - self.named, set(), f"docs/cli.md lacks flags of {path}")
            known |= flags
        for program in PROGRAMS:
            flags = flags_of(help_of(program=program))
            self.assertIn(program, self.text)
            self.assertEqual(flags - self.named, set(), f"docs/cli.md lacks flags of {program}")
            known |= flags
        self.assertEqual(self.named - known, set(), "docs/cli.md names flags that do not exist")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, help="where the programs are")
    known_arguments, rest = parser.parse_known_args()
    BIN = os.path.abspath(known_arguments.bin)
    unittest.main(argv=[sys.argv[0], *rest])
