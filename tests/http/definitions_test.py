#!/usr/bin/env python3
"""plan and apply: what a definition may say, what a change is called, and what is refused."""

import http.client
import itertools
import json

import harness
from harness import ContractTest, feature, get, group, in_threads, main, post, project

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
        self.apply(self.define(group('g', feature('a', 'float32'), feature('b', 'int32'),
                                     ttl='6h')))
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
                               services='{name: s, features: ["g:*"]}, '
                                        '{name: t, features: ["g:b"]}')
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
            ('long name', good.replace('name: g', 'name: ' + 'g' * 64),
             ('feature_groups[0].name',)),
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
        names = lambda body: [f['name']
                              for f in self.ok(post('/v1/features:get', body))['features']]
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
            c = http.client.HTTPConnection('127.0.0.1', harness.SERVER.http_port, timeout=60)
            text = self.define(group('g', feature('a')))
            c.request('POST', '/v1/definitions:apply',
                      text.replace(self.name, self.name + chr(97 + i)))
            revisions.append(json.loads(c.getresponse().read())['revision'])
            c.close()
        in_threads(apply_one, 8)
        self.assertEqual(sorted(revisions), list(range(before + 1, before + 9)))
        text = get('/v1/definitions').body.decode()
        for i in range(8):
            self.assertIn('"%s%s"' % (self.name, chr(97 + i)), text)


if __name__ == '__main__':
    main()
