// Where offline tables may lie: in directories, or in an object store.
#pragma once

#include <string>

namespace tokura::offline {

// Whether `path`, as ParseOfflineUri gives it, is in an object store, "s3://bucket/prefix": there
// other machines may write beside us.
inline bool IsRemote(const std::string& path) { return path.starts_with("s3://"); }

}  // namespace tokura::offline
