#!/usr/bin/env python3
"""Spark reads the offline tables as PyIceberg and DuckDB do (tests/lakehouse), cell by cell.

  TOKURA_SPARK=1 tables_test.py --bin build/release/bin
"""

import collections
import datetime
import json
import os
import tempfile
import typing
import unittest

import spark_case

if __name__ == '__main__':
    spark_case.require_spark()

from pyspark.errors import PySparkException
from lakehouse import FEATURES, UTC, Store, at, definitions, duckdb_with_iceberg, harness

TABLE = 'lake.demo.weather_v1'


def plain(value):
    """A cell in a form that does not depend on the reader."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, (list, tuple)):
        return tuple(map(plain, value))
    return repr(value)


def rows_of(arrow):
    """The rows of an Arrow table with all their columns, in no order."""
    return collections.Counter(
        tuple(sorted((name, plain(cell)) for name, cell in row.items()))
        for row in arrow.to_pylist())


class Moment(typing.NamedTuple):
    """A snapshot, and what the table held then."""
    snapshot: int
    committed: str
    rows: collections.Counter


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix='tokura-spark-')
        cls.addClassCleanup(directory.cleanup)
        cls.store = Store(directory.name).start('--compact-interval', '1h')
        cls.addClassCleanup(cls.store.stop)
        cls.spark = spark_case.session(cls.store.data + '/offline')
        cls.addClassCleanup(cls.spark.stop)
        cls.duck = duckdb_with_iceberg()
        cls.addClassCleanup(cls.duck.close)

    def sql(self, query):
        return [tuple(row) for row in self.spark.sql(query).collect()]

    def spark_rows(self, travel=''):
        return rows_of(self.spark.sql('SELECT * FROM %s %s' % (TABLE, travel)).toArrow())

    def duckdb_rows(self, travel=''):
        scan = "iceberg_scan('%s'%s)" % (self.store.folder, travel)
        return rows_of(self.duck.execute('SELECT * FROM ' + scan).fetch_arrow_table())

    def duckdb_sql(self, query):
        return self.duck.execute(
            query.replace(TABLE, "iceberg_scan('%s')" % self.store.folder)).fetchall()

    def expect(self, rows, temp_sum, temp_range):
        """All readers see these rows, the same in every cell; returns this moment of the table."""
        iceberg = self.store.iceberg()
        expected = rows_of(iceberg.scan().to_arrow())
        self.assertEqual(expected.total(), rows)
        self.assertEqual(self.duckdb_rows(), expected)
        self.assertEqual(self.spark_rows(), expected)
        by_path = self.spark.read.format('iceberg').load(self.store.folder)
        self.assertEqual(rows_of(by_path.toArrow()), expected)
        aggregates = 'SELECT count(*), sum(temp), min(temp), max(temp) FROM ' + TABLE
        self.assertEqual(self.sql(aggregates), [(rows, temp_sum, *temp_range)])
        self.assertEqual(self.duckdb_sql(aggregates), [(rows, temp_sum, *temp_range)])
        snapshot = iceberg.current_snapshot()
        committed = datetime.datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
        return Moment(snapshot.snapshot_id, committed.strftime('%Y-%m-%d %H:%M:%S.%f UTC'), expected)

    def expect_travel(self, moments):
        """All readers still find these moments."""
        iceberg = self.store.iceberg()
        for moment in moments:
            with self.subTest(snapshot=moment.snapshot):
                for travel in ('VERSION AS OF %d' % moment.snapshot,
                               "TIMESTAMP AS OF '%s'" % moment.committed):
                    self.assertEqual(self.spark_rows(travel), moment.rows)
                as_pyiceberg = iceberg.scan(snapshot_id=moment.snapshot).to_arrow()
                self.assertEqual(rows_of(as_pyiceberg), moment.rows)
                self.assertEqual(self.duckdb_rows(', snapshot_from_id = %d' % moment.snapshot),
                                 moment.rows)

    def expect_same_filters(self):
        """What is skipped is skipped rightly."""
        for condition in ("event_time >= TIMESTAMPTZ '2026-01-03 00:00:00Z'", "origin = 'LGA'",
                          'temp > 9', 'temp IS NULL', 'is_deleted', 'wind IS NOT NULL',
                          'flights > 1000', '_stores = 1'):
            query = 'SELECT count(*) FROM %s WHERE %s' % (TABLE, condition)
            self.assertEqual(self.sql(query.replace('TIMESTAMPTZ', 'TIMESTAMP')),
                             self.duckdb_sql(query), condition)

    def live_through_late_rows_deletes_and_other_columns(self):
        """Yields the moments of the table."""
        store = self.store
        store.apply(definitions(FEATURES))
        store.commit()
        yield self.expect(0, None, (None, None))
        store.put({'origin': 'JFK', 'event_time': at(2), 'temp': 1.5, 'flights': 7,
                   'humidity': 'NaN', 'tags': ['a', 'b'], 'gusts': [], 'open': True,
                   'embedding': [1, 2, 3, 4], 'raw': 'AAEC', 'seen': '2026-03-08T07:00:00.000001Z'},
                  {'origin': 'LGA', 'event_time': at(3), 'temp': -2.0, 'sky': 'clear é'})
        store.commit()
        yield self.expect(2, -0.5, (-2.0, 1.5))
        store.put({'origin': 'JFK', 'event_time': at(1), 'temp': 10.0})  # late
        store.commit()
        yield self.expect(3, 9.5, (-2.0, 10.0))
        store.run('delete', 'demo/weather', '--key', 'origin=LGA')
        store.run('delete', 'demo/weather', '--key', 'origin=JFK', '--features', 'temp,sky')
        store.commit()
        yield self.expect(5, 9.5, (-2.0, 10.0))
        evolved = {**FEATURES, 'flights': 'int64', 'wind': 'float64'}
        del evolved['sky']
        store.apply(definitions(evolved, '    partition: hour'))
        for hour, temp in enumerate([0.5, None, 0.25]):  # late rows, too
            store.put({'origin': 'JFK', 'event_time': at(4, 5), 'temp': temp, 'wind': 4.0,
                       'flights': 2**40},
                      {'origin': 'é"', 'event_time': at(2, hour), 'gusts': [0.5, -1.0]})
            store.commit()
            yield self.expect(7 + 2 * hour, 9.5 + sum([0.5, 0, 0.25][:hour + 1]), (-2.0, 10.0))

    def test_all_readers_agree_in_every_cell_before_and_after_compaction_and_expiry(self):
        moments = list(self.live_through_late_rows_deletes_and_other_columns())
        self.expect_travel(moments)
        self.expect_same_filters()
        pinned, pin = moments[-1], self.pinned_by_a_training_set()
        files = self.count('files')
        self.store.run('offline', 'compact')
        self.assertLess(self.count('files'), files)
        compacted = self.expect(11, 10.25, (-2.0, 10.0))
        self.assertEqual(compacted.rows, pinned.rows)
        self.expect_travel([*moments, compacted])
        self.expect_same_filters()
        self.store.run('offline', 'expire', '--older-than', '1us')
        self.assertEqual(self.expect(11, 10.25, (-2.0, 10.0)).rows, compacted.rows)
        self.assertEqual(self.spark_rows("VERSION AS OF '%s'" % pin), pinned.rows)
        self.expect_travel([pinned, compacted])
        with self.assertRaisesRegex(PySparkException, 'find snapshot'):
            self.spark_rows('VERSION AS OF %d' % moments[1].snapshot)
        # Writers go on.
        self.store.put({'origin': 'JFK', 'event_time': at(3), 'temp': 1.0})
        self.store.commit()
        self.expect(12, 11.25, (-2.0, 10.0))
        self.expect_metadata_tables(rows=12, tags=[pin])

    def count(self, metadata_table):
        return self.sql('SELECT count(*) FROM %s.%s' % (TABLE, metadata_table))[0][0]

    def pinned_by_a_training_set(self):
        """The tag that keeps the newest snapshot."""
        spine = os.path.join(self.store.directory, 'spine.csv')
        with open(spine, 'w') as file:
            file.write('origin,event_time\nJFK,2026-01-05T00:00:00Z\n')
        self.store.run('training-set', 'build', '--spine', spine, '--features', 'demo/weather:temp',
                       '--out', os.path.join(self.store.directory, 'train.parquet'))
        [one] = json.loads(self.store.run('training-set', 'list', '--json'))['training_sets']
        return 'tokura-dataset-' + one['id']

    def expect_metadata_tables(self, rows, tags):
        self.assertEqual(self.sql('SELECT sum(record_count), min(record_count) > 0, '
                                  'min(file_size_in_bytes) > 0 FROM %s.files' % TABLE),
                         [(rows, True, True)])
        self.assertEqual(self.sql('SELECT sum(record_count) FROM %s.partitions' % TABLE), [(rows,)])
        newest = self.sql('SELECT snapshot_id, summary[\'total-records\'] FROM %s.snapshots '
                          'ORDER BY committed_at DESC, snapshot_id DESC LIMIT 1' % TABLE)
        self.assertEqual(newest[0][1], str(rows))
        self.assertEqual(self.sql('SELECT name, type FROM %s.refs ORDER BY name' % TABLE),
                         [('main', 'BRANCH'), *[(tag, 'TAG') for tag in tags]])
        self.assertEqual(self.sql("SELECT snapshot_id FROM %s.refs WHERE name = 'main'" % TABLE),
                         [newest[0][:1]])
        self.assertGreater(self.count('history'), 0)
        self.assertGreater(self.count('manifests'), 0)


if __name__ == '__main__':
    harness.main()
