"""What the tests of offline tables share: a server whose tables they read, and DuckDB with Iceberg."""

import datetime
import json
import os
import pathlib
import sys

import duckdb
import duckdb_ext
from pyiceberg.table import StaticTable

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
import harness

UTC = datetime.timezone.utc

FEATURES = {
    'temp': 'float64', 'humidity': 'float32', 'flights': 'int32', 'sky': 'string', 'raw': 'bytes',
    'open': 'bool', 'seen': 'timestamp', 'tags': 'list<string>', 'gusts': 'list<float64>',
    'embedding': '"vector<float32, 4>"'}


def definitions(features, partition=''):
    return '\n'.join([
        'project: demo',
        'entities: [{name: airport, keys: [{name: origin, type: string}]}]',
        'feature_groups:',
        '  - name: weather', '    entity: airport', '    owner: a@example.org', partition,
        '    features:'] + ['      - {name: %s, type: %s}' % item for item in features.items()])


def at(day, hour=0):
    return datetime.datetime(2026, 1, day, hour, tzinfo=UTC)


class Store(harness.Server):
    """`tokura up` that commits when told to."""

    def __init__(self, directory):
        super().__init__(directory)
        self.folder = os.path.join(self.data, 'offline/demo/weather_v1')

    def run(self, *arguments, stdin=None):
        result = harness.tokura(*arguments, '--endpoint', self.ready['router'], stdin=stdin)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def apply(self, text):
        path = os.path.join(self.directory, 'features.yaml')
        with open(path, 'w') as file:
            file.write(text)
        self.run('apply', path, '--allow-destroy')

    def put(self, *rows):
        spelled = [{**row, 'event_time': row['event_time'].isoformat()} for row in rows]
        self.run('put', 'demo/weather', '-', '--format', 'jsonl',
                 stdin='\n'.join(json.dumps(row) for row in spelled))

    def commit(self):
        self.run('wait', '--stores', 'offline')

    def metadata(self):
        """The newest metadata file, as the status tells it."""
        status = json.loads(self.run('offline', 'status', '--json'))
        location = status['groups'][0]['metadata_location']
        assert location.startswith('file:///'), location
        return location.removeprefix('file://')

    def iceberg(self):
        """The table as PyIceberg reads it."""
        return StaticTable.from_metadata(self.metadata())


def duckdb_with_iceberg():
    """A connection; the extensions are those of packages, so nothing is downloaded."""
    duck = duckdb.connect()
    duck.execute("SET TimeZone = 'UTC'")
    for name in ('avro', 'iceberg'):
        found = [path for folder in duckdb_ext.__path__
                 for path in pathlib.Path(folder).rglob(name + '.duckdb_extension')]
        duck.execute("LOAD '%s'" % found[0])
    return duck
