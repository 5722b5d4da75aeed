"""What Spark has to know of a feature group, from `tokura describe PROJECT/GROUP --json`."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
import math
import re
from typing import Any

_UNITS_US = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000,
             "d": 86_400_000_000}
_SPARK_TYPES = {"bool": "boolean", "int32": "int", "int64": "bigint", "float32": "float",
                "float64": "double", "string": "string", "bytes": "binary",
                "timestamp": "timestamp"}


def duration_us(text: str) -> int:
    """Microseconds of a duration as definitions spell it: "90s", "6h", "30d"."""
    match = re.fullmatch(r"(\d+)(us|ms|s|m|h|d)", text)
    if match is None:
        raise ValueError(f"'{text}' is no duration; write 90s, 6h or 30d")
    return int(match[1]) * _UNITS_US[match[2]]


@dataclasses.dataclass(frozen=True)
class Feature:
    name: str
    type: str  # "float64", "list<string>", "vector<float32, 8>"
    id: int
    ttl_us: int | None
    default: Any  # of the Python type that Spark takes; None: no default

    @property
    def spark_type(self) -> str:
        """As SQL spells it: "double", "array<string>"."""
        inside = re.fullmatch(r"(?:list|vector)<(\w+).*>", self.type)
        return f"array<{_SPARK_TYPES[inside[1]]}>" if inside else _SPARK_TYPES[self.type]


@dataclasses.dataclass(frozen=True)
class FeatureGroup:
    project: str
    name: str
    version: int
    keys: tuple[str, ...]
    ttl_us: int | None
    by_record: bool  # merge: record
    features: tuple[Feature, ...]

    @property
    def reference(self) -> str:
        return f"{self.project}/{self.name}@{self.version}"

    @staticmethod
    def from_json(described: str | dict) -> "FeatureGroup":
        """Of the object that `tokura describe PROJECT/GROUP --json` prints."""
        if isinstance(described, str):
            described = json.loads(described)
        if described.get("kind") != "feature_group":
            raise ValueError("not a feature group: give what "
                             "'tokura describe PROJECT/GROUP --json' prints")
        reference = re.fullmatch(r"(\w+)/(\w+)@(\d+)", described["name"])
        assert reference is not None, described["name"]
        features = [
            Feature(feature["name"], feature["type"], feature["id"], _ttl_us(feature),
                    _default_of(feature))
            for feature in described["features"]]
        return FeatureGroup(
            reference[1], reference[2], int(reference[3]),
            tuple(key["name"] for key in described["keys"]), _ttl_us(described),
            described["merge"] == "record", tuple(features))

    def select(self, names: list[str] | None) -> list[Feature]:
        """The features of these names, in this order; None: all, as defined."""
        if names is None:
            return list(self.features)
        known = {feature.name: feature for feature in self.features}
        missing = [name for name in names if name not in known]
        if missing:
            raise ValueError(f"{self.reference} has no feature {', '.join(missing)}; "
                             f"it has {', '.join(known)}")
        return [known[name] for name in names]


def _ttl_us(described: dict) -> int | None:
    return duration_us(described["ttl"]) if described.get("ttl") else None


def _default_of(feature: dict) -> Any:
    if feature.get("default") is None:
        return None
    element = re.sub(r"^(?:list|vector)<(\w+).*>$", r"\1", feature["type"])
    if element != feature["type"]:
        return [_scalar(value, element) for value in feature["default"]]
    return _scalar(feature["default"], element)


def _scalar(value: Any, type_name: str) -> Any:
    """A value of the JSON that Tokura prints."""
    if type_name in ("float32", "float64"):
        named = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
        return float(named.get(value, value))
    if type_name in ("int32", "int64"):
        return int(value)
    if type_name == "bytes":
        return bytearray(base64.b64decode(value))
    if type_name == "timestamp":
        return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value
