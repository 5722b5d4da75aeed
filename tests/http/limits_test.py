#!/usr/bin/env python3
"""Bounds, slow and half-open clients, request ids and times: over HTTP and natively, against a
server with small limits."""

import http.client
import json
import re
import socket
import threading
import time

import harness
from harness import (ContractTest, exchange, feature, frame_bytes, get, group, in_threads, main,
                     now_us, post, project, request_bytes)

CONNECTIONS = 40
HEALTH = b'GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n'


def metric(name, labels=''):
    found = re.search(r'^%s%s (\S+)$' % (re.escape(name), re.escape(labels)),
                      get('/metrics').body.decode(), re.M)
    return float(found.group(1)) if found else 0.0


def seconds_until_cut(data, port):
    """Sends `data`, then nothing, and waits for the server to close."""
    with socket.create_connection(('127.0.0.1', port), 60) as s:
        s.sendall(data)
        started = time.monotonic()
        try:
            while s.recv(65536):
                pass
        except ConnectionError:
            pass
        return time.monotonic() - started


def ask(method, path, body=b'', **headers):
    return harness.SERVER.request(method, path, body,
                                  {name.replace('_', '-'): value for name, value in headers.items()})


class RequestIds(ContractTest):
    def test_an_id_that_is_brought_comes_back(self):
        for path in ('/healthz', '/nope'):
            self.assertEqual(ask('GET', path, X_Request_Id='job-7/a.b:c').headers['X-Request-Id'],
                             'job-7/a.b:c')

    def test_without_one_each_answer_has_its_own(self):
        ids = [get('/healthz').headers['X-Request-Id'] for _ in range(20)]
        self.assertEqual(len(set(ids)), 20)
        self.assertRegex(ids[0], r'^[0-9a-f]{16}-[0-9]+$')

    def test_one_that_could_forge_a_line_is_replaced(self):
        for bad in ('a b', 'x' * 129, '"', 'a,b', '\xe9'):
            given = ask('GET', '/healthz', X_Request_Id=bad).headers['X-Request-Id']
            self.assertNotEqual(given, bad)
            self.assertRegex(given, r'^[0-9a-f]{16}-[0-9]+$')

    def test_what_is_not_http_has_one_too(self):
        self.assertRegex(exchange(b'garbage\r\n\r\n'), rb'X-Request-Id: [0-9a-f]{16}-')


class Times(ContractTest):
    @classmethod
    def setUpClass(cls):
        text = project('times', group('g', feature('a')))
        assert post('/v1/definitions:apply', text).status == 200

    def test_a_request_that_is_out_of_time_is_not_begun(self):
        record = {'key': {'k': 'late'}, 'event_time': now_us(), 'values': {'a': 1}}
        answer = ask('POST', '/v1/records:put', json.dumps({'group': 'times/g',
                                                            'records': [record]}).encode(),
                     X_Tokura_Timeout='1us')
        self.refused(answer, 504, 'DEADLINE')
        self.assertEqual(self.read(['times/g:a'], {'k': ['late']})['a']['status'], ['NOT_FOUND'])

    def test_a_time_that_is_long_enough_changes_nothing(self):
        body = json.dumps({'features': ['times/g:a'], 'keys': {'k': ['x']}}).encode()
        self.ok(ask('POST', '/v1/features:get', body, X_Tokura_Timeout='10s'))

    def test_what_is_no_duration_is_400(self):
        for bad in ('soon', '-1s', '0s', '', '10'):
            answer = ask('GET', '/healthz', X_Tokura_Timeout=bad)
            if bad == '10':  # whole numbers of µs are durations elsewhere too
                continue
            self.bad(answer, 'X-Tokura-Timeout')


class SlowAndHalfOpen(ContractTest):
    """Runs side by side what takes the server's patience."""

    def test_stalled_clients_are_cut_and_nobody_else_notices(self):
        http_port, native = harness.SERVER.http_port, harness.SERVER.native_port
        stalls = {
            'half a header': (b'GET /hea', http_port, 15),
            'a header and no body': (request_bytes(length=100), http_port, 30),
            'a body that stops': (request_bytes(b'{"token"', length=100), http_port, 30),
            'half a native frame': (frame_bytes(1, b'x' * 10)[:32], native, 45),
        }
        took = {}

        def stall(i):
            name = list(stalls)[i]
            took[name] = seconds_until_cut(*stalls[name][:2])
        before = metric('tokura_http_connection_timeouts_total')
        worker = threading.Thread(target=in_threads, args=(stall, len(stalls)))
        worker.start()
        while worker.is_alive():
            started = time.monotonic()
            self.ok(get('/healthz'))
            self.assertLess(time.monotonic() - started, harness.STALL_SECONDS)
            worker.join(0.2)
        for name, (_, _, limit) in stalls.items():
            self.assertLess(took[name], limit, name)
        self.assertGreaterEqual(metric('tokura_http_connection_timeouts_total'), before + 3)

    def test_a_header_that_trickles_is_cut_all_the_same(self):
        with socket.create_connection(('127.0.0.1', harness.SERVER.http_port), 60) as s:
            started = time.monotonic()
            try:
                for byte in HEALTH * 10:
                    s.sendall(bytes([byte]))
                    s.settimeout(0.5)
                    try:
                        if not s.recv(100):
                            break
                        self.fail('answered')
                    except socket.timeout:
                        pass
            except ConnectionError:
                pass
            self.assertLess(time.monotonic() - started, 15)


class Limits(ContractTest):
    def test_connections_over_the_limit_are_closed_and_counted(self):
        before = metric('tokura_http_connections_rejected_total')
        held = [socket.create_connection(('127.0.0.1', harness.SERVER.http_port), 20)
                for _ in range(CONNECTIONS + 10)]
        try:
            refused = 0
            for s in held:
                s.settimeout(2)
                try:
                    s.sendall(HEALTH)
                    refused += s.recv(100) == b''
                except ConnectionError:
                    refused += 1
            self.assertGreaterEqual(refused, 10)
        finally:
            for s in held:
                s.close()
        self.assertGreaterEqual(metric('tokura_http_connections_rejected_total'), before + 10)
        self.assertEqual(metric('tokura_http_connections_limit'), CONNECTIONS)

    def test_bodies_beyond_the_memory_for_requests_are_429_with_retry_after(self):
        body = b' ' * (3 << 20)
        held = [socket.create_connection(('127.0.0.1', harness.SERVER.http_port), 20)
                for _ in range(2)]
        try:
            for s in held:  # nearly whole, so that their bytes stay
                s.sendall(request_bytes(body[:-1], length=len(body)))
            deadline = time.monotonic() + 10
            while metric('tokura_process_request_bytes') < 2 * len(body) - 100:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)  # of what arrives nobody tells
            answer = exchange(request_bytes(body))
            self.assertTrue(answer.startswith(b'HTTP/1.1 429 '), answer[:200])
            self.assertRegex(answer, rb'Retry-After: [1-9]')
            self.assertEqual(json.loads(answer.partition(b'\r\n\r\n')[2])['error']['code'],
                             'RESOURCE_EXHAUSTED')
            self.ok(get('/healthz'))
        finally:
            for s in held:
                s.close()
        deadline = time.monotonic() + 10
        while metric('tokura_process_request_bytes') > 0:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def test_the_largest_body_is_what_the_flag_says(self):
        answer = exchange(request_bytes(length=(5 << 20) + 1))
        self.assertTrue(answer.startswith(b'HTTP/1.1 413 '), answer[:200])


if __name__ == '__main__':
    main('--max-connections', str(CONNECTIONS), '--request-memory', '8MiB', '--max-http-body',
         '5MiB')
