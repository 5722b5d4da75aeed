#include "cli/program/options.h"

#include <CLI/CLI.hpp>

namespace tokura::cli {

bool IsAboutSettings(const std::string& flag) {
  return flag == "config" || flag == "print-config" || flag == "check-config" || flag == "help" ||
         flag == "version";
}

const CLI::Option* FindOption(const std::vector<const CLI::App*>& path, const std::string& name) {
  for (auto app = path.rbegin(); app != path.rend(); ++app) {
    if (const CLI::Option* option = (*app)->get_option_no_throw(name)) return option;
  }
  return nullptr;
}

}  // namespace tokura::cli
