#!/usr/bin/env python3
"""`tokura doctor`: each thing that it finds, caused for real where this user may.

  doctor_test.py --bin build/release/bin
"""

import argparse
import contextlib
import glob
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BIN = None
DEFINITIONS = """
project: d
entities: [{name: e, keys: [{name: k, type: string}]}]
feature_groups:
  - {name: g, entity: e, owner: o@example.org, features: [{name: a, type: float64}]}
"""


class DoctorTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.data = os.path.join(self.directory, 'data')

    def start(self, *flags, **popen):
        ready = os.path.join(self.directory, 'ready.json')
        definitions = os.path.join(self.directory, 'd.yaml')
        with open(definitions, 'w') as file:
            file.write(DEFINITIONS)
        self.server = subprocess.Popen(
            [os.path.join(BIN, 'tokura'), 'up', '--data-dir', self.data, '--listen', '127.0.0.1:0',
             '--http', '127.0.0.1:0', '--ready-file', ready, *flags] +
            ([] if '--definitions' in flags else ['--definitions', definitions]),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **popen)
        deadline = time.monotonic() + 60
        while not os.path.exists(ready):
            self.assertIsNone(self.server.poll(), 'the server did not start')
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)  # of a file appearing nobody tells
        with open(ready) as file:
            self.endpoint = json.load(file)['router']
        self.addCleanup(self.stop)

    def stop(self):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
        self.server.communicate(timeout=60)

    def write(self):
        rows = os.path.join(self.directory, 'rows.jsonl')
        with open(rows, 'w') as file:
            for i in range(50):
                file.write(json.dumps({'k': 'k%d' % i, 'a': i, 'event_time': 1}) + '\n')
        subprocess.run([os.path.join(BIN, 'tokura'), '--endpoint', self.endpoint, 'put', 'd/g',
                        rows], check=True, capture_output=True)

    def doctor(self, endpoint, *flags, code=1):
        result = subprocess.run(
            [os.path.join(BIN, 'tokura'), 'doctor', '--endpoint', endpoint, '--timeout', '3s',
             '--json', *flags], capture_output=True, timeout=60)
        self.assertEqual(result.returncode, code, (result.stdout, result.stderr))
        findings = json.loads(result.stdout)['findings']
        for finding in findings:
            self.assertEqual(set(finding), {'level', 'what', 'advice'})
            self.assertIn(finding['level'], ('error', 'warning'))
            self.assertTrue(finding['advice'])
        return findings

    def finds(self, findings, *parts):
        for finding in findings:
            if all(part in finding['what'] for part in parts):
                return finding
        self.fail('%s not in %s' % (parts, findings))

    def nobody(self):
        """An address where nobody listens."""
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            return '127.0.0.1:%d' % s.getsockname()[1]

    def without_space(self, findings):
        """This machine's own disk may be rather full."""
        return [f for f in findings if 'are free at' not in f['what']]

    def test_a_server_that_is_well_has_no_findings(self):
        self.start()
        self.assertEqual(self.doctor(self.endpoint, code=0), [])
        code = 0 if shutil.disk_usage(self.data).free >= 5 << 30 else 1
        findings = self.doctor(self.endpoint, '--data-dir', self.data, code=code)
        self.assertEqual(self.without_space(findings), [])

    def test_nobody_at_the_address(self):
        finding = self.finds(self.doctor(self.nobody()), 'is \'tokura up\' running?')
        self.assertIn('tokura up', finding['advice'])

    def test_somebody_else_has_the_port(self):
        with contextlib.closing(socket.create_server(('127.0.0.1', 0))) as taken:
            endpoint = '127.0.0.1:%d' % taken.getsockname()[1]
            pid = os.fork()
            if pid == 0:
                while True:
                    with contextlib.closing(taken.accept()[0]) as s:
                        s.recv(10)
                        s.sendall(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
            try:
                finding = self.finds(self.doctor(endpoint), endpoint, 'is taken by process')
                self.assertIn('--listen', finding['advice'])
            finally:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def test_somebody_who_does_not_answer_has_the_port(self):
        with contextlib.closing(socket.create_server(('127.0.0.1', 0))) as taken:
            endpoint = '127.0.0.1:%d' % taken.getsockname()[1]
            self.finds(self.doctor(endpoint), 'process %d' % os.getpid(), 'does not answer')

    def test_no_definitions(self):
        empty = os.path.join(self.directory, 'empty.yaml')
        with open(empty, 'w') as file:
            file.write('project: d\n')
        self.start('--definitions', empty)
        self.finds(self.doctor(self.endpoint), 'no feature group is defined')

    def test_too_few_open_files(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (500, 500))
        self.start(preexec_fn=few)
        finding = self.finds(self.doctor(self.endpoint), 'may have only 500 files open')
        self.assertIn('ulimit', finding['advice'])

    def test_a_disk_at_its_reserve(self):
        self.start('--disk-reserve', '1000TiB')
        finding = self.finds(self.doctor(self.endpoint), 'full up to its reserve')
        self.assertIn('make room', finding['advice'])

    def test_a_directory_that_is_not_ours(self):
        other = os.path.join(self.directory, 'other')
        os.mkdir(other)
        self.finds(self.doctor(self.nobody(), '--data-dir', other), 'FORMAT')
        self.finds(self.doctor(self.nobody(), '--data-dir', other + '/nope'), 'not a directory')

    def test_a_log_with_a_flipped_byte_is_named_with_file_and_offset(self):
        self.start()
        self.write()
        self.stop()
        segment = sorted(glob.glob(self.data + '/nodes/n1/log/*.seg'))[0]
        with open(segment, 'r+b') as file:
            file.seek(200)
            byte = file.read(1)
            file.seek(200)
            file.write(bytes([byte[0] ^ 1]))
        finding = self.finds(self.doctor(self.nobody(), '--data-dir', self.data),
                             'change log cannot be read', segment, 'offset')
        self.assertIn('backup', finding['advice'])

    def test_a_log_that_is_whole_is_no_finding(self):
        self.start()
        self.write()
        self.stop()
        findings = self.without_space(self.doctor(self.nobody(), '--data-dir', self.data))
        self.assertEqual(len(findings), 1, findings)  # that nobody answers

    def test_the_note_of_a_failed_disk(self):
        self.start()
        self.stop()
        with open(self.data + '/FAILED', 'w') as file:
            file.write('n1/log/000.seg: sync: I/O error\n')
        finding = self.finds(self.doctor(self.nobody(), '--data-dir', self.data),
                             'its disk failed', 'I/O error')
        self.assertIn('dmesg', finding['advice'])
        self.start()
        self.assertFalse(os.path.exists(self.data + '/FAILED'))

    @unittest.skipUnless(os.geteuid() == 0, 'only root gives files away')
    def test_files_of_another_user(self):
        self.start()
        self.stop()
        os.chown(self.data + '/FORMAT', 65534, -1)
        self.finds(self.doctor(self.nobody(), '--data-dir', self.data), 'one owner', 'FORMAT')

    @unittest.skipIf(os.geteuid() == 0, 'root writes everywhere')
    def test_a_directory_without_permission_to_write(self):
        self.start()
        self.stop()
        os.chmod(self.data, 0o500)
        self.addCleanup(os.chmod, self.data, 0o700)
        self.finds(self.doctor(self.nobody(), '--data-dir', self.data), 'cannot be written')

    @unittest.skipUnless(os.geteuid() == 0, 'only root mounts')
    def test_a_small_disk_and_a_read_only_one(self):
        os.mkdir(self.data)
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', self.data],
                          capture_output=True).returncode != 0:
            self.skipTest('mounting is not allowed here')
        self.addCleanup(subprocess.run, ['umount', '-l', self.data])
        self.start()
        self.finds(self.doctor(self.endpoint, '--data-dir', self.data), 'are free at')
        self.stop()
        subprocess.run(['mount', '-o', 'remount,ro', self.data], check=True)
        finding = self.finds(self.doctor(self.nobody(), '--data-dir', self.data),
                             'cannot be written')
        self.assertIn('read-only', finding['advice'])


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--bin', required=True)
    args, rest = parser.parse_known_args()
    BIN = os.path.abspath(args.bin)
    unittest.main(argv=sys.argv[:1] + rest)
