"""Cells: what the merge rule compares of a record, and what the winner says at a time."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from tokura_spark.canonical import record_digits, value_digits
from tokura_spark.groups import Feature, FeatureGroup

_LONGEST_US = 2**63 - 1  # a TTL that never ends
_DELETE, _NULL, _VALUE = 0, 1, 2  # of equal versions the greatest wins


def record(group: FeatureGroup, features: Sequence[Feature]) -> Column:
    """What `cells` takes of a row of the history, as a struct."""
    compared = group.features if group.by_record else features
    return F.struct(F.unix_micros("event_time").alias("event_us"),
                    F.substring("_write_id", 1, 8).alias("prefix"), "is_deleted",
                    F.col("_written").alias("written"),
                    F.coalesce("_record_ttl", F.lit(_LONGEST_US)).alias("ttl_rank"),
                    F.struct(*[F.col(feature.name) for feature in compared]).alias("values"))


def cells(of: Column, tied: Column, group: FeatureGroup,
          features: Sequence[Feature]) -> list[Column]:
    """Of a record a struct for each feature that it names, null for the others; where the group
    merges by record, one for all features. The maximum of such structs is what the merge rule takes.

    tied: whether another record has the same key, event time and write id prefix. Only then are
        canonical bytes computed.
    """

    def version(kind: Column, digits: Column, *payload: Column) -> Column:
        return F.struct(of["event_us"], of["prefix"], kind.alias("kind"),
                        F.when(tied, digits).otherwise("").alias("digits"), of["ttl_rank"],
                        *payload)

    if group.by_record:
        kind = F.when(of["written"].isNull(), _DELETE).otherwise(_VALUE)
        digits = F.when(kind == _VALUE, record_digits(group.features, of["values"], of["written"]))
        values = F.struct(*[of["values"][feature.name].alias(feature.name) for feature in features])
        return [F.when(of.isNotNull(), version(kind, digits, of["written"], values.alias("values")))]

    def cell(feature: Feature) -> Column:
        value = of["values"][feature.name]
        kind = F.when(of["is_deleted"], _DELETE).when(value.isNull(), _NULL).otherwise(_VALUE)
        digits = F.when(kind == _VALUE, value_digits(value, feature.type))
        names_it = of["written"].isNull() | F.array_contains(of["written"], feature.id)
        return F.when(of.isNotNull() & names_it, version(kind, digits, value.alias("value")))

    return [cell(feature) for feature in features]


def value_at(cell: Column, time_us: Column, group: FeatureGroup, feature: Feature) -> Column:
    """What the winner says of a feature at a time: its value, which may be NULL, or, where it
    deletes, has expired or is not there, the default."""
    there = (cell.isNotNull() & (cell["kind"] != _DELETE) &
             ~_expired(cell, time_us, group, feature))
    if group.by_record:
        there &= F.array_contains(cell["written"], feature.id)
    value = cell["values"][feature.name] if group.by_record else cell["value"]
    value = value.cast(feature.spark_type)  # the table may be older than a wider type
    return F.when(F.coalesce(there, F.lit(False)), value).otherwise(_default(feature))


def _expired(cell: Column, time_us: Column, group: FeatureGroup, feature: Feature) -> Column:
    """By the record's TTL, else the feature's, else the group's; never more than the group's."""
    defined_us = feature.ttl_us if feature.ttl_us is not None else group.ttl_us
    ttl_us = F.when(cell["ttl_rank"] < _LONGEST_US, cell["ttl_rank"]).otherwise(
        F.lit(_LONGEST_US if defined_us is None else defined_us))
    if group.ttl_us is not None:
        ttl_us = F.least(ttl_us, F.lit(group.ttl_us))
    # Without overflow: expires_at <= time.
    return (ttl_us < _LONGEST_US) & (time_us - cell["event_us"] >= ttl_us)


def _default(feature: Feature) -> Column:
    if feature.default is None:
        return F.lit(None)
    default = (F.array(*map(F.lit, feature.default)) if isinstance(feature.default, list)
               else F.lit(feature.default))
    return default.cast(feature.spark_type)
