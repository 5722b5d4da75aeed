// What an object store answers with: small XML documents, of which only the texts matter.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"

namespace tokura::runtime::s3 {

// The elements without elements inside, in the order of the document, each by the names around it:
// {"ListBucketResult/Contents/Key", "a&b"}. Attributes, comments and declarations are passed over.
// CORRUPT if `xml` is not well-formed, nests deeper than 16, or has other entities than the five
// of XML and numbers.
Result<std::vector<std::pair<std::string, std::string>>> ReadXml(std::string_view xml);

// The first text of that name; empty if there is none.
std::string FindXml(const std::vector<std::pair<std::string, std::string>>& leaves,
                    std::string_view name);

}  // namespace tokura::runtime::s3
