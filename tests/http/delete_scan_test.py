#!/usr/bin/env python3
"""records:delete and records:scan: order, pages, prefixes, and what a delete hides."""

import base64

from harness import ContractTest, feature, group, main, now_us, post, project


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
        parts = [b'', b'\0', b'\0\0', b'\0\1', b'\1', b'a', b'a\0', b'ab', b'\x7f', b'\x80',
                 b'\xff', b'\xff\xff']
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


if __name__ == '__main__':
    main()
