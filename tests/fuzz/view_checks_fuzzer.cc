// A MANIFEST and a table of a view of any bytes: what is whole of a MANIFEST is whole by itself,
// and a table whose footer is accepted has room for what the footer names.
#include <string_view>

#include "core/bytes.h"
#include "node/view_checks.h"

namespace {

using tokura::node::kTableFooterBytes;

void CheckManifest(std::string_view bytes) {
  const tokura::Result<size_t> whole = tokura::node::WholeManifestBytes(bytes);
  if (!whole.ok()) return;
  TOKURA_CHECK(*whole <= bytes.size());
  const tokura::Result<size_t> again = tokura::node::WholeManifestBytes(bytes.substr(0, *whole));
  TOKURA_CHECK(again.ok() && *again == *whole);
}

void CheckTable(std::string_view bytes) {
  const std::string_view footer = bytes.substr(bytes.size() - kTableFooterBytes);
  if (!tokura::node::CheckTableFooter(footer, bytes.size()).ok()) return;
  tokura::ByteReader reader(footer);
  for (int block = 0; block < 2; ++block) {
    uint64_t offset = 0;
    uint64_t size = 0;
    TOKURA_CHECK(reader.Varint(&offset) && reader.Varint(&size));
    TOKURA_CHECK(offset <= bytes.size() && size <= bytes.size() - offset);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  CheckManifest(input);
  if (size >= kTableFooterBytes) CheckTable(input);
  return 0;
}
