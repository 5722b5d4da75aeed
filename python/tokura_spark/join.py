"""The point-in-time join on Spark, with the semantics of `tokura training-set build`.

The plan, for each feature group: history and spine are put one after the other, each record at the
time from which it counts (its event time; in `known` also not before its write time + lag; in
`served` its write time). Rows of a key go to one task, sorted by that time, and a running maximum
passes over them, for each feature over its writes, by (event time, write id prefix, delete < NULL <
value, canonical bytes): the merge rule is a maximum, so the order in which records came does not
matter. Nothing is collected, no key is broadcast; memory does not grow with the history of a key.

    for each group:  shuffle by key -> sort by time -> running max per feature -> spine rows only
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from tokura_spark.canonical import record_digits, value_digits
from tokura_spark.groups import Feature, FeatureGroup, duration_us

_MODES = ("event", "known", "served")
_SPINE = "_tokura_spine"
_TIME = "_tokura_time"
_LONGEST = 2**63 - 1
_DELETE, _NULL, _VALUE = 0, 1, 2

_SPARK_TYPES = {"bool": "boolean", "int32": "int", "int64": "bigint", "float32": "float",
                "float64": "double", "string": "string", "bytes": "binary",
                "timestamp": "timestamp"}

Features = Sequence[tuple[FeatureGroup, "Sequence[str] | None"]]


def read_history(spark: SparkSession, offline: str, group: FeatureGroup,
                 snapshot_id: int | None = None) -> DataFrame:
    """The history of a group from the tables below `offline` ("/data/offline", "s3a://bucket/x"),
    as of a snapshot if one is named."""
    reader = spark.read.format("iceberg")
    if snapshot_id is not None:
        reader = reader.option("snapshot-id", snapshot_id)
    return reader.load(f"{offline}/{group.project}/{group.name}_v{group.version}")


def point_in_time(spine: DataFrame, features: Features,
                  tables: str | Mapping[str, DataFrame] | Callable[[FeatureGroup], DataFrame],
                  mode: str = "event", lag: str | datetime.timedelta | None = None,
                  time_column: str = "event_time") -> DataFrame:
    """The rows of `spine` with a column `group__feature` for each feature, as it was at their time.

    spine: has the key columns of all groups and a timestamp (or its microseconds) in `time_column`.
        A row with a null in a key or in the time keeps its place, without values.
    features: groups, and the names of their features, or None for all.
    tables: the folder of the tables, or their histories by reference ("flights/weather@1"), or a
        function from a group to its history.
    mode: "event", "known" (with `lag`, "6h" or a timedelta) or "served".

    ValueError names what does not fit. The order of rows is Spark's; nothing is computed before an
    action.
    """
    if mode not in _MODES:
        raise ValueError(f"mode '{mode}' is not one of {', '.join(_MODES)}")
    if lag is not None and mode != "known":
        raise ValueError("lag goes with mode 'known' only")
    lag_us = _lag_us(lag)
    _check_spine(spine, features, time_column)
    columns = _column_names(features)
    clashes = sorted(set(columns.values()) & set(spine.columns))
    if clashes:
        raise ValueError(f"the spine has columns named like features: {', '.join(clashes)}")

    # The spine's columns travel along, so that rows need no number to be found again.
    rows = spine.select(F.struct("*").alias(_SPINE))
    for group, names in features:
        chosen = group.select(names)
        history = _open(spine.sparkSession, tables, group)
        named = [(feature, columns[group.reference, feature.name]) for feature in chosen]
        rows = _join_group(rows, history, group, named, mode, lag_us, _micros(spine, time_column))
    return rows.select(f"{_SPINE}.*", *[name for name in rows.columns if name != _SPINE])


def _lag_us(lag: str | datetime.timedelta | None) -> int:
    if lag is None:
        return 0
    return duration_us(lag) if isinstance(lag, str) else lag // datetime.timedelta(microseconds=1)


def _open(spark: SparkSession, tables, group: FeatureGroup) -> DataFrame:
    if isinstance(tables, str):
        return read_history(spark, tables, group)
    return tables(group) if callable(tables) else tables[group.reference]


def _check_spine(spine: DataFrame, features: Features, time_column: str) -> None:
    needed = [time_column, *(key for group, _ in features for key in group.keys)]
    missing = [name for name in dict.fromkeys(needed) if name not in spine.columns]
    if missing:
        raise ValueError(f"the spine lacks {', '.join(missing)}; it has {', '.join(spine.columns)}")


def _column_names(features: Features) -> dict[tuple[str, str], str]:
    """As the training set names them: group__feature, with version or project where groups differ
    in nothing else."""
    groups = [group for group, _ in features]
    of_projects = len({group.project for group in groups}) > 1
    versions: dict[tuple[str, str], set[int]] = {}
    for group in groups:
        versions.setdefault((group.project, group.name), set()).add(group.version)
    names = {}
    for group, chosen in features:
        prefix = group.name
        if len(versions[group.project, group.name]) > 1:
            prefix += f"_v{group.version}"
        if of_projects:
            prefix = f"{group.project}__{prefix}"
        for feature in group.select(chosen):
            names[group.reference, feature.name] = f"{prefix}__{feature.name}"
    return names


def _micros(spine: DataFrame, column: str) -> Column:
    kind, value = spine.schema[column].dataType, F.col(_SPINE)[column]
    if isinstance(kind, T.TimestampNTZType):  # without a zone: UTC
        return F.unix_micros(F.convert_timezone(F.current_timezone(), F.lit("UTC"), value)
                             .cast("timestamp"))
    if isinstance(kind, T.TimestampType):
        return F.unix_micros(value)
    if isinstance(kind, (T.LongType, T.IntegerType)):
        return value.cast("long")
    raise ValueError(f"column {column} is {kind.simpleString()}; a time is a timestamp, or a "
                     "number of microseconds")


def _join_group(rows: DataFrame, history: DataFrame, group: FeatureGroup,
                named: list[tuple[Feature, str]], mode: str, lag_us: int,
                time_us: Column) -> DataFrame:
    """`rows` with a column more for each of the features."""
    key_names = [f"_tokura_key_{i}" for i in range(len(group.keys))]
    asking = rows.select(
        *[F.col(_SPINE)[key].cast(history.schema[key].dataType).alias(name)
          for key, name in zip(group.keys, key_names)],
        time_us.alias(_TIME), *rows.columns)
    complete = functools.reduce(lambda a, b: a & b,
                                [F.col(name).isNotNull() for name in [*key_names, _TIME]])
    writes = _writes(history, group, [feature for feature, _ in named], mode, lag_us, key_names)
    cells = [name for name in writes.columns if name.startswith("_cell_")]
    # At one time, records (which have no spine) come before the rows that ask.
    so_far = (Window.partitionBy(*key_names).orderBy(_TIME, F.col(_SPINE).isNotNull())
              .rowsBetween(Window.unboundedPreceding, Window.currentRow))
    answered = (writes.unionByName(asking.filter(complete), allowMissingColumns=True)
                .select(_TIME, *rows.columns, *[F.max(name).over(so_far).alias(name)
                                                for name in cells])
                .filter(F.col(_SPINE).isNotNull())
                .unionByName(asking.filter(~complete).drop(*key_names), allowMissingColumns=True))
    read = _read_record if group.by_record else _read_cell
    return answered.select(*rows.columns, *[
        _with_default(read(feature, group), feature).alias(name) for feature, name in named])


def _writes(history: DataFrame, group: FeatureGroup, features: list[Feature], mode: str,
            lag_us: int, key_names: list[str]) -> DataFrame:
    """Each record that counts, with the time from which it does, and what the maximum is over."""
    event_us, write_us = F.unix_micros("event_time"), F.unix_micros("write_time")
    times = {"event": event_us, "known": F.greatest(event_us, write_us + lag_us),
             "served": write_us}
    counted = history.filter(F.col("_stores") != (2 if mode == "served" else 1))
    prefix = F.substring(F.col("_write_id"), 1, 8)
    same_version = Window.partitionBy(*group.keys, "event_time", prefix)
    tied = F.count(F.lit(1)).over(same_version) > 1
    counted = counted.select("*", tied.alias("_tied"))
    ttl_rank = F.coalesce(F.col("_record_ttl"), F.lit(_LONGEST))
    deletes_row = F.col("_written").isNull()

    def version(kind: Column, digits: Column, *payload: Column) -> Column:
        return F.struct(event_us.alias("event_us"), prefix.alias("prefix"), kind.alias("kind"),
                        F.when(F.col("_tied"), digits).otherwise("").alias("digits"),
                        ttl_rank.alias("ttl_rank"), *payload)

    if group.by_record:
        kind = F.when(deletes_row, _DELETE).otherwise(_VALUE)
        digits = F.when(~deletes_row, record_digits(group.features, F.col("_written")))
        payload = [F.struct(F.col("_written").alias("written"),
                            *[F.col(feature.name) for feature in features]).alias("values")]
        cells = [version(kind, digits, *payload).alias("_cell_record")]
    else:
        cells = []
        for feature in features:
            value = F.col(feature.name)
            kind = (F.when(F.col("is_deleted"), _DELETE).when(value.isNull(), _NULL)
                    .otherwise(_VALUE))
            digits = F.when(kind == _VALUE, value_digits(value, feature.type))
            names_it = deletes_row | F.array_contains("_written", feature.id)
            cells.append(F.when(names_it, version(kind, digits, value.alias("value")))
                         .alias(f"_cell_{feature.name}"))
    keys = [F.col(key).alias(name) for key, name in zip(group.keys, key_names)]
    return counted.select(*keys, times[mode].alias(_TIME), *cells)


def _expired(cell: Column, feature: Feature, group: FeatureGroup) -> Column:
    """The record's TTL, else the feature's, else the group's; never more than the group's."""
    defined = feature.ttl_us if feature.ttl_us is not None else group.ttl_us
    ttl = F.when(cell["ttl_rank"] < _LONGEST, cell["ttl_rank"]).otherwise(
        F.lit(_LONGEST if defined is None else defined))
    if group.ttl_us is not None:
        ttl = F.least(ttl, F.lit(group.ttl_us))
    # Without overflow: expires_at <= t.
    return (ttl < _LONGEST) & (F.col(_TIME) - cell["event_us"] >= ttl)


def _read_cell(feature: Feature, group: FeatureGroup) -> tuple[Column, Column]:
    """The value, and whether there is one (NULL is one)."""
    cell = F.col(f"_cell_{feature.name}")
    there = cell.isNotNull() & (cell["kind"] != _DELETE) & ~_expired(cell, feature, group)
    return cell["value"], there


def _read_record(feature: Feature, group: FeatureGroup) -> tuple[Column, Column]:
    cell = F.col("_cell_record")
    there = (cell.isNotNull() & (cell["kind"] != _DELETE) & ~_expired(cell, feature, group) &
             F.array_contains(cell["values"]["written"], feature.id))
    return cell["values"][feature.name], there


def _with_default(read: tuple[Column, Column], feature: Feature) -> Column:
    value, there = read
    default = F.lit(None)
    if feature.default is not None:
        default = (F.array(*map(F.lit, feature.default)) if isinstance(feature.default, list)
                   else F.lit(feature.default)).cast(_spark_type(feature.type))
    return F.when(F.coalesce(there, F.lit(False)), value).otherwise(default)


def _spark_type(type_name: str) -> str:
    if type_name.startswith(("list<", "vector<")):
        element = type_name[type_name.index("<") + 1:].rstrip(">").split(",")[0]
        return f"array<{_SPARK_TYPES[element]}>"
    return _SPARK_TYPES[type_name]
