#include <algorithm>
#include <utility>

#include "client/json_value.h"
#include "offline/user_files/csv.h"
#include "offline/user_files/row_file.h"
#include "offline/user_files/row_file_columns.h"

namespace tokura::offline {
namespace {

constexpr size_t kRowBytesMax = 32 << 20;

std::string TemporaryPath(const std::string& path) { return path + ".tmp"; }

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// `row`, if it is a JSON object, with line and reason in front; else beside them as `_text`.
std::string JsonLine(const std::string& row, uint64_t line, std::string_view reason) {
  std::string text;
  client::JsonWriter writer(&text);
  writer.BeginObject();
  writer.Key("_line").UInt(line);
  writer.Key("_reason").String(ReplaceInvalidUtf8(reason));
  const Result<client::Json> json = client::ParseJson(row, kRowBytesMax);
  if (!json.ok() || json->object() == nullptr) {
    writer.Key("_text").String(ReplaceInvalidUtf8(row)).EndObject();
    return text;
  }
  // The members go over as they are spelled, so that no number changes by being written again.
  const size_t open = row.find('{');
  if (!json->object()->empty()) text += ',';
  return text.append(row, open + 1);
}

}  // namespace

Result<std::unique_ptr<RejectsWriter>> RejectsWriter::Open(runtime::FileSystem& files,
                                                           std::string path) {
  const bool csv = path.ends_with(".csv");
  if (!csv && !path.ends_with(".jsonl")) {
    return InvalidArgument(path + ": a rejects file is named .csv or .jsonl");
  }
  return std::unique_ptr<RejectsWriter>(new RejectsWriter(files, std::move(path), csv));
}

RejectsWriter::RejectsWriter(runtime::FileSystem& files, std::string path, bool csv)
    : files_(files), path_(std::move(path)), csv_(csv) {}

RejectsWriter::~RejectsWriter() = default;

Status RejectsWriter::Accept(const ImportReader& reader) {
  if (!csv_) return OkStatus();
  const std::string header = reader.rejects_header();
  if (header.empty()) {
    return InvalidArgument(path_ + ": the rows of this file are kept as JSON; name it .jsonl");
  }
  if (header_.empty()) header_ = header;
  if (header_ == header) return OkStatus();
  return InvalidArgument(path_ +
                         ": CSV files of different columns cannot share a .csv; name it .jsonl");
}

Status RejectsWriter::Begin() {
  const std::string temporary = TemporaryPath(path_);
  TOKURA_ASSIGN_OR_RETURN(const bool left_over, files_.Exists(temporary));
  if (left_over) TOKURA_RETURN_IF_ERROR(files_.Remove(temporary));
  TOKURA_ASSIGN_OR_RETURN(file_, files_.Create(temporary));
  return csv_ ? file_->Append("_line,_reason," + header_ + "\n") : OkStatus();
}

Status RejectsWriter::Add(const ImportReader& reader, const ImportRow& row,
                          std::string_view reason) {
  if (file_ == nullptr) TOKURA_RETURN_IF_ERROR(Begin());
  ++rows_;
  if (!csv_) return file_->Append(JsonLine(reader.RejectsJson(row), row.line, reason) + "\n");
  return file_->Append(std::to_string(row.line) + "," + CsvCellText(reason) + "," + row.text +
                       "\n");
}

Status RejectsWriter::Close() {
  if (file_ == nullptr) return OkStatus();
  TOKURA_RETURN_IF_ERROR(file_->Sync());
  TOKURA_RETURN_IF_ERROR(file_->Close());
  file_ = nullptr;
  TOKURA_RETURN_IF_ERROR(files_.Rename(TemporaryPath(path_), path_));
  return files_.SyncDirectory(ParentOf(path_));
}

}  // namespace tokura::offline
