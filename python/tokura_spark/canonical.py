"""Canonical bytes of values (docs/formats/record.md) as Spark expressions, in hexadecimal digits:
of two writes with equal event time and equal write id prefix, these decide. Ties are rare, so the
expressions are made to be right, and evaluated for ties only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from tokura_spark.groups import Feature

_VARINT_BYTES_MAX = 10


def _byte(value: Column) -> Column:
    return F.lpad(F.hex(value), 2, "0")


def varint(value: Column) -> Column:
    """LEB128 of a long, taken as unsigned."""
    parts = []
    for i in range(_VARINT_BYTES_MAX):
        rest = F.shiftrightunsigned(value, 7 * i)
        after = F.shiftrightunsigned(value, 7 * (i + 1)) if i < 9 else F.lit(0).cast("long")
        group = rest.bitwiseAND(F.lit(0x7F).cast("long"))
        part = _byte(F.when(after != 0, group + 0x80).otherwise(group))
        parts.append(part if i == 0 else F.when(rest != 0, part))
    return F.concat_ws("", *parts)


def _zigzag(value: Column) -> Column:
    return F.shiftleft(value, 1).bitwiseXOR(F.shiftright(value, 63))


def _little_endian(bits: Column, size: int) -> Column:
    digits = F.lpad(F.hex(bits), 16, "0")
    return F.concat(*[F.substring(digits, 15 - 2 * i, 2) for i in range(size)])


def _bits(java_class: str, method: str, value: Column) -> Column:
    """The bits of a float, from the Java library: Spark has no function for them."""
    return F.call_function("java_method", F.lit(f"java.lang.{java_class}"), F.lit(method),
                           value).cast("long")


def _narrow_bytes(value: Column) -> Column:
    given = F.coalesce(value.cast("float"), F.lit(0.0).cast("float"))  # Java takes no null
    return _little_endian(_bits("Float", "floatToIntBits", given), 4)


def _float(value: Column) -> Column:
    """4 bytes where they hold the number exactly, else 8."""
    exact = F.isnan(value) | (value.cast("float").cast("double") == value.cast("double"))
    given = F.coalesce(value.cast("double"), F.lit(0.0))
    wide = _little_endian(_bits("Double", "doubleToLongBits", given), 8)
    return F.when(exact, F.concat(F.lit("05"), _narrow_bytes(value))).otherwise(
        F.concat(F.lit("06"), wide))


def value_digits(value: Column, type_name: str) -> Column:
    """The digits of a value that is not null."""
    inside = re.fullmatch(r"(list|vector)<(\w+).*>", type_name)
    if inside is not None:
        count = varint(F.size(value).cast("long"))
        element = _narrow_bytes if inside[1] == "vector" else lambda x: value_digits(x, inside[2])
        tag = "0A" if inside[1] == "vector" else "0B"
        return F.concat(F.lit(tag), count, F.array_join(F.transform(value, element), ""))
    if type_name == "bool":
        return F.when(value, F.lit("03")).otherwise(F.lit("02"))
    if type_name in ("int32", "int64"):
        return F.concat(F.lit("04"), varint(_zigzag(value.cast("long"))))
    if type_name in ("float32", "float64"):
        return _float(value)
    if type_name == "timestamp":
        return F.concat(F.lit("09"), varint(_zigzag(F.unix_micros(value))))
    tag = "07" if type_name == "string" else "08"
    return F.concat(F.lit(tag), varint(F.octet_length(value).cast("long")), F.hex(value))


def record_digits(features: Sequence[Feature], values: Column, written: Column) -> Column:
    """The digits of the cells of a record: how many, then each feature id, as the difference to the
    one before, and its value. Features that were dropped count as NULL: Spark does not see them.

    values: a struct that has all `features`.
    written: the ids of the features that the record names.
    """
    digits_of = F.create_map(*[part for feature in features for part in (
        F.lit(feature.id),
        F.when(values[feature.name].isNull(), "01")
        .otherwise(value_digits(values[feature.name], feature.type)))])
    start = F.struct(F.lit(0).alias("id"), F.lit("").alias("digits"))
    cells = F.aggregate(
        F.array_sort(written), start,
        lambda done, feature: F.struct(
            feature.alias("id"),
            F.concat(done["digits"], varint((feature - done["id"]).cast("long")),
                     F.coalesce(digits_of[feature], F.lit("01"))).alias("digits")))
    return F.concat(varint(F.size(written).cast("long")), cells["digits"])
