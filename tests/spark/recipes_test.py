#!/usr/bin/env python3
"""The pages that speak of Spark as people follow them: docs/lakehouse.md, where blocks begin with
```python spark and ```sql spark, and python/README.md to the end of the job that it submits.

  TOKURA_SPARK=1 recipes_test.py --bin build/release/bin
"""

import spark_case

if __name__ == '__main__':
    spark_case.require_spark()

from recipes import Recipes, harness


class Pages(Recipes):
    def test_tables(self):
        spark = spark_case.session(self.server.data + '/offline')
        self.addCleanup(spark.stop)
        self.names['spark'] = spark

        def run_sql(text):
            rows = [row for query in text.split(';\n') if query for row in spark.sql(query).collect()]
            return ''.join('%s\n' % (tuple(row),) for row in rows)

        ran = self.follow('docs/lakehouse.md', {
            'sh test': self.run_sh, 'sql spark': run_sql, 'python spark': self.run_python},
            'text spark output')
        self.assertGreaterEqual(ran, 4)

    def test_job(self):
        def run_sh(text):
            # What --packages would download is here.
            return self.run_sh(text.replace('--packages ' + spark_case.ICEBERG,
                                            '--jars ' + spark_case.iceberg_jar()))

        ran = self.follow('python/README.md', {'sh spark': run_sh}, 'text spark output')
        self.assertGreaterEqual(ran, 3)


del Recipes  # it is no test of its own

if __name__ == '__main__':
    harness.main()
