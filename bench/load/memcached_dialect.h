// memcached's text protocol with one packed row an entity: multi-key get, pipelined set.
#pragma once

#include <memory>

#include "bench/load/dialect.h"

namespace tokura::bench {

std::unique_ptr<Dialect> MakeMemcached(const RowShape& shape);

}  // namespace tokura::bench
