#include "cli/program/machine_files.h"

#include <cstdlib>

#include "offline/table/location.h"
#include "offline/table/table.h"
#include "runtime/real/real_runtime.h"
#include "runtime/real/standard_input.h"
#include "runtime/s3/uri_file_system.h"

namespace tokura::cli {

std::unique_ptr<runtime::FileSystem> MakeFiles(runtime::Clock& clock, runtime::Random& random) {
  const char* const temporary = std::getenv("TMPDIR");
  return runtime::s3::MakeUriFileSystem(
      runtime::real::MakeFileSystem(), clock, random, runtime::real::BlockFor,
      temporary == nullptr || *temporary == '\0' ? "/tmp" : temporary);
}

Result<std::string> OfflinePath(const std::string& uri) {
  TOKURA_ASSIGN_OR_RETURN(std::string path, offline::ParseOfflineUri(uri));
  if (offline::IsRemote(path)) return path;
  return runtime::real::AbsolutePath(path);
}

}  // namespace tokura::cli
