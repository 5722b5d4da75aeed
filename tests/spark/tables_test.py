#!/usr/bin/env python3
"""Spark reads the offline tables as the other readers do (tests/lakehouse).

  TOKURA_SPARK=1 tables_test.py --bin build/release/bin
"""

import tempfile
import unittest

import spark_case

if __name__ == '__main__':
    spark_case.require_spark()

import harness
from readers_test import FEATURES, Store, at, definitions


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix='tokura-spark-')
        cls.addClassCleanup(directory.cleanup)
        cls.store = Store(directory.name).start('--compact-interval', '1h')
        cls.addClassCleanup(cls.store.stop)
        cls.spark = spark_case.session(cls.store.data + '/offline')
        cls.addClassCleanup(cls.spark.stop)

    def sql(self, query):
        return [tuple(row) for row in self.spark.sql(query).collect()]

    def expect(self, rows, temp_sum, temp_range):
        """By the Hadoop catalog and by the folder."""
        self.assertEqual(
            self.sql('SELECT count(*), sum(temp), min(temp), max(temp) FROM lake.demo.weather_v1'),
            [(rows, temp_sum, *temp_range)])
        by_path = self.spark.read.format('iceberg').load(self.store.folder)
        self.assertEqual(by_path.count(), rows)

    def test_spark_agrees_through_commits_late_rows_deletes_and_other_columns(self):
        store = self.store
        store.apply(definitions(FEATURES))
        store.commit()
        self.expect(0, None, (None, None))
        store.put({'origin': 'JFK', 'event_time': at(2), 'temp': 1.5, 'flights': 7,
                   'tags': ['a', 'b'], 'gusts': [], 'embedding': [1, 2, 3, 4], 'raw': 'AAEC'},
                  {'origin': 'LGA', 'event_time': at(3), 'temp': -2.0})
        store.commit()
        [first] = self.sql('SELECT max(snapshot_id) FROM lake.demo.weather_v1.snapshots')[0]
        self.expect(2, -0.5, (-2.0, 1.5))
        self.assertEqual(
            self.sql('SELECT tags, gusts, embedding, raw, event_time = timestamp '
                     "'2026-01-02 00:00:00 UTC' FROM lake.demo.weather_v1 WHERE origin = 'JFK'"),
            [(['a', 'b'], [], [1.0, 2.0, 3.0, 4.0], bytearray(b'\0\1\2'), True)])
        store.put({'origin': 'JFK', 'event_time': at(1), 'temp': 10.0})  # late
        store.commit()
        store.run('delete', 'demo/weather', '--key', 'origin=LGA')
        store.commit()
        self.expect(4, 9.5, (-2.0, 10.0))
        evolved = {**FEATURES, 'flights': 'int64', 'wind': 'float64'}
        del evolved['sky']
        store.apply(definitions(evolved, '    partition: hour'))
        store.put({'origin': 'JFK', 'event_time': at(4, 5), 'temp': 0.5, 'wind': 4.0,
                   'flights': 2**40})
        store.commit()
        self.expect(5, 10.0, (-2.0, 10.0))
        self.assertEqual(self.sql('SELECT sum(wind), sum(flights) FROM lake.demo.weather_v1'),
                         [(4.0, 2**40 + 7)])
        self.assertNotIn('sky', self.spark.table('lake.demo.weather_v1').columns)
        # As of a snapshot.
        self.assertEqual(
            self.sql('SELECT count(*), sum(temp) FROM lake.demo.weather_v1 '
                     'VERSION AS OF %d' % first),
            [(2, -0.5)])
        # What is skipped is skipped rightly.
        for condition, count in (("event_time >= '2026-01-03 00:00:00 UTC'", 3),
                                 ("origin = 'LGA'", 2), ('temp > 9', 1), ('is_deleted', 1)):
            self.assertEqual(
                self.sql('SELECT count(*) FROM lake.demo.weather_v1 WHERE ' + condition),
                [(count,)])
        self.expect_metadata_tables(rows=5)

    def expect_metadata_tables(self, rows):
        table = 'lake.demo.weather_v1'
        self.assertEqual(self.sql('SELECT sum(record_count), min(record_count) > 0, '
                                  "min(file_size_in_bytes) > 0 FROM %s.files" % table),
                         [(rows, True, True)])
        snapshots = self.sql('SELECT snapshot_id, summary[\'total-records\'] FROM %s.snapshots '
                             'ORDER BY committed_at, snapshot_id' % table)
        self.assertEqual(int(snapshots[-1][1]), rows)
        refs = self.sql("SELECT name, type, snapshot_id FROM %s.refs WHERE name = 'main'" % table)
        self.assertEqual(refs, [('main', 'BRANCH', snapshots[-1][0])])
        self.assertEqual(self.sql('SELECT count(*) FROM %s.history' % table)[0][0], len(snapshots))
        self.assertGreater(self.sql('SELECT count(*) FROM %s.manifests' % table)[0][0], 0)
        self.assertEqual(self.sql('SELECT sum(record_count) FROM %s.partitions' % table), [(rows,)])


if __name__ == '__main__':
    harness.main()
