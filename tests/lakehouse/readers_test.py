#!/usr/bin/env python3
"""PyIceberg, DuckDB and PyArrow read the offline tables, and see the same.

  readers_test.py --bin build/release/bin
"""

import glob
import json
import os
import tempfile
import unittest

import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse import FEATURES, Store, at, definitions, duckdb_with_iceberg, harness


class Readers(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='tokura-lakehouse-')
        self.addCleanup(directory.cleanup)
        self.store = Store(directory.name).start('--compact-interval', '1h')
        self.addCleanup(self.store.stop)
        self.duck = duckdb_with_iceberg()
        self.addCleanup(self.duck.close)

    def iceberg(self):
        return self.store.iceberg()

    def sql(self, query, **options):
        scan = ''.join(', %s = %s' % option for option in options.items())
        table = "iceberg_scan('%s'%s)" % (self.store.folder, scan)
        return self.duck.execute(query.replace('TABLE', table)).fetchall()

    def expect(self, rows, temp_sum, temp_range):
        """All three readers see so many rows, this sum and this range of temp."""
        arrow = self.iceberg().scan().to_arrow()
        self.assertEqual(arrow.num_rows, rows)
        self.assertEqual(pc.sum(arrow['temp']).as_py(), temp_sum)
        self.assertEqual(self.sql('SELECT count(*), sum(temp), min(temp), max(temp) FROM TABLE'),
                         [(rows, temp_sum, *temp_range)])
        files = [pq.read_table(path, partitioning=None) for path in self.data_files()]
        self.assertEqual(sum(file.num_rows for file in files), rows)
        temps = [t for file in files for t in file['temp'].to_pylist() if t is not None]
        self.assertEqual((sum(temps), min(temps), max(temps)), (temp_sum, *temp_range))

    def data_files(self):
        return [file['file_path'].removeprefix('file://')
                for file in self.iceberg().inspect.files().to_pylist()]

    def test_a_table_is_there_and_empty_once_its_group_is_applied(self):
        self.store.apply(definitions(FEATURES))
        self.store.commit()
        self.assertEqual(self.iceberg().scan().to_arrow().num_rows, 0)
        self.assertEqual(self.sql('SELECT count(*) FROM TABLE'), [(0,)])

    def test_every_type_reads_as_it_was_written(self):
        self.store.apply(definitions(FEATURES))
        written = {
            'origin': 'JFK', 'event_time': at(1, 6), 'temp': 39.25, 'humidity': 0.5, 'flights': 3,
            'sky': 'clear é', 'raw': 'AAEC', 'open': True, 'seen': '2026-01-01T05:00:00Z',
            'tags': ['a', 'b'], 'gusts': [], 'embedding': [1, 2, 3, 4]}
        self.store.put(written)
        self.store.commit()
        expected = {**written, 'raw': b'\0\1\2', 'seen': at(1, 5)}
        row = self.iceberg().scan().to_arrow().to_pylist()[0]
        self.assertEqual({name: row[name] for name in expected}, expected)
        columns = ', '.join(expected)
        values = self.sql('SELECT %s FROM TABLE' % columns)[0]
        self.assertEqual({name: list(v) if isinstance(v, tuple) else v
                          for name, v in zip(expected, values)}, expected)

    def test_readers_agree_through_commits_late_rows_deletes_and_other_columns(self):
        self.store.apply(definitions(FEATURES))
        self.store.put({'origin': 'JFK', 'event_time': at(2), 'temp': 1.5, 'flights': 7},
                       {'origin': 'LGA', 'event_time': at(3), 'temp': -2.0})
        self.store.commit()
        first = self.iceberg().current_snapshot().snapshot_id
        self.expect(2, -0.5, (-2.0, 1.5))
        # Late, and a retry of what is there.
        self.store.put({'origin': 'JFK', 'event_time': at(1), 'temp': 10.0})
        self.store.commit()
        self.expect(3, 9.5, (-2.0, 10.0))
        self.store.run('delete', 'demo/weather', '--key', 'origin=LGA')
        self.store.commit()
        self.expect(4, 9.5, (-2.0, 10.0))
        # A feature more, one wider, one gone; and other partitions.
        evolved = {**FEATURES, 'flights': 'int64', 'wind': 'float64'}
        del evolved['sky']
        self.store.apply(definitions(evolved, '    partition: hour'))
        self.store.put({'origin': 'JFK', 'event_time': at(4, 5), 'temp': 0.5, 'wind': 4.0,
                        'flights': 2**40})
        self.store.commit()
        self.expect(5, 10.0, (-2.0, 10.0))
        self.assertEqual(self.sql('SELECT sum(wind), sum(flights) FROM TABLE'), [(4.0, 2**40 + 7)])
        table = self.iceberg()
        arrow = table.scan().to_arrow()
        self.assertEqual((pc.sum(arrow['wind']).as_py(), pc.sum(arrow['flights']).as_py()),
                         (4.0, 2**40 + 7))
        self.assertNotIn('sky', arrow.column_names)
        # As of the first commit.
        self.assertEqual(table.scan(snapshot_id=first).to_arrow().num_rows, 2)
        self.assertEqual(self.sql('SELECT count(*), sum(temp) FROM TABLE', snapshot_from_id=first),
                         [(2, -0.5)])
        # What is skipped is skipped rightly.
        self.assertEqual(table.scan(row_filter="event_time >= '2026-01-03T00:00:00+00:00'")
                         .to_arrow().num_rows, 3)
        self.assertEqual(self.sql("SELECT count(*) FROM TABLE WHERE event_time >= '2026-01-03'"),
                         [(3,)])
        self.assertEqual(table.scan(row_filter="origin == 'LGA'").to_arrow().num_rows, 2)
        self.assertEqual(table.scan(row_filter='temp > 9').to_arrow().num_rows, 1)

    def test_readers_agree_through_compaction_expiry_and_pins(self):
        self.store.apply(definitions(FEATURES))
        for n in range(6):
            self.store.put({'origin': 'JFK', 'event_time': at(1 + n % 2), 'temp': float(n)},
                           {'origin': 'LGA', 'event_time': at(1 + n % 2, 1), 'temp': -1.0})
            self.store.commit()
        with_rows = {s.summary['total-records']: s.snapshot_id for s in self.iceberg().snapshots()}
        second, before = with_rows['4'], with_rows['12']
        self.expect(12, 9.0, (-1.0, 5.0))
        self.assertEqual(len(self.data_files()), 6)
        self.store.run('offline', 'compact')
        self.assertEqual(len(self.data_files()), 2)
        self.expect(12, 9.0, (-1.0, 5.0))
        table = self.iceberg()
        self.assertEqual(table.current_snapshot().summary.operation.value, 'replace')
        for snapshot, rows, temps in ((second, 4, -1.0), (before, 12, 9.0)):
            arrow = table.scan(snapshot_id=snapshot).to_arrow()
            self.assertEqual((arrow.num_rows, pc.sum(arrow['temp']).as_py()), (rows, temps))
            self.assertEqual(self.sql('SELECT count(*), sum(temp) FROM TABLE',
                                      snapshot_from_id=snapshot), [(rows, temps)])
        # A pin is a tag, and keeps what it names; the rest expires, and its files go.
        self.pin(second)
        self.store.run('offline', 'expire', '--older-than', '1us')
        status = json.loads(self.store.run('offline', 'status', '--json'))['groups'][0]
        self.assertEqual((status['small_files'], status['snapshots'], status['pins']), (2, 2, 1))
        table = self.iceberg()
        self.assertEqual([s.snapshot_id for s in table.snapshots()],
                         [second, table.current_snapshot().snapshot_id])
        self.assertEqual(table.scan(snapshot_id=second).to_arrow().num_rows, 4)
        self.assertEqual(self.sql('SELECT count(*) FROM TABLE', snapshot_from_id=second), [(4,)])
        self.expect(12, 9.0, (-1.0, 5.0))
        left = glob.glob(self.store.folder + '/data/**/*.parquet', recursive=True)
        self.assertEqual(len(left), 2 + 2)
        # Writers go on.
        self.store.put({'origin': 'JFK', 'event_time': at(3), 'temp': 1.0})
        self.store.commit()
        self.expect(13, 10.0, (-1.0, 5.0))

    def pin(self, snapshot):
        """As another engine tags a snapshot: the next version of the metadata has one more ref."""
        path = self.store.metadata()
        with open(path) as file:
            metadata = json.load(file)
        del metadata['tokura-crc32c']
        metadata['refs']['tokura-dataset-1'] = {'snapshot-id': snapshot, 'type': 'tag'}
        version = int(os.path.basename(path)[1:].split('.')[0])
        with open(os.path.join(os.path.dirname(path), 'v%d.metadata.json' % (version + 1)), 'x') as file:
            json.dump(metadata, file)

    def test_columns_follow_the_definitions_before_any_row_does(self):
        self.store.apply(definitions(FEATURES))
        self.store.commit()
        self.store.apply(definitions({**FEATURES, 'wind': 'float64'}))
        self.store.commit()
        self.assertIn('wind', self.iceberg().schema().column_names)

    def test_files_are_what_warehouses_accept(self):
        self.store.apply(definitions(FEATURES))
        self.store.put({'origin': 'JFK', 'event_time': at(1), 'temp': 1.0, 'sky': 'x' * 40,
                        'tags': ['a']},
                       {'origin': 'LGA', 'event_time': at(2), 'temp': None, 'embedding': [1, 2, 3, 4]})
        self.store.commit()
        table = self.iceberg()
        for entry in table.inspect.files().to_pylist():
            self.assertGreater(entry['record_count'], 0)
            self.assertTrue(entry['file_path'].startswith('file:///'), entry['file_path'])
            path = entry['file_path'].removeprefix('file://')
            self.assertEqual(os.path.getsize(path), entry['file_size_in_bytes'])
            self.expect_metrics(table, entry, path)
        for snapshot in table.snapshots():
            for manifest in snapshot.manifests(table.io):
                self.assertGreater(len(manifest.fetch_manifest_entry(table.io)), 0)
        for path in glob.glob(self.store.folder + '/**/*', recursive=True):
            if os.path.isfile(path):
                self.assertGreater(os.path.getsize(path), 0, path)

    def expect_metrics(self, table, entry, path):
        file = pq.ParquetFile(path)
        rows = file.read()
        for column in range(file.metadata.num_columns):
            self.assertEqual(file.metadata.row_group(0).column(column).compression, 'ZSTD')
        for field in table.schema().fields:
            readable = entry['readable_metrics'][field.name]
            if field.field_type.is_primitive:
                values = rows[field.name]
                self.assertEqual(readable['null_value_count'], values.null_count, field.name)
                self.assertEqual(readable['value_count'], rows.num_rows, field.name)
                with_values = values.null_count < rows.num_rows
                self.assertEqual(readable['lower_bound'] is not None, with_values, field.name)
                self.assertEqual(readable['upper_bound'] is not None, with_values, field.name)
        schema = file.schema_arrow
        for field in schema:
            self.assertIn(b'PARQUET:field_id', field.metadata)
            if hasattr(field.type, 'value_field'):
                self.assertIn(b'PARQUET:field_id', field.type.value_field.metadata)
        self.assertEqual(str(schema.field('event_time').type), 'timestamp[us, tz=UTC]')


if __name__ == '__main__':
    harness.main()
