"""A Spark in this process, with Iceberg, for the tests of this folder."""

import glob
import os
import sys
import warnings

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
for folder in ('python', 'tests/cli', 'tests/docs', 'tests/lakehouse'):
    sys.path.insert(0, os.path.join(ROOT, folder))

ICEBERG = 'org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0'  # as ops/setup.sh fetches it
SKIPPED = 77  # what ctest takes for "skipped"


def require_spark():
    """Ends the program, as skipped, where Spark was not asked for."""
    if not os.environ.get('TOKURA_SPARK'):
        print('skipped: Spark is large; run ops/test.sh --spark')
        sys.exit(SKIPPED)


    for home in glob.glob('/usr/lib/jvm/java-17-openjdk-*'):
        os.environ.setdefault('JAVA_HOME', home)
    os.environ['SPARK_LOCAL_IP'] = '127.0.0.1'


def iceberg_jar():
    _, name, version = ICEBERG.split(':')
    jar = os.path.join(ROOT, 'build/spark', '%s-%s.jar' % (name, version))
    assert os.path.exists(jar), 'ops/setup.sh --spark fetches Iceberg for Spark'
    return jar


def session(warehouse):
    """Spark with a Hadoop catalog `lake` on the folder `warehouse`."""
    from pyspark.sql import SparkSession
    # Spark leaves its sockets to the garbage collector.
    warnings.simplefilter('ignore', ResourceWarning)
    settings = {
        'spark.jars': iceberg_jar(),
        'spark.ui.enabled': 'false',
        'spark.ui.showConsoleProgress': 'false',
        'spark.sql.session.timeZone': 'America/New_York',  # of no influence, which is the point
        'spark.sql.shuffle.partitions': '3',
        'spark.sql.catalog.lake': 'org.apache.iceberg.spark.SparkCatalog',
        'spark.sql.catalog.lake.type': 'hadoop',
        'spark.sql.catalog.lake.warehouse': warehouse,
        'spark.sql.catalog.lake.cache-enabled': 'false',
    }
    builder = SparkSession.builder.master('local[2]')
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel('ERROR')
    return spark
