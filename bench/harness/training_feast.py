"""The Feast side of P10, a program of its own in a virtual environment of its own:
training_feast.py HISTORY SPINE OUT KEY; prints one line of JSON."""

import datetime
import json
import os
import resource
import sys
import tempfile

import pandas
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64

FEATURES = ["f0", "f1", "f2", "f3"]


def store(directory, history, key):
    made = FeatureStore(config=RepoConfig(
        project="bench", provider="local", registry=os.path.join(directory, "registry.db"),
        offline_store={"type": "file"},
        online_store={"type": "sqlite", "path": os.path.join(directory, "online.db")},
        entity_key_serialization_version=3))
    entity = Entity(name="entity", join_keys=["id"], value_type=ValueType[key])
    view = FeatureView(name="history", entities=[entity], ttl=datetime.timedelta(0), online=False,
                       schema=[Field(name=name, dtype=Float64) for name in FEATURES],
                       source=FileSource(path=history, timestamp_field="event_time"))
    made.apply([entity, view])
    return made


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main(history, spine, out, key):
    with tempfile.TemporaryDirectory() as directory:
        feast = store(directory, history, key)
        before = cpu_seconds()
        labels = pandas.read_parquet(spine).rename(columns={"event_time": "event_timestamp"})
        joined = feast.get_historical_features(
            entity_df=labels, features=[f"history:{name}" for name in FEATURES],
            full_feature_names=True).to_df()
        joined.rename(columns={"event_timestamp": "event_time"}).to_parquet(out)
        print(json.dumps({"cpu_seconds": cpu_seconds() - before}))


if __name__ == "__main__":
    main(*sys.argv[1:])
