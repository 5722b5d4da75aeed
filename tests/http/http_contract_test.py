#!/usr/bin/env python3
"""The HTTP contract against the real program: what users may send, and what must come back.

  http_contract_test.py --tokura build/release/bin/tokura

Each test class has a project of its own in one server, so that none sees another's data.
"""

import argparse
import base64
import http.client
import itertools
import json
import math
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

    def __init__(self, directory):
        self.ready_file = os.path.join(directory, 'ready.json')
        self.log = open(os.path.join(directory, 'log'), 'w+')
        self.process = subprocess.Popen(
            [TOKURA, 'up', '--data-dir', os.path.join(directory, 'data'), '--listen', '127.0.0.1:0',
             '--http', '127.0.0.1:0', '--ready-file', self.ready_file, '--compact-interval', '1h'],
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


class Definitions(ContractTest):
    """plan and apply. Every test has a project of its own."""

    numbers = itertools.count()

    def setUp(self):
        self.name = 'defs%d' % next(self.numbers)

    def define(self, *groups, **more):
        return project(self.name, *groups, **more)

    def plan(self, text, query=''):
        return self.ok(post('/v1/definitions:plan' + query, text))

    def changes(self, text):
        return [(c['action'], c['object'], c['field'], c['from'], c['to'], c['destructive'])
                for c in self.plan(text)['changes']]

    def test_the_example_of_the_contract_applies_and_reads_back_word_for_word(self):
        text = EXAMPLE.replace('flights', self.name)
        self.apply(text)
        mine = [p for p in self.ok(get('/v1/definitions'))['projects']
                if p['project'] == self.name][0]
        self.assertEqual(mine['entities'][1]['partition_keys'], ['carrier'])
        self.assertEqual(mine['entities'][0]['partition_keys'], ['origin'])
        weather = [g for g in mine['feature_groups'] if g['name'] == 'weather'][0]
        self.assertEqual(
            {k: weather[k] for k in ('version', 'ttl', 'merge', 'online', 'offline', 'partition',
                                     'owner', 'tags', 'deprecated')},
            {'version': 1, 'ttl': '6h', 'merge': 'cell', 'online': True, 'offline': True,
             'partition': 'day', 'owner': 'forecasting@example.org', 'tags': {'source': 'noaa'},
             'deprecated': False})
        self.assertEqual([f['type'] for f in weather['features']],
                         ['float64', 'float64', 'list<float64>', 'string', 'vector<float32, 8>'])
        self.assertEqual(weather['features'][1]['default'], 10.0)
        self.assertEqual(weather['features'][1]['ttl'], '2h')
        self.assertEqual(mine['feature_services'][0]['features'],
                         ['weather:[temp, visib]', 'route_stats:*'])

    def test_what_get_answers_is_taken_back_without_a_change(self):
        self.apply(EXAMPLE.replace('flights', self.name))
        everything = get('/v1/definitions')
        for body in (everything.body, json.dumps(everything.json, indent=2),
                     '\n \t' + json.dumps(everything.json)):
            answer = self.apply(body)
            self.assertEqual((answer['changes'], answer['revision']),
                             ([], everything.json['revision']))

    def test_json_and_yaml_mean_the_same(self):
        self.apply(self.define(group('g', feature('a', default='1.5'))))
        as_json = {'project': self.name, 'entities': [
            {'name': 'e', 'keys': [{'name': 'k', 'type': 'string'}]}], 'feature_groups': [
            {'name': 'g', 'entity': 'e', 'owner': 'o@example.org',
             'features': [{'name': 'a', 'type': 'float64', 'default': 1.5}]}]}
        self.assertEqual(self.plan(json.dumps(as_json))['changes'], [])

    def test_several_documents_make_up_one_project(self):
        head, groups = self.define(group('g', feature('a'))).split('\nfeature_groups')
        self.apply(head + '\n---\nproject: ' + self.name + '\nfeature_groups' + groups)
        self.assertEqual(self.plan(self.define(group('g', feature('a'))))['changes'], [])

    def test_a_change_raises_the_revision_and_none_keeps_it(self):
        text = self.define(group('g', feature('a')))
        before = self.ok(get('/v1/definitions'))['revision']
        self.assertEqual(self.plan(text)['revision'], before)
        self.assertEqual(self.apply(text)['revision'], before + 1)
        self.assertEqual(self.apply(text), {'changes': [], 'warnings': [], 'revision': before + 1})

    def test_if_revision_lets_only_the_plan_that_was_seen_through(self):
        text = self.define(group('g', feature('a')))
        revision = self.plan(text)['revision']
        self.refused(post('/v1/definitions:apply?if_revision=%d' % (revision + 1), text), 412,
                     'FAILED_PRECONDITION', str(revision))
        self.refused(post('/v1/definitions:plan?if_revision=0', text), 412, 'FAILED_PRECONDITION')
        self.assertEqual(self.apply(text, '?if_revision=%d' % revision)['revision'], revision + 1)
        for wrong in ('', 'x', '-1', '1.0', '99999999999999999999'):
            self.bad(post('/v1/definitions:apply?if_revision=' + wrong, text), 'if_revision')
        self.bad(post('/v1/definitions:apply?allow_destroy=yes', text), 'allow_destroy')
        self.bad(post('/v1/definitions:apply?if_revision=1&if_revision=1', text), 'twice')

    def test_a_plan_changes_nothing(self):
        self.plan(self.define(group('g', feature('a'))))
        self.refused(post('/v1/records:put', {'group': self.name + '/g', 'records': []}), 404,
                     'NOT_FOUND')

    def test_a_change_is_named_with_its_object_field_and_both_values(self):
        self.apply(self.define(group('g', feature('a', 'float32'), feature('b', 'int32'), ttl='6h')))
        self.assertEqual(
            sorted(self.changes(self.define(
                group('g', feature('a'), feature('b', 'int64'), feature('c', 'string'), ttl='7h'),
                services='{name: s, features: ["g:a"]}')), key=str),
            sorted([('update', 'feature %s/g@1:a' % self.name, 'type', 'float32', 'float64', False),
                    ('update', 'feature %s/g@1:b' % self.name, 'type', 'int32', 'int64', False),
                    ('create', 'feature %s/g@1:c' % self.name, None, None, None, False),
                    ('update', 'feature_group %s/g@1' % self.name, 'ttl', '6h', '7h', False),
                    ('create', 'feature_service %s/s@1' % self.name, None, None, None, False)],
                   key=str))

    def test_deprecating_is_an_action_of_its_own_and_warns_of_each_service(self):
        def text(**more):
            return self.define(group('g', feature('a', **more), feature('b')),
                               services='{name: s, features: ["g:*"]}, {name: t, features: ["g:b"]}')
        self.apply(text())
        answer = self.apply(text(deprecated='true'))
        self.assertEqual([(c['action'], c['object']) for c in answer['changes']],
                         [('deprecate', 'feature %s/g@1:a' % self.name)])
        self.assertEqual(len(answer['warnings']), 1)
        self.assertIn(self.name + '/s@1', answer['warnings'][0])
        self.assertEqual(len(self.plan(text(deprecated='true'))['warnings']), 1)

    def test_what_destroys_is_refused_without_allow_destroy(self):
        whole = self.define(group('g', feature('a'), feature('b', ttl='2h'), ttl='6h'),
                            group('plain', feature('a')),
                            services='{name: s, features: ["g:a"]}')
        for what, after in {
            'dropping a feature': self.define(group('g', feature('a'), ttl='6h'),
                                              group('plain', feature('a')),
                                              services='{name: s, features: ["g:a"]}'),
            'dropping a group': self.define(group('g', feature('a'), feature('b', ttl='2h'),
                                                  ttl='6h'),
                                            services='{name: s, features: ["g:a"]}'),
            'dropping a service': self.define(group('g', feature('a'), feature('b', ttl='2h'),
                                                    ttl='6h'), group('plain', feature('a'))),
            'lowering a ttl': whole.replace('ttl: 6h', 'ttl: 5h'),
            'lowering a feature ttl': whole.replace('ttl: 2h', 'ttl: 1h'),
            'setting a ttl': whole.replace('name: plain,', 'name: plain, ttl: 1000d,'),
            'online off': whole.replace('name: plain,', 'name: plain, online: false,'),
            'offline off': whole.replace('name: plain,', 'name: plain, offline: false,'),
            'a feature online off': whole.replace('{name: b,', '{name: b, online: false,'),
        }.items():
            with self.subTest(what):
                self.apply(whole, '?allow_destroy=true')
                changes = self.plan(after)['changes']
                self.assertTrue(any(c['destructive'] for c in changes), changes)
                self.refused(post('/v1/definitions:apply', after), 412, 'FAILED_PRECONDITION')
                self.refused(post('/v1/definitions:apply?allow_destroy=false', after), 412,
                             'FAILED_PRECONDITION')
                self.assertEqual(self.plan(whole)['changes'], [])
                self.apply(after, '?allow_destroy=true')

    def test_what_can_never_be_is_refused_even_with_allow_destroy(self):
        whole = self.define(group('g', feature('a', 'int64'), feature('b', ttl='2h'), ttl='6h'),
                            services='{name: s, features: ["g:a"]}')
        self.apply(whole)
        two = '{name: e, keys: [{name: k, type: string}, {name: l, type: int64}]'
        for what, after in {
            'key type': whole.replace('{name: k, type: string}', '{name: k, type: bytes}'),
            'another key': whole.replace('{name: e, keys: [{name: k, type: string}]}', two + '}'),
            'merge': whole.replace('name: g,', 'name: g, merge: record,'),
            'narrowing': whole.replace('"int64"', '"int32"'),
            'another type': whole.replace('"int64"', '"string"'),
            'a feature that a service names': whole.replace('{name: a, type: "int64"}, ', ''),
            'a ttl above the group\'s': whole.replace('ttl: 2h', 'ttl: 7h'),
        }.items():
            for verb in ('plan', 'apply'):
                with self.subTest(what, verb=verb):
                    self.refused(post('/v1/definitions:%s?allow_destroy=true' % verb, after), 412,
                                 'FAILED_PRECONDITION')
        self.assertEqual(self.plan(whole)['changes'], [])

    def test_partition_keys_are_fixed(self):
        entity = '{name: e, keys: [{name: k, type: string}, {name: l, type: string}]%s}'
        self.apply(self.define(group('g', feature('a')), entities=entity % ''))
        self.refused(post('/v1/definitions:apply?allow_destroy=true',
                          self.define(group('g', feature('a')),
                                      entities=entity % ', partition_keys: [k]')), 412,
                     'FAILED_PRECONDITION', 'partition_keys')

    def test_one_fault_in_any_document_keeps_all_of_them_out(self):
        text = (self.define(group('g', feature('a'))) + '\n---\n' +
                self.define(group('h', feature('a', 'flot64'))).replace(self.name, self.name + 'x'))
        self.bad(post('/v1/definitions:apply', text), 'flot64', 'float64')
        self.assertNotIn(self.name, get('/v1/definitions').body.decode())

    def test_faults_name_line_path_and_the_nearest_name(self):
        good = self.define(group('g', feature('a')))
        for what, text, parts in [
            ('unknown', good.replace('owner:', 'ownr:'), ('definitions:4', 'ownr', "'owner'")),
            ('unknown on top', good + '\nfeature_service: []', ("'feature_services'",)),
            ('doubled', good + '\nproject: x', ('doubled', 'project')),
            ('no owner', good.replace('owner: o@example.org, ', ''), ('owner', 'required')),
            ('no such entity', good.replace('entity: e', 'entity: f'), ("entity 'f'",)),
            ('bad name', good.replace('name: g', 'name: G'), ('feature_groups[0].name',)),
            ('reserved', good.replace('{name: a,', '{name: event_time,'), ('event_time',)),
            ('long name', good.replace('name: g', 'name: ' + 'g' * 64), ('feature_groups[0].name',)),
            ('float key', good.replace('{name: k, type: string}', '{name: k, type: float64}'),
             ('keys[0]',)),
            ('not a prefix', good.replace('type: string}]}', 'type: string}], '
                                          'partition_keys: [x]}'), ('partition_keys',)),
            ('vector', good.replace('"float64"', '"vector<float64, 3>"'), ('type',)),
            ('empty vector', good.replace('"float64"', '"vector<float32, 0>"'), ('type',)),
            ('ttl', good.replace('name: g', 'name: g, ttl: 1w'), ('ttl',)),
            ('zero ttl', good.replace('name: g', 'name: g, ttl: 0h'), ('ttl',)),
            ('default', good.replace('"float64"', '"int32", default: 3000000000'), ('default',)),
            ('service', good + '\nfeature_services: [{name: s, features: ["g:b"]}]', ("'",)),
            ('twice', good + '\n---\n' + good, ('twice',)),
            ('no project', 'entities: []', ('project',)),
            ('alias', 'project: &a p\nentities: *a', ('alias',)),
            ('unbalanced', 'project: [', ()), ('bracket', ']', ()), ('nothing', '', ('empty',)),
            ('a scalar', 'hello', ()), ('a list', '- 1', ()), ('half JSON', '{"project": "x"', ()),
            ('after JSON', '{"project": "x"} {}', ()),
            ('doubled JSON', '{"project": "x", "project": "y"}', ('doubled', 'project')),
        ]:
            for verb in ('plan', 'apply'):
                with self.subTest(what):
                    answer = post('/v1/definitions:' + verb, text)
                    self.assertIn(answer.status, (400, 404), answer.body)
                    for part in parts:
                        self.assertIn(part, answer.error['message'])

    def test_bytes_that_are_not_utf8_are_refused(self):
        self.bad(post('/v1/definitions:apply', b'project: \xff\xfe'), 'UTF-8')
        self.bad(post('/v1/definitions:apply', b'project: a\x00b'))

    def test_a_group_dropped_and_made_again_is_new_and_empty_online_and_offline(self):
        text = self.define(group('g', feature('a')), group('other', feature('a')))
        without = self.define(group('other', feature('a')))
        g = self.name + '/g'
        record = {'key': {'k': 'x'}, 'event_time': 1, 'values': {'a': 1}}
        self.apply(text)
        token = self.accept(g, record)
        self.ok(post('/v1/tokens:wait', {'token': token}))
        self.assertEqual(self.offline_rows(g), 1)
        self.apply(without, '?allow_destroy=true')
        self.refused(post('/v1/records:put', {'group': g, 'records': [record]}), 404, 'NOT_FOUND')
        self.apply(text)
        self.assertEqual(self.read([g + ':a'], {'k': ['x']})['a']['status'], ['NOT_FOUND'])
        self.assertEqual(self.scan(g, {'k': 'x'}), {'rows': []})
        self.ok(post('/v1/tokens:wait'))
        self.assertEqual(self.offline_rows(g), 0)
        # The old write lost nothing by being written again: it is the first of the new group.
        self.ok(post('/v1/tokens:wait', {'token': self.accept(g, record)}))
        self.assertEqual(self.offline_rows(g), 1)
        self.assertEqual(self.read([g + ':a'], {'k': ['x']})['a']['values'], [1])

    def offline_rows(self, name):
        groups = {g['group']: g['rows'] for g in self.ok(get('/v1/offline'))['groups']}
        return groups.get(name + '@1', 0)

    def test_a_feature_dropped_and_made_again_is_empty(self):
        self.apply(self.define(group('g', feature('a'), feature('b'))))
        g = self.name + '/g'
        self.accept(g, {'key': {'k': 'x'}, 'event_time': 1, 'values': {'a': 1, 'b': 2}})
        self.apply(self.define(group('g', feature('a'))), '?allow_destroy=true')
        self.refused(post('/v1/features:get', {'features': [g + ':b'], 'keys': {'k': ['x']}}), 404,
                     'NOT_FOUND')
        self.apply(self.define(group('g', feature('a'), feature('b', 'string'))))
        row = self.read([g + ':*'], {'k': ['x']})
        self.assertEqual([row[n]['status'][0] for n in 'ab'], ['PRESENT', 'NOT_FOUND'])

    def test_a_widened_feature_keeps_what_was_written(self):
        self.apply(self.define(group('g', feature('a', 'int32'), feature('b', 'float32'))))
        g = self.name + '/g'
        self.accept(g, {'key': {'k': 'x'}, 'event_time': 1, 'values': {'a': 7, 'b': 0.5}})
        self.apply(self.define(group('g', feature('a', 'int64'), feature('b', 'float64'))))
        row = self.read([g + ':*'], {'k': ['x']})
        self.assertEqual((row['a']['type'], row['a']['values']), ('int64', [7]))
        self.assertEqual((row['b']['type'], row['b']['values']), ('float64', [0.5]))
        self.accept(g, {'key': {'k': 'y'}, 'event_time': 1, 'values': {'a': 1 << 40}})
        self.assertEqual(self.read([g + ':a'], {'k': ['y']})['a']['values'], [1 << 40])

    def test_a_service_keeps_the_version_it_was_applied_with(self):
        one = group('g', feature('a'))
        two = group('g', feature('a', 'string'), version='2')
        service = '{name: s, features: ["g:a"]}'
        self.apply(self.define(one, services=service))
        self.apply(self.define(one, two, services=service))
        names = lambda body: [f['name'] for f in self.ok(post('/v1/features:get', body))['features']]
        keys = {'k': ['x']}
        self.assertEqual(names({'service': self.name + '/s', 'keys': keys}),
                         [self.name + '/g@1:a'])
        self.assertEqual(names({'features': [self.name + '/g:a'], 'keys': keys}),
                         [self.name + '/g@2:a'])
        old = two.replace('name: g', 'name: g, deprecated: true')
        self.apply(self.define(one, old, services=service))
        self.assertEqual(names({'features': [self.name + '/g:a'], 'keys': keys}),
                         [self.name + '/g@1:a'])

    def test_concurrent_applies_are_all_there_and_each_has_its_revision(self):
        before = self.ok(get('/v1/definitions'))['revision']
        revisions = []

        def apply_one(i):
            c = http.client.HTTPConnection('127.0.0.1', SERVER.http_port, timeout=60)
            c.request('POST', '/v1/definitions:apply',
                      self.define(group('g', feature('a'))).replace(self.name, self.name + chr(97 + i)))
            revisions.append(json.loads(c.getresponse().read())['revision'])
            c.close()
        in_threads(apply_one, 8)
        self.assertEqual(sorted(revisions), list(range(before + 1, before + 9)))
        text = get('/v1/definitions').body.decode()
        for i in range(8):
            self.assertIn('"%s%s"' % (self.name, chr(97 + i)), text)


EXAMPLE = """
project: flights
entities:
  - name: airport
    keys: [{name: origin, type: string}]
  - name: route
    keys: [{name: carrier, type: string}, {name: origin, type: string}, {name: dest, type: string}]
    partition_keys: [carrier]            # a prefix of keys; default: all of them
feature_groups:
  - name: weather
    entity: airport                      # version: 1 is the default
    owner: forecasting@example.org       # required
    description: Hourly weather at the origin.
    ttl: 6h                              # absent: never expires. Units: us ms s m h d
    merge: cell                          # cell (default) or record
    online: true                         # default true
    offline: true                        # default true
    partition: day                       # of the offline table: day (default) or hour
    tags: {source: noaa}
    features:
      - {name: temp, type: float64, description: Degrees Fahrenheit.}
      - {name: visib, type: float64, ttl: 2h, default: 10.0}
      - {name: gusts, type: list<float64>, deprecated: true}
      - {name: pilot_note, type: string, pii: true, online: false}
      - {name: sky, type: "vector<float32, 8>"}
  - name: route_stats
    entity: route
    owner: planning@example.org
    merge: record
    features:
      - {name: flights, type: int32}
      - {name: late_share, type: float32}
feature_services:
  - name: delay_model
    features: ["weather:[temp, visib]", "route_stats:*"]   # version: 1 is the default
"""


def in_threads(work, count):
    threads = [threading.Thread(target=work, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


TYPES = ['bool', 'int32', 'int64', 'float32', 'float64', 'string', 'bytes', 'timestamp']


class Values(ContractTest):
    """How each type is spelled, in and out."""

    @classmethod
    def setUpClass(cls):
        features = [feature('f_' + t, t) for t in TYPES]
        features += [feature('l_' + t, 'list<%s>' % t) for t in TYPES]
        features.append(feature('vec', 'vector<float32, 3>'))
        answer = post('/v1/definitions:apply', project('values', group('g', *features)))
        assert answer.status == 200, answer.body

    def round_trip(self, name, value, **more):
        self.accept('values/g', {'key': {'k': self.id()}, 'event_time': now_us(),
                                 'values': {name: value}})
        column = self.read(['values/g:' + name], {'k': [self.id()]}, **more)[name]
        self.assertEqual(column['status'], ['NULL' if value is None else 'PRESENT'])
        return column['values'][0]

    def rejection(self, name, value):
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        body = (b'{"group": "values/g", "records": [{"key": {"k": "r"}, "event_time": 1, "values": '
                b'{"f_bool": true}}, {"key": {"k": "r"}, "event_time": 1, "values": {"' +
                name.encode() + b'": ' + raw + b'}}]}')
        answer = self.ok(post('/v1/records:put', body))
        self.assertEqual((answer['accepted'], answer['rejected'], answer['unknown']), (1, 1, 0))
        result = answer['results'][1]
        self.assertEqual(answer['results'][0], {'status': 'OK'})
        self.assertEqual(result['status'], 'REJECTED')
        self.assertIn('records[1].values.' + name, result['message'])
        return result['code'], result['message']

    def test_every_accepted_spelling_comes_back_in_the_canonical_one(self):
        for name, value, out in [
            ('f_bool', True, True), ('f_bool', False, False),
            ('f_int32', -2147483648, -2147483648), ('f_int32', '2147483647', 2147483647),
            ('f_int32', 1.0, 1), ('f_int64', 9223372036854775807, 9223372036854775807),
            ('f_int64', '-9223372036854775808', -9223372036854775808), ('f_int64', 1e3, 1000),
            ('f_float32', 0.1, 0.1), ('f_float32', 3.4028234663852886e38, 3.4028235e38),
            ('f_float32', 7, 7), ('f_float32', '-Infinity', '-Infinity'),
            ('f_float64', 5e-324, 5e-324), ('f_float64', 'NaN', 'NaN'),
            ('f_float64', 'Infinity', 'Infinity'), ('f_float64', 1, 1),
            ('f_string', '', ''), ('f_string', 'NaN', 'NaN'), ('f_string', 'a\0b', 'a\0b'),
            ('f_string', '\U0001f6eb"\\\n\x7f', '\U0001f6eb"\\\n\x7f'),
            ('f_bytes', '', ''), ('f_bytes', '/+8=', '/+8='),
            ('f_timestamp', 0, '1970-01-01T00:00:00.000000Z'),
            ('f_timestamp', -1, '1969-12-31T23:59:59.999999Z'),
            ('f_timestamp', '2013-01-01T06:00:00+02:00', '2013-01-01T04:00:00.000000Z'),
            ('f_timestamp', '2013-01-01T06:00:00.5Z', '2013-01-01T06:00:00.500000Z'),
            ('f_timestamp', '2013-01-01t06:00:00z', '2013-01-01T06:00:00.000000Z'),
            ('f_timestamp', '0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'),
            ('f_timestamp', '9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'),
            ('f_timestamp', '2012-02-29T00:00:00.1234567Z', '2012-02-29T00:00:00.123456Z'),
            ('l_int64', [], []), ('l_int64', [1, '2', 3.0], [1, 2, 3]),
            ('l_bool', [True, False], [True, False]), ('l_float64', ['NaN', 1], ['NaN', 1]),
            ('l_float32', [0.1], [0.1]), ('l_string', ['', 'é'], ['', 'é']),
            ('l_bytes', ['AAE='], ['AAE=']), ('l_int32', [1.0], [1]),
            ('l_timestamp', [0], ['1970-01-01T00:00:00.000000Z']),
            ('vec', [1, 'NaN', 0.1], [1, 'NaN', 0.1]), ('vec', None, None), ('f_bool', None, None),
            ('l_string', None, None),
        ]:
            with self.subTest(name, value=value):
                self.assertEqual(self.round_trip(name, value), out)

    def test_negative_zero_keeps_its_sign(self):
        self.assertEqual(math.copysign(1, self.round_trip('f_float64', -0.0)), -1)

    def test_what_is_not_of_the_type_is_rejected_where_it_stands(self):
        for name, value in [
            ('f_bool', 1), ('f_bool', 'true'), ('f_int32', 2147483648), ('f_int32', '1.0'),
            ('f_int32', 1.5), ('f_int32', True), ('f_int32', ''), ('f_int32', '+1'),
            ('f_int32', ' 1'), ('f_int64', b'9223372036854775808'), ('f_int64', '0x10'),
            ('f_int64', 'NaN'), ('f_float32', 3.5e38), ('f_float32', '1.5'), ('f_float32', 'nan'),
            ('f_float64', 'inf'), ('f_float64', '-NaN'), ('f_float64', True), ('f_string', 1),
            ('f_string', ['a']), ('f_bytes', 'AAE'), ('f_bytes', '!!!!'), ('f_bytes', 1),
            ('f_timestamp', 'yesterday'), ('f_timestamp', '2013-02-29T00:00:00Z'),
            ('f_timestamp', '0000-12-31T00:00:00Z'),
            ('f_timestamp', '10000-01-01T00:00:00Z'), ('f_timestamp', 1 << 62),
            ('f_timestamp', 1.5), ('f_timestamp', '2013-01-01T24:00:00Z'), ('f_timestamp', True),
            ('l_int64', 1), ('l_int64', [1, 'x']), ('l_int64', [[1]]), ('l_int64', [None]),
            ('l_string', 'abc'), ('vec', [1, 2]), ('vec', [1, 2, 3, 4]), ('vec', [1, 2, None]),
            ('vec', [1, 2, 1e39]), ('vec', 'abc'), ('f_string', {}), ('f_float64', {'a': 1}),
        ]:
            with self.subTest(name, value=value):
                self.assertEqual(self.rejection(name, value)[0], 'INVALID_ARGUMENT')

    def test_the_rejection_says_what_was_expected_and_what_came(self):
        self.assertEqual(self.rejection('f_float64', 'warm')[1],
                         'records[1].values.f_float64: expected float64, got string')

    def test_a_value_over_one_mebibyte_is_rejected_and_one_of_it_is_not(self):
        self.assertEqual(len(self.round_trip('f_string', 'x' * MIB)), MIB)
        code, message = self.rejection('f_string', 'x' * (MIB + 1))
        self.assertEqual(code, 'RESOURCE_EXHAUSTED')
        self.assertIn(str(MIB), message)

    def test_int64_comes_as_text_on_request_and_int32_never(self):
        self.assertEqual(self.round_trip('f_int64', 1 << 60, int64='string'), str(1 << 60))
        self.assertEqual(self.round_trip('l_int64', [1], int64='string'), ['1'])
        self.assertEqual(self.round_trip('f_int32', 1, int64='string'), 1)
        self.assertEqual(self.round_trip('f_int64', 1, int64='number'), 1)
        self.bad(post('/v1/features:get', {'features': ['values/g:f_int64'], 'keys': {'k': []},
                                           'int64': 'text'}), "'string'")

    def test_every_key_type_tells_its_values_apart(self):
        keys = ', '.join('{name: k_%s, type: %s}' % (t, t) for t in TYPES if 'float' not in t)
        self.apply(project('keyed', group('g', feature('n', 'int64')),
                           entities='{name: e, keys: [%s]}' % keys))
        base = {'k_bool': True, 'k_int32': -1, 'k_int64': '9007199254740993', 'k_string': '',
                'k_bytes': '', 'k_timestamp': '2013-01-01T00:00:00Z'}
        keys = [base, {**base, 'k_bool': False}, {**base, 'k_int32': 0},
                {**base, 'k_int64': 9007199254740992}, {**base, 'k_string': '\0'},
                {**base, 'k_bytes': 'AA=='}, {**base, 'k_timestamp': 0},
                {**base, 'k_string': 'é'}, {**base, 'k_string': 'e\u0301'}]
        self.accept('keyed/g', *({'key': key, 'event_time': 1, 'values': {'n': n}}
                                 for n, key in enumerate(keys)))
        columns = {name: [key[name] for key in keys] for name in base}
        self.assertEqual(self.read(['keyed/g:n'], columns)['n']['values'], list(range(len(keys))))
        row = self.scan('keyed/g', keys[7])['rows'][0]['key']
        self.assertEqual(row, {**base, 'k_int64': 9007199254740993, 'k_string': 'é',
                               'k_timestamp': '2013-01-01T00:00:00.000000Z'})



class Put(ContractTest):
    @classmethod
    def setUpClass(cls):
        text = project('put', group('g', feature('a'), feature('b', 'string'),
                                    feature('hidden', online='false'), ttl='6h'),
                       group('rec', feature('a'), feature('b'), merge='record'),
                       group('off', feature('a'), online='false'),
                       group('on', feature('a'), offline='false'))
        assert post('/v1/definitions:apply', text).status == 200

    def record(self, **more):
        return {'key': {'k': self.id()}, 'event_time': now_us(), 'values': {'a': 1}, **more}

    def test_an_answer_has_exactly_the_fields_of_the_contract(self):
        answer = self.put('put/g', [self.record(), self.record(key={})])
        self.assertEqual(set(answer), {'results', 'accepted', 'rejected', 'unknown', 'token'})
        self.assertEqual(set(answer['results'][1]), {'status', 'code', 'message'})
        self.assertIsInstance(answer['token'], str)
        self.assertEqual(self.put('put/g', [])['results'], [])

    def test_a_left_out_feature_is_untouched_by_cell_and_unset_by_record(self):
        for name, status in (('put/g', 'PRESENT'), ('put/rec', 'NOT_FOUND')):
            time_us = now_us()
            self.accept(name, self.record(event_time=time_us, values={'a': 1}))
            self.accept(name, self.record(event_time=time_us + 1, values={'b': None}))
            row = self.read([name + ':[a, b]'], {'k': [self.id()]})
            self.assertEqual([row[f]['status'][0] for f in 'ab'], [status, 'NULL'])

    def test_a_late_record_changes_nothing(self):
        time_us = now_us()
        self.accept('put/g', self.record(event_time=time_us))
        self.accept('put/g', self.record(event_time=time_us - 1, values={'a': 2}))
        self.assertEqual(self.read(['put/g:a'], {'k': [self.id()]})['a']['values'], [1])

    def test_event_time_may_be_five_minutes_ahead_and_no_more(self):
        five = 5 * 60 * 10**6
        self.accept('put/g', self.record(event_time=now_us() + five))
        answer = self.put('put/g', [self.record(event_time=now_us() + five + 10**7)])
        self.assertIn('records[0].event_time', answer['results'][0]['message'])

    def test_every_fault_of_a_record_is_named_where_it_stands(self):
        for record, code, message in [
            (self.record(event_time=None), 'INVALID_ARGUMENT', 'records[1].event_time'),
            (self.record(event_time='soon'), 'INVALID_ARGUMENT', 'records[1].event_time'),
            (self.record(event_time={}), 'INVALID_ARGUMENT', 'records[1].event_time'),
            (self.record(key={}), 'INVALID_ARGUMENT', 'records[1].key.k: is missing'),
            (self.record(key=None), 'INVALID_ARGUMENT', 'records[1].key'),
            (self.record(key=[1]), 'INVALID_ARGUMENT', 'records[1].key'),
            (self.record(key={'k': 1}), 'INVALID_ARGUMENT', 'records[1].key.k: expected string'),
            (self.record(key={'k': 'x', 'l': 1}), 'INVALID_ARGUMENT', "records[1].key: 'l'"),
            (self.record(key={'k': 'x' * 5000}), 'RESOURCE_EXHAUSTED', 'records[1].key'),
            (self.record(values={'aa': 1}), 'NOT_FOUND', "did you mean 'a'?"),
            (self.record(values=[1]), 'INVALID_ARGUMENT', 'records[1].values'),
            (self.record(ttl='7h'), 'INVALID_ARGUMENT', 'records[1].ttl'),
            (self.record(ttl='0s'), 'INVALID_ARGUMENT', 'records[1].ttl'),
            (self.record(ttl=-1), 'INVALID_ARGUMENT', 'records[1].ttl'),
            (self.record(ttl=True), 'INVALID_ARGUMENT', 'records[1].ttl'),
            (self.record(write_id='0' * 31), 'INVALID_ARGUMENT', 'records[1].write_id'),
            (self.record(write_id=7), 'INVALID_ARGUMENT', 'records[1].write_id'),
            (self.record(extra=1), 'INVALID_ARGUMENT', "records[1]: unknown field 'extra'"),
            ('x', 'INVALID_ARGUMENT', 'records[1]'),
        ]:
            with self.subTest(record):
                answer = self.put('put/g', [self.record(), record, self.record()])
                self.assertEqual([r['status'] for r in answer['results']],
                                 ['OK', 'REJECTED', 'OK'])
                self.assertEqual(answer['results'][1]['code'], code)
                self.assertIn(message, answer['results'][1]['message'])

    def test_a_ttl_of_a_record_expires_it(self):
        self.accept('put/g', self.record(ttl='1s', event_time=now_us() - 2 * 10**6))
        self.accept('put/g', self.record(ttl=3600 * 10**6, key={'k': 'lives'}))
        status = self.read(['put/g:a'], {'k': [self.id(), 'lives']})['a']['status']
        self.assertEqual(status, ['EXPIRED', 'PRESENT'])

    def test_the_same_write_id_twice_is_one_write(self):
        record = self.record(write_id='0123456789abcdef0123456789ABCDEF')
        self.accept('put/g', record, record)
        self.accept('put/g', record)

    def test_stores_that_the_group_has_not_are_refused(self):
        for name, stores in [('off', 'online'), ('off', 'both'), ('on', 'offline'), ('on', 'both')]:
            self.refused(post('/v1/records:put', {'group': 'put/' + name, 'stores': stores,
                                                  'records': [self.record()]}),
                         412, 'FAILED_PRECONDITION', 'put/%s@1' % name)
        self.accept('put/off', self.record())
        self.accept('put/on', self.record(), stores='online')

    def test_offline_only_records_are_not_seen_online(self):
        self.accept('put/g', self.record(), stores='offline')
        self.assertEqual(self.read(['put/g:a'], {'k': [self.id()]})['a']['status'], ['NOT_FOUND'])

    def test_a_feature_that_is_not_online_is_written_all_the_same(self):
        self.accept('put/g', self.record(values={'hidden': 1}))
        answer = self.put('put/g', [self.record(values={'hidden': 1})], stores='online')
        self.assertEqual(answer['results'][0]['code'], 'FAILED_PRECONDITION')

    def test_a_thousand_records_pass_and_one_more_is_413(self):
        self.accept('put/g', *[self.record(key={'k': str(i)}) for i in range(1000)])
        error = self.refused(post('/v1/records:put', {'group': 'put/g', 'records': [{}] * 1001}),
                             413, 'RESOURCE_EXHAUSTED', '1001', '1000')
        self.assertEqual(error['details'], {'limit': 1000, 'value': 1001})

    def test_the_request_itself_must_be_well_formed(self):
        for body, part in [
            ('', 'group'), ('{}', 'group'), ('[]', 'object'), ('{"group": 1}', 'group'),
            ('{"group": "put/g", "records": {}}', 'records'), ('nul', 'not JSON'),
            ('{"group": "put/g", "records": []} x', 'not JSON'), ('{"a": 01}', 'not JSON'),
            ("{'group': 1}", 'not JSON'), ('{"group": "put/g", "records": [],}', 'not JSON'),
            ('{"group": "put/g", "record": []}', "did you mean 'records'?"),
            ('{"group": "put/g", "group": "put/g", "records": []}', 'twice'),
            ('{"group": "put/g", "records": [], "stores": "all"}', 'stores'),
            ('{"group": "g", "records": []}', 'project'),
            ('{"group": "put/g:a", "records": []}', ':'),
            (b'{"group": "put/\xff", "records": []}', ''), ('\ufeff{}', 'not JSON'),
            ('[' * 100000, 'nested deeper'), ('{"a":' * 100000, 'nested deeper'),
        ]:
            with self.subTest(body[:50]):
                self.bad(post('/v1/records:put', body), part)


class Get(ContractTest):
    @classmethod
    def setUpClass(cls):
        text = project(
            'get', 'name: w, ttl: 6h, features: [%s]' % ', '.join([
                feature('temp'), feature('visib', default='10.0', ttl='2h'),
                feature('note', 'string', online='false')]),
            'name: old, version: 3, features: [%s]' % feature('x', 'int64'),
            'name: off, online: false, features: [%s]' % feature('x'),
            services='{name: m, features: ["w:[visib, temp]", "r:*"]}, '
                     '{name: m, version: 2, features: ["w:temp"]}, {name: o, features: ["off:*"]}',
            entities='{name: e, keys: [{name: k, type: string}]}, {name: r, keys: '
                     '[{name: carrier, type: string}, {name: k, type: string}, '
                     '{name: n, type: int64}], partition_keys: [carrier]}')
        text = text.replace('feature_services', '  - {entity: r, name: r, owner: o, '
                            'features: [%s]}\nfeature_services' % feature('late', 'int32'))
        answer = post('/v1/definitions:apply', text)
        assert answer.status == 200, answer.body
        cls.now = now_us()
        for k, age_s in (('new', 0), ('hour', 3600), ('expired', 6 * 3600 + 60)):
            post('/v1/records:put', {'group': 'get/w', 'records': [
                {'key': {'k': k}, 'event_time': cls.now - age_s * 10**6,
                 'values': {'temp': 1, 'visib': None if k == 'new' else 2}}]})
        post('/v1/records:put', {'group': 'get/r', 'records': [
            {'key': {'carrier': 'UA', 'k': 'new', 'n': n}, 'event_time': 1, 'values': {'late': n}}
            for n in (-1, 0, 1)]})

    def get(self, **body):
        return post('/v1/features:get', body)

    def test_a_service_over_groups_with_composite_keys_reads_in_its_own_order(self):
        answer = self.ok(self.get(service='get/m@1', keys={
            'n': [1, '-1', 0.0, 5], 'k': ['new', 'new', 'new', 'hour'], 'carrier': ['UA'] * 4}))
        self.assertEqual(answer['rows'], 4)
        self.assertEqual([(f['name'], f['type'], f['values'], f['status'])
                          for f in answer['features']], [
            ('get/w@1:visib', 'float64', [None, None, None, 2],
             ['NULL', 'NULL', 'NULL', 'PRESENT']),
            ('get/w@1:temp', 'float64', [1, 1, 1, 1], ['PRESENT'] * 4),
            ('get/r@1:late', 'int32', [1, -1, 0, None], ['PRESENT'] * 3 + ['NOT_FOUND'])])

    def test_without_a_version_the_highest_service_is_read(self):
        answer = self.ok(self.get(service='get/m', keys={'k': ['new']}))
        self.assertEqual([f['name'] for f in answer['features']], ['get/w@1:temp'])

    def test_statuses_values_and_defaults_agree(self):
        columns = self.read(['get/w:*'], {'k': ['new', 'hour', 'expired', 'never']},
                            max_staleness='30m', include=['event_time'])
        self.assertEqual(set(columns), {'temp', 'visib'})
        self.assertEqual(columns['temp']['status'], ['PRESENT', 'STALE', 'EXPIRED', 'NOT_FOUND'])
        self.assertEqual(columns['temp']['values'], [1, None, None, None])
        self.assertEqual(columns['visib']['status'], ['NULL', 'STALE', 'EXPIRED', 'NOT_FOUND'])
        self.assertEqual(columns['visib']['values'], [None, None, 10, 10])
        for column in columns.values():
            times = column['event_time']
            self.assertEqual([t is None for t in times], [False, False, False, True])
            self.assertRegex(times[0], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$')

    def test_event_time_is_there_only_when_asked_for(self):
        self.assertNotIn('event_time', self.read(['get/w:temp'], {'k': ['new']})['temp'])
        self.bad(self.get(features=['get/w:temp'], keys={'k': []}, include=['write_time']),
                 'include')

    def test_a_feature_asked_for_twice_comes_twice_and_equal_rows_count(self):
        answer = self.ok(self.get(features=['get/w:temp', 'get/w@1:[visib, temp]'],
                                  keys={'k': ['hour', 'hour', 'new']}))
        self.assertEqual([f['name'] for f in answer['features']],
                         ['get/w@1:temp', 'get/w@1:visib', 'get/w@1:temp'])
        self.assertEqual([f['values'] for f in answer['features']],
                         [[1, 1, 1], [2, 2, None], [1, 1, 1]])

    def test_no_rows_are_a_request_too(self):
        answer = self.ok(self.get(features=['get/w:temp'], keys={'k': []}))
        self.assertEqual(answer, {'rows': 0, 'features': [
            {'name': 'get/w@1:temp', 'type': 'float64', 'values': [], 'status': []}]})

    def test_wrong_key_columns_are_400_and_list_what_is_needed(self):
        needed = [{'name': 'carrier', 'type': 'string'}, {'name': 'k', 'type': 'string'},
                  {'name': 'n', 'type': 'int64'}]
        good = {'carrier': ['a'], 'k': ['b'], 'n': [1]}
        for keys in ({}, {'k': ['b'], 'n': [1]}, {**good, 'm': [1]}, {**good, 'n': ['x']},
                     {**good, 'n': [1.5]}, {**good, 'n': [None]}, {**good, 'k': [1]},
                     {**good, 'n': [1, 2]}, {**good, 'n': []}, {**good, 'n': [1 << 63]}):
            with self.subTest(keys):
                error = self.bad(self.get(features=['get/r:late'], keys=keys))
                self.assertEqual(error['details'], {'key_columns': needed})
        for keys in ({**good, 'n': 1}, {**good, 'n': None and 1, 'k': 'b'}, 7, [good]):
            self.bad(self.get(features=['get/r:late'], keys=keys), 'keys')

    def test_names_that_are_not_there_are_404_and_wrong_ones_400(self):
        for reference, status in [('get/w:tmp', 404), ('get/w@2:temp', 404), ('gt/w:temp', 404),
                                  ('get/old@1:x', 404), ('get/w:[temp, tmp]', 404), ('get/w', 400),
                                  ('w:temp', 400), ('', 400), ('get/w@x:temp', 400),
                                  ('get/w@0:temp', 400), ('get/w:', 400), ('get/w:[]', 400),
                                  ('get/w:[temp', 400), ('get//w:temp', 400), ('GET/w:temp', 400)]:
            with self.subTest(reference):
                answer = self.get(features=[reference], keys={'k': ['x']})
                self.assertEqual(answer.status, status, answer.body)
        self.assertIn("did you mean 'temp'?", self.get(features=['get/w:tmp']).error['message'])

    def test_what_is_not_online_is_412_but_a_star_leaves_it_out(self):
        for body in ({'features': ['get/off:*']}, {'features': ['get/off:x']},
                     {'features': ['get/w:note']}, {'features': ['get/w:[temp, note]']},
                     {'service': 'get/o'}):
            self.refused(self.get(keys={'k': ['x']}, **body), 412, 'FAILED_PRECONDITION',
                         'is not online')

    def test_service_and_features_exclude_each_other(self):
        self.bad(self.get(service='get/m', features=['get/w:temp'], keys={'k': []}), 'not both')

    def test_max_staleness_is_a_duration_above_zero(self):
        for wrong in ('0s', '-1s', '1', 0, -5, 1.5, True, ['1h'], '1h30m', 'h'):
            with self.subTest(wrong):
                self.bad(self.get(features=['get/w:temp'], keys={'k': []}, max_staleness=wrong),
                         'max_staleness')
        self.read(['get/w:temp'], {'k': ['x']}, max_staleness=10**6)

    def test_a_token_may_be_one_or_a_list_and_a_wrong_one_is_400(self):
        token = self.accept('get/w', {'key': {'k': 't'}, 'event_time': now_us(),
                                      'values': {'temp': 3}})
        for given in (token, [token], [token, token], [], '', None):
            self.assertEqual(self.read(['get/w:temp'], {'k': ['t']}, token=given)['temp']['values'],
                             [3])
        for wrong in (token[:-1], token + 'A', 'x' * 100000, 7, [7], {}):
            self.bad(self.get(features=['get/w:temp'], keys={'k': ['t']}, token=wrong), 'token')

    def test_a_thousand_keys_and_a_thousand_features_pass_and_one_more_of_either_is_413(self):
        features = ', '.join(feature('f%d' % i, 'int32') for i in range(1000))
        self.apply(project('wide', 'name: g, features: [%s]' % features))
        keys = {'k': [str(i) for i in range(1000)]}
        self.accept('wide/g', {'key': {'k': '999'}, 'event_time': 1,
                               'values': {'f%d' % i: i for i in range(1000)}})
        answer = self.ok(self.get(features=['wide/g:*'], keys=keys))
        self.assertEqual([f['values'][999] for f in answer['features']], list(range(1000)))
        self.assertTrue(all(len(f['status']) == 1000 for f in answer['features']))
        error = self.refused(self.get(features=['wide/g:f1'], keys={'k': ['x'] * 1001}), 413,
                             'RESOURCE_EXHAUSTED')
        self.assertEqual(error['details'], {'limit': 1000, 'value': 1001})
        error = self.refused(self.get(features=['wide/g:*', 'wide/g:f1'], keys={'k': ['x']}), 413,
                             'RESOURCE_EXHAUSTED')
        self.assertEqual(error['details'], {'limit': 1000, 'value': 1001})
        self.refused(self.get(features=['get/w:temp'], keys={'k': ['x' * 5000]}), 413,
                     'RESOURCE_EXHAUSTED')


class DeleteAndScan(ContractTest):
    @classmethod
    def setUpClass(cls):
        keys = ('{name: e, keys: [{name: c, type: string}, {name: n, type: int64}, '
                '{name: d, type: bytes}], partition_keys: [c]}')
        text = project('ds', group('g', feature('a', 'int64'), feature('b', 'string'),
                                   feature('hidden', online='false')),
                       group('rec', feature('a'), merge='record'),
                       group('off', feature('a'), online='false'), entities=keys)
        answer = post('/v1/definitions:apply', text)
        assert answer.status == 200, answer.body

    def setUp(self):
        self.c = self.id()

    def key(self, n, d=b''):
        return {'c': self.c, 'n': n, 'd': base64.b64encode(d).decode()}

    def fill(self, numbers, name='ds/g', **values):
        self.accept(name, *({'key': self.key(n), 'event_time': 10, 'values': values or {'a': n}}
                            for n in numbers))

    def numbers(self, **more):
        return [row['key']['n'] for row in self.scan('ds/g', {'c': self.c}, **more)['rows']]

    def delete(self, status=200, **body):
        answer = post('/v1/records:delete', {'group': 'ds/g', **body})
        self.assertEqual(answer.status, status, answer.body)
        return answer.json

    def test_keys_ascend_as_values_and_each_comes_once(self):
        numbers = [5, -1, 0, -(1 << 62), 1 << 62, 300, 256, 255, -256]
        self.fill(numbers)
        self.fill(numbers, b='x')
        self.assertEqual(self.numbers(), sorted(numbers))

    def test_bytes_ascend_unsigned_and_a_prefix_of_a_key_comes_first(self):
        parts = [b'', b'\0', b'\0\0', b'\0\1', b'\1', b'a', b'a\0', b'ab', b'\x7f', b'\x80', b'\xff',
                 b'\xff\xff']
        self.accept('ds/g', *({'key': self.key(1, d), 'event_time': 1, 'values': {'a': 1}}
                              for d in reversed(parts)))
        rows = self.scan('ds/g', {'c': self.c, 'n': 1})['rows']
        self.assertEqual([base64.b64decode(row['key']['d']) for row in rows], parts)

    def test_pages_put_together_are_the_whole_and_the_last_has_no_cursor(self):
        self.fill(range(23))
        for limit in (1, 7, 22, 23, 24):
            seen, cursor = [], None
            while True:
                page = self.scan('ds/g', {'c': self.c}, limit=limit, cursor=cursor)
                seen += [row['key']['n'] for row in page['rows']]
                self.assertLessEqual(len(page['rows']), limit)
                cursor = page.get('cursor')
                if cursor is None:
                    break
                self.assertTrue(page['rows'])
            self.assertEqual(seen, list(range(23)))

    def test_a_cursor_survives_writes_and_deletes_of_its_row(self):
        self.fill(range(6))
        cursor = self.scan('ds/g', {'c': self.c}, limit=3)['cursor']
        self.delete(keys={k: [v] for k, v in self.key(2).items()}, event_time=20)
        self.fill([-5, 10])
        self.assertEqual(self.numbers(cursor=cursor), [3, 4, 5, 10])

    def test_the_default_limit_is_a_hundred_and_a_thousand_the_most(self):
        self.fill(range(1000))
        self.assertEqual(len(self.numbers()), 100)
        self.assertEqual(len(self.numbers(limit=1000)), 1000)
        for wrong in (0, -1, 1001, 1.5, 'many'):
            self.bad(post('/v1/records:scan', {'group': 'ds/g', 'prefix': {'c': 'x'},
                                               'limit': wrong}), 'limit')

    def test_a_cursor_that_no_scan_of_the_prefix_gave_is_400(self):
        self.fill(range(3))
        cursor = self.scan('ds/g', {'c': self.c}, limit=1)['cursor']
        flipped = cursor[:-2] + ('A' if cursor[-2] != 'A' else 'B') + cursor[-1]
        for wrong, prefix in [(flipped, self.c), (cursor[:-4], self.c), (cursor + 'AAAA', self.c),
                              ('x', self.c), ('é', self.c), ('A' * 100000, self.c),
                              (cursor, 'another')]:
            self.bad(post('/v1/records:scan', {'group': 'ds/g', 'prefix': {'c': prefix},
                                               'cursor': wrong}), 'cursor')

    def test_a_prefix_begins_with_the_partition_keys_and_has_no_gap(self):
        self.accept('ds/g', *({'key': self.key(n, d), 'event_time': 1, 'values': {'a': 1}}
                              for n in (1, 2) for d in (b'x', b'y')))
        count = lambda prefix: len(self.scan('ds/g', prefix)['rows'])
        self.assertEqual(count({'c': self.c}), 4)
        self.assertEqual(count({'n': 1, 'c': self.c}), 2)
        self.assertEqual(count({**self.key(1, b'x')}), 1)
        self.assertEqual(count({'c': self.c[:-1]}), 0)
        for prefix in ({}, {'n': 1}, {'c': self.c, 'd': 'eA=='}, {'c': 1}, {'c': None},
                       {'c': self.c, 'x': 1}, None, [], 'c'):
            self.bad(post('/v1/records:scan', {'group': 'ds/g', 'prefix': prefix}), 'prefix')

    def test_a_row_shows_only_present_and_null_values_and_the_newest_of_their_times(self):
        self.accept('ds/g', {'key': self.key(1), 'event_time': 10, 'values': {'a': 1}},
                    {'key': self.key(1), 'event_time': 20, 'values': {'b': None, 'hidden': 1}},
                    {'key': self.key(2), 'event_time': 10, 'values': {'hidden': 1}},
                    {'key': self.key(3), 'event_time': 10, 'values': {}})
        page = self.scan('ds/g', {'c': self.c})
        self.assertEqual(page, {'rows': [{'key': self.key(1), 'values': {'a': 1, 'b': None},
                                          'event_time': '1970-01-01T00:00:00.000020Z'}]})
        page = self.scan('ds/g', {'c': self.c}, features=['a'], int64='string')
        self.assertEqual(page['rows'][0]['values'], {'a': '1'})
        self.assertEqual(page['rows'][0]['event_time'], '1970-01-01T00:00:00.000010Z')
        self.refused(post('/v1/records:scan', {'group': 'ds/g', 'prefix': {'c': self.c},
                                               'features': ['hidden']}), 412, 'FAILED_PRECONDITION')
        self.refused(post('/v1/records:scan', {'group': 'ds/off', 'prefix': {'c': 'x'}}), 412,
                     'FAILED_PRECONDITION')

    def test_a_delete_hides_what_is_not_newer_also_what_comes_later(self):
        self.fill([1, 2])
        keys = {'c': [self.c] * 2, 'n': [1, 2], 'd': ['', '']}
        answer = self.delete(keys=keys, event_time=9)
        self.assertEqual((answer['deleted'], answer['accepted'], len(answer['results'])), (2, 2, 2))
        self.assertEqual(self.numbers(), [1, 2])
        self.delete(keys=keys, event_time=20)
        self.fill([1])
        self.assertEqual(self.numbers(), [])
        self.accept('ds/g', {'key': self.key(1), 'event_time': 21, 'values': {'a': 1}})
        self.assertEqual(self.numbers(), [1])

    def test_named_features_are_deleted_alone_and_only_in_cell_groups(self):
        self.fill([1], a=1, b='x')
        keys = {k: [v] for k, v in self.key(1).items()}
        self.delete(keys=keys, event_time=20, features=['a'])
        self.assertEqual(self.scan('ds/g', {'c': self.c})['rows'][0]['values'], {'b': 'x'})
        self.bad(post('/v1/records:delete', {'group': 'ds/rec', 'keys': keys, 'event_time': 1,
                                             'features': ['a']}), 'ds/rec@1')
        self.delete(400, keys=keys, event_time=20, features=[])
        self.delete(404, keys=keys, event_time=20, features=['c'])

    def test_a_prefix_deletes_the_rows_there_are_and_counts_them(self):
        self.fill(range(1000))
        self.fill(range(1000, 1250))
        answer = self.delete(prefix={'c': self.c}, event_time='2000-01-01T00:00:00Z')
        self.assertEqual(answer['deleted'], 1250)
        self.assertEqual(self.numbers(), [])
        self.assertEqual(self.delete(prefix={'c': self.c}, event_time=now_us())['deleted'], 0)
        self.fill([1])  # as old as the delete: a row deleted once stays so
        self.assertEqual(self.numbers(), [])

    def test_event_time_is_required_and_not_of_the_future(self):
        keys = {k: [v] for k, v in self.key(1).items()}
        for event_time in (None, 'x', now_us() + 10**10, True):
            body = {'keys': keys, 'event_time': event_time}
            self.assertIn('event_time', self.delete(400, **body)['error']['message'])
        self.assertIn('event_time', self.delete(400, keys=keys)['error']['message'])

    def test_a_delete_names_keys_or_a_prefix(self):
        self.delete(400, event_time=1)
        self.delete(400, event_time=1, keys={'c': ['a'], 'n': [1], 'd': ['']}, prefix={'c': 'a'})
        self.delete(400, event_time=1, keys={'c': ['a'], 'n': [1]})
        self.delete(400, event_time=1, prefix={'n': 1})
        error = self.delete(413, event_time=1, keys={'c': ['a'] * 1001, 'n': [1] * 1001,
                                                     'd': [''] * 1001})['error']
        self.assertEqual(error['details'], {'limit': 1000, 'value': 1001})



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
        self.assertEqual((node['id'], node['pid'], node['state'], node['listen']),
                         ('n1', SERVER.process.pid, 'UP', SERVER.ready['nodes'][0]['listen']))
        self.assertEqual((answer['under_replicated'], answer['moving']), (0, 0))

    def test_health_and_readiness_are_200(self):
        self.ok(get('/healthz'))
        self.ok(get('/readyz?verbose=1'))  # probes add what they like

    def test_the_metrics_are_prometheus_text_with_bounded_labels(self):
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
                answer = SERVER.request(method, '/v1/' + path)
                self.refused(answer, 405, 'INVALID_ARGUMENT', 'POST')
                self.assertEqual(answer.headers['Allow'], 'POST')
        for path in self.GETS:
            answer = SERVER.request('POST', path, '{}')
            self.refused(answer, 405, 'INVALID_ARGUMENT', 'GET')
            self.assertIn('GET', answer.headers['Allow'])

    def test_head_is_get_without_a_body(self):
        for path in self.GETS:
            answer = SERVER.request('HEAD', path)
            self.assertEqual((answer.status, answer.body), (200, b''))
            self.assertGreater(int(answer.headers['Content-Length']), 0)

    def test_an_unknown_path_is_404_and_names_the_nearest(self):
        for path, near in [('/v1/feature:get', '/v1/features:get'), ('/v1/record:put', 'records:put'),
                           ('/healthz/', '/healthz'), ('/v1/definition', '/v1/definitions'),
                           ('/v1/Offline', '/v1/offline')]:
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
            answer = SERVER.request('POST', '/v1/features:get', body, {'Content-Type': kind})
            self.refused(answer, 404, 'NOT_FOUND')


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


class Bytes(ContractTest):
    """What is not the HTTP of a friend."""

    def tearDown(self):
        self.assertIsNone(SERVER.process.poll(), 'the server ended')
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
        c = http.client.HTTPConnection('127.0.0.1', SERVER.http_port, timeout=20)
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
            with socket.create_connection(('127.0.0.1', SERVER.http_port), 20) as s:
                s.sendall(head)
                answer = b''.join(iter(lambda: s.recv(4096), b''))
                self.assertIn(b'Connection: close', answer)

    def test_a_hundred_pipelined_requests_come_back_in_order(self):
        paths = ['/healthz' if i % 3 else '/nope%d' % i for i in range(100)]
        with socket.create_connection(('127.0.0.1', SERVER.http_port), 20) as s:
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
            c = http.client.HTTPConnection('127.0.0.1', SERVER.http_port, timeout=20)
            for _ in range(3):
                c.request('POST', '/v1/features:get', json.dumps(body))
                statuses.append(c.getresponse().read() and 1)
            c.close()
        in_threads(one, 200)
        self.assertEqual(len(statuses), 600)

    def test_the_native_port_takes_no_nonsense(self):
        frame = lambda method, body, claim=None, deadline=0: frame_bytes(method, body, claim, deadline)
        for data in [b'GET / HTTP/1.1\r\n\r\n', b'\0' * 4096, os.urandom(65536),
                     frame(1, b'')[:20], frame(1, b'x' * 100)[:60], b'TKRA' + b'\xff' * 24,
                     frame(1, b'', claim=0xffffffff), frame(250, b'hello')]:
            exchange_native(data)
        # Well-formed frames whose bodies are not: an error answer each, on the same connection.
        with socket.create_connection(('127.0.0.1', SERVER.native_port), 20) as s:
            stream = s.makefile('rb')
            for method in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 64, 65, 69, 255):
                for body in (b'\xff' * 50, b'\x0a\xff\xff\xff\xff\x0f', os.urandom(200)):
                    s.sendall(frame(method, body, deadline=2_000_000))
                    header = stream.read(28)
                    self.assertEqual(header[:4], b'TKRA')
                    stream.read(struct.unpack_from('<I', header, 20)[0])

    def test_a_slow_client_holds_up_nobody(self):
        slow = [socket.create_connection(('127.0.0.1', SERVER.http_port), 20) for _ in range(50)]
        for i, s in enumerate(slow):
            s.sendall(request_bytes(b'{}' * 100, length=10 ** 6)[:20 + i * 5])
        self.assertLess(latency_of_others(lambda: [get('/healthz') for _ in range(200)]), STALL_SECONDS)
        for s in slow:
            s.close()

    def test_an_answer_that_nobody_reads_holds_up_nobody(self):
        s = socket.create_connection(('127.0.0.1', SERVER.http_port), 20)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)
        try:
            while True:
                s.send(b'GET /metrics HTTP/1.1\r\nHost: t\r\n\r\n' * 100)
        except BlockingIOError:
            pass
        self.assertLess(latency_of_others(lambda: [get('/healthz') for _ in range(200)]), STALL_SECONDS)
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
        self.assertLess(latency_of_others(send_all), STALL_SECONDS)

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
                self.assertIn(post('/v1/' + path, body).status, (400, 404, 413))
        self.assertLess(latency_of_others(send_all), STALL_SECONDS)

    def test_native_requests_of_a_million_empty_messages_hold_up_nobody(self):
        def send_all():
            for method, field in ((1, 3), (1, 2), (1, 6), (2, 5), (2, 3), (3, 2), (5, 1), (7, 1)):
                body = bytes([field << 3 | 2, 0]) * (MIB // 2)
                with socket.create_connection(('127.0.0.1', SERVER.native_port), 60) as s:
                    s.sendall(frame_bytes(method, body, deadline=60_000_000))
                    self.assertEqual(s.makefile('rb').read(28)[:4], b'TKRA')
        self.assertLess(latency_of_others(send_all), STALL_SECONDS)

    def test_requests_as_large_as_they_may_be_hold_up_nobody(self):
        self.apply(project('large', group('g', feature('l', 'list<int64>'), feature('a'))))
        record = lambda k: {'key': {'k': k}, 'event_time': 1, 'values': {'l': [1] * 130000}}

        def send_all():
            self.accept('large/g', *map(record, map(str, range(20))))
            self.read(['large/g:[%s]' % ', '.join(['a'] * 500)],
                      {'k': [str(i) for i in range(1000)]})
        self.assertLess(latency_of_others(send_all), STALL_SECONDS)


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


def main():
    global TOKURA, SERVER, STALL_SECONDS
    parser = argparse.ArgumentParser()
    parser.add_argument('--tokura', required=True)
    parser.add_argument('--stall-seconds', type=float, default=1.0,
                        help='from when on an answer counts as held up; more under a sanitizer')
    args, rest = parser.parse_known_args()
    STALL_SECONDS = args.stall_seconds
    TOKURA = os.path.abspath(args.tokura)
    with tempfile.TemporaryDirectory() as directory:
        SERVER = Server(directory)
        try:
            result = unittest.main(argv=sys.argv[:1] + rest, exit=False).result
        finally:
            status = SERVER.stop()
        if status != 0:
            SERVER.log.seek(0)
            print('the server ended with %d:\n%s' % (status, SERVER.log.read()), file=sys.stderr)
        sys.exit(0 if result.wasSuccessful() and status == 0 else 1)


if __name__ == '__main__':
    main()
