// tokura-bench-history: what bench/run starts for P9: makes a history, and lays it out as a table;
// and reads it as its keepers do, by hand. Prints one line of JSON. --help says how.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <limits>
#include <string>

#include "bench/history/history_files.h"
#include "bench/history/lay_out.h"
#include "bench/history/read_table.h"
#include "runtime/real/real_runtime.h"

namespace tokura::bench {
namespace {

int Report(const Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return 1;
}

int Make(runtime::FileSystem& files, const std::string& directory, const HistorySize& size) {
  return Report(WriteHistory(files, directory, size));
}

int Lay(runtime::FileSystem& files, const std::string& directory, const std::string& out,
        size_t segments_a_commit) {
  const Result<LayOutResult> result = LayOut(files, directory, out, segments_a_commit);
  if (!result.ok()) return Report(result.status());
  std::printf(
      "{\"records\":%llu,\"rows\":%llu,\"duplicates\":%llu,\"files\":%llu,\"bytes\":%llu,"
      "\"read_cpu_seconds\":%.3f,\"cpu_seconds\":%.3f,\"memory_bytes\":%llu}\n",
      static_cast<unsigned long long>(result->records),
      static_cast<unsigned long long>(result->rows),
      static_cast<unsigned long long>(result->duplicates),
      static_cast<unsigned long long>(result->files),
      static_cast<unsigned long long>(result->bytes), result->read_cpu_seconds, result->cpu_seconds,
      static_cast<unsigned long long>(result->memory_bytes));
  return 0;
}

int Read(runtime::FileSystem& files, const std::string& offline_root, const std::string& as) {
  const Result<ReadTableResult> result = ReadTable(files, offline_root, as);
  if (!result.ok()) return Report(result.status());
  std::printf(
      "{\"files\":%llu,\"rows\":%llu,\"out\":%llu,\"cpu_seconds\":%.3f,\"memory_bytes\":%llu}\n",
      static_cast<unsigned long long>(result->files), static_cast<unsigned long long>(result->rows),
      static_cast<unsigned long long>(result->out), result->cpu_seconds,
      static_cast<unsigned long long>(result->memory_bytes));
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Makes a history and lays it out; see bench/run.");
  app.require_subcommand(1);
  std::string directory;
  std::string out;
  HistorySize size{20'000'000, 1'000'000, 16};
  CLI::App* const make = app.add_subcommand("make", "writes DIR/log and DIR/records");
  make->add_option("directory", directory)->required();
  make->add_option("--records", size.records, "how many");
  make->add_option("--users", size.users, "of how many users");
  make->add_option("--segments", size.segments, "in how many segments");
  CLI::App* const lay_out = app.add_subcommand("lay-out", "brings DIR/log into a table");
  lay_out->add_option("directory", directory)->required();
  lay_out->add_option("--out", out, "the offline directory")->required();
  size_t segments_a_commit = std::numeric_limits<size_t>::max();
  lay_out->add_option("--commit-every", segments_a_commit, "segments [all in one commit]");
  std::string as;
  CLI::App* const read = app.add_subcommand("read", "reads the table of lay-out, all of it");
  read->add_option("directory", out, "the offline directory")->required();
  read->add_option("--as", as, "care, promote or entities")->required();
  CLI11_PARSE(app, argc, argv);
  const auto files = runtime::real::MakeFileSystem();
  if (make->parsed()) return Make(*files, directory, size);
  if (read->parsed()) return Read(*files, out, as);
  return Lay(*files, directory, out, segments_a_commit);
}

}  // namespace
}  // namespace tokura::bench

int main(int argc, char** argv) { return tokura::bench::Main(argc, argv); }
