"""The point-in-time join on Spark, with the semantics of `tokura training-set build`.

For each feature group, history and spine are put one after the other, each record at the time from
which it counts: its event time; in `known` not before its write time + lag; in `served` its write
time. Rows of a key go to one task, sorted by that time, and a running maximum passes over them, for
each feature over its writes, by (event time, write id prefix, delete < NULL < value, canonical
bytes): the merge rule is a maximum, so the order in which records came does not matter.

    for each group: shuffle by key -> sort by time -> running max per feature -> rows of the spine

No row is collected and no key is broadcast; sorts and windows spill, so memory does not grow with
the history of a key. Groups with the same keys do not share a pass: each row would carry the cells of
all of them, and the work would grow with their square.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from tokura_spark.cells import cells, record, value_at
from tokura_spark.groups import Feature, FeatureGroup, duration_us
from tokura_spark.history import counting, counts_from_us, read_history
from tokura_spark.spine import check_columns, key_value, micros

_MODES = ("event", "known", "served")

# Columns while spine and histories lie one after the other. The spine's own travel along in _SPINE,
# so that its rows need no number to be found again.
_SPINE = "_tokura_spine"
_TIME = "_tokura_time"  # µs: the time that is asked for, or from which a record counts
_ASKS = "_tokura_asks"  # whether this is a row of the spine
_RECORD = "_tokura_record"
_VERSION = "_tokura_version"  # of a record: event time, write id prefix
_TIED = "_tokura_tied"  # whether another record of the key has the same version
_APART = "_tokura_apart"  # not null for rows that ask for nothing, so that they meet no record

Features = Sequence[tuple[FeatureGroup, "Sequence[str] | None"]]


@dataclasses.dataclass(frozen=True)
class _Part:
    """What one group brings to a join."""
    group: FeatureGroup
    history: DataFrame
    columns: list[str]  # of the training set
    features: list[Feature]
    spine_keys: list[Column]


def point_in_time(spine: DataFrame, features: Features,
                  tables: str | Mapping[str, DataFrame] | Callable[[FeatureGroup], DataFrame],
                  mode: str = "event", lag: str | datetime.timedelta | None = None,
                  time_column: str = "event_time") -> DataFrame:
    """The rows of `spine` with a column `group__feature` for each feature, as it was at their time.

    spine: has the key columns of all groups, and in `time_column` timestamps (without a zone: UTC),
        dates or microseconds since 1970. A row with a null in a key or in the time keeps its place,
        without values. Keys and times must be the same each time that Spark evaluates them.
    features: groups, each once, and the names of their features, or None for all.
    tables: the folder of the tables, or their histories by reference ("flights/weather@1"), or a
        function from a group to its history.
    mode: "event", "known" (with `lag`, "6h" or a timedelta) or "served".

    Columns are those of the spine, then the features in the order asked; the order of the rows is
    Spark's. ValueError says what does not fit, before anything runs. One small job runs at once: it
    finds the first and last time of the spine, so that files that no row can see are passed over.
    All else waits for an action.
    """
    if mode not in _MODES:
        raise ValueError(f"mode '{mode}' is not one of {', '.join(_MODES)}")
    if lag is not None and mode != "known":
        raise ValueError("lag goes with mode 'known' only")
    lag_us = _lag_us(lag)
    check_columns(spine, [time_column, *(key for group, _ in features for key in group.keys)])
    parts = _parts(spine, features, tables)
    names = [name for part in parts for name in part.columns]
    clashes = sorted(set(names) & set(spine.columns))
    if clashes:
        raise ValueError(f"the spine has columns named like features: {', '.join(clashes)}")
    time_us = micros(F.col(_SPINE)[time_column], spine.schema[time_column].dataType, time_column)

    rows = spine.select(F.struct("*").alias(_SPINE))
    first_us, last_us = rows.agg(F.min(time_us), F.max(time_us)).first()
    span_us = None if first_us is None else (first_us, last_us)
    for part in parts:
        history = counting(part.history, part.group, mode, lag_us, span_us)
        rows = _join(rows, time_us, dataclasses.replace(part, history=history), mode, lag_us)
    return rows.select(f"{_SPINE}.*", *names)


def _lag_us(lag: str | datetime.timedelta | None) -> int:
    if lag is None:
        return 0
    lag_us = duration_us(lag) if isinstance(lag, str) else lag // datetime.timedelta(microseconds=1)
    if lag_us < 0:
        raise ValueError("a lag is not negative")
    return lag_us


def _parts(spine: DataFrame, features: Features, tables) -> list[_Part]:
    """Columns are named as in the training set: group__feature, with version or project where groups
    differ in nothing else."""
    groups = [group for group, _ in features]
    references = [group.reference for group in groups]
    twice = sorted({reference for reference in references if references.count(reference) > 1})
    if twice or not groups:
        raise ValueError(f"{', '.join(twice)} is named twice" if twice else "no group is named")
    of_projects = len({group.project for group in groups}) > 1
    names = [(group.project, group.name) for group in groups]
    parts = []
    for group, chosen in features:
        prefix = f"{group.project}__{group.name}" if of_projects else group.name
        if names.count((group.project, group.name)) > 1:
            prefix += f"_v{group.version}"
        chosen = group.select(chosen)
        history = _open(spine, tables, group)
        keys = [key_value(F.col(_SPINE)[key], spine.schema[key].dataType,
                          history.schema[key].dataType, key) for key in group.keys]
        parts.append(_Part(group, history, [f"{prefix}__{feature.name}" for feature in chosen],
                           chosen, keys))
    return parts


def _open(spine: DataFrame, tables, group: FeatureGroup) -> DataFrame:
    if isinstance(tables, str):
        return read_history(spine.sparkSession, tables, group)
    return tables(group) if callable(tables) else tables[group.reference]


def _join(rows: DataFrame, time_us: Column, part: _Part, mode: str, lag_us: int) -> DataFrame:
    """`rows` with a column more for each feature of a group."""
    keys = [f"_tokura_key_{i}" for i in range(len(part.spine_keys))]
    asking = rows.select(*[value.alias(key) for key, value in zip(keys, part.spine_keys)],
                         time_us.alias(_TIME), F.lit(True).alias(_ASKS), *rows.columns)
    whole = functools.reduce(lambda a, b: a & b,
                             [F.col(name).isNotNull() for name in [*keys, _TIME]])
    asking = asking.withColumn(_APART, F.when(~whole, F.xxhash64(_TIME, *keys)))
    both = asking.unionByName(_records(part, keys, mode, lag_us), allowMissingColumns=True)

    # At one time records come before the rows that ask, and those of one version side by side: in
    # mode `event` one sort does for both windows.
    of_key = Window.partitionBy(*keys, _APART)
    in_time = of_key.orderBy(_TIME, _ASKS, _VERSION)
    by_version = in_time if mode == "event" else of_key.orderBy(_VERSION)
    same = [F.coalesce(beside(_VERSION).over(by_version) == F.col(_VERSION), F.lit(False))
            for beside in (F.lag, F.lead)]
    both = both.withColumn(_TIED, same[0] | same[1])
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    winners = [F.max(cell).over(so_far).alias(f"_tokura_cell_{i}") for i, cell in enumerate(
        cells(F.col(_RECORD), F.col(_TIED), part.group, part.features))]
    values = []
    for i, (feature, name) in enumerate(zip(part.features, part.columns)):
        winner = F.col(f"_tokura_cell_{0 if part.group.by_record else i}")
        values.append(value_at(winner, F.col(_TIME), part.group, feature).alias(name))
    return (both.select(_TIME, _ASKS, *rows.columns, *winners).filter(_ASKS)
            .select(*rows.columns, *values))


def _records(part: _Part, keys: list[str], mode: str, lag_us: int) -> DataFrame:
    """Of the history of a group what goes into the shuffle. A feature that the table has no column
    for, as it is older than the feature, was never written."""
    lacking = {feature.name: F.lit(None).cast(feature.spark_type)
               for feature in part.group.features if feature.name not in part.history.columns}
    kinds = [part.history.schema[column].dataType for column in part.group.keys]
    return part.history.withColumns(lacking).select(
        *[key_value(F.col(column), kind, kind, column).alias(key)
          for key, column, kind in zip(keys, part.group.keys, kinds)],
        counts_from_us(mode, lag_us).alias(_TIME), F.lit(False).alias(_ASKS),
        record(part.group, part.features).alias(_RECORD)).withColumn(
            _VERSION, F.struct(F.col(_RECORD)["event_us"], F.col(_RECORD)["prefix"]))
