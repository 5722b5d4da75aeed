#!/usr/bin/env python3
"""docs/lakehouse.md as people follow it: blocks that begin with ```sh test, ```sql test (DuckDB)
and ```python test.

  lakehouse_test.py --bin build/release/bin
"""

import pathlib

import duckdb
import duckdb_ext

from recipes import Recipes, harness


def extension(name):
    return next(path for folder in duckdb_ext.__path__
                for path in pathlib.Path(folder).rglob(name + '.duckdb_extension'))


class Lakehouse(Recipes):
    def setUp(self):
        super().setUp()
        self.duck = duckdb.connect()
        self.addCleanup(self.duck.close)

    def run_sql(self, text):
        # Extensions are here without a download.
        loads = ' '.join("LOAD '%s';" % extension(name) for name in ('avro', 'iceberg'))
        rows = self.duck.execute(text.replace('INSTALL iceberg; LOAD iceberg;', loads)).fetchall()
        return ''.join('%s\n' % (row,) for row in rows)

    def test_recipes(self):
        ran = self.follow('docs/lakehouse.md', {
            'sh test': self.run_sh, 'sql test': self.run_sql, 'python test': self.run_python},
            'text output')
        self.assertGreater(ran, 8)


del Recipes  # it is no test of its own

if __name__ == '__main__':
    harness.main()
