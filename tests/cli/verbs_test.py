#!/usr/bin/env python3
"""Every verb against a server: exit codes, streams, JSON, tables."""

import json
import os

from harness import DEFINITIONS, main, Served, tokura, WEATHER


class Verbs(Served):
    def test_definitions_are_planned_and_applied(self):
        self.assertIn("no changes", self.run_verb("plan", "--exit-code", self.definitions))
        changed = self.write("changed.yaml", DEFINITIONS.replace(
            "      - {name: flights, type: int64}\n", "      - {name: seats, type: int32}\n"))
        text = self.run_verb("plan", "--exit-code", changed, code=1)
        self.assertIn("+ feature flights/route_stats@1:seats", text)
        self.assertIn("(destructive)", text)
        self.run_verb("apply", changed, code=2)
        plan = self.run_json("plan", self.definitions)
        self.assertEqual((plan["changes"], plan["revision"]), ([], 1))
        more = self.write("more.yaml", DEFINITIONS.replace(
            "      - {name: flights, type: int64}\n",
            "      - {name: flights, type: int64}\n      - {name: seats, type: int32}\n"))
        applied = self.run_json("apply", more)
        self.assertEqual(applied["revision"], 2)
        self.assertEqual(self.run_json("describe", "flights/route_stats@1:seats")["type"], "int32")
        self.run_verb("apply", "--if-revision", "1", self.definitions, code=2)

    def test_catalog_is_listed_described_and_searched(self):
        listed = self.run_json("list")
        self.assertEqual(sorted(g["name"] for g in listed["feature_groups"]),
                         ["flights/route_stats@1", "flights/weather@1"])
        self.assertIn("flights/delay_model@1", self.run_verb("list"))
        self.assertIn("Degrees Fahrenheit.", self.run_verb("describe", "flights/weather"))
        found = self.run_json("search", "HOURLY")
        self.assertEqual([g["name"] for g in found["feature_groups"]], ["flights/weather@1"])
        self.assertIn("did you mean 'flights/weather'?",
                      self.run_verb("describe", "flights/wether", code=2))

    def test_rows_are_written_read_scanned_and_deleted(self):
        counts = self.put_weather()
        self.assertEqual((counts["accepted"], counts["rejected"], counts["unknown"]), (4, 0, 0))
        self.assertEqual(self.temps("origin=JFK", "origin=XXX", 'origin="é,""x"""'),
                         [("PRESENT", 41.5), ("NOT_FOUND", None), ("PRESENT", 1)])
        table = self.run_verb("get", "--features", "flights/weather:[temp, visib]", "--key",
                              "origin=JFK", "--key", "origin=XXX")
        self.assertEqual(table, "origin  temp         visib\n"
                                "JFK     41.5          NULL\n"
                                "XXX        -  10 (default)\n")
        keys = self.write("keys.csv", "label,origin\n1,LGA\n2,XXX\n")
        csv = self.run_verb("get", "--features", "flights/weather:temp", "--keys-file", keys,
                            "--format", "csv")
        self.assertEqual(csv, "origin,flights/weather@1:temp\nLGA,39.9\nXXX,\n")
        rows = "".join(json.dumps({"carrier": "UA", "origin": o, "dest": "SFO", "delay": 0.1,
                                   "flights": i, "event_time": "2013-01-01T00:00:00Z"}) + "\n"
                       for i, o in enumerate(("EWR", "JFK", "LGA")))
        self.run_verb("put", "flights/route_stats", "-", stdin=rows)
        scan = self.run_json("scan", "flights/route_stats", "--prefix", "carrier=UA")
        self.assertEqual([(r["key"]["origin"], r["values"]["delay"]) for r in scan["rows"]],
                         [("EWR", 0.1), ("JFK", 0.1), ("LGA", 0.1)])
        first = self.run_json("scan", "flights/route_stats", "--prefix", "carrier=UA", "--limit", "2")
        rest = self.run_json("scan", "flights/route_stats", "--prefix", "carrier=UA", "--cursor",
                             first["cursor"])
        self.assertEqual([r["key"]["origin"] for r in first["rows"] + rest["rows"]],
                         ["EWR", "JFK", "LGA"])
        gone = self.run_json("delete", "flights/route_stats", "--prefix", "carrier=UA,origin=EWR")
        self.assertEqual((gone["accepted"], gone["deleted"]), (1, 1))
        gone = self.run_json("delete", "flights/weather", "--key", "origin=JFK")
        self.assertEqual(gone["accepted"], 1)
        self.assertEqual(self.temps("origin=JFK"), [("NOT_FOUND", None)])
        self.assertIn("origin", self.run_verb("get", "--features", "flights/weather:temp", "--key",
                                              "orgin=JFK", code=2))

    def test_bad_rows_are_rejected_with_line_and_reason_and_can_be_mended(self):
        bad = self.write("bad.csv", "origin,event_time,temp\nJFK,2013-01-01T06:00:00Z,warm\n"
                                    "LGA,2013-01-01T06:00:00Z,3\nEWR,2999-01-01T06:00:00Z,3\n")
        rejects = os.path.join(self.directory, "rejects.csv")
        counts = self.run_json("put", "flights/weather", bad, "--rejects", rejects, code=1)
        self.assertEqual((counts["accepted"], counts["rejected"]), (1, 2))
        self.assertEqual(sorted(r["line"] for r in counts["rejects"]), [2, 4])
        self.assertNotIn("warm", json.dumps(counts["rejects"]))
        with open(rejects) as file:
            mended = file.read().replace("warm", "7").replace("2999", "2013")
        counts = self.run_json("put", "flights/weather", self.write("mended.csv", mended))
        self.assertEqual(counts["accepted"], 2)
        self.assertEqual(self.temps("origin=JFK"), [("PRESENT", 7)])

    def test_same_content_imported_twice_changes_nothing(self):
        path = self.write("weather.csv", WEATHER)
        first = self.run_json("import", "flights/weather", path, "--lane", "live")
        correction = self.write("right.csv", WEATHER.replace("41.5", "42.5"))
        self.run_json("import", "flights/weather", correction, "--lane", "live")
        self.assertEqual(self.temps("origin=JFK"), [("PRESENT", 42.5)])
        again = self.run_json("import", "flights/weather", self.write("copy.csv", WEATHER), "--lane",
                              "live")
        self.assertEqual(again["import_id"], first["import_id"])
        self.assertEqual(self.temps("origin=JFK"), [("PRESENT", 42.5)])
        self.run_verb("wait")
        rows = {g["group"]: g["rows"] for g in self.run_json("offline", "status")["groups"]}
        self.assertEqual(rows["flights/weather@1"], 8)
        dry = self.run_json("import", "flights/weather", path, "--lane", "live", "--dry-run")
        self.assertEqual(dry["accepted"], 4)

    def test_several_files_are_imported_only_if_all_can_be_read(self):
        weather = self.write("weather.csv", WEATHER)
        missing = os.path.join(self.directory, "missing.csv")
        self.assertIn("missing.csv", self.run_verb("import", "flights/weather", weather, missing,
                                                   "--lane", "live", code=2))
        self.assertEqual(self.temps("origin=JFK"), [("NOT_FOUND", None)])
        bad = self.write("bad.csv", "origin,event_time,temp\nEWR,2013-01-01,warm\n"
                                    "EWR,2999-01-01,1\n")
        result = tokura("import", "flights/weather", weather, bad, "--lane", "live", "--endpoint",
                        self.server.ready["router"])
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("bad.csv, line 2: INVALID_ARGUMENT: temp: ", result.stderr)
        # The place in a request is nobody's business.
        self.assertIn("bad.csv, line 3: INVALID_ARGUMENT: event_time: ", result.stderr)

    def test_cluster_status_is_the_contract(self):
        status = self.run_json("cluster", "status")
        self.assertEqual(sorted(status), ["moving", "nodes", "under_replicated"])
        self.assertEqual(sorted(status["nodes"][0]), ["id", "incarnation", "lag_records", "listen",
                                                      "pid", "shards", "state"])
        self.assertEqual(status["nodes"][0]["pid"], self.server.process.pid)
        self.assertIn("n1    UP ", self.run_verb("cluster", "status"))

    def test_numbers_without_sense_are_refused(self):
        self.put_weather()
        weather = self.write("weather.csv", WEATHER)
        for arguments in (["scan", "flights/route_stats", "--prefix", "carrier=UA", "--limit", "-1"],
                          ["import", "flights/weather", weather, "--lane", "live", "--rate", "-1"],
                          ["apply", self.definitions, "--if-revision", "-1"],
                          ["inspect", "log", self.server.data + "/nodes/n1/log", "--limit", "-1"]):
            self.refused(2, "expected a whole number", tokura(*arguments))

    def test_tables_round_what_json_and_csv_keep(self):
        self.run_verb("put", "flights/weather", "-", stdin=json.dumps(
            {"origin": "JFK", "event_time": "2013-01-01T00:00:00Z", "temp": 6.904679999999999}))
        get = ["get", "--features", "flights/weather:temp", "--key", "origin=JFK", "--format"]
        self.assertEqual(self.run_verb(*get, "table").splitlines()[1], "JFK     6.90468")
        self.assertEqual(self.run_verb(*get, "csv").splitlines()[1], "JFK,6.904679999999999")
        self.assertIn("6.904679999999999", self.run_verb(*get, "json"))

    def test_a_data_file_is_no_snapshot(self):
        self.put_weather()
        self.run_verb("wait")
        folder = os.path.join(self.server.data, "offline", "flights", "weather_v1", "data")
        day = os.path.join(folder, sorted(os.listdir(folder))[0])
        file = os.path.join(day, os.listdir(day)[0])
        self.refused(2, "rows in Parquet", tokura("inspect", "table", file))

    def test_wait_refuses_what_is_no_token(self):
        self.run_verb("wait", "not a token", code=2)


class Empty(Served):
    """A server on which nothing is defined yet."""

    DEFINED = False

    def test_every_verb_answers(self):
        self.assertEqual(self.run_json("list"),
                         {"entities": [], "feature_groups": [], "feature_services": []})
        self.assertIn("does not exist", self.run_verb("get", "--features", "flights/weather:temp",
                                                      "--key", "origin=JFK", code=2))
        self.assertEqual(self.run_json("offline", "status"), {"groups": []})
        self.run_verb("wait")
        (finding,) = self.run_json("doctor", code=1)["findings"]
        self.assertEqual((finding["level"], finding["what"]),
                         ("warning", "no feature group is defined"))
        self.assertEqual(self.run_json("apply", self.definitions)["revision"], 1)


if __name__ == "__main__":
    main()
