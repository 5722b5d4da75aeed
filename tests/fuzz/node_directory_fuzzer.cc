// Any text as the identity file of a node: it is refused by name and left as it was, or the next
// life of the node is a later one and is what is read back.
#include <string>

#include "node/identity.h"
#include "runtime/sim/sim_world.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokura;
  const std::string text(reinterpret_cast<const char*>(data), size);
  runtime::sim::SimWorld world(1);
  runtime::FileSystem& files = world.disk("n1");
  TOKURA_CHECK(files.CreateDirectories("/n1").ok());
  TOKURA_CHECK(runtime::CreateFileAtomically(files, "/n1/identity.json", text).ok());
  const Status checked = node::CheckIdentity(files, "/n1", "n1");
  const Result<uint32_t> first = node::RegisterIncarnation(files, "/n1", "n1", 5, 7'000'000);
  if (!checked.ok()) {
    TOKURA_CHECK(!first.ok() && first.status() == checked);
    TOKURA_CHECK(*runtime::ReadFile(files, "/n1/identity.json") == text);
    return 0;
  }
  if (!first.ok()) return 0;  // no incarnation is left
  TOKURA_CHECK(*first > 5);
  TOKURA_CHECK(node::CheckIdentity(files, "/n1", "n1").ok());
  TOKURA_CHECK(!node::CheckIdentity(files, "/n1", "n2").ok());
  const Result<uint32_t> second = node::RegisterIncarnation(files, "/n1", "n1", 5, 0);
  TOKURA_CHECK(!second.ok() || *second > *first);
  return 0;
}
