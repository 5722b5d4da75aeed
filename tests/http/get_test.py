#!/usr/bin/env python3
"""features:get: names, keys, statuses, defaults and limits."""

from harness import ContractTest, feature, main, now_us, post, project


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


if __name__ == '__main__':
    main()
