#!/usr/bin/env python3
"""A file system that is really full, of a few MiB, in a mount namespace of its own.

Writers fill it up. Then:
  - writes are refused with RESOURCE_EXHAUSTED, the process lives, and reads go on,
  - once space is freed writes go on, without a restart,
  - killed while it is full, and started again while it is, and after space was freed, it has lost nothing:
    online, in the files, and for `tokura verify`.

Exits with 77, and says why, where no file system may be mounted.
"""

import argparse
import errno
import json
import os
import random
import subprocess
import sys
import tempfile
import time

from kill_test import BATCH, Server, Writer, check_files, check_online

SKIPPED = 77
FILE_SYSTEM_MIB = 48
ROOM_BYTES = 700 << 10  # what the ballast leaves


class PatientWriter(Writer):
    """Puts one batch at a time; what was refused for want of space is known not to be written."""

    def put(self, server):
        if not self.unanswered:
            start = self.number * 10_000_000 + self.next
            self.next += BATCH
            self.unanswered = list(range(start, start + BATCH))
        self.sent.update(self.unanswered)
        records = [self.record(key) for key in self.unanswered]
        connection = server.connect()
        connection.request("POST", "/v1/records:put",
                           json.dumps({"group": "kills/facts", "records": records}))
        response = connection.getresponse()
        answer = json.loads(response.read())
        if response.status != 200:
            return answer["error"]["code"]
        refused = None
        left = []
        for key, result in zip(self.unanswered, answer["results"]):
            if result["status"] == "OK":
                self.acknowledged.add(key)
            else:
                left.append(key)
                refused = result.get("code", result["status"])
        self.unanswered = left
        return refused


class Disk:
    def __init__(self, directory):
        self.path = os.path.join(directory, "disk")
        self.ballast = os.path.join(self.path, "ballast")
        os.mkdir(self.path)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={FILE_SYSTEM_MIB}m", "tokura-test", self.path],
            capture_output=True, text=True)
        if mounted.returncode != 0:
            print(f"skipped: no file system may be mounted here: {mounted.stderr.strip()}")
            sys.exit(SKIPPED)

    def free_bytes(self):
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def fill(self, room=ROOM_BYTES):
        with open(self.ballast, "ab", buffering=0) as file:
            try:
                file.write(b"\0" * max(0, self.free_bytes() - room))
            except OSError as error:
                if error.errno != errno.ENOSPC:  # the server was faster: full is full
                    raise

    def free(self):
        os.unlink(self.ballast)

    def unmount(self):
        subprocess.run(["umount", "--lazy", self.path], check=True)


def write_until_refused(server, writer):
    for _ in range(10_000):
        refused = writer.put(server)
        if refused is not None:
            return refused
    raise SystemExit("the file system never was full: this test showed nothing")


def write_until_accepted(server, writer):
    deadline = time.monotonic() + 30
    refused = writer.put(server)
    while refused is not None:
        assert time.monotonic() < deadline, f"30 s after space was freed: {refused}"
        assert refused in ("RESOURCE_EXHAUSTED", "UNAVAILABLE"), refused
        time.sleep(0.05)  # the server may try for space only now and then
        refused = writer.put(server)


def expect_full(server, writer, refused):
    assert refused == "RESOURCE_EXHAUSTED", f"a full disk answered {refused}"
    for _ in range(20):
        refused = writer.put(server)
        assert refused in (None, "RESOURCE_EXHAUSTED"), f"a full disk answered {refused}"
    check_online(server, writer.acknowledged)
    assert server.process.poll() is None, "a full disk ended the server"


def start_on_a_full_disk(server):
    """It may refuse to start, if it says what is full, or serve what it has."""
    try:
        server.start()
    except SystemExit as not_ready:
        said = str(not_ready)
        assert "no space" in said.lower() or "RESOURCE_EXHAUSTED" in said, said
        assert server.directory in said, f"it does not say where: {said}"
        return False
    return True


def run(tokura, rounds, seed):
    with tempfile.TemporaryDirectory(prefix="tokura-full-") as directory:
        disk = Disk(directory)
        server = Server(tokura, directory, data=os.path.join(disk.path, "data"))
        try:
            fill_and_free(server, disk, rounds, random.Random(seed))
        finally:
            if server.process is not None and server.process.poll() is None:
                server.kill()
            disk.unmount()


def fill_and_free(server, disk, rounds, rng):
    writer = PatientWriter(0, time.time_ns() // 1000 - 30 * 86_400_000_000)
    started_full = 0
    for _ in range(rounds):
        server.start()
        write_until_accepted(server, writer)
        disk.fill(rng.randrange(ROOM_BYTES))
        expect_full(server, writer, write_until_refused(server, writer))
        disk.free()
        write_until_accepted(server, writer)
        disk.fill(rng.randrange(ROOM_BYTES))
        write_until_refused(server, writer)
        server.kill()
        if start_on_a_full_disk(server):
            started_full += 1
            check_online(server, writer.acknowledged)
            server.kill()
        disk.free()
    server.start()
    check_online(server, writer.acknowledged)
    waited = server.run("wait", "--stores", "offline", "--timeout", "60s")
    assert waited.returncode == 0, waited.stderr
    server.process.terminate()
    assert server.process.wait(timeout=60) == 0, "SIGTERM should end with 0"
    server.start()
    in_files = check_files(server, writer.acknowledged, writer.sent, cared=False)
    verified = server.run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    server.process.terminate()
    assert server.process.wait(timeout=60) == 0
    print(f"{rounds} times full: {len(writer.acknowledged)} acknowledged writes, {in_files} records in "
          f"the files, none lost; {started_full} starts on a full disk")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokura", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--inside", action="store_true", help="the mount namespace is there already")
    options = parser.parse_args()
    if options.inside:
        print(f"seed {options.seed}", flush=True)
        return run(options.tokura, options.rounds, options.seed)
    # A namespace of its own: whatever happens, no mount is left behind.
    unshare = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    tried = subprocess.run([*unshare, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        print(f"skipped: no mount namespace may be made here: {tried.stderr.strip()}")
        return SKIPPED
    return subprocess.run([*unshare, sys.executable, __file__, "--inside", "--tokura", options.tokura,
                           "--rounds", str(options.rounds), "--seed", str(options.seed)]).returncode


if __name__ == "__main__":
    sys.exit(main())
