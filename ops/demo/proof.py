"""Recomputes single cells of the training set from the source tables, by brute force.

Nothing here shares code with flights.Flights' rolling sums: each value is looked up or summed afresh.
"""

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000


class Source:
    """Looks one value up at one time: cell(feature, flight row, t) -> value or None."""

    def __init__(self, flights):
        self.weather = flights.weather
        self.planes = flights.planes.set_index("tailnum")
        landed = flights.flights[flights.flights["landed"]]
        self.by_route = dict(list(landed.groupby(["carrier", "origin", "dest"])))
        self.by_tail = dict(list(landed.groupby("tailnum")))
        self.by_origin = dict(list(self.weather.groupby("origin")))

    def cell(self, column, row, t):
        group, feature = column.split("__")
        return getattr(self, "_" + group)(feature, row, t)

    def _weather(self, feature, row, t):
        seen = self.by_origin[row["origin"]]
        seen = seen[seen["time"] <= t]
        if seen.empty or seen["time"].max() + 6 * HOUR_US <= t:
            return 10.0 if feature == "visib" else None
        value = seen.loc[seen["time"].idxmax(), feature]
        return None if value != value else float(value)

    def _route_stats(self, feature, row, t):
        landed = self.by_route.get((row["carrier"], row["origin"], row["dest"]))
        seen = None if landed is None else landed[landed["lands"] <= t]
        if seen is None or seen.empty or seen["lands"].max() + 14 * DAY_US <= t:
            return None
        newest = seen["lands"].max()
        week = seen[(seen["lands"] > newest - 7 * DAY_US)]["arr_delay"]
        if feature == "flights_7d":
            return len(week)
        if feature == "mean_arr_delay_7d":
            return sum(week) / len(week)
        if feature == "late_share_7d":
            return sum(1 for delay in week if delay > 15) / len(week)
        return float(seen.loc[seen["lands"].idxmax(), "arr_delay"])

    def _aircraft_day(self, feature, row, t):
        nothing = {"flights_today": 0, "minutes_today": 0.0}.get(feature)
        landed = self.by_tail.get(row["tailnum"]) if isinstance(row["tailnum"], str) else None
        seen = None if landed is None else landed[landed["lands"] <= t]
        if seen is None or seen.empty or seen["lands"].max() + DAY_US <= t:
            return nothing
        newest = seen["lands"].max()
        today = seen[seen["lands"] // DAY_US == newest // DAY_US]
        if feature == "flights_today":
            return len(today)
        if feature == "minutes_today":
            return float(sum(today["air_time"]))
        return float(seen.loc[seen["lands"].idxmax(), "arr_delay"])

    def _aircraft_info(self, feature, row, t):
        if not isinstance(row["tailnum"], str) or row["tailnum"] not in self.planes.index:
            return None
        value = self.planes.loc[row["tailnum"], {"built_year": "year"}.get(feature, feature)]
        return None if value != value else int(value)


def same(a, b):
    """Equal, with None, NaN and missing all meaning no value."""
    a_missing = a is None or a != a
    b_missing = b is None or b != b
    return a_missing and b_missing if a_missing or b_missing else a == b
