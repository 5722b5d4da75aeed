#include <utility>

#include <arrow/array/builder_binary.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include "core/value.h"
#include "offline/records/arrow_file.h"
#include "offline/training/spine.h"
#include "offline/user_files/csv.h"

namespace tokura::offline {
namespace {

constexpr int64_t kBatchBytesMax = 64 << 20;

// All columns as text.
class CsvSpine final : public Spine {
 public:
  CsvSpine(std::string name, std::unique_ptr<ByteSource> source)
      : name_(std::move(name)), source_(std::move(source)), reader_(*source_) {}

  Status ReadHeader() {
    TOKURA_ASSIGN_OR_RETURN(const bool header, reader_.Next(&record_));
    if (!header) {
      return InvalidArgument("spine '" + name_ + "' is empty; the first line names the columns");
    }
    TOKURA_RETURN_IF_ERROR(At(record_.malformed));
    arrow::FieldVector fields;
    for (const CsvCell& cell : record_.cells) {
      fields.push_back(arrow::field(cell.text, arrow::utf8()));
    }
    schema_ = arrow::schema(std::move(fields));
    builders_.resize(record_.cells.size());
    return OkStatus();
  }

  bool is_text() const override { return true; }

  Result<std::shared_ptr<arrow::RecordBatch>> Next() override {
    int64_t rows = 0;
    int64_t bytes = 0;
    while (rows < kBatchRows && bytes < kBatchBytesMax) {
      TOKURA_ASSIGN_OR_RETURN(const bool more, reader_.Next(&record_));
      if (!more) break;
      TOKURA_RETURN_IF_ERROR(At(record_.malformed));
      TOKURA_RETURN_IF_ERROR(At(Append()));
      ++rows;
      bytes += static_cast<int64_t>(record_.text.size());
    }
    if (rows == 0) return std::shared_ptr<arrow::RecordBatch>();
    arrow::ArrayVector columns(builders_.size());
    for (size_t i = 0; i < builders_.size(); ++i) {
      TOKURA_RETURN_IF_ERROR(FromArrow(builders_[i].Finish(&columns[i]), Code::kInternal, name_));
    }
    return arrow::RecordBatch::Make(schema_, rows, std::move(columns));
  }

 private:
  Status At(const Status& status) const {
    return status.ok() ? status : status.WithContext(name_ + ":" + std::to_string(record_.line));
  }

  Status Append() {
    if (record_.cells.size() != builders_.size()) {
      return InvalidArgument(std::to_string(record_.cells.size()) + " cells, the header has " +
                             std::to_string(builders_.size()));
    }
    for (size_t i = 0; i < builders_.size(); ++i) {
      const CsvCell& cell = record_.cells[i];
      if (!IsValidUtf8(cell.text)) {
        return InvalidArgument("cell " + std::to_string(i + 1) + " is not UTF-8");
      }
      arrow::StringBuilder& to = builders_[i];
      const arrow::Status added = cell.is_null() ? to.AppendNull() : to.Append(cell.text);
      TOKURA_RETURN_IF_ERROR(FromArrow(added, Code::kInternal, name_));
    }
    return OkStatus();
  }

  const std::string name_;
  std::unique_ptr<ByteSource> source_;
  CsvReader reader_;
  CsvRecord record_;
  std::vector<arrow::StringBuilder> builders_;
};

}  // namespace

Result<std::unique_ptr<Spine>> OpenCsvSpine(runtime::FileSystem& files, const std::string& path,
                                            const std::string& name) {
  TOKURA_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, OpenFileSource(files, path));
  std::string head;
  TOKURA_ASSIGN_OR_RETURN(source, PeekHead(std::move(source), &head));
  TOKURA_ASSIGN_OR_RETURN(source, Decompress(std::move(source), CompressionOf(head), name));
  auto spine = std::make_unique<CsvSpine>(name, std::move(source));
  TOKURA_RETURN_IF_ERROR(spine->ReadHeader());
  return std::unique_ptr<Spine>(std::move(spine));
}

}  // namespace tokura::offline
