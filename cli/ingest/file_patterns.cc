#include "cli/ingest/file_patterns.h"

#include <fnmatch.h>

#include <utility>

namespace tokura::cli {
namespace {

bool IsPattern(const std::string& name) { return name.find_first_of("*?[") != std::string::npos; }

std::string Join(const std::string& folder, const std::string& name) {
  return folder.empty() || folder.ends_with('/') ? folder + name : folder + "/" + name;
}

// What `part` matches in each of `folders`; the last part of a path matches files, others folders.
Result<std::vector<std::string>> MatchIn(runtime::FileSystem& files,
                                         const std::vector<std::string>& folders,
                                         const std::string& part, bool is_last) {
  std::vector<std::string> matches;
  for (const std::string& folder : folders) {
    if (!IsPattern(part)) {
      std::string path = Join(folder, part);
      TOKURA_ASSIGN_OR_RETURN(const bool exists, files.Exists(path));
      if (exists) matches.push_back(std::move(path));
      continue;
    }
    TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                            files.List(folder.empty() ? "." : folder));
    for (const std::string& name : names) {
      if (fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
      std::string path = Join(folder, name);
      TOKURA_ASSIGN_OR_RETURN(const bool is_folder, files.IsDirectory(path));
      if (is_folder != is_last) matches.push_back(std::move(path));
    }
  }
  return matches;
}

Result<std::vector<std::string>> Expand(runtime::FileSystem& files, const std::string& pattern) {
  std::vector<std::string> matches{pattern.starts_with('/') ? "/" : ""};
  for (size_t begin = 0; begin < pattern.size();) {
    const size_t end = std::min(pattern.find('/', begin), pattern.size());
    if (end > begin) {
      TOKURA_ASSIGN_OR_RETURN(matches, MatchIn(files, matches, pattern.substr(begin, end - begin),
                                               /*is_last=*/end == pattern.size()));
    }
    begin = end + 1;
  }
  if (matches.empty()) return InvalidArgument("no file matches '" + pattern + "'");
  return matches;
}

}  // namespace

Result<std::vector<std::string>> ExpandPatterns(runtime::FileSystem& files,
                                                const std::vector<std::string>& names) {
  std::vector<std::string> expanded;
  for (const std::string& name : names) {
    TOKURA_ASSIGN_OR_RETURN(const bool as_it_is, files.Exists(name));
    if (as_it_is || !IsPattern(name)) {
      expanded.push_back(name);
      continue;
    }
    TOKURA_ASSIGN_OR_RETURN(const std::vector<std::string> matches, Expand(files, name));
    expanded.insert(expanded.end(), matches.begin(), matches.end());
  }
  return expanded;
}

}  // namespace tokura::cli
