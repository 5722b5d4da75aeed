#!/usr/bin/env python3
"""tokura_spark.point_in_time gives what `tokura training-set build` gives, row for row.

  TOKURA_SPARK=1 point_in_time_test.py --bin build/release/bin

TOKURA_SPARK_SEED draws other data.
"""

import contextlib
import dataclasses
import datetime
import io
import json
import os
import random
import tempfile

import unittest
import urllib.request

import spark_case

if __name__ == '__main__':
    spark_case.require_spark()

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import tokura_spark
from lakehouse import UTC, Store, harness
from tokura_spark.spine import micros

DEFINITIONS = """
project: demo
entities:
  - {name: airport, keys: [{name: origin, type: string}]}
  - {name: route, keys: [{name: carrier, type: string}, {name: dest, type: int32}]}
feature_groups:
  - name: weather
    entity: airport
    owner: a@example.org
    ttl: 20h
    features:
      - {name: temp, type: float64, ttl: 6h}
      - {name: visib, type: int64, default: 10}
      - {name: wind, type: float32}
      - {name: sky, type: string, default: "clear"}
      - {name: raw, type: bytes}
      - {name: open, type: bool}
      - {name: seen, type: timestamp}
      - {name: gusts, type: list<float64>}
      - {name: embedding, type: "vector<float32, 2>"}
  - name: stats
    entity: route
    owner: a@example.org
    merge: record
    features:
      - {name: delay, type: float64, default: 0.5}
      - {name: flights, type: int32}
      - {name: note, type: string}
  - name: tides
    entity: airport
    owner: a@example.org
    features:
      - {name: height, type: float64, ttl: 10h}
      - {name: temp, type: int64}
"""

FEATURES = ['weather:*', 'stats:*', 'tides:*']
ORIGINS = ['JFK', 'LGA', 'é"', '']
ROUTES = [(carrier, dest) for carrier in ('UA', 'AA') for dest in (-1, 7)]


class History:
    """Random writes and deletes, with many at equal event times, and of these some with equal write
    id prefixes."""

    def __init__(self, store, draw):
        self.store, self.draw = store, draw
        now = datetime.datetime.now(UTC).replace(microsecond=0)
        self.times = [now - datetime.timedelta(minutes=draw.randrange(60 * 40)) for _ in range(25)]
        self.prefixes = ['%016x' % draw.getrandbits(64) for _ in range(3)]

    def post(self, path, body):
        request = urllib.request.Request('http://%s%s' % (self.store.ready['http'], path),
                                         json.dumps(body).encode())
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def write_id(self):
        return self.draw.choice(self.prefixes) + '%016x' % self.draw.getrandbits(64)

    def event_time(self):
        return self.draw.choice(self.times).isoformat()

    def some(self, values, most):
        return {name: value() for name, value in values.items() if self.draw.random() < most}

    def null_or(self, *values):
        return lambda: self.draw.choice([None, *values])

    def weather(self):
        values = self.some({
            'temp': self.null_or(39.02, 0.5, -1e300, 'NaN', 'Infinity', 2.0),
            'visib': self.null_or(3, -3, 300, 2**40), 'wind': self.null_or(0.5, 39.02, -1.0),
            'sky': self.null_or('', 'clear', 'é'), 'raw': self.null_or('AAEC', '/w==', ''),
            'open': self.null_or(True, False),
            'seen': self.null_or('2026-01-01T00:00:00Z', '2025-06-01T00:00:00.000001Z'),
            'gusts': self.null_or([], [1.5], [39.02, 1.5]),
            'embedding': self.null_or([1, 2], [0.5, 39.02])}, 0.4)
        record = {'key': {'origin': self.draw.choice(ORIGINS)}, 'event_time': self.event_time(),
                  'values': values, 'write_id': self.write_id()}
        if self.draw.random() < 0.2:
            record['ttl'] = self.draw.choice(['1h', '90m', '5h'])
        return record

    def stats(self):
        carrier, dest = self.draw.choice(ROUTES)
        values = self.some({'delay': self.null_or(1.5, 39.02), 'flights': self.null_or(1, -1, 500),
                            'note': self.null_or('', 'x', 'yy')}, 0.7)
        record = {'key': {'carrier': carrier, 'dest': dest}, 'event_time': self.event_time(),
                  'values': values, 'write_id': self.write_id()}
        if self.draw.random() < 0.1:
            record['ttl'] = '3h'
        return record

    def tides(self):
        values = self.some({'height': self.null_or(0.5, 39.02), 'temp': self.null_or(1, 2)}, 0.6)
        return {'key': {'origin': self.draw.choice(ORIGINS)}, 'event_time': self.event_time(),
                'values': values, 'write_id': self.write_id()}

    def delete(self):
        body = {'group': 'demo/weather', 'keys': {'origin': [self.draw.choice(ORIGINS)]},
                'event_time': self.event_time(), 'write_id': self.write_id()}
        if self.draw.random() < 0.5:
            body['features'] = self.draw.sample(['temp', 'visib', 'sky', 'gusts'], 2)
        elif self.draw.random() < 0.5:
            carrier, dest = self.draw.choice(ROUTES)
            body.update(group='demo/stats', keys={'carrier': [carrier], 'dest': [dest]})
        return body

    def write(self, records):
        for stores in ('both', 'both', 'online', 'offline'):
            for group, make in (
                    ('weather', self.weather), ('stats', self.stats), ('tides', self.tides)):
                answer = self.post('/v1/records:put', {
                    'group': 'demo/' + group, 'stores': stores,
                    'records': [make() for _ in range(records)]})
                assert answer['accepted'] == records, answer
            for _ in range(records // 8):
                self.post('/v1/records:delete', {**self.delete(), 'stores': stores})


class PointInTime(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        seed = int(os.environ.get('TOKURA_SPARK_SEED', '20260101'))
        cls.draw = random.Random(seed)
        print('TOKURA_SPARK_SEED=%d' % seed)
        directory = tempfile.TemporaryDirectory(prefix='tokura-spark-')
        cls.addClassCleanup(directory.cleanup)
        cls.directory = directory.name
        cls.store = store = Store(directory.name).start('--compact-interval', '1h')
        cls.addClassCleanup(store.stop)
        store.apply(DEFINITIONS)
        cls.spark = spark_case.session(store.data + '/offline')
        cls.addClassCleanup(cls.spark.stop)
        history = History(store, cls.draw)
        cls.moments = []  # of the clock, between writes
        for _ in range(4):
            history.write(40)
            cls.moments.append(datetime.datetime.now(UTC))
            store.commit()
            cls.moments.append(datetime.datetime.now(UTC))
        cls.spine = cls.make_spine(history.times)
        cls.features = [(cls.described(feature.split(':')[0]), None) for feature in FEATURES]

    @classmethod
    def described(cls, group):
        return tokura_spark.FeatureGroup.from_json(
            cls.store.run('describe', 'demo/' + group, '--json'))

    @classmethod
    def make_spine(cls, event_times):
        """Rows whose time is just when something happens, expires or is written, or anywhere near,
        before all history or after it; some with nulls in keys and time, some many times."""

        def moment():
            kind = cls.draw.random()
            if kind < 0.4:
                return cls.draw.choice(cls.moments) + datetime.timedelta(
                    microseconds=cls.draw.randrange(-300_000, 300_000))
            if kind < 0.7:
                return cls.draw.choice(event_times) + cls.draw.choice(
                    [datetime.timedelta(), datetime.timedelta(hours=6),
                     datetime.timedelta(hours=20), datetime.timedelta(microseconds=-1)])
            if kind < 0.75:
                return cls.moments[0] + cls.draw.choice([-1, 1]) * datetime.timedelta(days=9_000)
            return cls.draw.choice(event_times) + datetime.timedelta(
                minutes=cls.draw.randrange(60 * 30))

        rows = []
        for n in range(1_500):
            carrier, dest = cls.draw.choice(ROUTES)
            rows.append({'n': n, 'origin': cls.draw.choice([*ORIGINS, 'none', None]),
                         'carrier': carrier, 'dest': cls.draw.choice([dest, dest, dest, None]),
                         'event_time': None if cls.draw.random() < 0.02 else moment(),
                         'label': cls.draw.random(), 'tags': ['a', None, 'b'][:n % 4]})
        rows += cls.draw.choices(rows, k=100)
        schema = pa.schema([('n', pa.int64()), ('origin', pa.string()), ('carrier', pa.string()),
                            ('dest', pa.int32()), ('event_time', pa.timestamp('us', 'UTC')),
                            ('label', pa.float64()), ('tags', pa.list_(pa.string()))])
        return cls.write_spine(pa.Table.from_pylist(rows, schema))

    @classmethod
    def write_spine(cls, table, name='spine'):
        path = os.path.join(cls.directory, name + '.parquet')
        pq.write_table(table, path)
        return path

    def build(self, *flags, spine=None, features=FEATURES):
        """By the program."""
        out = os.path.join(self.directory, 'built.parquet')
        self.store.run('training-set', 'build', '--spine', spine or self.spine, '--features',
                       ','.join('demo/' + feature for feature in features), '--out', out, *flags)
        return pq.read_table(out)

    def joined(self, spine=None, features=None, tables=None, **arguments):
        """By Spark."""
        return tokura_spark.point_in_time(
            self.spark.read.parquet(spine or self.spine), features or self.features,
            tables or self.store.data + '/offline', **arguments)

    def expect_same(self, joined, expected, least_values):
        """Row for row: rows with equal `n` are equal. So many values, at least, are not null."""
        self.assertEqual(joined.columns, expected.column_names)
        actual = joined.toArrow().cast(expected.schema).sort_by('n')
        expected = expected.sort_by('n')
        self.assertEqual(actual.num_rows, expected.num_rows)
        differences, present = [], 0
        for name in expected.column_names:
            for row, (a, b) in enumerate(zip(actual[name].to_pylist(), expected[name].to_pylist())):
                present += '__' in name and b is not None
                if repr(a) != repr(b):
                    differences.append((name, row, a, b))
        self.assertEqual(differences[:5], [], '%d cells differ' % len(differences))
        self.assertGreater(present, least_values)

    def expect_equal(self, *flags, **arguments):
        self.expect_same(self.joined(**arguments), self.build(*flags), least_values=4_000)

    def test_event(self):
        self.expect_equal('--mode', 'event')

    def test_known(self):
        self.expect_equal('--mode', 'known', mode='known')

    def test_known_with_a_lag(self):
        self.expect_equal('--mode', 'known', '--lag', '200ms', mode='known', lag='200ms')

    def test_served(self):
        self.expect_equal('--mode', 'served', mode='served')

    def test_the_spine_may_have_times_and_integers_of_other_types(self):
        spine = pq.read_table(self.spine)
        event_time, dest = spine['event_time'], spine['dest']
        for name, columns in (
                ('naive', {'event_time': event_time.cast(pa.timestamp('us'))}),
                ('tokyo', {'event_time': event_time.cast(pa.timestamp('us', 'Asia/Tokyo'))}),
                ('millis', {'event_time': event_time.cast(pa.timestamp('ms'), safe=False)}),
                ('number', {'event_time': event_time.cast(pa.int64()), 'dest': dest.cast('int64')}),
                ('date', {'event_time': event_time.cast(pa.date32()), 'dest': dest.cast('int16')})):
            with self.subTest(name):
                table = spine
                for column, values in columns.items():
                    place = table.column_names.index(column)
                    table = table.set_column(place, column, values)
                path = self.write_spine(table, name)
                features = [(self.described('stats'), ['delay']), (self.described('tides'), ['temp'])]
                self.expect_same(
                    self.joined(path, features, mode='served'),
                    self.build('--mode', 'served', spine=path,
                               features=['stats:delay', 'tides:temp']), least_values=1_000)

    def test_times_without_a_zone_are_utc_in_hours_that_the_zone_of_the_session_has_twice(self):
        self.assertEqual(self.spark.conf.get('spark.sql.session.timeZone'), 'America/New_York')
        hours = ['2026-03-08 02:30:00', '2026-03-08 07:00:00.000001', '2025-11-02 01:30:00',
                 '2025-11-02 05:30:00', '2025-11-02 06:30:00', '0001-01-01 00:00:00']
        values = ', '.join("(TIMESTAMP_NTZ '%s')" % hour for hour in hours)
        spine = self.spark.sql('SELECT * FROM VALUES %s AS t(t)' % values)
        times = spine.select(micros(spine['t'], spine.schema['t'].dataType, 't')).collect()
        epoch = datetime.datetime(1970, 1, 1)
        self.assertEqual(
            [us for us, in times],
            [(datetime.datetime.fromisoformat(hour) - epoch) // datetime.timedelta(microseconds=1)
             for hour in hours])

    def test_a_key_beyond_the_integers_of_the_group_is_not_found(self):
        spine = self.spark.createDataFrame(
            [('UA', dest, self.moments[-1]) for dest in (7, 7 + 2**32, 2**63 - 1)],
            'carrier string, dest long, event_time timestamp')
        rows = tokura_spark.point_in_time(spine, [(self.described('stats'), ['delay', 'flights'])],
                                          self.store.data + '/offline').collect()
        self.assertEqual([(row.stats__delay, row.stats__flights) for row in rows if row.dest > 7],
                         [(0.5, None)] * 2)  # defaults

    def test_an_empty_spine_gets_its_columns_and_no_rows(self):
        spine = self.write_spine(pq.read_table(self.spine)[:0], 'empty')
        joined = self.joined(spine)
        self.assertEqual(joined.columns, self.joined().columns)
        self.assertEqual(joined.count(), 0)

    def test_a_feature_that_is_newer_than_the_table_has_its_default(self):
        later = tokura_spark.Feature('later', 'int64', 999, ttl_us=None, default=3)
        evolved = [dataclasses.replace(group, features=(*group.features, later))
                   for group, _ in self.features]
        joined = self.joined(features=[(group, ['later']) for group in evolved])
        self.assertEqual(joined.select(*joined.columns[-3:]).distinct().collect(), [(3, 3, 3)])

    def test_a_training_set_is_made_again_from_its_snapshots_after_writes_and_care(self):
        expected = self.build('--mode', 'known')
        newest = json.loads(self.store.run('training-set', 'list', '--json'))['training_sets']
        manifest = max(newest, key=lambda one: one['created'])
        History(self.store, self.draw).write(20)
        self.store.commit()
        self.store.run('offline', 'compact')
        self.store.run('offline', 'expire', '--older-than', '1us')
        self.expect_same(self.joined(mode='known', tables=lambda group: tokura_spark.read_history(
            self.spark, self.store.data + '/offline', group,
            manifest['snapshots'][group.reference])), expected, least_values=4_000)

    def plan(self, joined):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            joined.explain()
        return out.getvalue()

    def test_each_group_takes_one_shuffle_and_in_mode_event_one_sort(self):
        for mode, sorts in (('event', 3), ('known', 6), ('served', 6)):
            plan = self.plan(self.joined(mode=mode))
            self.assertEqual(plan.count('Exchange hashpartitioning'), 3, mode)
            self.assertEqual(plan.count('Exchange'), 3, mode)
            self.assertEqual(plan.count('Sort ['), sorts, mode)
            self.assertEqual(plan.count('BatchScan'), 3, mode)
            self.assertEqual(plan.count('FileScan parquet'), 1, mode)

    def test_files_that_no_row_can_see_are_not_read(self):
        spine = pq.read_table(self.spine)
        times = [at for at in spine['event_time'].to_pylist() if at is not None]
        for first, features, tables in (
                (max(times), [(self.described('weather'), None)], 'all history has expired'),
                (min(times), self.features, 'all history comes later')):
            path = self.write_spine(spine.filter(pc.field('event_time') == first), 'few')
            for mode in ('event', 'known', 'served'):
                with self.subTest(tables, mode=mode):
                    self.assertEqual(self.files_read(self.joined(path, features, mode=mode)), 0)
        self.assertGreater(self.files_read(self.joined()), 0)

    def files_read(self, joined):
        """How many parts of files the scans of tables come to."""
        leaves = joined._jdf.queryExecution().sparkPlan().collectLeaves()
        scans = [leaf for leaf in map(leaves.apply, range(leaves.size()))
                 if leaf.nodeName().startswith('BatchScan')]
        self.assertGreater(len(scans), 0)
        return sum(len(scan.batch().planInputPartitions()) for scan in scans)

    def test_says_what_does_not_fit(self):
        spine = self.spark.read.parquet(self.spine)
        tables = self.store.data + '/offline'
        weather, stats = self.features[0][0], self.features[1][0]
        for part, arguments in (
                ("'events' is not one of event, known, served", {'mode': 'events'}),
                ("lag goes with mode 'known'", {'lag': '1h'}),
                ('not negative', {'mode': 'known', 'lag': datetime.timedelta(-1)}),
                ("'1 h' is no duration", {'mode': 'known', 'lag': '1 h'}),
                ('the spine lacks when', {'time_column': 'when'}),
                ('label is double', {'time_column': 'label'})):
            with self.assertRaisesRegex(ValueError, part):
                tokura_spark.point_in_time(spine, [(weather, None)], tables, **arguments)
        for part, features, columns in (
                ('no group is named', [], {}),
                ('demo/weather@1 is named twice', [(weather, ['temp']), (weather, ['sky'])], {}),
                ('has no feature tmp; it has temp', [(weather, ['tmp'])], {}),
                ('column dest is string; the key is int', [(stats, None)],
                 {'dest': spine['dest'].cast('string')}),
                ('named like features: weather__temp', [(weather, ['temp'])],
                 {'weather__temp': spine['label']})):
            with self.assertRaisesRegex(ValueError, part):
                tokura_spark.point_in_time(spine.withColumns(columns), features, tables)


if __name__ == '__main__':
    harness.main()
