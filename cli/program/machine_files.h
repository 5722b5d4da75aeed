// The files that the programs work on: those of this machine, and s3:// ones of the object store
// that the AWS_* variables name (docs/operations.md, "Tables in S3").
#pragma once

#include <memory>
#include <string>

#include "core/status.h"
#include "runtime/executor.h"
#include "runtime/file_system.h"

namespace tokura::cli {

// The arguments outlive the result.
std::unique_ptr<runtime::FileSystem> MakeFiles(runtime::Clock& clock, runtime::Random& random);

// The root of offline tables, or a folder of them, that a flag names: an absolute path, or
// "s3://BUCKET/PREFIX". INVALID_ARGUMENT for any other scheme.
Result<std::string> OfflinePath(const std::string& uri);

}  // namespace tokura::cli
