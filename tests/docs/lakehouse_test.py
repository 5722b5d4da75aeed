#!/usr/bin/env python3
"""docs/lakehouse.md as people follow it: blocks that begin with ```sh test, ```sql test (DuckDB)
and ```python test run in the order of the page; ```text output is what the block before gives.

  lakehouse_test.py --bin build/release/bin
"""

import contextlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import duckdb
import duckdb_ext

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'cli'))
import harness

ROOT = pathlib.Path(__file__).resolve().parents[2]


def extension(name):
    return next(path for folder in duckdb_ext.__path__
                for path in pathlib.Path(folder).rglob(name + '.duckdb_extension'))


class Lakehouse(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix='tokura-docs-')
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        os.symlink(ROOT / 'docs', os.path.join(self.directory, 'docs'))
        self.server = harness.Server(self.directory).start('--compact-interval', '1h')
        self.addCleanup(self.server.stop)
        self.duck = duckdb.connect()
        self.addCleanup(self.duck.close)
        self.names = {}

    def filled_in(self, text):
        """The places that the page leaves open, and extensions that are here without a download."""
        loads = ' '.join("LOAD '%s';" % extension(name) for name in ('avro', 'iceberg'))
        text = text.replace('INSTALL iceberg; LOAD iceberg;', loads)
        if 'METADATA' in text:
            status = harness.tokura('offline', 'status', '--json', '--endpoint',
                                    self.server.ready['router']).stdout
            text = text.replace('METADATA', json.loads(status)['groups'][0]['metadata_location'])
        return text.replace('OFFLINE', self.server.data + '/offline')

    def run_sh(self, text):
        done = subprocess.run(
            ['bash', '-euo', 'pipefail', '-c', text], cwd=self.directory, capture_output=True,
            text=True, timeout=60, env={**os.environ, 'PATH': harness.BIN + os.pathsep + os.environ['PATH'],
                             'TOKURA_ENDPOINT': self.server.ready['router']})
        self.assertEqual(done.returncode, 0, text + done.stdout + done.stderr)
        return done.stdout

    def run_sql(self, text):
        rows = self.duck.execute(text).fetchall()
        return ''.join('%s\n' % (row,) for row in rows)

    def run_python(self, text):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(text, 'docs/lakehouse.md', 'exec'), self.names)
        return out.getvalue()

    def test_recipes(self):
        page = (ROOT / 'docs/lakehouse.md').read_text()
        run = {'sh test': self.run_sh, 'sql test': self.run_sql, 'python test': self.run_python}
        out, tested = '', 0
        for kind, text in re.findall(r'^```([^\n]*)\n(.*?)^```$', page, re.MULTILINE | re.DOTALL):
            if kind in run:
                out = run[kind](self.filled_in(text))
                tested += 1
            elif kind == 'text output':
                self.assertEqual(out, text)
        self.assertGreater(tested, 8)


if __name__ == '__main__':
    harness.main()
