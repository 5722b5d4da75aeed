#include <utility>

#include "client/json_value.h"
#include "offline/user_files/csv.h"
#include "offline/user_files/row_file_columns.h"

namespace tokura::offline {
namespace {

Result<Value> FromCsv(Value cell, const Type& type) {
  const std::string& text = cell.as<std::string>();
  if (type.is_scalar()) return ParseScalar(text, type);
  Result<client::Json> json = client::ParseJson(text, kValueBytesMax);
  if (!json.ok()) return json.status().WithContext("expected " + type.ToString() + " as JSON");
  TOKURA_ASSIGN_OR_RETURN(Value value, client::JsonToValue(*json));
  return Coerce(std::move(value), type, Syntax::kJson);
}

class CsvImportReader : public ImportReader {
 public:
  CsvImportReader(std::unique_ptr<ByteSource> source, std::string name, const FeatureGroup& group,
                  const ImportOptions& options)
      : source_(std::move(source)), csv_(*source_), name_(std::move(name)), plan_(group, options) {}

  Status ReadHeader();
  Result<std::optional<ImportRow>> Next() override;
  uint64_t bytes_read() const override { return source_->raw_bytes_read(); }
  uint64_t bytes_total() const override { return source_->raw_bytes_total(); }
  std::string rejects_header() const override { return rejects_header_; }
  std::string RejectsJson(const ImportRow& row) const override;

 private:
  struct HeaderColumn {
    std::string name;
    const ColumnUses* uses = nullptr;
    bool kept = true;  // in the text of a rejected row
  };
  std::string KeptText(const CsvRecord& record) const;
  void AppendJsonCell(const HeaderColumn& column, const CsvCell& cell,
                      client::JsonWriter* writer) const;

  std::unique_ptr<ByteSource> source_;
  CsvReader csv_;
  const std::string name_;
  const ColumnPlan plan_;
  std::vector<HeaderColumn> columns_;
  std::string rejects_header_;
  bool keeps_all_ = true;
  CsvRecord record_;
};

Status CsvImportReader::ReadHeader() {
  TOKURA_ASSIGN_OR_RETURN(const bool found, csv_.Next(&record_));
  if (!found) return InvalidArgument(name_ + " is empty; a CSV file begins with a header row");
  if (!record_.malformed.ok()) return record_.malformed.WithContext(name_ + ": header row");
  if (!IsValidUtf8(record_.text)) {
    return InvalidArgument(name_ + ": the header row is not UTF-8; save the file as UTF-8");
  }
  std::vector<std::string> names;
  for (const CsvCell& cell : record_.cells) names.push_back(cell.text);
  TOKURA_RETURN_IF_ERROR(plan_.CheckHeader(name_, names));
  for (const std::string& name : names) {
    columns_.push_back({name, plan_.Find(name), !IsRejectsColumn(name)});
    keeps_all_ = keeps_all_ && columns_.back().kept;
  }
  rejects_header_ = KeptText(record_);
  return OkStatus();
}

// The cells as they stand, without those of an earlier rejects file; of a malformed row what
// follows its whole cells too.
std::string CsvImportReader::KeptText(const CsvRecord& record) const {
  if (keeps_all_) return record.text;
  std::string text;
  bool first = true;
  for (size_t i = 0; i < record.cells.size(); ++i) {
    if (i < columns_.size() && !columns_[i].kept) continue;
    if (!first) text += ',';
    first = false;
    const CsvCell& cell = record.cells[i];
    text.append(record.text, cell.begin, cell.end - cell.begin);
  }
  size_t rest = record.cells.empty() ? 0 : record.cells.back().end;
  if (first && rest < record.text.size() && record.text[rest] == ',') ++rest;
  return text.append(record.text, rest);
}

Result<std::optional<ImportRow>> CsvImportReader::Next() {
  TOKURA_ASSIGN_OR_RETURN(const bool found, csv_.Next(&record_));
  if (!found) return std::optional<ImportRow>();
  ImportRow row;
  row.line = record_.line;
  row.text = KeptText(record_);
  if (!record_.malformed.ok()) {
    row.record.malformed = record_.malformed;
  } else if (record_.cells.size() != columns_.size()) {
    row.record.malformed =
        InvalidArgument("expected " + std::to_string(columns_.size()) +
                        " cells, as the header has, got " + std::to_string(record_.cells.size()));
  } else {
    RowBuilder builder(plan_, FromCsv);
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].uses->empty()) continue;
      CsvCell& cell = record_.cells[i];
      builder.Add(columns_[i].name, *columns_[i].uses,
                  cell.is_null() ? Value() : Value(std::move(cell.text)));
    }
    row.record = builder.Finish();
  }
  return std::optional<ImportRow>(std::move(row));
}

void CsvImportReader::AppendJsonCell(const HeaderColumn& column, const CsvCell& cell,
                                     client::JsonWriter* writer) const {
  writer->Key(column.name);
  if (cell.is_null()) {
    writer->Null();
    return;
  }
  using Role = ColumnUse::Role;
  if (!column.uses->empty() && column.uses->front().role != Role::kTtl &&
      column.uses->front().role != Role::kWriteId) {
    const Type& type = column.uses->front().type;
    if (const Result<Value> value = FromCsv(Value(cell.text), type); value.ok()) {
      writer->TypedValue(*value, type);
      return;
    }
  }
  writer->String(ReplaceInvalidUtf8(cell.text));
}

std::string CsvImportReader::RejectsJson(const ImportRow& row) const {
  std::string_view rest = row.text;
  auto source = MakeFunctionSource([&rest](std::span<char> buffer) -> Result<size_t> {
    const size_t n = rest.copy(buffer.data(), buffer.size());
    rest.remove_prefix(n);
    return n;
  });
  CsvReader reader(*source);
  CsvRecord record;
  const Result<bool> found = reader.Next(&record);
  std::vector<const HeaderColumn*> kept;
  for (const HeaderColumn& column : columns_) {
    if (column.kept) kept.push_back(&column);
  }
  if (!found.ok() || !*found || !record.malformed.ok() || record.cells.size() != kept.size()) {
    return row.text;
  }
  std::string json;
  client::JsonWriter writer(&json);
  writer.BeginObject();
  for (size_t i = 0; i < kept.size(); ++i) AppendJsonCell(*kept[i], record.cells[i], &writer);
  writer.EndObject();
  return json;
}

}  // namespace

Result<std::unique_ptr<ImportReader>> OpenCsvReader(std::unique_ptr<ByteSource> source,
                                                    const std::string& name,
                                                    const FeatureGroup& group,
                                                    const ImportOptions& options) {
  auto reader = std::make_unique<CsvImportReader>(std::move(source), name, group, options);
  TOKURA_RETURN_IF_ERROR(reader->ReadHeader());
  return std::unique_ptr<ImportReader>(std::move(reader));
}

}  // namespace tokura::offline
