#include "offline/join/spill_file.h"

#include <utility>

#include <arrow/record_batch.h>
#include <arrow/type.h>

namespace tokura::offline {

Result<std::unique_ptr<SpillWriter>> SpillWriter::Open(
    runtime::FileSystem& files, const std::string& path,
    const std::shared_ptr<arrow::Schema>& schema) {
  const Status removed = files.Remove(path);
  if (!removed.ok() && removed.code() != Code::kNotFound) return removed;
  std::unique_ptr<SpillWriter> writer(new SpillWriter);
  writer->path_ = path;
  TOKURA_ASSIGN_OR_RETURN(writer->file_, files.Create(path));
  writer->stream_ = std::make_shared<FileOutputStream>(*writer->file_);
  auto made = arrow::ipc::MakeStreamWriter(writer->stream_, schema);
  TOKURA_RETURN_IF_ERROR(FromArrow(made.status(), Code::kUnavailable, path));
  writer->writer_ = *std::move(made);
  return writer;
}

Status SpillWriter::Append(const arrow::RecordBatch& batch) {
  return FromArrow(writer_->WriteRecordBatch(batch), Code::kUnavailable, path_);
}

Result<uint32_t> SpillWriter::Finish() {
  TOKURA_RETURN_IF_ERROR(FromArrow(writer_->Close(), Code::kUnavailable, path_));
  TOKURA_RETURN_IF_ERROR(file_->Close());
  return stream_->crc32c();
}

Result<std::unique_ptr<SpillReader>> SpillReader::Open(runtime::FileSystem& files,
                                                       const std::string& path,
                                                       const arrow::Schema& schema,
                                                       bool hold_open) {
  TOKURA_ASSIGN_OR_RETURN(std::shared_ptr<FileInputStream> stream,
                          FileInputStream::Open(files, path, hold_open));
  auto opened = arrow::ipc::RecordBatchStreamReader::Open(
      std::static_pointer_cast<arrow::io::InputStream>(std::move(stream)));
  TOKURA_RETURN_IF_ERROR(FromArrow(opened.status(), Code::kCorrupt, path));
  if (!(*opened)->schema()->Equals(schema)) return Corrupt(path + ": holds other columns");
  std::unique_ptr<SpillReader> reader(new SpillReader);
  reader->path_ = path;
  reader->reader_ = *std::move(opened);
  return reader;
}

Result<std::shared_ptr<arrow::RecordBatch>> SpillReader::Next() {
  std::shared_ptr<arrow::RecordBatch> batch;
  TOKURA_RETURN_IF_ERROR(FromArrow(reader_->ReadNext(&batch), Code::kCorrupt, path_));
  if (batch != nullptr) {
    TOKURA_RETURN_IF_ERROR(FromArrow(batch->Validate(), Code::kCorrupt, path_));
  }
  return batch;
}

}  // namespace tokura::offline
