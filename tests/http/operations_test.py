#!/usr/bin/env python3
"""Waiting, the offline tables, the cluster, health and metrics, and which paths there are."""

import base64
import re
import time

import harness
from harness import ContractTest, feature, get, group, main, now_us, post, project


class TokensAndStatus(ContractTest):
    @classmethod
    def setUpClass(cls):
        text = project('status', group('g', feature('a')), group('on', feature('a'),
                                                                 offline='false'))
        assert post('/v1/definitions:apply', text).status == 200

    def write(self, name='status/g', k='x'):
        return self.accept(name, {'key': {'k': k}, 'event_time': now_us(), 'values': {'a': 1}})

    def offline(self, name):
        groups = self.ok(get('/v1/offline'))['groups']
        return [g for g in groups if g['group'] == name][0]

    def test_waiting_for_offline_commits_now_and_the_table_shows_it(self):
        self.write()
        self.ok(post('/v1/tokens:wait'))
        before = self.offline('status/g@1')['rows']
        token = self.write()
        started = time.monotonic()
        self.ok(post('/v1/tokens:wait', {'token': token, 'stores': 'offline', 'timeout': '30s'}))
        self.assertLess(time.monotonic() - started, 10)  # the compact interval is an hour
        group = self.offline('status/g@1')
        self.assertEqual(set(group), {'group', 'location', 'metadata_location', 'snapshot_id',
                                      'rows', 'files', 'bytes', 'lag_seconds', 'watermark'})
        self.assertEqual(group['rows'], before + 1)
        self.assertGreater(group['files'], 0)
        self.assertGreater(group['bytes'], 0)
        self.assertRegex(group['watermark'], r'Z$')

    def test_without_a_token_all_that_was_accepted_is_waited_for(self):
        self.ok(post('/v1/tokens:wait', {}))
        self.write()
        self.ok(post('/v1/tokens:wait', {}))
        rows = self.offline('status/g@1')['rows']
        self.write()
        self.ok(post('/v1/tokens:wait', {'stores': 'offline'}))
        self.assertEqual(self.offline('status/g@1')['rows'], rows + 1)

    def test_a_token_covers_writes_of_groups_that_have_no_table_too(self):
        token = self.write('status/on')
        for stores in ('online', 'offline'):
            self.ok(post('/v1/tokens:wait', {'token': [token], 'stores': stores}))

    def test_what_cannot_be_waited_for_is_400(self):
        for body, part in [({'stores': 'both'}, 'stores'), ({'timeout': '0s'}, 'timeout'),
                           ({'timeout': -1}, 'timeout'), ({'token': 'x'}, 'token'),
                           ({'token': {}}, 'token'), ({'tokens': []}, "did you mean 'token'?")]:
            self.bad(post('/v1/tokens:wait', body), part)

    def test_a_token_of_writes_that_never_were_is_504_after_the_timeout(self):
        token = base64.urlsafe_b64decode(self.write() + '==')
        # The last varint is the position: far beyond what is there.
        future = token[:-1] + bytes([token[-1] | 0x80, 0xff, 0x7f])
        text = base64.urlsafe_b64encode(future).decode().rstrip('=')
        for stores in ('online', 'offline'):
            answer = post('/v1/tokens:wait', {'token': text, 'stores': stores, 'timeout': '50ms'})
            self.refused(answer, 504, 'DEADLINE')

    def test_the_cluster_names_its_node(self):
        answer = self.ok(get('/v1/cluster'))
        self.assertEqual(set(answer), {'nodes', 'under_replicated', 'moving'})
        node, = answer['nodes']
        self.assertEqual(set(node), {'id', 'pid', 'listen', 'state', 'incarnation', 'shards',
                                     'lag_records'})
        server = harness.SERVER
        self.assertEqual((node['id'], node['pid'], node['state'], node['listen']),
                         ('n1', server.process.pid, 'UP', server.ready['nodes'][0]['listen']))
        self.assertEqual((answer['under_replicated'], answer['moving']), (0, 0))

    def test_health_and_readiness_are_200(self):
        self.ok(get('/healthz'))
        self.ok(get('/readyz?verbose=1'))  # probes add what they like

    def test_the_metrics_are_prometheus_text_with_bounded_labels(self):
        groups = [group('g%d' % i, feature('a'), offline='false') for i in range(100)]
        self.apply(project('many', *groups))
        for i in range(100):
            self.write('many/g%d' % i)
        post('/v1/records:put', {'group': 'status/g', 'records': [
            {'key': {'k': 'secret-key'}, 'event_time': 1, 'values': {'a': 1}}]})
        get('/no/such/secret-path')
        answer = get('/metrics')
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers['Content-Type'].split(';')[0], 'text/plain')
        text = answer.body.decode()
        self.assertNotIn('secret', text)
        self.assertTrue(text.endswith('\n'))
        types, helps, samples = {}, set(), set()
        label = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
        sample = re.compile(r'(tokura_[a-z0-9_]+)(?:\{((?:%s,?)*)\})? (NaN|[+-]?Inf|[-+0-9.eE]+)$'
                            % label)
        for line in text.splitlines():
            if line.startswith('# HELP '):
                name = line.split(' ')[2]
                self.assertNotIn(name, helps)
                self.assertGreater(len(line.split(' ', 3)[3]), 5)
                helps.add(name)
            elif line.startswith('# TYPE '):
                _, _, name, kind = line.split(' ')
                self.assertNotIn(name, types)
                self.assertEqual(name.endswith('_total'), kind == 'counter', name)
                types[name] = kind
            elif line:
                match = sample.match(line)
                self.assertTrue(match, line)
                name, labels, _ = match.groups()
                self.assertNotIn((name, labels), samples)
                samples.add((name, labels))
                base = re.sub('_(bucket|sum|count)$', '', name)
                self.assertIn(types.get(name) or types.get(base),
                              ('counter', 'gauge', 'histogram', 'summary'), line)
        self.assertEqual(set(types), helps)
        for name in ('tokura_http_requests_total', 'tokura_router_requests_total',
                     'tokura_router_request_seconds'):
            self.assertIn(name, types)
        self.assertLess(len(samples), 2000)


class Paths(ContractTest):
    POSTS = ['features:get', 'records:put', 'records:delete', 'records:scan', 'definitions:plan',
             'definitions:apply', 'tokens:wait']
    GETS = ['/v1/definitions', '/v1/offline', '/v1/cluster', '/metrics', '/healthz', '/readyz']

    def test_a_wrong_method_is_405_and_says_which_is_right(self):
        for path in self.POSTS:
            for method in ('GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'BREW'):
                answer = harness.SERVER.request(method, '/v1/' + path)
                self.refused(answer, 405, 'INVALID_ARGUMENT', 'POST')
                self.assertEqual(answer.headers['Allow'], 'POST')
        for path in self.GETS:
            answer = harness.SERVER.request('POST', path, '{}')
            self.refused(answer, 405, 'INVALID_ARGUMENT', 'GET')
            self.assertIn('GET', answer.headers['Allow'])

    def test_head_is_get_without_a_body(self):
        for path in self.GETS:
            answer = harness.SERVER.request('HEAD', path)
            self.assertEqual((answer.status, answer.body), (200, b''))
            self.assertGreater(int(answer.headers['Content-Length']), 0)

    def test_an_unknown_path_is_404_and_names_the_nearest(self):
        for path, near in [('/v1/feature:get', '/v1/features:get'),
                           ('/v1/record:put', 'records:put'), ('/healthz/', '/healthz'),
                           ('/v1/definition', '/v1/definitions'), ('/v1/Offline', '/v1/offline')]:
            self.refused(post(path), 404, 'NOT_FOUND', near)
        for path in ('/', '/v2', '/' + 'x' * 8000, '/%00', '/..%2f..%2fetc%2fpasswd'):
            self.refused(get(path), 404, 'NOT_FOUND')

    def test_unknown_parameters_are_400(self):
        self.bad(post('/v1/records:put?dry_run=true', '{}'), 'dry_run')
        self.bad(get('/v1/definitions?x'), "'x'")

    def test_content_type_is_not_needed_and_does_not_matter(self):
        body = '{"features": ["nope/g:a"], "keys": {}}'
        for kind in ('text/plain', 'application/json; charset=utf-8',
                     'application/x-www-form-urlencoded'):
            answer = harness.SERVER.request('POST', '/v1/features:get', body,
                                            {'Content-Type': kind})
            self.refused(answer, 404, 'NOT_FOUND')


if __name__ == '__main__':
    main()
