"""What every file of the HTTP contract uses: the real program, words to ask it with, and `main`.

Each file runs alone, against a `tokura up` of its own:

  definitions_test.py --tokura build/release/bin/tokura

Each test class has a project of its own, so that none sees another's data. What `main` sets is read
as `harness.SERVER` and `harness.STALL_SECONDS`.
"""

import argparse
import http.client
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TOKURA = None
SERVER = None
STALL_SECONDS = 1.0
MIB = 1 << 20


class Server:
    """`tokura up` on a fresh data directory, and one kept-alive connection to it."""

    def __init__(self, directory, *flags):
        self.ready_file = os.path.join(directory, 'ready.json')
        self.log = open(os.path.join(directory, 'log'), 'w+')
        self.process = subprocess.Popen(
            [TOKURA, 'up', '--data-dir', os.path.join(directory, 'data'), '--listen', '127.0.0.1:0',
             '--http', '127.0.0.1:0', '--ready-file', self.ready_file, '--compact-interval', '1h',
             *flags],
            stdout=subprocess.DEVNULL, stderr=self.log)
        deadline = time.monotonic() + 60
        while not os.path.exists(self.ready_file):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError('the server did not start')
            time.sleep(0.01)  # of a file appearing nobody tells
        with open(self.ready_file) as file:
            self.ready = json.load(file)
        self.http_port = int(self.ready['http'].rsplit(':', 1)[1])
        self.native_port = int(self.ready['router'].rsplit(':', 1)[1])
        self.connection = http.client.HTTPConnection('127.0.0.1', self.http_port, timeout=60)

    def request(self, method, path, body=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        self.connection.request(method, path, body, headers or {})
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())

    def stop(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json['error']


def post(path, body=''):
    return SERVER.request('POST', path, body)


def get(path):
    return SERVER.request('GET', path)


def now_us():
    return int(time.time() * 1e6)


class ContractTest(unittest.TestCase):
    maxDiff = None

    def ok(self, answer):
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers['Content-Type'], 'application/json')
        return answer.json

    def refused(self, answer, status, code, *parts):
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(set(answer.json), {'error'})
        self.assertEqual(set(answer.error), {'code', 'message', 'details'})
        self.assertIsInstance(answer.error['details'], dict)
        self.assertEqual(answer.error['code'], code)
        for part in parts:
            self.assertIn(part, answer.error['message'])
        return answer.error

    def bad(self, answer, *parts):
        return self.refused(answer, 400, 'INVALID_ARGUMENT', *parts)

    def put(self, group, records, **more):
        return self.ok(post('/v1/records:put', {'group': group, 'records': records, **more}))

    def accept(self, group, *records, **more):
        answer = self.put(group, list(records), **more)
        self.assertEqual(answer['accepted'], len(records), answer)
        return answer['token']

    def read(self, features, keys, **more):
        """Feature name, without its group, to the column."""
        answer = self.ok(post('/v1/features:get', {'features': features, 'keys': keys, **more}))
        return {column['name'].split(':')[1]: column for column in answer['features']}

    def scan(self, group, prefix, **more):
        return self.ok(post('/v1/records:scan', {'group': group, 'prefix': prefix, **more}))

    def apply(self, text, query=''):
        return self.ok(post('/v1/definitions:apply' + query, text))


def project(name, *groups, entities=None, services=''):
    """YAML of a project with an entity `e` of one key `k`, and groups given as YAML maps."""
    entities = entities or '{name: e, keys: [{name: k, type: string}]}'
    lines = ['project: ' + name, 'entities: [%s]' % entities, 'feature_groups:']
    lines += ['  - {entity: e, owner: o@example.org, %s}' % group for group in groups]
    if services:
        lines.append('feature_services: [%s]' % services)
    return '\n'.join(lines)


def group(name, *features, **fields):
    fields = ''.join('%s: %s, ' % item for item in fields.items())
    return 'name: %s, %sfeatures: [%s]' % (name, fields, ', '.join(features))


def feature(name, type='float64', **fields):
    fields = ''.join(', %s: %s' % item for item in fields.items())
    return '{name: %s, type: "%s"%s}' % (name, type, fields)


def in_threads(work, count):
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def exchange(data, port=None, half_close=False, timeout=20):
    """What comes back for raw bytes, until the server closes or a whole answer is there."""
    with socket.create_connection(('127.0.0.1', port or SERVER.http_port), timeout) as s:
        try:
            s.sendall(data)
            if half_close:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # cut while we were sending; what it said may still be there
        received = b''
        try:
            while True:
                part = s.recv(65536)
                if not part:
                    return received
                received += part
                head, _, body = received.partition(b'\r\n\r\n')
                length = re.search(rb'content-length: (\d+)', head.lower())
                if length and len(body) >= int(length.group(1)):
                    return received
        except ConnectionError:
            return received


def request_bytes(body=b'', head=b'POST /v1/tokens:wait HTTP/1.1\r\nHost: t\r\n', length=None):
    return head + b'Content-Length: %d\r\n\r\n' % (len(body) if length is None else length) + body


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def frame_bytes(method, body, claim=None, deadline=0):
    header = struct.pack('<4sBBHQII', b'TKRA', 1, method, 0, 7, deadline,
                         len(body) if claim is None else claim)
    return header + struct.pack('<I', crc32c(header)) + body


def exchange_native(data):
    return exchange(data, port=SERVER.native_port, half_close=True)


def latency_of_others(work):
    """The median of the ten slowest answers that a well-behaved client gets while `work` runs."""
    took, stop = [], threading.Event()

    def ask():
        c = http.client.HTTPConnection('127.0.0.1', SERVER.http_port, timeout=60)
        while not stop.is_set():
            started = time.monotonic()
            c.request('POST', '/v1/features:get', '{}')
            c.getresponse().read()
            took.append(time.monotonic() - started)
        c.close()
    thread = threading.Thread(target=ask)
    thread.start()
    try:
        work()
    finally:
        stop.set()
        thread.join()
    return sorted(took)[-10:][0 if len(took) < 10 else 5]


def main(*flags):
    """`flags`: of the server, beyond the usual ones."""
    global TOKURA, SERVER, STALL_SECONDS
    parser = argparse.ArgumentParser()
    parser.add_argument('--tokura', required=True)
    parser.add_argument('--stall-seconds', type=float, default=1.0,
                        help='from when on an answer counts as held up; more under a sanitizer')
    args, rest = parser.parse_known_args()
    STALL_SECONDS = args.stall_seconds
    TOKURA = os.path.abspath(args.tokura)
    with tempfile.TemporaryDirectory() as directory:
        SERVER = Server(directory, *flags)
        try:
            result = unittest.main(argv=sys.argv[:1] + rest, exit=False).result
        finally:
            status = SERVER.stop()
        if status != 0:
            SERVER.log.seek(0)
            print('the server ended with %d:\n%s' % (status, SERVER.log.read()), file=sys.stderr)
        sys.exit(0 if result.wasSuccessful() and status == 0 else 1)
