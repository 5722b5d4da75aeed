"""Training sets beyond one machine: Tokura's tables, read and joined by Spark."""

from tokura_spark.groups import Feature, FeatureGroup
from tokura_spark.history import read_history
from tokura_spark.join import point_in_time

__all__ = ["Feature", "FeatureGroup", "point_in_time", "read_history"]
