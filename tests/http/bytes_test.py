#!/usr/bin/env python3
"""Malformed, hostile, slow and oversized bytes, on the HTTP port and on the native one."""

import http.client
import json
import os
import socket
import struct
import time

import harness
from harness import (ContractTest, exchange, exchange_native, feature, frame_bytes, get, group,
                     in_threads, latency_of_others, main, MIB, post, project, request_bytes)


def post_until_admitted(path, body):
    """As a client does: what is refused for want of memory (the connections of the test before may
    still be closing) is sent again when the server says."""
    deadline = time.monotonic() + 60
    answer = post(path, body)
    while answer.status == 429 and time.monotonic() < deadline:
        time.sleep(min(int(answer.headers['Retry-After']), 1))
        answer = post(path, body)
    return answer


class Bytes(ContractTest):
    """What is not the HTTP of a friend."""

    def tearDown(self):
        self.assertIsNone(harness.SERVER.process.poll(), 'the server ended')
        self.ok(get('/healthz'))

    def test_what_is_not_http_is_answered_with_400_or_cut(self):
        for data in [b'\0' * 1000, b'\r\n\r\n\r\n' * 100, b'GET\r\n\r\n', b'GET /healthz\r\n\r\n',
                     b'GET /healthz HTTP/2.0\r\n\r\n', b'GET  /healthz HTTP/1.1\r\n\r\n',
                     b'GET /healthz HTTP/1.1\nHost: t\n\n', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc',
                     b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', b'TKRA\x01\x01\0\0' + b'\0' * 64,
                     b'GET /healthz HTTP/1.1\r\nHost t\r\n\r\n',
                     b'GET /healthz HTTP/1.1\r\n: x\r\n\r\n',
                     b'GET http://[ HTTP/1.1\r\nHost: t\r\n\r\n', b'GET * HTTP/1.1\r\n\r\n',
                     b'GET /%zz HTTP/1.1\r\nHost: t\r\n\r\n', b'GET /\xff HTTP/1.1\r\n\r\n',
                     b'POST /v1/tokens:wait HTTP/1.1\r\nContent-Length: -1\r\n\r\n',
                     b'POST /v1/tokens:wait HTTP/1.1\r\nContent-Length: 1x\r\n\r\n',
                     b'POST /v1/tokens:wait HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n'
                     b'\r\n{}',
                     b'POST /v1/tokens:wait HTTP/1.1\r\nContent-Length: 2\r\n'
                     b'Transfer-Encoding: chunked\r\n\r\n{}',
                     b'POST /v1/tokens:wait HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}',
                     b'POST /v1/tokens:wait HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'
                     b'ffffffffffffffffff\r\n{}']:
            with self.subTest(data[:60]):
                answer = exchange(data, half_close=True)
                self.assertTrue(answer == b'' or answer.startswith(b'HTTP/1.1 400 '), answer)
                if answer:
                    error = json.loads(answer.partition(b'\r\n\r\n')[2])['error']
                    self.assertEqual(error['code'], 'INVALID_ARGUMENT')

    def test_half_a_request_is_let_go(self):
        whole = request_bytes(b'{}')
        for end in range(0, len(whole), 7):
            self.assertEqual(exchange(whole[:end], half_close=True), b'')
        self.assertEqual(exchange(request_bytes(b'{}', length=3), half_close=True), b'')

    def test_headers_over_64_kib_are_413(self):
        for data in (b'GET /healthz HTTP/1.1\r\n' + b'X: y\r\n' * 20000 + b'\r\n',
                     b'GET /' + b'x' * 100000 + b' HTTP/1.1\r\n\r\n'):
            self.assertTrue(exchange(data).startswith(b'HTTP/1.1 413 '))
        many = b''.join(b'X-%d: y\r\n' % i for i in range(3000))
        self.assertTrue(exchange(b'GET /healthz HTTP/1.1\r\n' + many + b'\r\n')
                        .startswith(b'HTTP/1.1 200 '))

    def test_a_body_of_8_mib_passes_and_more_is_413(self):
        body = b'{}'.ljust(8 * MIB)
        self.assertTrue(exchange(request_bytes(body)).startswith(b'HTTP/1.1 200 '))
        for data in (request_bytes(body + b' '), request_bytes(length=1 << 62),
                     b'POST /v1/tokens:wait HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n' +
                     b'100000\r\n%b\r\n' % (b' ' * MIB) * 9 + b'0\r\n\r\n'):
            answer = exchange(data)
            self.assertTrue(answer.startswith(b'HTTP/1.1 413 '), answer[:200])
            self.assertEqual(json.loads(answer.partition(b'\r\n\r\n')[2])['error']['details'],
                             {'limit': 8 * MIB})

    def test_a_body_in_many_chunks_is_one_body(self):
        body = json.dumps({'features': ['nope/g:a'], 'keys': {'k': ['x' * 50]}}).encode()
        chunks = b''.join(b'1;ext=1\r\n%c\r\n' % c for c in body)
        answer = exchange(b'POST /v1/features:get HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n' +
                          chunks + b'0\r\nTrailer: x\r\n\r\n')
        self.assertTrue(answer.startswith(b'HTTP/1.1 404 '), answer)

    def test_one_connection_serves_on_after_every_kind_of_error(self):
        c = http.client.HTTPConnection('127.0.0.1', harness.SERVER.http_port, timeout=20)
        for _ in range(3):
            for method, path, body, status in [
                    ('POST', '/v1/records:put', b'{', 400), ('GET', '/nope', b'', 404),
                    ('GET', '/v1/records:put', b'x' * 1000, 405), ('GET', '/healthz', b'', 200),
                    ('POST', '/v1/definitions:apply?if_revision=999999', b'project: a', 412)]:
                c.request(method, path, body)
                sock = c.sock
                response = c.getresponse()
                response.read()
                self.assertEqual(response.status, status)
                self.assertIs(c.sock, sock)
        c.close()

    def test_connection_close_and_http_1_0_are_honoured(self):
        for head in (b'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n',
                     b'GET /healthz HTTP/1.0\r\n\r\n'):
            with socket.create_connection(('127.0.0.1', harness.SERVER.http_port), 20) as s:
                s.sendall(head)
                answer = b''.join(iter(lambda: s.recv(4096), b''))
                self.assertIn(b'Connection: close', answer)

    def test_a_hundred_pipelined_requests_come_back_in_order(self):
        paths = ['/healthz' if i % 3 else '/nope%d' % i for i in range(100)]
        with socket.create_connection(('127.0.0.1', harness.SERVER.http_port), 20) as s:
            s.sendall(b''.join(b'GET %b HTTP/1.1\r\nHost: t\r\n\r\n' % p.encode() for p in paths))
            stream = s.makefile('rb')
            for path in paths:
                status = int(stream.readline().split()[1])
                length = 0
                while (line := stream.readline()) != b'\r\n':
                    if line.lower().startswith(b'content-length:'):
                        length = int(line.split(b':')[1])
                body = stream.read(length)
                self.assertEqual(status, 200 if path == '/healthz' else 404)
                if status == 404:
                    self.assertIn(path.encode() + b"'", body)

    def test_two_hundred_connections_at_once_are_all_served(self):
        statuses = []

        def one(i):
            body = {'features': ['nope/g:a'], 'keys': {'k': [str(i)]}}
            c = http.client.HTTPConnection('127.0.0.1', harness.SERVER.http_port, timeout=20)
            for _ in range(3):
                c.request('POST', '/v1/features:get', json.dumps(body))
                statuses.append(c.getresponse().read() and 1)
            c.close()
        in_threads(one, 200)
        self.assertEqual(len(statuses), 600)

    def test_the_native_port_takes_no_nonsense(self):
        frame = frame_bytes
        for data in [b'GET / HTTP/1.1\r\n\r\n', b'\0' * 4096, os.urandom(65536),
                     frame(1, b'')[:20], frame(1, b'x' * 100)[:60], b'TKRA' + b'\xff' * 24,
                     frame(1, b'', claim=0xffffffff), frame(250, b'hello')]:
            exchange_native(data)
        # Well-formed frames whose bodies are not: an error answer each, on the same connection.
        with socket.create_connection(('127.0.0.1', harness.SERVER.native_port), 20) as s:
            stream = s.makefile('rb')
            for method in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 64, 65, 69, 255):
                for body in (b'\xff' * 50, b'\x0a\xff\xff\xff\xff\x0f', os.urandom(200)):
                    s.sendall(frame(method, body, deadline=2_000_000))
                    header = stream.read(28)
                    self.assertEqual(header[:4], b'TKRA')
                    stream.read(struct.unpack_from('<I', header, 20)[0])

    def test_a_slow_client_holds_up_nobody(self):
        slow = [socket.create_connection(('127.0.0.1', harness.SERVER.http_port), 20)
                for _ in range(50)]
        for i, s in enumerate(slow):
            s.sendall(request_bytes(b'{}' * 100, length=10 ** 6)[:20 + i * 5])
        self.assertLess(latency_of_others(lambda: [get('/healthz') for _ in range(200)]),
                        harness.STALL_SECONDS)
        for s in slow:
            s.close()

    def test_an_answer_that_nobody_reads_holds_up_nobody(self):
        s = socket.create_connection(('127.0.0.1', harness.SERVER.http_port), 20)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)
        try:
            while True:
                s.send(b'GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n' * 100)
        except BlockingIOError:
            pass
        self.assertLess(latency_of_others(lambda: [get('/healthz') for _ in range(200)]),
                        harness.STALL_SECONDS)
        s.close()

    def test_hostile_definitions_are_refused_soon_and_hold_up_nobody(self):
        size = 4 * MIB
        texts = {'[': '[' * size, '[a,': '[a,' * (size // 3), '[{': '[{' * (size // 2),
                 '- ': '- ' * (size // 2), '&a ': '&a ' * (size // 3), '#': '#' * size,
                 '{"a":[': '{"a":[' * (size // 6), 'nested': '\n'.join(
                     ' ' * i + 'a:' for i in range(2500)), 'too long': 'a' * (size + 1)}

        def send_all():
            for name, text in texts.items():
                started = time.monotonic()
                answer = post('/v1/definitions:plan', text)
                self.assertIn(answer.status, (400, 413), name)
                self.assertLess(time.monotonic() - started, 5, name)
        self.assertLess(latency_of_others(send_all), harness.STALL_SECONDS)

    def test_bodies_of_a_million_small_things_hold_up_nobody(self):
        bodies = [('features:get', '[' * 8 * MIB),
                  ('features:get', '{"keys": {"k": [' + '0,' * (2 * MIB) + '0]}}'),
                  ('features:get', '{"features": [' + '"a",' * MIB + '"a"]}'),
                  ('records:put', '{"group": "a/b", "records": [' + '{},' * MIB + '{}]}'),
                  ('records:delete', '{"keys": {%s}}' % ','.join('"%d":[]' % i
                                                                 for i in range(300000))),
                  ('tokens:wait', '{%s}' % ','.join('"%d":1' % i for i in range(300000)))]

        def send_all():
            for path, body in bodies:
                self.assertIn(post_until_admitted('/v1/' + path, body).status, (400, 404, 413))
        self.assertLess(latency_of_others(send_all), harness.STALL_SECONDS)

    def test_native_requests_of_a_million_empty_messages_hold_up_nobody(self):
        def send_all():
            for method, field in ((1, 3), (1, 2), (1, 6), (2, 5), (2, 3), (3, 2), (5, 1), (7, 1)):
                body = bytes([field << 3 | 2, 0]) * (MIB // 2)
                with socket.create_connection(('127.0.0.1', harness.SERVER.native_port), 60) as s:
                    s.sendall(frame_bytes(method, body, deadline=60_000_000))
                    self.assertEqual(s.makefile('rb').read(28)[:4], b'TKRA')
        self.assertLess(latency_of_others(send_all), harness.STALL_SECONDS)

    def test_requests_as_large_as_they_may_be_hold_up_nobody(self):
        self.apply(project('large', group('g', feature('l', 'list<int64>'), feature('a'))))
        record = lambda k: {'key': {'k': k}, 'event_time': 1, 'values': {'l': [1] * 130000}}

        def send_all():
            self.accept('large/g', *map(record, map(str, range(20))))
            self.read(['large/g:[%s]' % ', '.join(['a'] * 500)],
                      {'k': [str(i) for i in range(1000)]})
        self.assertLess(latency_of_others(send_all), harness.STALL_SECONDS)


if __name__ == '__main__':
    main()
