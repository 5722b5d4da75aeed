// What the operating system says of this process. Internal to runtime/real.
#pragma once

#include <functional>

#include "runtime/metrics.h"

namespace tokura::runtime::real {

// Registers the metrics and returns what brings them up to date; called before each exposition.
std::function<void()> MakeProcessMetrics(Metrics& metrics);

}  // namespace tokura::runtime::real
