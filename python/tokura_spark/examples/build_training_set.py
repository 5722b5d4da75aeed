#!/usr/bin/env python3
"""A training set by Spark, as a job.

  tokura describe flights/weather --json > weather.json
  spark-submit --packages org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0 --py-files tokura_spark.zip \\
    build_training_set.py --spine labels.parquet --group weather.json:temp,visib \\
    --offline file:///var/lib/tokura/offline --out train [--mode known --lag 6h]

python/README.md runs it from the first record to the finished file.
"""

from __future__ import annotations

import argparse
import pathlib
import sys

from pyspark.sql import SparkSession

from tokura_spark import FeatureGroup, point_in_time


def feature_list(argument: str) -> tuple[FeatureGroup, list[str] | None]:
    path, _, names = argument.partition(":")
    group = FeatureGroup.from_json(pathlib.Path(path).read_text())
    return group, names.split(",") if names else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spine", required=True, help="Parquet: keys, a time, and what is to be kept")
    parser.add_argument("--group", required=True, action="append", metavar="FILE[:FEATURE,...]",
                        help="what `tokura describe --json` prints")
    parser.add_argument("--offline", required=True, help="the folder of the offline tables")
    parser.add_argument("--out", required=True, help="a folder for Parquet files")
    parser.add_argument("--mode", default="event", choices=["event", "known", "served"])
    parser.add_argument("--lag", help="with --mode known: 6h, 2d")
    parser.add_argument("--time-column", default="event_time")
    arguments = parser.parse_args()
    spark = SparkSession.builder.appName("tokura training set").getOrCreate()
    # Spark's default, INT96, loses the zone: other readers would not know that times are UTC.
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    try:
        joined = point_in_time(spark.read.parquet(arguments.spine),
                               [feature_list(group) for group in arguments.group],
                               arguments.offline, mode=arguments.mode, lag=arguments.lag,
                               time_column=arguments.time_column)
    except (OSError, ValueError) as error:
        sys.exit(f"build_training_set: {error}")
    joined.write.parquet(arguments.out)


if __name__ == "__main__":
    main()
