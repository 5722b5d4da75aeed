// The `tokura` program: `tokura up` serves, every other verb asks a server or looks at files.
#include <cstdlib>

#include "cli/program/machine_files.h"
#include "cli/verbs.h"
#include "runtime/real/real_runtime.h"

namespace {

constexpr char kExamples[] =
    "tokura up --data-dir /tmp/tokura                      # serve\n"
    "tokura apply features.yaml                            # define\n"
    "tokura put flights/weather weather.csv                # write\n"
    "tokura get --features flights/weather:temp --key origin=JFK\n"
    "tokura wait && tokura training-set build --spine labels.parquet \\\n"
    "  --service flights/delay_model --out train.parquet   # train\n"
    "tokura verify                                         # prove that both sides are equal";

}  // namespace

int main(int argc, char** argv) {
  using namespace tokura;
  const auto clock = runtime::real::MakeClock();
  const auto random = runtime::real::MakeRandom();
  const auto files = cli::MakeFiles(*clock, *random);
  cli::Console console;
  cli::Context context{console, *files, *clock, *random};
  cli::CommandLine line({"tokura", "a feature store: latest values and their history from one log",
                         "", "VERB ...", kExamples},
                        nullptr, console, *files,
                        [](const std::string& name) { return std::getenv(name.c_str()); });
  cli::RegisterVerbs(line, context);
  return static_cast<int>(line.Run({argv + 1, argv + argc}));
}
