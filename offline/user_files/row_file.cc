#include "offline/user_files/row_file.h"

#include <algorithm>
#include <utility>

#include "offline/user_files/decompress.h"
#include "offline/user_files/row_file_columns.h"

namespace tokura::offline {
namespace {

constexpr std::string_view kExtensions =
    ".parquet, .csv or .jsonl (the last two also with .gz or .zst)";

struct FileKind {
  std::string format;                            // "csv", "jsonl", "parquet"
  Compression compression = Compression::kNone;  // as the name says
};

bool TakeSuffix(std::string* name, std::string_view suffix) {
  if (!name->ends_with(suffix)) return false;
  name->resize(name->size() - suffix.size());
  return true;
}

Result<FileKind> KindOf(const std::string& path, const std::string& format) {
  FileKind kind;
  std::string name = path;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (TakeSuffix(&name, ".gz")) {
    kind.compression = Compression::kGzip;
  } else if (TakeSuffix(&name, ".zst")) {
    kind.compression = Compression::kZstd;
  }
  if (!format.empty()) {
    if (format != "csv" && format != "jsonl" && format != "parquet") {
      return InvalidArgument("format '" + format + "' is none of csv, jsonl, parquet");
    }
    kind.format = format;
  } else if (path == "-") {
    return InvalidArgument("standard input has no extension: say --format csv or --format jsonl");
  } else {
    for (const std::string_view known : {"parquet", "csv", "jsonl"}) {
      if (name.ends_with("." + std::string(known))) kind.format = known;
    }
    if (kind.format.empty()) {
      return InvalidArgument(path + ": the name does not tell what it holds; expected " +
                             std::string(kExtensions));
    }
  }
  if (kind.format == "parquet" && kind.compression != Compression::kNone) {
    return InvalidArgument(path + ": Parquet is compressed inside; unpack the file first");
  }
  if (kind.format == "parquet" && path == "-") {
    return InvalidArgument("Parquet cannot be read from standard input; name a file");
  }
  return kind;
}

// The commonest wrong contents, told by their first bytes before they make a thousand bad rows.
Status CheckTextHead(const std::string& name, const std::string& format, std::string_view head) {
  if (head.empty()) {
    return InvalidArgument(name + " is empty; " +
                           (format == "csv" ? "a CSV file begins with a header row"
                                            : "expected one JSON object a line"));
  }
  if (head.starts_with("PAR1")) {
    return InvalidArgument(name + " holds Parquet, not " + format + "; name it .parquet");
  }
  if (head.starts_with("\xff\xfe") || head.starts_with("\xfe\xff")) {
    return InvalidArgument(name + " is UTF-16; save it as UTF-8");
  }
  if (head.find('\0') != std::string_view::npos) {
    return InvalidArgument(name + " is not text; expected " + format + " in UTF-8");
  }
  return OkStatus();
}

Result<std::unique_ptr<ByteSource>> OpenText(std::unique_ptr<ByteSource> raw,
                                             const std::string& name, const FileKind& kind) {
  std::string head;
  TOKURA_ASSIGN_OR_RETURN(raw, PeekHead(std::move(raw), &head));
  const Compression found = CompressionOf(head);
  if (kind.compression != Compression::kNone && found != kind.compression && !head.empty()) {
    return InvalidArgument(name + " is not " +
                           (kind.compression == Compression::kGzip ? "gzip" : "zstd") +
                           ", as its name says; rename it");
  }
  if (found != Compression::kNone) {
    TOKURA_ASSIGN_OR_RETURN(raw, Decompress(std::move(raw), found, name));
    TOKURA_ASSIGN_OR_RETURN(raw, PeekHead(std::move(raw), &head));
  }
  TOKURA_RETURN_IF_ERROR(CheckTextHead(name, kind.format, head));
  return raw;
}

}  // namespace

Result<std::unique_ptr<ImportReader>> ImportReader::Open(
    runtime::FileSystem& files, const std::string& path, const FeatureGroup& group,
    const ImportOptions& options, std::function<Result<size_t>(std::span<char>)> standard_input) {
  const bool from_input = path == "-" && standard_input != nullptr;
  const std::string name = from_input ? "standard input" : path;
  std::unique_ptr<ByteSource> source;
  if (from_input) {
    source = MakeFunctionSource(std::move(standard_input));
  } else {
    TOKURA_ASSIGN_OR_RETURN(source, OpenFileSource(files, path));
  }
  TOKURA_ASSIGN_OR_RETURN(const FileKind kind, KindOf(path, options.format));
  if (kind.format == "parquet") return OpenParquetReader(files, path, group, options);
  TOKURA_ASSIGN_OR_RETURN(source, OpenText(std::move(source), name, kind));
  if (kind.format == "csv") return OpenCsvReader(std::move(source), name, group, options);
  return OpenJsonLinesReader(std::move(source), name, group, options);
}

}  // namespace tokura::offline
