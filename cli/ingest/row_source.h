// RowSource: a file of rows, how to read it, and where its bad rows go.
#pragma once

#include <string>

#include "offline/user_files/row_file.h"

namespace tokura::cli {

struct RowSource {
  std::string path;
  offline::ImportOptions reading;
  offline::RejectsWriter* rejects = nullptr;  // may be null
};

}  // namespace tokura::cli
