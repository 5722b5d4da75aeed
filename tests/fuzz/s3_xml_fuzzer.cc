// What an object store answers, as untrusted bytes: texts with their names, or CORRUPT; and what
// was read, written again, reads the same.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/status.h"
#include "runtime/s3/xml.h"

namespace tokura::runtime::s3 {
namespace {

// Each leaf in the elements of its own.
std::string Write(const std::vector<std::pair<std::string, std::string>>& leaves) {
  std::string xml;
  for (const auto& [path, text] : leaves) {
    std::string close;
    for (size_t begin = 0; begin <= path.size();) {
      const size_t end = std::min(path.find('/', begin), path.size());
      const std::string name = path.substr(begin, end - begin);
      xml += "<" + name + ">";
      close = "</" + name + ">" + close;
      begin = end + 1;
    }
    for (const char c : text) {
      xml += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
    }
    xml += close;
  }
  return xml;
}

}  // namespace
}  // namespace tokura::runtime::s3

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tokura::runtime::s3;
  const auto leaves = ReadXml({reinterpret_cast<const char*>(data), size});
  if (!leaves.ok()) return 0;
  // A name with a slash in it is read as several, which may then be too deep.
  for (const auto& [path, text] : *leaves) {
    if (path.find("//") != std::string::npos || path.starts_with('/') || path.ends_with('/') ||
        std::count(path.begin(), path.end(), '/') > 15 ||
        path.find_first_of("?!") != std::string::npos) {
      return 0;
    }
  }
  const auto again = ReadXml(Write(*leaves));
  TOKURA_CHECK(again.ok() && *again == *leaves);
  return 0;
}
