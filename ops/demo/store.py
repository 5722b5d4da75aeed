"""The running store as the demo uses it: the tokura program, and HTTP on one kept connection."""

import http.client
import json
import os
import pathlib
import signal
import subprocess
import time


class Failed(Exception):
    """The demo cannot go on; the message says why."""


class Store:
    def __init__(self, tokura, directory):
        self.tokura = os.path.abspath(tokura)
        self.directory = pathlib.Path(directory)
        self.process = None
        self.connection = None
        self.ready = None

    def up(self):
        ready_file = self.directory / "ready.json"
        log = open(self.directory / "tokura.log", "wb")
        self.process = subprocess.Popen(
            [self.tokura, "up", "--data-dir", str(self.directory / "data"), "--listen",
             "127.0.0.1:0", "--http", "127.0.0.1:0", "--ready-file", str(ready_file)],
            stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 30
        while not ready_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = (self.directory / "tokura.log").read_text(errors="replace")
                raise Failed(f"tokura up did not become ready:\n{text[-2000:]}")
            time.sleep(0.02)
        self.ready = json.loads(ready_file.read_text())
        host, port = self.ready["http"].rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=60)

    def down(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(timeout=60)
            if code != 0:
                raise Failed(f"tokura up ended with {code} after SIGTERM")

    def run(self, *arguments, check=True):
        """Runs one verb; returns its standard output."""
        done = subprocess.run(
            [self.tokura, *map(str, arguments), "--endpoint", self.ready["router"]],
            capture_output=True, text=True)
        if check and done.returncode != 0:
            raise Failed(f"tokura {' '.join(map(str, arguments))} ended with {done.returncode}:\n"
                         f"{done.stdout}{done.stderr}")
        return done.stdout

    def post(self, path, body):
        """One HTTP request; returns the parsed answer."""
        status, raw = self.post_raw(path, json.dumps(body, separators=(",", ":")))
        if status != 200:
            raise Failed(f"POST {path} answered {status}: {raw[:500].decode()}")
        return json.loads(raw)

    def post_raw(self, path, text):
        self.connection.request("POST", path, text.encode())
        response = self.connection.getresponse()
        return response.status, response.read()
