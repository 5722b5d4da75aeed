// A view whose files were damaged: it does not open, or a read fails, or what it holds is what it
// held after one of its writes, mark and rows together. The input is damages, five bytes each:
// which file, where (two bytes), what is done there, and with what.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "node/view.h"
#include "runtime/metrics.h"
#include "runtime/sim/sim_world.h"

namespace {

using namespace tokura;
using namespace tokura::node;

constexpr char kDirectory[] = "/view";
using Rows = std::map<std::pair<uint16_t, std::string>, std::string>;
struct Content {
  Rows rows;
  std::optional<std::string> mark;
  bool operator==(const Content&) const = default;
};

ViewOptions Options() {
  ViewOptions options;
  options.directory = kDirectory;
  options.wait_for_compaction = true;
  options.write_buffer_bytes = 64 << 10;
  return options;
}

Result<Content> Read(const View& view) {
  Content content;
  content.mark = view.recovered_mark();
  for (uint16_t shard = 0; shard < 4; ++shard) {
    TOKURA_RETURN_IF_ERROR(
        view.Scan(ShardId(shard), "", "", [&](std::string_view key, std::string_view row) {
          TOKURA_CHECK(content.rows.emplace(std::pair(shard, std::string(key)), row).second);
          return true;
        }));
  }
  return content;
}

// A view that was written and flushed a few times, and what it held after each time.
struct Original {
  std::map<std::string, std::string> files;
  std::vector<Content> states = {{}};

  Original() {
    runtime::sim::SimWorld world(1);
    runtime::FileSystem& disk = world.disk("n1");
    const auto metrics = runtime::MakeNullMetrics();
    auto view = View::Open(disk, Options(), *metrics);
    TOKURA_CHECK(view.ok());
    for (int round = 0; round < 4; ++round) {
      Content next = states.back();
      next.mark = "mark " + std::to_string(round);
      std::vector<View::Change> changes;
      for (int i = 0; i < 40; ++i) {
        std::pair<uint16_t, std::string> key(i % 4, "key " + std::to_string(i * (round + 1) % 60));
        next.rows[key] = "row " + std::to_string(round) + std::string(i * 5, 'x');
      }
      for (const auto& [key, row] : next.rows) {
        changes.push_back({ShardId(key.first), key.second, row});
      }
      TOKURA_CHECK((*view)->Write(changes, next.mark).ok() && (*view)->Flush().ok());
      states.push_back(std::move(next));
    }
    view->reset();
    const std::vector<std::string> names = disk.List(kDirectory).value();
    for (const std::string& name : names) {
      files[name] = *runtime::ReadFile(disk, kDirectory + ("/" + name));
    }
  }
};

void Damage(std::map<std::string, std::string>* files, std::string_view how) {
  if (files->empty()) return;
  const auto at = std::next(files->begin(), static_cast<uint8_t>(how[0]) % files->size());
  std::string& bytes = at->second;
  // From the front or from the end, where the footers are.
  const size_t far = GetU16(how.data() + 1) % (bytes.size() + 1);
  const size_t place = (how[3] & 16) != 0 ? bytes.size() - far : far;
  switch (how[3] & 7) {
    case 0:
    case 1:
      if (place < bytes.size()) bytes[place] ^= static_cast<char>(1 << (how[4] & 7));
      return;
    case 2:
      if (place < bytes.size()) bytes[place] = how[4];
      return;
    case 3:
      bytes.resize(place);
      return;
    case 4:
      bytes.append(static_cast<uint8_t>(how[4]), '\0');
      return;
    case 5:
      bytes.replace(place, static_cast<uint8_t>(how[4]),
                    std::string(static_cast<uint8_t>(how[4]), '\0'));
      return;
    case 6:
      files->erase(at);
      return;
    default:
      bytes = std::next(files->begin(), static_cast<uint8_t>(how[4]) % files->size())->second;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Original kOriginal;
  std::map<std::string, std::string> files = kOriginal.files;
  for (size_t i = 0; i + 5 <= size && i < 40; i += 5) {
    Damage(&files, {reinterpret_cast<const char*>(data) + i, 5});
  }
  runtime::sim::SimWorld world(1);
  runtime::FileSystem& disk = world.disk("n1");
  TOKURA_CHECK(disk.CreateDirectories(kDirectory).ok());
  for (const auto& [name, bytes] : files) {
    auto file = disk.Create(kDirectory + ("/" + name));
    TOKURA_CHECK(file.ok() && (*file)->Append(bytes).ok() && (*file)->Sync().ok());
  }
  const auto metrics = runtime::MakeNullMetrics();
  auto view = View::Open(disk, Options(), *metrics);
  if (!view.ok()) return 0;
  const Result<Content> content = Read(**view);
  if (!content.ok()) return 0;
  bool known = false;
  for (const Content& state : kOriginal.states) known |= state == *content;
  TOKURA_CHECK(known);
  return 0;
}
