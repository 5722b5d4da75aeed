"""The history of a feature group: how it is read, and which of its records count from when."""

from __future__ import annotations

import functools

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from tokura_spark.groups import FeatureGroup

_ONLINE_ONLY, _OFFLINE_ONLY = 1, 2  # of _stores
_EARLIEST_US = -(2**62)  # before all times there are


def read_history(spark: SparkSession, offline: str, group: FeatureGroup,
                 snapshot_id: int | None = None) -> DataFrame:
    """The history of a group from the tables below `offline` ("/data/offline", "s3a://bucket/x"),
    as of a snapshot if one is named. A row is a change; docs/formats/data_file.md has the columns."""
    reader = spark.read.format("iceberg")
    if snapshot_id is not None:
        reader = reader.option("versionAsOf", snapshot_id)
    return reader.load(f"{offline}/{group.project}/{group.name}_v{group.version}")


def counting(history: DataFrame, group: FeatureGroup, mode: str, lag_us: int,
             span_us: tuple[int, int] | None) -> DataFrame:
    """The records that may count for a row whose time is in `span_us` (first and last, included);
    None: there is no such row. Iceberg passes over files by these conditions."""
    if span_us is None:
        return history.filter(F.lit(False))
    first_us, last_us = span_us
    conditions = [F.col("_stores") != (_OFFLINE_ONLY if mode == "served" else _ONLINE_ONLY)]
    if mode != "served":
        conditions.append(F.col("event_time") <= _timestamp(last_us))
    if mode != "event":
        conditions.append(F.col("write_time") <= _timestamp(last_us - lag_us))
    if group.ttl_us is not None:  # no value outlives it, whatever the TTL of feature or record
        conditions.append(F.col("event_time") > _timestamp(first_us - group.ttl_us))
    return history.filter(functools.reduce(lambda a, b: a & b, conditions))


def counts_from_us(mode: str, lag_us: int) -> Column:
    """The time from which a record counts, in µs."""
    event_us, write_us = F.unix_micros("event_time"), F.unix_micros("write_time")
    return {"event": event_us, "known": F.greatest(event_us, write_us + lag_us),
            "served": write_us}[mode]


def _timestamp(us: int) -> Column:
    return F.timestamp_micros(F.lit(max(us, _EARLIEST_US)))
