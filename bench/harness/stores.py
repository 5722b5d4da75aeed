"""The servers of a comparison: ours and the peers. Each knows how to start on a free port, and what
tokura-bench calls it."""

import json
import os
import re
import signal
import socket
import subprocess

from . import machine, processes, shapes

MEMORY_MEGABYTES = 8192  # memcached's limit; nothing is evicted


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Store:
    """A running server. `kind` is tokura-bench's name for how it is spoken to."""

    kind = name = None

    def __init__(self, place):
        self.place = place
        self.directory = place.new_directory(type(self).__name__.lower())
        self.log = os.path.join(self.directory, "log")
        self.start()
        self.empty_bytes = processes.memory_bytes(self.pid)

    @property
    def pid(self):
        return self.process.pid

    def load_arguments(self, by=None):
        """How tokura-bench reaches it; `by`: another of the ways to speak to the store."""
        return [by or self.kind, "--address", self.address]

    def stop(self, how=signal.SIGTERM):
        self.place.stop(self.process, how)

    def close(self):
        """Stops it and removes its data."""
        self.stop(signal.SIGKILL)
        self.place.remove_directory(self.directory)


class Tokura(Store):
    """`tokura up`, started on `directory` again after a stop."""

    kind = name = "tokura"

    def __init__(self, place, shape=shapes.S, flags=("--durability", "flushed")):
        self.shape, self.flags = shape, list(flags)
        super().__init__(place)

    def definitions(self):
        return shapes.definitions(self.shape)

    def launch(self):
        """Starts the process without waiting for it."""
        self.program = os.path.join(self.place.programs, "tokura")
        self.ready_file = os.path.join(self.directory, "ready.json")
        definitions = os.path.join(self.directory, "definitions.yaml")
        with open(definitions, "w") as file:
            file.write(self.definitions())
        if os.path.exists(self.ready_file):
            os.unlink(self.ready_file)
        self.process = self.place.start_server(
            [self.program, "up", "--data-dir", os.path.join(self.directory, "data"),
             "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--definitions", definitions,
             "--ready-file", self.ready_file, *self.flags], self.log)

    def start(self):
        self.launch()
        processes.wait_until(lambda: os.path.exists(self.ready_file), self.process, self.log,
                             "tokura up")
        with open(self.ready_file) as file:
            self.ready = json.load(file)
        self.address = self.ready["router"]

    def load_arguments(self, by=None):
        """`by` tokura-node: its node, without the router; tokura-library: by the client library."""
        if by == "tokura-node":
            return [by, "--address", self.ready["nodes"][0]["listen"], "--router", self.address]
        return super().load_arguments(by)


def has_flag(place, flag):
    """Whether this build of `tokura up` knows a flag."""
    text = subprocess.run([os.path.join(place.programs, "tokura"), "up", "--help"],
                          capture_output=True, text=True).stdout
    return re.search(rf"{flag}\b", text) is not None


class Redis(Store):
    """Redis 7 without snapshots, and without the append-only file unless it is `durable`: then synced
    every second and, in the peer's favour, never rewritten."""

    def __init__(self, place, durable=False):
        self.durable = durable
        super().__init__(place)

    def start(self):
        program = machine.require("redis-server", "redis-server")
        port = free_port()
        self.process = self.place.start_server(
            [program, "--bind", "127.0.0.1", "--port", str(port), "--dir", self.directory,
             "--save", "", "--appendonly", "yes" if self.durable else "no",
             "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"], self.log)
        self.address = f"127.0.0.1:{port}"
        processes.wait_until(lambda: answers(port), self.process, self.log, "redis-server")


class RedisHashes(Redis):
    kind, name = "redis-hashes", "redis 7.0 hashes"


class RedisPacked(Redis):
    kind, name = "redis-packed", "redis 7.0 packed"


class Memcached(Store):
    kind, name = "memcached", "memcached 1.6 packed"

    def start(self):
        program = machine.require("memcached", "memcached")
        port = free_port()
        user = ["-u", "nobody"] if os.getuid() == 0 else []
        self.process = self.place.start_server(
            [program, *user, "-l", "127.0.0.1", "-p", str(port), "-U", "0", "-t", "1",
             "-m", str(MEMORY_MEGABYTES)], self.log)
        self.address = f"127.0.0.1:{port}"
        processes.wait_until(lambda: answers(port), self.process, self.log, "memcached")
