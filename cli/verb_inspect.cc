#include <CLI/CLI.hpp>

#include "cli/program/flags.h"
#include "cli/program/machine_files.h"
#include "cli/record_text.h"
#include "cli/text/format.h"
#include "cli/text/table.h"
#include "cli/verbs.h"
#include "offline/table/table.h"
#include "replication/segment.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

constexpr char kLogExamples[] =
    "tokura inspect log tokura-data/nodes/n1/log\n"
    "tokura inspect log tokura-data/nodes/n1/log --limit 20 --json";
constexpr char kSegmentExamples[] =
    "tokura inspect segment tokura-data/nodes/n1/log/0000000001-00-000001.seg";
constexpr char kTableExamples[] = "tokura inspect table tokura-data/offline/flights/weather_v1";

struct InspectFlags {
  std::string path;
  uint64_t limit = 1'000;
};

// Lists records up to a limit, and reads all of them: a fault beyond the limit is a fault too.
class LogListing {
 public:
  LogListing(Context& context, RecordText text, uint64_t limit)
      : context_(context), text_(std::move(text)), limit_(limit), records_(&records_json_) {
    records_.BeginArray();
  }

  Status ReadSegment(const std::string& path) {
    TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<replication::SegmentReader> reader,
                            replication::SegmentReader::Open(context_.files, path));
    uint64_t in_segment = 0;
    if (!context_.json) context_.console.Out(path + "  written by " + reader->node() + "\n");
    while (true) {
      const uint64_t offset = reader->offset();
      TOKURA_ASSIGN_OR_RETURN(const std::optional<replication::LogRecord> record, reader->Next());
      if (!record.has_value()) break;
      ++in_segment;
      const Status listed = List(*record);
      if (!listed.ok()) return listed.WithContext(path + ", offset " + std::to_string(offset));
    }
    const bool torn = reader->tail() == replication::SegmentReader::Tail::kTorn;
    if (!context_.json) {
      context_.console.Out("  " + Counted(in_segment, "record") + ", " +
                           FormatBytes(reader->offset()) +
                           (torn ? ", then a torn tail (never acknowledged)" : "") + "\n");
    }
    client::JsonWriter json(&segments_json_);
    if (!segments_json_.empty()) segments_json_ += ',';
    json.BeginObject().Key("path").String(path).Key("node").String(reader->node());
    json.Key("incarnation").UInt(reader->name().incarnation).Key("log").UInt(reader->name().log);
    json.Key("number").UInt(reader->name().number).Key("records").UInt(in_segment);
    json.Key("bytes").UInt(reader->offset()).Key("torn").Bool(torn).EndObject();
    return OkStatus();
  }

  void Finish() {
    records_.EndArray();
    if (context_.json) {
      client::JsonWriter json(context_.console.out());
      json.BeginObject().Key("segments").Raw("[" + segments_json_ + "]");
      json.Key("total_records").UInt(total_).Key("records").Raw(records_json_).EndObject();
      context_.console.Out("\n");
    } else if (limit_ > 0 && total_ > limit_) {
      context_.console.Note("listed " + FormatCount(limit_) + " of " + Counted(total_, "record") +
                            "; --limit 0 lists all");
    }
  }

 private:
  Status List(const replication::LogRecord& record) {
    ++total_;
    if (limit_ > 0 && total_ > limit_) return OkStatus();
    if (context_.json) return text_.AppendJson(record, &records_);
    TOKURA_ASSIGN_OR_RETURN(const std::string line, text_.Line(record));
    context_.console.Out("  " + line + "\n");
    return OkStatus();
  }

  Context& context_;
  RecordText text_;
  uint64_t limit_;
  uint64_t total_ = 0;
  std::string records_json_;
  std::string segments_json_;
  client::JsonWriter records_;
};

Result<std::vector<std::string>> SegmentsIn(runtime::FileSystem& files, const std::string& path) {
  TOKURA_ASSIGN_OR_RETURN(const bool is_directory, files.IsDirectory(path));
  if (!is_directory) return std::vector<std::string>{path};
  std::vector<std::string> segments;
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(path));
  for (const std::string& name : names) {
    if (name.ends_with(".seg")) segments.push_back(path + "/" + name);
  }
  if (segments.empty()) {
    return NotFound(path + " holds no segments; a node's log is DATA_DIR/nodes/ID/log");
  }
  return segments;
}

Result<Exit> InspectLog(const InspectFlags& flags, Context& context) {
  TOKURA_ASSIGN_OR_RETURN(const std::string path, runtime::real::AbsolutePath(flags.path));
  TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> segments, SegmentsIn(context.files, path));
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<const catalog::Definitions> definitions,
                          DefinitionsAbove(context.files, path));
  LogListing listing(context, RecordText(std::move(definitions)), flags.limit);
  for (const std::string& segment : segments) TOKURA_RETURN_IF_ERROR(listing.ReadSegment(segment));
  listing.Finish();
  return Exit::kDone;
}

std::string DayName(int32_t day) {
  return FormatTimestamp(Timestamp{int64_t{day} * 86'400'000'000}).substr(0, 10);
}

std::string TableText(const offline::Table& of, const RecordText& names, uint64_t limit) {
  const offline::Snapshot& snapshot = of.current();
  std::string text = of.metadata_path() + "\n";
  text += "snapshot   " + std::to_string(snapshot.id) + " of " + names.GroupName(of.group()) + "\n";
  text += "committed  " + FormatTimestamp(Timestamp{snapshot.committed_at_us}) + "\n";
  text += "watermark  " + FormatTimestamp(Timestamp{snapshot.watermark_us}) + "\n";
  text += "covers     " + Counted(snapshot.position.entries().size(), "shard position") + "\n";
  text += "holds      " + Counted(snapshot.rows(), "row") + " in " +
          Counted(snapshot.files.size(), "file") + ", " + FormatBytes(snapshot.bytes()) + "\n\n";
  TextTable table(
      {{"FILE"}, {"ROWS", Align::kRight}, {"SIZE", Align::kRight}, {"FROM"}, {"TO"}, {"DIGEST"}});
  for (size_t i = 0; i < snapshot.files.size() && (limit == 0 || i < limit); ++i) {
    const offline::DataFile& file = snapshot.files[i];
    table.Add({file.path, FormatCount(file.rows), FormatBytes(file.bytes),
               FormatTimestamp(Timestamp{file.event_time_min_us}),
               FormatTimestamp(Timestamp{file.event_time_max_us}), file.digest.ToHex()});
  }
  text += table.ToString() + "\n";
  TextTable days({{"EVENT DAY"}, {"RECORDS", Align::kRight}, {"DIGEST"}});
  for (const auto& [day, digest] : snapshot.days) {
    days.Add({DayName(day), FormatCount(digest.records), digest.digest.ToHex()});
  }
  return text + days.ToString();
}

Result<Exit> InspectTable(const InspectFlags& flags, Context& context) {
  TOKURA_ASSIGN_OR_RETURN(const std::string path, OfflinePath(flags.path));
  TOKURA_ASSIGN_OR_RETURN(const bool is_directory, context.files.IsDirectory(path));
  if (!is_directory) {
    return InvalidArgument(
        path +
        (path.ends_with(".parquet") ? ": rows in Parquet, which DuckDB and pandas open"
                                    : " is a file") +
        "; inspect table shows a table's folder, OFFLINE/PROJECT/GROUP_vVERSION");
  }
  TOKURA_ASSIGN_OR_RETURN(const std::unique_ptr<offline::Table> table,
                          offline::Table::OpenFolder(context.files, path));
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<const catalog::Definitions> definitions,
                          DefinitionsAbove(context.files, path));
  if (context.json) {
    TOKURA_ASSIGN_OR_RETURN(const std::string text,
                            runtime::ReadFile(context.files, table->metadata_path()));
    context.console.Out(text);
  } else {
    context.console.Out(TableText(*table, RecordText(std::move(definitions)), flags.limit));
  }
  return Exit::kDone;
}

}  // namespace

void RegisterInspect(CommandLine& line, Context& context) {
  CLI::App& app = line.AddVerb(
      line.root(), {"inspect", "read a log, segment or table file as text", kOperateSection,
                    "log|segment|table PATH", std::string(kLogExamples) + "\n" + kTableExamples});
  const auto add = [&](const VerbText& text, const std::string& help,
                       Result<Exit> (*run)(const InspectFlags&, Context&)) {
    auto flags = std::make_shared<InspectFlags>();  // joint owners: the options and the action
    CLI::App& verb =
        line.AddVerb(app, text, [flags, run, &context] { return run(*flags, context); });
    verb.add_option("PATH", flags->path, help)->required();
    AddCount(verb, "--limit", &flags->limit, "entries listed; 0: all; every one is checked");
  };
  add({"log", "list the records of a node's log", kOperateSection, "DIR|FILE [--limit N]",
       kLogExamples},
      "a log's directory, or one segment", InspectLog);
  add({"segment", "list the records of one segment", kOperateSection, "FILE [--limit N]",
       kSegmentExamples},
      "a .seg file", InspectLog);
  add({"table", "show what a table's snapshot names", kOperateSection, "DIR|FILE [--limit N]",
       kTableExamples},
      "a table's folder", InspectTable);
}

}  // namespace tokura::cli
