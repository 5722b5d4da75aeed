"""Child processes: pinned to a core, accounted from /proc, and gone when bench/run is, however it
ends."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PR_SET_PDEATHSIG = 1
STARTUP_SECONDS = 120
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A benchmark could not be run, or a value read was wrong."""


def note(text):
    print(text, file=sys.stderr, flush=True)


class TestBed:
    """Owns the temporary directory and every child; `cores`: of servers and client. Use as a
    context manager."""

    def __init__(self, programs, cores):
        self.programs = programs
        self.server_core, self.client_core = cores
        self.children = []

    def __enter__(self):
        # Both end the run through __exit__, as an exception does.
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: sys.exit(1))
        self.directory = tempfile.mkdtemp(prefix="tokura-bench-")
        return self

    def __exit__(self, kind, *_):
        for child in self.children:
            kill(child)
        shutil.rmtree(self.directory, ignore_errors=True)
        if kind is KeyboardInterrupt:
            note("bench/run: interrupted")
            sys.exit(130)

    def new_directory(self, name):
        return tempfile.mkdtemp(prefix=name + "-", dir=self.directory)

    def remove_directory(self, directory):
        shutil.rmtree(directory, ignore_errors=True)

    def start_server(self, command, log):
        """Starts a server on the servers' core; its output goes to the file `log`."""
        with open(log, "ab") as output:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                     stderr=output, preexec_fn=lambda: prepare(self.server_core))
        self.children.append(child)
        return child

    def start_beside(self, command, log):
        """Starts a program that others should not feel: on any core, at the lowest priority."""
        with open(log, "ab") as output:
            child = subprocess.Popen(["chrt", "--idle", "0", *command], stdin=subprocess.DEVNULL,
                                     stdout=output, stderr=output, preexec_fn=die_with_parent)
        self.children.append(child)
        return child

    def run_client(self, command):
        """Runs a program on the client's core to its end: (exit code, output, errors)."""
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True, preexec_fn=lambda: prepare(self.client_core))
        self.children.append(child)
        output, errors = child.communicate()
        self.children.remove(child)
        return child.returncode, output, errors

    def measure_client(self, command):
        """Runs a program on the client's core to its end: (its output, what the kernel counted)."""
        with tempfile.TemporaryFile("w+", dir=self.directory) as output:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                     preexec_fn=lambda: prepare(self.client_core))
            self.children.append(child)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.children.remove(child)
            output.seek(0)
            text = output.read()
        if child.returncode != 0:
            raise Failed(f"{command[0]} ended with {child.returncode}:\n{text[-2000:]}")
        return text, usage

    def stop(self, child, how=signal.SIGTERM, patience=120):
        """Ends a server; kills it if it takes longer than `patience` seconds."""
        child.send_signal(how)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            note(f"bench/run: process {child.pid} did not end within {patience} s; killed")
            kill(child)
        if child in self.children:
            self.children.remove(child)


def prepare(core):
    """In the child: pinned, and killed by the kernel when bench/run dies."""
    die_with_parent()
    os.sched_setaffinity(0, {core})


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kill(child):
    if child.poll() is None:
        child.kill()
        child.wait()


def wait_until(condition, child, log, what):
    """Polls until `condition()`; Failed, with the end of the log, if the child ends or it takes too
    long."""
    deadline = time.monotonic() + STARTUP_SECONDS
    while not condition():
        if child.poll() is not None or time.monotonic() > deadline:
            with open(log, errors="replace") as file:
                raise Failed(f"{what} did not start:\n{file.read()[-2000:]}")
        time.sleep(0.002)


def cpu_seconds(pid):
    """User and system time of a process and the children that it waited for."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS_PER_SECOND


def memory_bytes(pid):
    """Resident memory of a process."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
    raise Failed(f"/proc/{pid}/smaps_rollup has no Rss")


def settle(pid, seconds=120):
    """Waits until a server has nothing left to do: less than 2 % of a core for half a second, twice
    in a row."""
    deadline = time.monotonic() + seconds
    quiet = 0
    while quiet < 2:
        before = cpu_seconds(pid)
        time.sleep(0.5)
        quiet = quiet + 1 if cpu_seconds(pid) - before <= 0.01 else 0
        if time.monotonic() > deadline:
            note(f"bench/run: process {pid} is still busy after {seconds} s; measured as it is")
            return
