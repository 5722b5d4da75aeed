#!/usr/bin/env python3
"""The offline tables in an object store: written, crashed upon, raced for, read.

  s3_test.py --bin build/release/bin
"""

import json
import os
import pathlib
import signal
import sys
import tempfile
import threading
import unittest
import unittest.mock

import duckdb
import duckdb_ext
import pyarrow.compute as pc
from pyiceberg.table import StaticTable

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
import harness
from object_store import CREDENTIALS, REGION, ObjectStore

DEFINITIONS = """
project: demo
entities: [{name: airport, keys: [{name: origin, type: string}]}]
feature_groups:
  - {name: weather, entity: airport, owner: a@example.org, features: [{name: temp, type: float64}]}
"""


class Machine(harness.Server):
    """`tokura up` on a machine of its own, with its tables in the bucket."""

    def __init__(self, directory, environment, root):
        os.makedirs(os.path.join(directory, 'tmp'))
        super().__init__(directory)
        self.root = root
        self.environment = {**environment, 'TMPDIR': os.path.join(directory, 'tmp')}
        self.definitions = os.path.join(directory, 'features.yaml')
        with open(self.definitions, 'w') as file:
            file.write(DEFINITIONS)

    def start(self):
        with unittest.mock.patch.dict(os.environ, self.environment):
            return super().start('--offline', self.root, '--compact-interval', '1h',
                                 '--definitions', self.definitions)

    def run(self, *arguments, code=0, stdin=None):
        result = harness.tokura(*arguments, '--endpoint', self.ready['router'], stdin=stdin,
                                environment=self.environment)
        assert result.returncode == code, result.stdout + result.stderr + self.log_text()
        return result.stdout

    def put(self, *temps, origin='JFK'):
        rows = [{'origin': origin, 'event_time': '2026-01-%02dT%02d:00:00Z' % (1 + i // 24, i % 24),
                 'temp': temp} for i, temp in enumerate(temps)]
        self.run('put', 'demo/weather', '-', '--format', 'jsonl',
                 stdin='\n'.join(map(json.dumps, rows)))

    def commit(self):
        self.run('wait', '--stores', 'offline')

    def incarnation(self):
        return json.loads(self.run('cluster', 'status', '--json'))['nodes'][0]['incarnation']

    def status(self):
        return json.loads(self.run('offline', 'status', '--json'))['groups'][0]


class ObjectStoreCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.store = ObjectStore()
        cls.addClassCleanup(cls.store.stop)

    def setUp(self):
        self.store.fault = lambda method, path: None
        self.bucket = self.id().rpartition('.')[2].replace('_', '-')[:60]
        self.store.make_bucket(self.bucket)
        self.root = 's3://%s/lake/one' % self.bucket

    def tearDown(self):
        self.assertEqual(self.store.wrong_signatures[:1], [])

    def machine(self):
        directory = tempfile.TemporaryDirectory(prefix='tokura-s3-')
        self.addCleanup(directory.cleanup)
        machine = Machine(os.path.join(directory.name, 'm'), self.store.environment(), self.root)
        self.addCleanup(lambda: machine.process.poll() is None and machine.stop())
        return machine.start()

    def table(self, machine):
        return StaticTable.from_metadata(machine.status()['metadata_location'],
                                         self.store.pyiceberg())

    def duckdb(self, machine):
        """Counts and sums by DuckDB."""
        with duckdb.connect() as duck:
            for name in ('avro', 'httpfs', 'iceberg'):
                [path] = [path for folder in duckdb_ext.__path__
                          for path in pathlib.Path(folder).rglob(name + '.duckdb_extension')]
                duck.execute("LOAD '%s'" % path)
            duck.execute(
                "CREATE SECRET (TYPE s3, KEY_ID '%s', SECRET '%s', SESSION_TOKEN '%s', REGION '%s', "
                "ENDPOINT '%s', URL_STYLE 'path', USE_SSL false)"
                % (CREDENTIALS.access_key, CREDENTIALS.secret_key, CREDENTIALS.token, REGION,
                   self.store.endpoint.removeprefix('http://')))
            return duck.execute("SELECT count(*), sum(temp) FROM iceberg_scan('%s')"
                                % machine.status()['location']).fetchall()

    def expect(self, machine, rows, temp_sum):
        self.assertEqual(self.duckdb(machine), [(rows, temp_sum)])
        arrow = self.table(machine).scan().to_arrow()
        self.assertEqual((arrow.num_rows, pc.sum(arrow['temp']).as_py()), (rows, temp_sum))
        self.assertEqual(machine.status()['rows'], rows)
        self.assertTrue(json.loads(machine.run('verify', '--json'))['equal'])

    def test_tables_live_in_a_bucket(self):
        machine = self.machine()
        machine.put(*range(50))
        machine.commit()
        location = machine.status()['location']
        self.assertEqual(location, self.root + '/demo/weather_v1')
        self.expect(machine, 50, sum(range(50)))
        for entry in self.table(machine).inspect.files().to_pylist():
            self.assertTrue(entry['file_path'].startswith(location + '/data/'), entry['file_path'])
        self.assertIn('50', machine.run('inspect', 'table', location))
        spine = os.path.join(machine.directory, 'spine.csv')
        with open(spine, 'w') as file:
            file.write('origin,event_time\nJFK,2026-01-01T03:30:00Z\n')
        out = os.path.join(machine.directory, 'train.csv')
        machine.run('training-set', 'build', '--spine', spine, '--features', 'demo/weather:temp',
                    '--out', out)
        with open(out) as file:
            self.assertEqual(file.read().splitlines()[1], 'JFK,2026-01-01T03:30:00Z,3')
        machine.put(99, 99, 99, 99)
        machine.commit()
        (built,) = json.loads(machine.run('training-set', 'list', '--json'))['training_sets']
        again = os.path.join(machine.directory, 'again.csv')
        machine.run('training-set', 'reproduce', built['id'], '--out', again)
        with open(out) as file, open(again) as same:
            self.assertEqual(file.read(), same.read())
        self.assertEqual(os.listdir(machine.directory + '/.tokura-building'), [])
        # Nothing lies about: no temporary objects in the bucket, no drafts on the machine.
        self.assertFalse([path for method, path in self.store.requests
                          if method != 'HEAD' and '.tmp' in path])
        self.assertEqual([name for name in os.listdir(machine.environment['TMPDIR'])
                          if 'draft' in name], [])

    def test_each_record_is_there_once_whatever_the_store_answers(self):
        machine = self.machine()
        rows = 0
        for fault in ('busy', 'cut', 'lost', 'late'):
            for kind in ('.metadata.json', '.parquet'):
                pending = [fault]
                self.store.fault = lambda method, path, kind=kind: (
                    pending.pop() if method == 'PUT' and path.endswith(kind) and pending else None)
                machine.put(1, 2, origin='%s%s' % (fault, kind))
                machine.commit()
                self.assertEqual(pending, [])
                rows += 2
        self.expect(machine, rows, rows / 2 * 3)

    def test_a_killed_compactor_goes_on_where_it_was(self):
        machine = self.machine()
        for kill_at in (1, 4, 6):
            puts = []

            def fault(method, path):
                if method != 'PUT':
                    return None
                puts.append(path)
                if len(puts) == kill_at:
                    machine.process.send_signal(signal.SIGKILL)
                return 'lost' if len(puts) >= kill_at else None

            machine.put(float(kill_at), origin='k%d' % kill_at)
            self.store.fault = fault
            harness.tokura('wait', '--stores', 'offline', '--timeout', '5s', '--endpoint',
                           machine.ready['router'])
            machine.stop(signal.SIGKILL)
            self.store.fault = lambda method, path: None
            machine.start()
            machine.commit()
        self.expect(machine, 3, 1 + 4 + 6)

    def test_two_machines_race_for_one_table(self):
        machines = [self.machine(), self.machine()]
        # Each node begins an incarnation named after the second it starts in; both are called n1.
        while len({machine.incarnation() for machine in machines}) < 2:
            machines[1].stop()
            machines[1].start()

        def write(number):
            for turn in range(4):
                machines[number].put(1.0, origin='m%d-%d' % (number, turn))
                machines[number].commit()

        threads = [threading.Thread(target=write, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for machine in machines:
            machine.put(1.0, origin='last')
            machine.commit()
        arrow = self.table(machines[1]).scan().to_arrow()
        self.assertEqual(arrow.num_rows, 10)
        self.assertEqual(len(set(arrow['_write_id'].to_pylist())), 10)

    def test_errors_say_what_to_do(self):
        for root, environment, part in (
                ('s3://no-such-bucket/x', {}, 'NoSuchBucket'),
                (self.root, {'AWS_SECRET_ACCESS_KEY': ''}, 'AWS_SECRET_ACCESS_KEY'),
                (self.root, {'AWS_ENDPOINT_URL': 'ftp://x'}, 'AWS_ENDPOINT_URL'),
                ('s3://', {}, 'no bucket'), ('gs://x/y', {}, "'gs://' is not supported")):
            with tempfile.TemporaryDirectory() as directory:
                result = harness.tokura('up', '--data-dir', directory + '/d', '--listen',
                                        '127.0.0.1:0', '--http', '127.0.0.1:0', '--offline', root,
                                        environment={**self.store.environment(), **environment})
            self.assertGreaterEqual(result.returncode, 2)
            self.assertIn(part, result.stderr)
            self.assertNotIn('secret/of+the=tests', result.stderr)


if __name__ == '__main__':
    harness.main()
