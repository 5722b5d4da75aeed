#!/usr/bin/env python3
"""records:put: how each type is spelled, and what a record may say."""

import json
import math

from harness import ContractTest, feature, group, main, MIB, now_us, post, project

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


if __name__ == '__main__':
    main()
