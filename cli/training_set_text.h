// Training sets as the command line prints them.
#pragma once

#include <string>
#include <vector>

#include "offline/training/dataset.h"

namespace tokura::cli {

std::string DatasetText(const offline::Dataset& dataset);
// A table, the newest first.
std::string DatasetsText(const std::vector<offline::Dataset>& datasets);
std::string DatasetsJson(const std::vector<offline::Dataset>& datasets);

}  // namespace tokura::cli
