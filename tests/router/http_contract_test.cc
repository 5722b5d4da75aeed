// The HTTP contract, end to end: what a user sends and what comes back. The world's clock stands at
// 2026-01-01T00:00:00Z when a test begins.
#include "tests/router/router_world.h"

namespace tokura::router {
namespace {

class HttpContract : public RouterWorld {};

TEST_F(HttpContract, ReadsWhatWasPut) {
  PutWeather("JFK", "2026-01-01T00:00:00Z", R"({"temp": 39.02, "visib": null})");
  const Answer answer = Post("/v1/features:get", R"({"features": ["flights/weather:[temp, visib]"],
      "keys": {"origin": ["JFK", "LGA", "JFK"]}, "include": ["event_time"]})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(
      answer.body,
      R"({"rows":3,"features":[{"name":"flights/weather@1:temp","type":"float64",)"
      R"("values":[39.02,null,39.02],"status":["PRESENT","NOT_FOUND","PRESENT"],)"
      R"("event_time":["2026-01-01T00:00:00.000000Z",null,"2026-01-01T00:00:00.000000Z"]},)"
      R"({"name":"flights/weather@1:visib","type":"float64","values":[null,10,null],)"
      R"("status":["NULL","NOT_FOUND","NULL"],)"
      R"("event_time":["2026-01-01T00:00:00.000000Z",null,"2026-01-01T00:00:00.000000Z"]}]})");
}

TEST_F(HttpContract, ReadsAServiceOverSeveralEntities) {
  PutWeather("JFK", "2026-01-01T00:00:00Z", R"({"temp": 1})");
  EXPECT_EQ(Post("/v1/records:put", R"({"group": "flights/legs", "records": [
      {"key": {"carrier": "UA", "dest": "SFO"}, "event_time": 1767225600000000,
       "values": {"count": "9007199254740993", "mean": 0.1}}]})")
                .status,
            200);
  const Answer answer = Post("/v1/features:get", R"({"service": "flights/delay_model",
      "keys": {"origin": ["JFK"], "carrier": ["UA"], "dest": ["SFO"]}, "int64": "string"})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(Contains(answer.body, R"("values":["9007199254740993"])"));
  EXPECT_TRUE(Contains(answer.body, R"("type":"float32","values":[0.1])"));
}

TEST_F(HttpContract, RoundTripsEveryKind) {
  const Answer put = Post("/v1/records:put", R"({"group": "flights/kinds", "records": [
      {"key": {"number": 1.0}, "event_time": "2026-01-01T00:00:00Z", "values":
       {"flag": true, "small": "7", "big": 3, "ratio": "NaN", "raw": "AAE=",
        "at": "2013-01-01T06:00:00Z", "tags": ["a", ""], "sky": [1, 0.5]}}]})");
  EXPECT_EQ(*put.json.Find("accepted")->integer(), 1) << put.body;
  const Answer answer =
      Post("/v1/features:get", R"({"features": ["flights/kinds:*"], "keys": {"number": [1]}})");
  for (const char* values :
       {R"("values":[true])", R"("values":[7])", R"("values":[3])", R"("values":["NaN"])",
        R"("values":["AAE="])", R"("values":["2013-01-01T06:00:00.000000Z"])",
        R"("values":[["a",""]])", R"("values":[[1,0.5]])"}) {
    EXPECT_TRUE(Contains(answer.body, values));
  }
}

TEST_F(HttpContract, OneBadRecordTakesNoGoodOneWithIt) {
  const Answer answer = Post("/v1/records:put", R"({"group": "flights/weather", "records": [
      {"key": {"origin": "A"}, "event_time": "2026-01-01T00:00:00Z", "values": {"temp": "warm"}},
      {"key": {"origin": "B"}, "event_time": "2026-01-01T00:00:00Z", "values": {"temp": 1}},
      {"key": {"origin": "C"}, "values": {"temp": 1}},
      {"key": {"orign": "D"}, "event_time": 0, "values": {}},
      {"key": {"origin": "E"}, "event_time": "2026-01-01T00:05:01Z", "values": {}},
      {"key": {"origin": "F"}, "event_time": 0, "values": {"tmp": 1}},
      {"key": {"origin": "G"}, "event_time": 0, "values": {}, "ttl": "7h"},
      {"key": {"origin": "H"}, "event_time": 0, "value": {}},
      {"key": {"origin": "I"}, "event_time": 0, "values": {}, "write_id": "xyz"},
      {"key": {"origin": null}, "event_time": 0, "values": {}}, 5]})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(*answer.json.Find("accepted")->integer(), 1) << answer.body;
  EXPECT_EQ(*answer.json.Find("rejected")->integer(), 10);
  for (const char* message :
       {"records[0].values.temp: expected float64, got string",
        "records[2].event_time: is required",
        "records[3].key: 'orign' is not a key column; did you mean 'origin'?",
        "records[4].event_time: is more than 5m ahead of the clock",
        "records[5].values: feature 'tmp' does not exist in 'flights/weather@1'; did you mean "
        "'temp'?",
        "records[6].ttl: is longer than the group's ttl of 6h",
        "records[7]: unknown field 'value'; did you mean 'values'?",
        "records[8].write_id: expected 32 hex digits",
        "records[9].key.origin: expected string, got null",
        "records[10]: expected an object, got integer"}) {
    EXPECT_TRUE(Contains(answer.body, message));
  }
}

TEST_F(HttpContract, TheLaterOfTwoEqualWritesWins) {
  Post("/v1/records:put", R"({"group": "flights/weather", "records": [
      {"key": {"origin": "A"}, "event_time": "2026-01-01T00:00:00Z", "values": {"temp": 9}},
      {"key": {"origin": "A"}, "event_time": "2026-01-01T00:00:00Z", "values": {"temp": 1}}]})");
  const Answer answer = Post(
      "/v1/features:get", R"({"features": ["flights/weather:temp"], "keys": {"origin": ["A"]}})");
  EXPECT_TRUE(Contains(answer.body, "\"values\":[1]"));
}

struct BadRequest {
  const char* path;
  const char* body;
  int status;
  const char* code;
  const char* message;
};

TEST_F(HttpContract, ErrorsSayWhatIsWrong) {
  const BadRequest kCases[] = {
      {"/v1/features:get", "{", 400, "INVALID_ARGUMENT", "not JSON at byte 1"},
      {"/v1/features:get", "[]", 400, "INVALID_ARGUMENT", "the request: expected an object"},
      {"/v1/features:get", R"({"feature": []})", 400, "INVALID_ARGUMENT",
       "unknown field 'feature'; did you mean 'features'?"},
      {"/v1/features:get", R"({"keys": {}, "keys": {}})", 400, "INVALID_ARGUMENT",
       "field 'keys' is given twice"},
      {"/v1/features:get", R"({"keys": {}})", 400, "INVALID_ARGUMENT", "nothing to read"},
      {"/v1/features:get", R"({"service": "flights/delay_modle"})", 404, "NOT_FOUND",
       "did you mean 'flights/delay_model'?"},
      {"/v1/features:get", R"({"features": ["flights/wether:temp"]})", 404, "NOT_FOUND",
       "feature group 'flights/wether' does not exist; did you mean 'flights/weather'?"},
      {"/v1/features:get", R"({"features": ["flights/weather:pilot_note"]})", 412,
       "FAILED_PRECONDITION", "is not online"},
      {"/v1/features:get", R"({"features": ["flights/history:*"]})", 412, "FAILED_PRECONDITION",
       "is not online"},
      {"/v1/features:get", R"({"features": ["flights/weather:temp"]})", 400, "INVALID_ARGUMENT",
       "'origin' is missing; the request needs the key column origin (string)"},
      {"/v1/features:get",
       R"({"features": ["flights/weather:temp"], "keys": {"origin": ["A"], "dest": ["B"]}})", 400,
       "INVALID_ARGUMENT", "'dest' is not a key column of the request"},
      {"/v1/features:get", R"({"features": ["flights/weather:temp"], "keys": {"origin": [1]}})",
       400, "INVALID_ARGUMENT", "keys.origin[0]: expected string, got integer"},
      {"/v1/features:get",
       R"({"features": ["flights/weather:temp"], "keys": {"origin": ["A", null]}})", 400,
       "INVALID_ARGUMENT", "keys.origin[1]: expected string, got null"},
      {"/v1/features:get",
       R"({"features": ["flights/legs:*"], "keys": {"carrier": ["A", "B"], "dest": ["B"]}})", 400,
       "INVALID_ARGUMENT", "'carrier' has 2 rows, 'dest' has 1"},
      {"/v1/features:get",
       R"({"features": ["flights/weather:temp"], "keys": {"origin": []}, "max_staleness": "1w"})",
       400, "INVALID_ARGUMENT", "max_staleness"},
      {"/v1/features:get",
       R"({"features": ["flights/weather:temp"], "keys": {"origin": ["A"]}, "token": "!"})", 400,
       "INVALID_ARGUMENT", "token"},
      {"/v1/records:put", R"({"group": "flights/weather"})", 400, "INVALID_ARGUMENT", "records"},
      {"/v1/records:put", R"({"group": "flights/nope", "records": []})", 404, "NOT_FOUND",
       "feature group"},
      {"/v1/records:put", R"({"group": "flights/history", "stores": "online", "records": []})", 412,
       "FAILED_PRECONDITION", "is not online"},
      {"/v1/records:put", R"({"group": "flights/history", "stores": "onlin", "records": []})", 400,
       "INVALID_ARGUMENT", "did you mean 'online'?"},
      {"/v1/records:delete", R"({"group": "flights/weather", "event_time": 0})", 400,
       "INVALID_ARGUMENT", "give 'keys' or 'prefix'"},
      {"/v1/records:delete", R"({"group": "flights/weather", "keys": {"origin": ["A"]}})", 400,
       "INVALID_ARGUMENT", "event_time: is required"},
      {"/v1/records:delete",
       R"({"group": "flights/legs", "keys": {"carrier": ["A"], "dest": ["B"]}, "event_time": 0,
           "features": ["count"]})",
       400, "INVALID_ARGUMENT", "merges whole records"},
      {"/v1/records:scan", R"({"group": "flights/legs", "prefix": {"dest": "A"}})", 400,
       "INVALID_ARGUMENT", "prefix: 'carrier' is missing"},
      {"/v1/records:scan", R"({"group": "flights/legs", "prefix": {"carrier": "A"}, "limit": 0})",
       400, "INVALID_ARGUMENT", "limit: expected 1 to 1000, got 0"},
      {"/v1/records:scan",
       R"({"group": "flights/legs", "prefix": {"carrier": "A"}, "cursor": "AAAA"})", 400,
       "INVALID_ARGUMENT", "cursor"},
      {"/v1/definitions:apply?allow_destry=true", "", 400, "INVALID_ARGUMENT",
       "unknown parameter 'allow_destry'; did you mean 'allow_destroy'?"},
      {"/v1/definitions:apply?if_revision=7", "project: x", 412, "FAILED_PRECONDITION", ""},
      {"/v1/feature:get", "", 404, "NOT_FOUND", "did you mean '/v1/features:get'?"},
  };
  for (const BadRequest& bad : kCases) {
    const Answer answer = Post(bad.path, bad.body);
    EXPECT_EQ(answer.status, bad.status) << bad.path << bad.body << answer.body;
    EXPECT_EQ(answer.error_code(), bad.code) << bad.body;
    EXPECT_TRUE(Contains(answer.message(), bad.message));
  }
}

TEST_F(HttpContract, AMissingKeyColumnIsNamedInTheDetails) {
  const Answer answer = Post("/v1/features:get", R"({"service": "flights/delay_model"})");
  EXPECT_TRUE(Contains(answer.body, R"("details":{"key_columns":[{"name":"origin",)"
                                    R"("type":"string"},{"name":"carrier","type":"string"},)"));
}

TEST_F(HttpContract, OverALimitIs413WithLimitAndValue) {
  std::string keys = "\"A\"";
  for (int i = 0; i < 1000; ++i) keys += ",\"A\"";
  const Answer answer = Post("/v1/features:get", R"({"features": ["flights/weather:temp"],
      "keys": {"origin": [)" + keys + "]}}");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.error_code(), "RESOURCE_EXHAUSTED");
  EXPECT_TRUE(Contains(answer.body, R"("details":{"limit":1000,"value":1001})"));
}

TEST_F(HttpContract, AWrongMethodIs405WithAllow) {
  const Answer answer = Get("/v1/features:get");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.error_code(), "INVALID_ARGUMENT");
  EXPECT_TRUE(Contains(answer.head, "Allow: POST"));
}

TEST_F(HttpContract, DeletesByKeyAndByPrefix) {
  Post("/v1/records:put", R"({"group": "flights/legs", "records": [
      {"key": {"carrier": "UA", "dest": "A"}, "event_time": 1, "values": {"count": 1}},
      {"key": {"carrier": "UA", "dest": "B"}, "event_time": 1, "values": {"count": 2}},
      {"key": {"carrier": "DL", "dest": "A"}, "event_time": 1, "values": {"count": 3}}]})");
  const Answer by_key = Post("/v1/records:delete", R"({"group": "flights/legs",
      "keys": {"carrier": ["DL", 3], "dest": ["A", "A"]}, "event_time": 2})");
  EXPECT_EQ(*by_key.json.Find("deleted")->integer(), 1) << by_key.body;
  EXPECT_TRUE(Contains(by_key.body, "keys.carrier[1]: expected string, got integer"));
  const Answer by_prefix = Post("/v1/records:delete",
                                R"({"group": "flights/legs", "prefix": {"carrier": "UA"},
                                    "event_time": 2})");
  EXPECT_EQ(*by_prefix.json.Find("deleted")->integer(), 2) << by_prefix.body;
  const Answer scan =
      Post("/v1/records:scan", R"({"group": "flights/legs", "prefix": {"carrier": "UA"}})");
  EXPECT_EQ(scan.body, R"({"rows":[]})");
}

TEST_F(HttpContract, ScansPagesInKeyOrder) {
  Post("/v1/records:put", R"({"group": "flights/legs", "records": [
      {"key": {"carrier": "UA", "dest": "B"}, "event_time": 1, "values": {"count": 2}},
      {"key": {"carrier": "UA", "dest": ""}, "event_time": 1, "values": {"count": 1, "mean": null}},
      {"key": {"carrier": "UAX", "dest": "A"}, "event_time": 1, "values": {"count": 3}}]})");
  const Answer first = Post(
      "/v1/records:scan", R"({"group": "flights/legs", "prefix": {"carrier": "UA"}, "limit": 1})");
  EXPECT_TRUE(Contains(first.body, R"({"key":{"carrier":"UA","dest":""},)"
                                   R"("values":{"count":1,"mean":null},)"
                                   R"("event_time":"1970-01-01T00:00:00.000001Z"})"));
  ASSERT_NE(first.json.Find("cursor"), nullptr) << first.body;
  const Answer second =
      Post("/v1/records:scan", R"({"group": "flights/legs", "prefix": {"carrier": "UA"},
      "limit": 1, "cursor": ")" + *first.json.Find("cursor")->string() +
                                   "\"}");
  EXPECT_TRUE(Contains(second.body, R"("dest":"B")"));
  EXPECT_EQ(second.json.Find("cursor"), nullptr) << second.body;
}

TEST_F(HttpContract, PlansAndAppliesDefinitions) {
  const std::string yaml = "project: other\nentities: [{name: e, keys: [{name: k, type: int64}]}]";
  const Answer plan = Post("/v1/definitions:plan", yaml);
  EXPECT_EQ(*plan.json.Find("revision")->integer(), 1) << plan.body;
  const Answer apply = Post("/v1/definitions:apply?if_revision=1", yaml);
  EXPECT_EQ(*apply.json.Find("revision")->integer(), 2) << apply.body;
  EXPECT_TRUE(Contains(apply.body, R"("action":"create","object":"entity other/e")"));
  const Answer all = Get("/v1/definitions");
  EXPECT_EQ(Post("/v1/definitions:apply", all.body).body,
            R"({"changes":[],"warnings":[],"revision":2})");
}

TEST_F(HttpContract, WaitsOnlineAndOffline) {
  const std::string token = PutWeather("JFK", "2026-01-01T00:00:00Z", R"({"temp": 1})");
  EXPECT_EQ(Post("/v1/tokens:wait", R"({"token": ")" + token + R"(", "stores": "online"})").status,
            200);
  EXPECT_EQ(Post("/v1/tokens:wait", R"({"token": [")" + token + R"("]})").status, 200);
  EXPECT_FALSE(offline_.asked.empty());
  offline_.asked.clear();
  EXPECT_EQ(Post("/v1/tokens:wait", "").status, 200);
  EXPECT_FALSE(offline_.asked.empty());
  offline_.covers = false;
  EXPECT_EQ(Post("/v1/tokens:wait", "{}").status, 504);
}

TEST_F(HttpContract, ReportsHealthReadinessClusterAndTables) {
  offline_.groups = {{"flights/weather@1", "file:///t", "file:///t/m", 5, 1, 2, 3, 0.5, 1}};
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/readyz").status, 200);
  EXPECT_EQ(Get("/metrics").status, 200);
  EXPECT_TRUE(Contains(Get("/v1/offline").body, R"("snapshot_id":5,"rows":1,"files":2)"));
  const std::string cluster = Get("/v1/cluster").body;
  EXPECT_TRUE(Contains(cluster, R"({"id":"n1","pid":1,"listen":"127.0.0.1:7401","state":"UP",)"
                                R"("incarnation":)"));
  EXPECT_TRUE(Contains(cluster, R"("shards":1024,"lag_records":0})"));
}

TEST_F(HttpContract, WithoutItsNodeReadsAreUnknownAndWritesAreNotDone) {
  CrashNode();
  const Answer get = Post("/v1/features:get",
                          R"({"features": ["flights/weather:temp"], "keys": {"origin": ["A"]}})");
  EXPECT_EQ(get.status, 200);
  EXPECT_TRUE(Contains(get.body, R"("values":[null],"status":["UNKNOWN"])"));
  const Answer put = Post("/v1/records:put", R"({"group": "flights/weather", "records": [
      {"key": {"origin": "A"}, "event_time": 0, "values": {}}]})");
  EXPECT_EQ(put.status, 503) << put.body;
  EXPECT_EQ(Get("/readyz").status, 503);
  EXPECT_TRUE(Contains(Get("/v1/cluster").body, R"("state":"DOWN")"));
}

TEST_F(HttpContract, ReadsYourWritesAfterTheNodeCameBack) {
  const std::string token = PutWeather("JFK", "2026-01-01T00:00:00Z", R"({"temp": 5})");
  CrashNode();
  StartNode();
  const Answer answer = Post("/v1/features:get", R"({"features": ["flights/weather:temp"],
      "keys": {"origin": ["JFK"]}, "token": ")" + token +
                                                     "\"}");
  EXPECT_TRUE(Contains(answer.body, R"("values":[5],"status":["PRESENT"])"));
}

TEST_F(HttpContract, StaleAndExpiredAreSaid) {
  PutWeather("JFK", "2026-01-01T00:00:00Z", R"({"temp": 5})");
  const std::string get = R"({"features": ["flights/weather:temp"], "max_staleness": "1m",
                              "keys": {"origin": ["JFK"]}})";
  world_.RunFor(std::chrono::minutes(2));
  EXPECT_TRUE(
      Contains(Post("/v1/features:get", get).body, R"("values":[null],"status":["STALE"])"));
  world_.RunFor(std::chrono::hours(6));
  EXPECT_TRUE(Contains(Post("/v1/features:get", get).body, "EXPIRED"));
}

}  // namespace
}  // namespace tokura::router
