#!/usr/bin/env python3
"""The programs without a server: help, completion, settings, and what wrong usage gets."""

import json
import os
import socket
import subprocess

from harness import Case, DEFINITIONS, main, tokura


class Usage(Case):
    def test_help_of_every_verb_has_an_example(self):
        help_text = tokura("--help").stdout
        for verb in ("up plan apply list describe search get put scan delete import wait training-set "
                     "offline verify doctor inspect cluster completion").split():
            self.assertIn(f"\n  {verb} ", help_text)
            result = tokura(verb, "--help")
            self.assertEqual(result.returncode, 0)
            self.assertIn("Examples:\n  ", result.stdout)
            self.assertIn("--print-config", result.stdout)

    def test_programs_say_their_version(self):
        for program in ("tokura", "tokura-node", "tokura-router", "tokura-compactor"):
            result = tokura("--version", program=program)
            self.assertEqual((result.returncode, result.stdout), (0, f"{program} 0.1.0\n"))
            self.assertEqual(tokura("--help", program=program).returncode, 0)

    def test_wrong_words_suggest_the_nearest(self):
        self.refused(2, "did you mean 'apply'?", tokura("aply"))
        self.refused(2, "did you mean '--definitions'?", tokura("up", "--definition", "x"))
        self.refused(2, "did you mean 'build'?", tokura("training-set", "biuld"))
        self.refused(2, "did you mean 'table'?",
                     tokura("get", "--features", "a/b:c", "--key", "a=1", "--format", "tabel"))

    def test_what_is_not_in_this_release_says_so(self):
        for arguments in (["up", "--nodes", "3"], ["cluster", "add", "n2"], ["cluster", "init"]):
            self.refused(2, "release", tokura(*arguments))
        self.refused(2, "etcd://", tokura("--catalog", "etcd://localhost:2379", program="tokura-router"))

    def test_training_set_refuses_what_does_not_go_together(self):
        build = ["training-set", "build", "--service", "a/b", "--out", "o.csv"]
        spine = ["--spine", "s.csv"]
        for flags, why in ((spine + ["--lag", "1h"], "--lag goes only with --mode known"),
                           (spine + ["--mode", "then"], "--mode"),
                           ([], "either --spine or --entities"),
                           (spine + ["--entities", "all"], "not both"),
                           (["--entities", "all", "--from", "2026-01-01"], "--from and --to"),
                           (spine + ["--as-of", "now"], "only with --entities"),
                           (spine + ["--features", "a/b:c"], "either --service or --features"),
                           (spine + ["--split", "train=0.8,test=0.3"], "add up to 1"),
                           (spine + ["--sample", "2"], "sample"),
                           (spine + ["--split-time", "2026-01-02,2026-01-01"], "ascend"),
                           (spine + ["--memory", "much"], "--memory")):
            self.refused(2, why, tokura(*build, *flags))

    def test_unreachable_is_three(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            endpoint = f"127.0.0.1:{unused.getsockname()[1]}"
        self.refused(3, endpoint, tokura("list", "--endpoint", endpoint))

    def test_settings_are_layered(self):
        config = self.write("tokura.yaml", "http: 127.0.0.1:1\nlisten: 127.0.0.1:2\ncompact-interval: 5s\n")
        result = tokura("up", "--config", config, "--listen", "127.0.0.1:4", "--print-config",
                        environment={"TOKURA_HTTP": "127.0.0.1:3", "TOKURA_LISTEN": "127.0.0.1:3"})
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = dict(line.split("  # ")[0].split(": ", 1) for line in result.stdout.splitlines())
        self.assertEqual(lines["listen"], "127.0.0.1:4")
        self.assertEqual(lines["http"], "127.0.0.1:3")
        self.assertEqual(lines["compact-interval"], "5s")
        self.assertEqual(lines["durability"], "fsync")

    def test_up_refuses_what_cannot_be(self):
        data = os.path.join(self.directory, "d")
        self.refused(2, "--insecure", tokura("up", "--data-dir", data, "--listen", "0.0.0.0:0"))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            result = tokura("up", "--data-dir", data, "--listen", address, "--http", "127.0.0.1:0")
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(address, result.stderr.splitlines()[-1])
        file = self.write("file", "")
        result = tokura("up", "--data-dir", file + "/data")
        self.assertEqual(result.returncode, 2, result.stderr)
        newer = os.path.join(self.directory, "newer")
        os.mkdir(newer)
        self.write("newer/FORMAT", "tokura data 9\n")
        self.refused(2, "newer version", tokura("up", "--data-dir", newer))
        self.write("newer/FORMAT", "garbage")
        self.refused(4, "FORMAT, offset 0", tokura("up", "--data-dir", newer))

    def test_completion_scripts_are_printed(self):
        for shell in ("bash", "zsh", "fish"):
            result = tokura("completion", shell)
            self.assertEqual(result.returncode, 0)
            self.assertIn("training-set", result.stdout)
        script = tokura("completion", "bash").stdout
        probe = script + """
COMP_WORDS=(tokura training-set build --spi); COMP_CWORD=3; _tokura; echo "${COMPREPLY[*]}"
COMP_WORDS=(tokura ver); COMP_CWORD=1; _tokura; echo "${COMPREPLY[*]}"
"""
        done = subprocess.run(["bash", "-c", probe], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout, "--spine\nverify\n", done.stderr)


if __name__ == "__main__":
    main()
