#include "offline/user_files/row_file.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <utility>
#include <vector>

#include "client/json_value.h"
#include "tests/offline/memory_file_system.h"

namespace tokura::offline {
namespace {

Feature MakeFeature(uint32_t id, std::string name, const std::string& type) {
  Feature feature;
  feature.id = FeatureId(id);
  feature.name = std::move(name);
  feature.type = *ParseType(type);
  return feature;
}

FeatureGroup Weather() {
  FeatureGroup group;
  group.project = "flights";
  group.name = "weather";
  group.entity.name = "airport";
  group.entity.keys = {{"origin", *ParseType("string")}, {"gate", *ParseType("int32")}};
  group.entity.partition_key_count = 1;
  group.features = {MakeFeature(1, "temp", "float64"),
                    MakeFeature(2, "visits", "int64"),
                    MakeFeature(3, "note", "string"),
                    MakeFeature(4, "photo", "bytes"),
                    MakeFeature(5, "wet", "bool"),
                    MakeFeature(6, "seen", "timestamp"),
                    MakeFeature(7, "gusts", "list<float64>"),
                    MakeFeature(8, "sky", "vector<float32, 2>"),
                    MakeFeature(9, "wind", "float32"),
                    MakeFeature(10, "gone", "int64")};
  group.features.back().dropped = true;
  return group;
}

std::string Gzip(std::string_view text) {
  std::string out(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string Zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

// "key… @time value… ttl=… id=…", or "!why". Values as JSON.
std::string Show(const ImportRow& row, const FeatureGroup& group) {
  const client::PutRecord& record = row.record;
  if (!record.malformed.ok()) return "!" + record.malformed.message();
  std::string text;
  client::JsonWriter writer(&text);
  writer.BeginObject();
  for (size_t i = 0; i < record.key.size(); ++i) {
    writer.Key(record.key[i].first).TypedValue(record.key[i].second, group.entity.keys[i].type);
  }
  writer.Key("@").Time(record.event_time->as<Timestamp>().us);
  for (const auto& [name, value] : record.values) {
    writer.Key(name).TypedValue(value, group.FindFeature(name)->type);
  }
  if (record.ttl) writer.Key("ttl").Int(record.ttl->as<int64_t>());
  if (record.write_id) writer.Key("id").String(record.write_id->ToHex());
  writer.EndObject();
  return text;
}

class RowFileTest : public testing::Test {
 protected:
  // The rows of a file, "line row" each; the error alone if there is one.
  std::vector<std::string> Read(const std::string& path, const std::string& content,
                                const ImportOptions& options = {}) {
    files_.contents[path] = content;
    Result<std::unique_ptr<ImportReader>> reader =
        ImportReader::Open(files_, path, group_, options);
    if (!reader.ok()) return {reader.status().ToString()};
    std::vector<std::string> rows;
    for (;;) {
      Result<std::optional<ImportRow>> row = (*reader)->Next();
      if (!row.ok()) rows.push_back(row.status().ToString());
      if (!row.ok() || !row->has_value()) return rows;
      rows.push_back(std::to_string((*row)->line) + " " + Show(**row, group_));
    }
  }
  std::string ReadOne(const std::string& path, const std::string& content,
                      const ImportOptions& options = {}) {
    const std::vector<std::string> rows = Read(path, content, options);
    return rows.size() == 1 ? rows[0] : std::to_string(rows.size()) + " rows";
  }
  // One CSV row of origin, gate, event_time and one more column.
  std::string Cell(const std::string& column, const std::string& cell,
                   const ImportOptions& options = {}) {
    return After(
        ReadOne("t.csv", "origin,gate,event_time," + column + "\nJFK,4,0," + cell + "\n", options));
  }
  // The same as JSON lines.
  std::string Json(const std::string& member, const ImportOptions& options = {}) {
    return After(ReadOne(
        "t.jsonl", "{\"origin\":\"JFK\",\"gate\":4,\"event_time\":0," + member + "}\n", options));
  }
  // What follows the key and time, or the reason.
  static std::string After(const std::string& row) {
    const std::string same = R"({"origin":"JFK","gate":4,"@":"1970-01-01T00:00:00.000000Z")";
    const size_t at = row.find(same);
    if (at != std::string::npos) return row.substr(at + same.size());
    return row.substr(row.find(' ') + 1);
  }
  // Rejects every malformed row of `path` into `rejects`; returns what is there then.
  std::string Reject(const std::string& path, const std::string& content,
                     const std::string& rejects) {
    files_.contents[path] = content;
    auto reader = *ImportReader::Open(files_, path, group_, {});
    auto writer = *RejectsWriter::Open(files_, rejects);
    if (const Status accepted = writer->Accept(*reader); !accepted.ok()) return accepted.message();
    for (;;) {
      const Result<std::optional<ImportRow>> row = reader->Next();
      if (!row.ok() || !row->has_value()) break;
      const Status& why = (*row)->record.malformed;
      if (!why.ok()) EXPECT_TRUE(writer->Add(*reader, **row, why.message()).ok());
    }
    EXPECT_TRUE(writer->Close().ok());
    return files_.contents.contains(rejects) ? files_.contents[rejects] : "(none)";
  }

  MemoryFileSystem files_;
  FeatureGroup group_ = Weather();
};

struct CellCase {
  const char* column;
  const char* cell;
  const char* expected;
};

TEST_F(RowFileTest, CsvCellsAreReadByType) {
  const CellCase cases[] = {
      {"temp", "39.02", R"(,"temp":39.02})"},
      {"temp", "-1e3", R"(,"temp":-1000})"},
      {"temp", "NaN", R"(,"temp":"NaN"})"},
      {"temp", "", R"(,"temp":null})"},
      {"temp", "warm", "!temp: expected float64, got other text"},
      {"temp", "\"\"", "!temp: expected float64, got other text"},
      {"wind", "0.1", R"(,"wind":0.1})"},
      {"wind", "1e300", "!wind: expected float32, got a float out of range"},
      {"visits", "9223372036854775807", R"(,"visits":9223372036854775807})"},
      {"visits", "3.0", R"(,"visits":3})"},
      {"visits", "3.5", "!visits: expected int64, got float"},
      {"note", "\"\"", R"(,"note":""})"},
      {"note", "", R"(,"note":null})"},
      {"note", "\"a,\"\"b\"\"\"", R"(,"note":"a,\"b\""})"},
      {"note", "\xff", "!note: expected string, got a string that is not UTF-8"},
      {"photo", "AQID", R"(,"photo":"AQID"})"},
      {"photo", "A", "!photo: expected bytes, got a string that is not base64"},
      {"wet", "True", R"(,"wet":true})"},
      {"wet", "1", "!wet: expected bool, got other text"},
      {"seen", "2013-01-01T06:00:00+01:00", R"(,"seen":"2013-01-01T05:00:00.000000Z"})"},
      {"seen", "2013-01-01 06:00:00.1234567", R"(,"seen":"2013-01-01T06:00:00.123456Z"})"},
      {"seen", "1000000", R"(,"seen":"1970-01-01T00:00:01.000000Z"})"},
      {"gusts", "\"[1,2.5]\"", R"(,"gusts":[1,2.5]})"},
      {"gusts", "[]", R"(,"gusts":[]})"},
      {"sky", "\"[1,2]\"", R"(,"sky":[1,2]})"},
      {"sky", "[1]", "!sky: expected vector<float32, 2>, got 1 elements"},
      {"_ttl", "2h", R"(,"ttl":7200000000})"},
      {"_ttl", "5", R"(,"ttl":5})"},
      {"_ttl", "", "}"},
      {"_ttl", "-5", "!_ttl: expected a positive duration such as 2h, or integer µs"},
      {"_write_id", "000102030405060708090a0b0c0d0e0f",
       R"(,"id":"000102030405060708090a0b0c0d0e0f"})"},
      {"_write_id", "0001", "!_write_id: expected 32 hex digits, or 16 bytes"},
      {"_anything", "else", "}"},
  };
  for (const CellCase& c : cases) EXPECT_EQ(Cell(c.column, c.cell), c.expected) << c.cell;
}

TEST_F(RowFileTest, JsonMembersAreReadByType) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("temp":39.02)", R"(,"temp":39.02})"},
      {R"("temp":null)", R"(,"temp":null})"},
      {R"("temp":"39")", "!temp: expected float64, got string"},
      {R"("temp":"-Infinity")", R"(,"temp":"-Infinity"})"},
      {R"("visits":"12")", R"(,"visits":12})"},
      {R"("visits":1.0)", R"(,"visits":1})"},
      {R"("visits":9223372036854775808)", "!visits: expected int64, got an integer out of range"},
      {R"("note":"")", R"(,"note":""})"},
      {R"("photo":"AQID","wet":false)", R"(,"photo":"AQID","wet":false})"},
      {R"("seen":1000000)", R"(,"seen":"1970-01-01T00:00:01.000000Z"})"},
      {R"("gusts":[1,null])", "!gusts: element 1 of list<float64>: expected float64, got null"},
      {R"("_ttl":"1s","_write_id":"000102030405060708090a0b0c0d0e0f")",
       R"(,"ttl":1000000,"id":"000102030405060708090a0b0c0d0e0f"})"},
      {R"("_ttl":7)", R"(,"ttl":7})"},
      {R"("_x":{"nested":1})", "}"},
      {R"("tmp":1)", "!unknown field 'tmp' (did you mean 'temp'?)"},
      {R"("gone":1)", "!unknown field 'gone'"},
      {R"("temp":{"a":1})", "!temp: expected a value, got object"},
      {R"("temp":1,"temp":2)", "!field 'temp' is given twice"},
      {R"("temp":NaN)", "!not JSON at byte"},
  };
  for (const auto& [member, expected] : cases) {
    EXPECT_TRUE(Json(member).starts_with(expected)) << member << " gave " << Json(member);
  }
}

TEST_F(RowFileTest, NullsAreLeftOutWhenAskedTo) {
  const ImportOptions skip{.skip_nulls = true};
  EXPECT_EQ(Cell("temp", "", skip), "}");
  EXPECT_EQ(Json(R"("temp":null)", skip), "}");
}

TEST_F(RowFileTest, KeysAndEventTimeAreNeverNullNorMissing) {
  EXPECT_EQ(ReadOne("t.csv", "origin,gate,event_time\n,x,\n"),
            "2 !origin: expected string, got null; gate: expected int32, got string; "
            "event_time: expected timestamp, got null");
  EXPECT_EQ(ReadOne("t.jsonl", R"({"temp":1})"),
            "1 !origin: the key column is missing; gate: the key column is missing; "
            "event_time: the event time is missing");
  EXPECT_EQ(ReadOne("t.csv", "origin,gate,event_time\n\"\",1,0\n"),
            R"(2 {"origin":"","gate":1,"@":"1970-01-01T00:00:00.000000Z"})");
}

TEST_F(RowFileTest, KeysComeInTheOrderOfTheEntity) {
  EXPECT_EQ(ReadOne("t.jsonl", R"({"event_time":"2013-01-01","gate":4,"origin":"JFK"})"),
            R"(1 {"origin":"JFK","gate":4,"@":"2013-01-01T00:00:00.000000Z"})");
}

TEST_F(RowFileTest, AnotherColumnCanHoldTheEventTime) {
  const ImportOptions options{.event_time_column = "seen"};
  EXPECT_EQ(ReadOne("t.csv", "origin,gate,seen\nJFK,4,5\n", options),
            R"(2 {"origin":"JFK","gate":4,"@":"1970-01-01T00:00:00.000005Z",)"
            R"("seen":"1970-01-01T00:00:00.000005Z"})");
}

TEST_F(RowFileTest, RowsNeedNoEventTimeWhenNoColumnHoldsIt) {
  files_.contents["keys.csv"] = "origin,gate\nJFK,4\n";
  auto reader = ImportReader::Open(files_, "keys.csv", group_, {.event_time_column = ""});
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  const ImportRow row = **(*reader)->Next();
  EXPECT_TRUE(row.record.malformed.ok());
  EXPECT_FALSE(row.record.event_time.has_value());
}

TEST_F(RowFileTest, WrongColumnsAreAllNamedBeforeTheFirstRow) {
  EXPECT_EQ(
      ReadOne("t.csv", "orign,gate,tmp,temp,temp,gone\n"),
      "INVALID_ARGUMENT: t.csv: unknown columns 'orign' (did you mean 'origin'?), 'tmp' (did you "
      "mean 'temp'?), 'gone'; missing columns 'origin', 'event_time'; doubled column 'temp'; "
      "flights/weather@1 takes origin, gate, event_time, temp, visits, note, photo, wet, seen, "
      "gusts, sky, wind, _ttl, _write_id; --ignore-extra leaves unknown columns out");
}

TEST_F(RowFileTest, UnknownColumnsAreLeftOutWhenAskedTo) {
  const ImportOptions ignore{.ignore_extra = true};
  EXPECT_EQ(Cell("tmp", "x", ignore), "}");
  EXPECT_EQ(Json(R"("tmp":{"a":[1]})", ignore), "}");
}

TEST_F(RowFileTest, BadRowsDoNotEndTheFile) {
  EXPECT_EQ(Read("t.csv",
                 "origin,gate,event_time\nJFK,4\nJFK,4,0,9\n\"JFK\nLGA\",4,0\n\"JFK\"x,4,0\n"
                 "EWR,4,0\n"),
            (std::vector<std::string>{
                "2 !expected 3 cells, as the header has, got 2",
                "3 !expected 3 cells, as the header has, got 4",
                R"(4 {"origin":"JFK\nLGA","gate":4,"@":"1970-01-01T00:00:00.000000Z"})",
                "6 !cell 1: text follows its closing quote; a quote inside a cell is doubled",
                R"(7 {"origin":"EWR","gate":4,"@":"1970-01-01T00:00:00.000000Z"})"}));
  const std::vector<std::string> rows =
      Read("t.jsonl", "[1]\n\nnot json\n{\"origin\":\"\xff\"}\n" + std::string(9 << 20, 'x') +
                          "\n{\"origin\":\"JFK\",\"gate\":4,\"event_time\":0}");
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows[0], "1 !expected a JSON object, got array");
  EXPECT_TRUE(rows[1].starts_with("3 !not JSON at byte")) << rows[1];
  EXPECT_EQ(rows[2], "4 !the line is not UTF-8");
  EXPECT_TRUE(rows[3].starts_with("5 !the line is longer than 8388608 bytes")) << rows[3];
  EXPECT_TRUE(rows[4].starts_with("6 {")) << rows[4];
}

TEST_F(RowFileTest, CompressedFilesReadTheSame) {
  std::string csv = "origin,gate,event_time\n";
  for (int i = 0; i < 20000; ++i)
    csv += "JFK," + std::to_string(i) + "," + std::to_string(i) + "\n";
  const std::vector<std::string> plain = Read("t.csv", csv);
  EXPECT_EQ(plain.size(), 20000u);
  EXPECT_EQ(Read("t.csv.gz", Gzip(csv)), plain);
  EXPECT_EQ(Read("t.csv.zst", Zstd(csv)), plain);
  EXPECT_EQ(Read("T.CSV.GZ", Gzip(csv)), plain);
  EXPECT_EQ(Read("t.csv", Gzip(csv)), plain) << "told by its first bytes";
  const size_t half = csv.find('\n', csv.size() / 2) + 1;
  EXPECT_EQ(Read("t.csv.gz", Gzip(csv.substr(0, half)) + Gzip(csv.substr(half))), plain);
  EXPECT_EQ(Read("t.csv.zst", Zstd(csv.substr(0, half)) + Zstd(csv.substr(half))), plain);
}

TEST_F(RowFileTest, StandardInputIsReadInAFormatThatIsNamed) {
  const std::string text = Gzip("origin,gate,event_time\nJFK,4,0\n");
  size_t given = 0;
  const auto input = [&](std::span<char> buffer) -> Result<size_t> {
    const size_t n = text.copy(buffer.data(), std::min<size_t>(7, buffer.size()), given);
    given += n;
    return n;
  };
  const ImportOptions csv{.format = "csv"};
  auto reader = ImportReader::Open(files_, "-", group_, csv, input);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  EXPECT_EQ((**(*reader)->Next()).line, 2u);
  EXPECT_EQ(ImportReader::Open(files_, "-", group_, {}, input).status().message(),
            "standard input has no extension: say --format csv or --format jsonl");
}

TEST_F(RowFileTest, ProgressReachesTheSizeOfTheFile) {
  files_.contents["t.csv.gz"] = Gzip("origin,gate,event_time\nJFK,4,0\n");
  auto reader = *ImportReader::Open(files_, "t.csv.gz", group_, {});
  while ((*reader->Next()).has_value()) {
  }
  EXPECT_EQ(reader->bytes_read(), files_.contents["t.csv.gz"].size());
  EXPECT_EQ(reader->bytes_total(), files_.contents["t.csv.gz"].size());
}

TEST_F(RowFileTest, WrongInputsAreToldInOneLine) {
  files_.directories.insert("data.csv");
  const std::string gzip = Gzip("origin,gate,event_time\nJFK,4,0\n");
  const std::string zstd = Zstd("origin,gate,event_time\nJFK,4,0\n");
  const struct {
    const char* path;
    std::string content;
    const char* message;
  } cases[] = {
      {"t.csv", "", "t.csv is empty; a CSV file begins with a header row"},
      {"t.csv", "\n\n", "t.csv is empty; a CSV file begins with a header row"},
      {"t.jsonl", "", "t.jsonl is empty; expected one JSON object a line"},
      {"t.csv.gz", Gzip(""), "t.csv.gz is empty; a CSV file begins with a header row"},
      {"t.parquet", "", "t.parquet is empty; not even a Parquet file without rows is"},
      {"t.parquet", "a,b\n", "t.parquet is not Parquet"},
      {"t.parquet", "PAR1 and no more", "t.parquet: not readable as Parquet"},
      {"t.csv", "PAR1....", "t.csv holds Parquet, not csv; name it .parquet"},
      {"t.csv", std::string("\xff\xfeo\0", 4), "t.csv is UTF-16; save it as UTF-8"},
      {"t.csv", std::string("a\0b", 3), "t.csv is not text; expected csv in UTF-8"},
      {"t.csv", "orig\xefn\n", "t.csv: the header row is not UTF-8; save the file as UTF-8"},
      {"t.csv", "a,\"b\n", "t.csv: header row: cell 2: the quote that opens it is never closed"},
      {"t.txt", "x", "t.txt: the name does not tell what it holds; expected .parquet, .csv or "},
      {"t.csv.gz", "plain", "t.csv.gz is not gzip, as its name says; rename it"},
      {"t.csv.zst", gzip, "t.csv.zst is not zstd, as its name says; rename it"},
      {"t.csv.gz", gzip.substr(0, gzip.size() - 5), "t.csv.gz: the gzip data ends in the middle"},
      {"t.csv.zst", zstd.substr(0, zstd.size() - 5), "t.csv.zst: the zstd data ends in the midd"},
      {"t.parquet.gz", "x", "t.parquet.gz: Parquet is compressed inside; unpack the file first"},
  };
  for (const auto& c : cases) {
    const std::vector<std::string> rows = Read(c.path, c.content);
    ASSERT_FALSE(rows.empty()) << c.message;
    EXPECT_TRUE(rows.back().starts_with("INVALID_ARGUMENT: " + std::string(c.message)))
        << rows.back();
    EXPECT_EQ(rows.back().find('\n'), std::string::npos) << rows.back();
  }
  EXPECT_EQ(ImportReader::Open(files_, "data.csv", group_, {}).status().message(),
            "data.csv is a directory; name the files in it");
  EXPECT_EQ(ImportReader::Open(files_, "no.csv", group_, {}).status().code(), Code::kNotFound);
}

TEST_F(RowFileTest, RejectsOfCsvAreTheRowsAsTheyStoodWithLineAndReasonInFront) {
  EXPECT_EQ(Reject("t.csv",
                   "origin,gate,event_time,temp\r\n\"JFK\",4,0,\"wa,rm\"\r\nJFK,4,0,1\r\nJFK\r\n",
                   "r.csv"),
            "_line,_reason,origin,gate,event_time,temp\n"
            "2,\"temp: expected float64, got other text\",\"JFK\",4,0,\"wa,rm\"\n"
            "4,\"expected 4 cells, as the header has, got 1\",JFK\n");
}

TEST_F(RowFileTest, RejectsMendedAreImportedAndRejectedAgainWithoutGrowing) {
  const std::string rejects =
      "_line,_reason,origin,gate,event_time,temp\n2,\"x,y\",JFK,4,0,warm\n3,why,JFK,4,0,1\n";
  EXPECT_EQ(Read("r.csv", rejects).back(),
            R"(3 {"origin":"JFK","gate":4,"@":"1970-01-01T00:00:00.000000Z","temp":1})");
  EXPECT_EQ(Reject("r.csv", rejects, "r.csv"),
            "_line,_reason,origin,gate,event_time,temp\n"
            "2,\"temp: expected float64, got other text\",JFK,4,0,warm\n");
}

TEST_F(RowFileTest, RejectsOfCsvCanBeJsonThatImportsTheSame) {
  const std::string csv = "origin,gate,event_time,temp,note\nJFK,4,0,warm,\nJFK,4,0\n";
  EXPECT_EQ(Reject("t.csv", csv, "r.jsonl"),
            "{\"_line\":2,\"_reason\":\"temp: expected float64, got other text\","
            "\"origin\":\"JFK\",\"gate\":4,\"event_time\":\"1970-01-01T00:00:00.000000Z\","
            "\"temp\":\"warm\",\"note\":null}\n"
            "{\"_line\":3,\"_reason\":\"expected 5 cells, as the header has, got 3\","
            "\"_text\":\"JFK,4,0\"}\n");
}

TEST_F(RowFileTest, RejectsOfJsonLinesKeepTheirSpelling) {
  EXPECT_EQ(Reject("t.jsonl",
                   "{ \"temp\": \"x\", \"event_time\": 0, \"gate\": 1.0, \"origin\": \"J\"}\n"
                   "{\"temp\":\noops \xff\n",
                   "r.jsonl"),
            "{\"_line\":1,\"_reason\":\"temp: expected float64, got string\", \"temp\": \"x\", "
            "\"event_time\": 0, \"gate\": 1.0, \"origin\": \"J\"}\n"
            "{\"_line\":2,\"_reason\":\"not JSON at byte 8: incomplete JSON\","
            "\"_text\":\"{\\\"temp\\\":\"}\n"
            "{\"_line\":3,\"_reason\":\"the line is not UTF-8\","
            "\"_text\":\"oops \xef\xbf\xbd\"}\n");
}

TEST_F(RowFileTest, RejectsOfRejectsHaveOneLineAndOneReason) {
  EXPECT_EQ(Reject("r.jsonl",
                   "{\"_line\":9,\"_reason\":\"old\",\"origin\":\"J\",\"gate\":1,\"event_time\":0,"
                   "\"temp\":\"x\"}\n",
                   "r2.jsonl"),
            "{\"_line\":1,\"_reason\":\"temp: expected float64, got string\",\"origin\":\"J\","
            "\"gate\":1,\"event_time\":0,\"temp\":\"x\"}\n");
}

TEST_F(RowFileTest, RejectsFilesAreMadeOnlyForRejects) {
  EXPECT_EQ(Reject("t.csv", "origin,gate,event_time\nJFK,4,0\n", "r.csv"), "(none)");
  EXPECT_TRUE(Reject("t.jsonl", "{}\n", "r.csv").ends_with("name it .jsonl"));
  EXPECT_EQ(RejectsWriter::Open(files_, "r.txt").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace tokura::offline
