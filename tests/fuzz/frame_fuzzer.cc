// The frame reader on arbitrary bytes, cut into pieces: it must neither crash nor hold more memory
// than came, and whatever it accepts must encode to the same bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"
#include "runtime/rpc/frame.h"
#include "runtime/rpc/frame_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokura::runtime::rpc;  // NOLINT
  std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)DecodeError(input);

  FrameReader reader;
  std::string accepted;
  size_t piece = 1;
  for (std::string_view rest = input; !rest.empty(); piece = piece * 2 + 1) {
    const std::span<char> space = reader.Space();
    const size_t n = std::min({space.size(), rest.size(), piece});
    std::copy_n(rest.data(), n, space.data());
    reader.Received(n);
    rest.remove_prefix(n);
    for (;;) {
      const auto frame = reader.Next();
      if (!frame.ok()) return 0;
      if (!frame->has_value()) break;
      AppendFrame((*frame)->header, (*frame)->body, &accepted);
      TOKURA_CHECK(input.starts_with(accepted));
    }
  }
  return 0;
}
