// Runs a fuzz target without libFuzzer: over each file of a corpus folder, then over seeded random
// mutations of them, so that every build and sanitizer exercises the targets. On a crash the input
// is what `--replay SEED` runs again alone.
//
//   record_fuzzer CORPUS_DIR                   TOKURA_FUZZ_RUNS mutations (default 20,000)
//   record_fuzzer CORPUS_DIR --replay SEED     one of them
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr size_t kInputBytesMax = 4096;

std::vector<std::string> ReadCorpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  // The order of a folder is the file system's; seeds must mean the same everywhere.
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs = {""};
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

// Changes one thing at a random place, in one of the ways that formats break by.
void MutateOnce(const std::vector<std::string>& corpus, std::mt19937_64& random,
                std::string* input) {
  const size_t at = random() % (input->size() + 1);
  const auto byte = static_cast<char>(random());
  const std::string& other = corpus[random() % corpus.size()];
  switch (random() % 6) {
    case 0:
      if (at < input->size()) (*input)[at] = byte;
      return;
    case 1:
      if (at < input->size()) (*input)[at] ^= static_cast<char>(1 << random() % 8);
      return;
    case 2:
      input->insert(at, 1 + random() % 4, byte);
      return;
    case 3:
      input->erase(at, 1 + random() % 8);
      return;
    case 4:
      input->insert(at, input->substr(random() % (input->size() + 1), 1 + random() % 16));
      return;
    default:
      input->replace(at, std::string::npos, other.substr(random() % (other.size() + 1)));
      return;
  }
}

void Run(std::string_view input) {
  // A copy of exactly this size, so that a sanitizer sees the first byte read beyond it.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void RunMutation(const std::vector<std::string>& corpus, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string input = corpus[random() % corpus.size()];
  const uint64_t mutations = 1 + random() % 6;
  for (uint64_t i = 0; i < mutations; ++i) MutateOnce(corpus, random, &input);
  if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
  Run(input);
}

// Read by the handler of the signal that a failing target dies of.
volatile sig_atomic_t current_seed = 0;

void PrintSeed(int signal) {
  char text[64];
  const int n = std::snprintf(text, sizeof text, "fuzz: died at mutation %d, see --replay\n",
                              static_cast<int>(current_seed));
  if (write(STDERR_FILENO, text, static_cast<size_t>(n)) < 0) _exit(3);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && !(argc == 4 && std::string_view(argv[2]) == "--replay")) {
    std::fprintf(stderr, "usage: %s CORPUS_DIR [--replay SEED]\n", argv[0]);
    return 2;
  }
  const std::vector<std::string> corpus = ReadCorpus(argv[1]);
  if (argc == 4) {
    RunMutation(corpus, std::strtoull(argv[3], nullptr, 10));
    return 0;
  }
  std::signal(SIGABRT, PrintSeed);
  for (const std::string& input : corpus) Run(input);
  const char* wanted = std::getenv("TOKURA_FUZZ_RUNS");
  const uint64_t runs = wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 20'000;
  for (uint64_t seed = 1; seed <= runs; ++seed) {
    current_seed = static_cast<sig_atomic_t>(seed);
    RunMutation(corpus, seed);
  }
  std::printf("fuzz: %zu inputs and %llu mutations, no failure\n", corpus.size(),
              static_cast<unsigned long long>(runs));
  return 0;
}
