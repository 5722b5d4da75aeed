"""What the join takes from a spine: times in µs, and keys in a form in which equal ones are equal."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

_DAY_US = 86_400_000_000
_INTEGERS = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)


def check_columns(spine: DataFrame, needed: Sequence[str]) -> None:
    """ValueError names those of the columns `needed` that the spine lacks."""
    missing = [name for name in dict.fromkeys(needed) if name not in spine.columns]
    if missing:
        raise ValueError(f"the spine lacks {', '.join(missing)}; it has {', '.join(spine.columns)}")


def micros(value: Column, kind: T.DataType, name: str) -> Column:
    """Microseconds since 1970 of a column `name` of timestamps, dates or such microseconds. Without
    a zone times are UTC, whatever the session's zone. ValueError: it is none of these."""
    if isinstance(kind, T.TimestampType):
        return F.unix_micros(value)
    if isinstance(kind, T.TimestampNTZType):
        # Its text, for a cast from one type to the other goes by the session's zone, which has hours
        # that are there twice.
        return F.unix_micros(F.concat(value.cast("string"), F.lit("Z")).cast("timestamp"))
    if isinstance(kind, T.DateType):
        return F.unix_date(value).cast("long") * _DAY_US
    if isinstance(kind, _INTEGERS):
        return value.cast("long")
    raise ValueError(f"column {name} is {kind.simpleString()}; a time is a timestamp, a date or a "
                     "number of microseconds")


def key_value(value: Column, kind: T.DataType, wanted: T.DataType, name: str) -> Column:
    """A key column `name` of the type `kind`, to be compared with one whose history has the type
    `wanted`. Integers of all widths compare as such, so that none wraps around. ValueError: the two
    have no values in common."""
    if isinstance(kind, T.NullType):
        return value.cast(wanted if not isinstance(wanted, (*_INTEGERS, T.TimestampType)) else "long")
    if isinstance(wanted, T.TimestampType):
        return micros(value, kind, name)
    if isinstance(wanted, _INTEGERS) and isinstance(kind, _INTEGERS):
        return value.cast("long")
    if isinstance(kind, type(wanted)):
        return value
    raise ValueError(f"column {name} is {kind.simpleString()}; the key is {wanted.simpleString()}")
