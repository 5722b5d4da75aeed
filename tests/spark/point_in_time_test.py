#!/usr/bin/env python3
"""tokura_spark.point_in_time gives what `tokura training-set build` gives, row for row.

  TOKURA_SPARK=1 point_in_time_test.py --bin build/release/bin

TOKURA_SPARK_SEED draws other data.
"""

import datetime
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
import pyarrow.parquet as pq

import harness
import tokura_spark
from readers_test import Store

UTC = datetime.timezone.utc

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
"""

FEATURES = ['weather:*', 'stats:*']
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
            for group, make in (('weather', self.weather), ('stats', self.stats)):
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
        cls.features = [(cls.described('weather'), None), (cls.described('stats'), None)]

    @classmethod
    def described(cls, group):
        return tokura_spark.FeatureGroup.from_json(
            cls.store.run('describe', 'demo/' + group, '--json'))

    @classmethod
    def make_spine(cls, event_times):
        def moment():
            kind = cls.draw.random()
            if kind < 0.4:
                return cls.draw.choice(cls.moments) + datetime.timedelta(
                    microseconds=cls.draw.randrange(-300_000, 300_000))
            if kind < 0.7:  # just when something happens or expires
                return cls.draw.choice(event_times) + cls.draw.choice(
                    [datetime.timedelta(), datetime.timedelta(hours=6),
                     datetime.timedelta(hours=20), datetime.timedelta(microseconds=-1)])
            return cls.draw.choice(event_times) + datetime.timedelta(
                minutes=cls.draw.randrange(60 * 30))

        rows = []
        for n in range(1_500):
            carrier, dest = cls.draw.choice(ROUTES)
            rows.append({'n': n, 'origin': cls.draw.choice([*ORIGINS, 'none', None]),
                         'carrier': carrier, 'dest': cls.draw.choice([dest, dest, dest, None]),
                         'event_time': None if cls.draw.random() < 0.02 else moment(),
                         'label': cls.draw.random()})
        path = os.path.join(cls.directory, 'spine.parquet')
        schema = pa.schema([('n', pa.int64()), ('origin', pa.string()), ('carrier', pa.string()),
                            ('dest', pa.int32()), ('event_time', pa.timestamp('us', 'UTC')),
                            ('label', pa.float64())])
        pq.write_table(pa.Table.from_pylist(rows, schema), path)
        return path

    def built(self, *flags):
        """By the program."""
        out = os.path.join(self.directory, 'built.parquet')
        self.store.run('training-set', 'build', '--spine', self.spine, '--features',
                       ','.join('demo/' + feature for feature in FEATURES), '--out', out, *flags)
        return pq.read_table(out)

    def expect_equal(self, *flags, **arguments):
        expected = self.built(*flags)
        joined = tokura_spark.point_in_time(self.spark.read.parquet(self.spine), self.features,
                                            self.store.data + '/offline', **arguments)
        self.assertEqual(joined.columns, expected.column_names)
        actual = joined.toArrow().cast(expected.schema).sort_by('n')
        self.assertEqual(actual.num_rows, expected.num_rows)
        differences, present = [], 0
        for name in expected.column_names:
            for row, (a, b) in enumerate(zip(actual[name].to_pylist(), expected[name].to_pylist())):
                present += '__' in name and b is not None
                if repr(a) != repr(b):
                    differences.append((name, row, a, b))
        self.assertEqual(differences[:5], [], '%d cells differ' % len(differences))
        self.assertGreater(present, 3_000)  # of 18,000: something was compared

    def test_event(self):
        self.expect_equal('--mode', 'event')

    def test_known(self):
        self.expect_equal('--mode', 'known', mode='known')

    def test_known_with_a_lag(self):
        self.expect_equal('--mode', 'known', '--lag', '200ms', mode='known', lag='200ms')

    def test_served(self):
        self.expect_equal('--mode', 'served', mode='served')

    def test_says_what_does_not_fit(self):
        spine = self.spark.read.parquet(self.spine)
        tables = self.store.data + '/offline'
        weather = self.features[0][0]
        for part, arguments in (
                ("'events' is not one of event, known, served", {'mode': 'events'}),
                ("lag goes with mode 'known'", {'lag': '1h'}),
                ('the spine lacks when', {'time_column': 'when'}),
                ('label is double', {'time_column': 'label'})):
            with self.assertRaisesRegex(ValueError, part):
                tokura_spark.point_in_time(spine, [(weather, None)], tables, **arguments)
        with self.assertRaisesRegex(ValueError, 'has no feature tmp; it has temp'):
            tokura_spark.point_in_time(spine, [(weather, ['tmp'])], tables)
        with self.assertRaisesRegex(ValueError, 'named like features: weather__temp'):
            tokura_spark.point_in_time(spine.withColumnRenamed('label', 'weather__temp'),
                                       [(weather, ['temp'])], tables)


if __name__ == '__main__':
    harness.main()
