#include "cli/program/command_line.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "cli/program/flags.h"
#include "runtime/real/real_runtime.h"
#include "tests/runtime/scratch_folder.h"

namespace tokura::cli {
namespace {

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() {
    line_.root().add_option("--endpoint", endpoint_, "where")->type_name("HOST:PORT");
    CLI::App& get = line_.AddVerb(line_.root(),
                                  {"get", "read things", "Read", "--limit N", "shop get --limit 3"},
                                  [this]() -> Result<Exit> {
                                    console_.Out("limit " + std::to_string(limit_));
                                    return outcome_;
                                  });
    get.add_option("--limit", limit_, "how many")->type_name("N");
    AddDuration(get, "--every", &every_, "how often");
    AddCount(get, "--count", &count_, "how many at most", 64);
    get.add_flag("--fast", fast_, "hurry");
    AddChoice(get, "--format", &format_, "how", {"table", "json"});
    CLI::App& set = line_.AddVerb(line_.root(), {"set", "sets of things", "Read", "VERB", ""});
    CLI::App& build = line_.AddVerb(set, {"build", "build one", "Read", "", ""},
                                    []() -> Result<Exit> { return Exit::kDone; });
    build.add_option("--endpoint", own_endpoint_, "another meaning")->type_name("X");
    build.add_option("--file", paths_, "files")->type_name("FILE...");
  }

  int Run(const std::vector<std::string>& arguments) {
    return static_cast<int>(line_.Run(arguments));
  }
  // Runs with both streams captured.
  int RunQuietly(const std::vector<std::string>& arguments) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = Run(arguments);
    out_ = testing::internal::GetCapturedStdout();
    error_ = testing::internal::GetCapturedStderr();
    return code;
  }
  void WriteConfig(const std::string& text) {
    config_ = folder_ / "shop.yaml";
    ASSERT_TRUE(runtime::WriteFileAtomically(*files_, config_, text).ok());
  }

  const ScratchFolder folder_;
  std::unique_ptr<runtime::FileSystem> files_ = runtime::real::MakeFileSystem();
  std::map<std::string, std::string> environment_;
  Console console_;
  CommandLine line_{{"shop", "a shop", "", "VERB", "shop get"},
                    nullptr,
                    console_,
                    *files_,
                    [this](const std::string& name) -> const char* {
                      const auto found = environment_.find(name);
                      return found == environment_.end() ? nullptr : found->second.c_str();
                    }};
  std::string endpoint_ = "default";
  std::string own_endpoint_ = "own";
  std::vector<std::string> paths_;
  int limit_ = 1;
  uint64_t count_ = 2;
  bool fast_ = false;
  std::string every_ = "60s";
  std::string format_ = "table";
  Result<Exit> outcome_ = Exit::kDone;
  std::string config_;
  std::string out_;
  std::string error_;
};

TEST_F(CommandLineTest, RunsTheVerbWithItsFlags) {
  EXPECT_EQ(RunQuietly({"get", "--limit", "3"}), 0);
  EXPECT_EQ(out_, "limit 3");
}

TEST_F(CommandLineTest, SharedFlagsStandBeforeOrBehindTheVerb) {
  EXPECT_EQ(RunQuietly({"--endpoint", "a", "get"}), 0);
  EXPECT_EQ(endpoint_, "a");
  EXPECT_EQ(RunQuietly({"get", "--endpoint", "b"}), 0);
  EXPECT_EQ(endpoint_, "b");
}

TEST_F(CommandLineTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  WriteConfig("limit: 5\nevery: 5s\nendpoint: file\n");
  environment_ = {{"TOKURA_LIMIT", "7"}, {"TOKURA_EVERY", "7s"}};
  EXPECT_EQ(RunQuietly({"get", "--config", config_, "--limit", "9"}), 0);
  EXPECT_EQ(limit_, 9);
  EXPECT_EQ(every_, "7s");
  EXPECT_EQ(endpoint_, "file");
  EXPECT_EQ(format_, "table");
}

TEST_F(CommandLineTest, AVerbsOwnFlagHidesTheSharedOneOfTheSameName) {
  environment_ = {{"TOKURA_ENDPOINT", "env"}};
  EXPECT_EQ(RunQuietly({"set", "build"}), 0) << error_;
  EXPECT_EQ(own_endpoint_, "env");
  EXPECT_EQ(endpoint_, "default");
}

TEST_F(CommandLineTest, ListsComeFromFileAndEnvironment) {
  WriteConfig("file: [a, b]\n");
  EXPECT_EQ(RunQuietly({"set", "build", "--config", config_}), 0) << error_;
  EXPECT_EQ(paths_, (std::vector<std::string>{"a", "b"}));
  environment_ = {{"TOKURA_FILE", "c,d,e"}};
  EXPECT_EQ(RunQuietly({"set", "build", "--config", config_}), 0) << error_;
  EXPECT_EQ(paths_, (std::vector<std::string>{"c", "d", "e"}));
}

TEST_F(CommandLineTest, PrintConfigSaysWhereEachSettingComesFrom) {
  WriteConfig("every: 5s\n");
  environment_ = {{"TOKURA_ENDPOINT", "env"}};
  EXPECT_EQ(RunQuietly({"get", "--config=" + config_, "--print-config"}), 0);
  EXPECT_EQ(out_,
            "endpoint: env  # TOKURA_ENDPOINT\nlimit: 1  # default\nevery: 5s  # " + config_ +
                ":1\ncount: 2  # default\nfast: false  # default\nformat: table  # default\n");
}

TEST_F(CommandLineTest, CheckConfigRunsNothing) {
  EXPECT_EQ(RunQuietly({"get", "--check-config"}), 0);
  EXPECT_EQ(out_, "the settings are good\n");
  EXPECT_EQ(RunQuietly({"get", "--check-config", "--every", "often"}), 2);
}

TEST_F(CommandLineTest, WrongConfigNamesLineAndNearestFlag) {
  WriteConfig("limit: 5\nendpont: x\n");
  EXPECT_EQ(RunQuietly({"get", "--config", config_}), 2);
  EXPECT_EQ(error_,
            "shop: " + config_ + ":2: there is no flag 'endpont'; did you mean 'endpoint'?\n");
}

TEST_F(CommandLineTest, WrongValueNamesItsSource) {
  environment_ = {{"TOKURA_EVERY", "often"}};
  EXPECT_EQ(RunQuietly({"get"}), 2);
  EXPECT_NE(error_.find("(from TOKURA_EVERY)"), std::string::npos) << error_;
}

TEST_F(CommandLineTest, CountsAreWholeNumbersWithinTheirBounds) {
  EXPECT_EQ(RunQuietly({"get", "--count", "64"}), 0);
  EXPECT_EQ(count_, 64);
  for (const std::string wrong : {"65", "-1", "+1", "x", "1.5", "99999999999999999999"}) {
    EXPECT_EQ(RunQuietly({"get", "--count=" + wrong}), 2) << wrong;
    EXPECT_EQ(error_, "shop: get: --count: expected a whole number from 0 to 64, got '" + wrong +
                          "' (see 'shop get --help')\n");
  }
}

TEST_F(CommandLineTest, MissingAndRepeatedValuesAreNamed) {
  EXPECT_EQ(RunQuietly({"get", "--every"}), 2);
  EXPECT_EQ(error_, "shop: get: --every needs a value (see 'shop get --help')\n");
  EXPECT_EQ(RunQuietly({"get", "--every", "1s", "--every", "2s"}), 2);
  EXPECT_EQ(error_, "shop: get: --every is given more than once (see 'shop get --help')\n");
}

TEST_F(CommandLineTest, SwitchesAreTrueOrFalse) {
  environment_ = {{"TOKURA_FAST", "maybe"}};
  EXPECT_EQ(RunQuietly({"get"}), 2);
  EXPECT_EQ(error_,
            "shop: get: --fast: expected true or false, got 'maybe' (from TOKURA_FAST) (see 'shop "
            "get --help')\n");
}

TEST_F(CommandLineTest, FaultsOfAVerbBelowAVerbNameBoth) {
  EXPECT_EQ(RunQuietly({"set", "build", "--endpoint"}), 2);
  EXPECT_EQ(error_, "shop: set build: --endpoint needs a value (see 'shop set build --help')\n");
}

TEST_F(CommandLineTest, HelpShowsAVerbsOwnFlagInPlaceOfTheSharedOne) {
  EXPECT_EQ(RunQuietly({"set", "build", "--help"}), 0);
  EXPECT_NE(out_.find("--endpoint X"), std::string::npos) << out_;
  EXPECT_EQ(out_.find("--endpoint HOST:PORT"), std::string::npos) << out_;
}

TEST_F(CommandLineTest, HelpShowsACountWithoutItsBounds) {
  EXPECT_EQ(RunQuietly({"get", "--help"}), 0);
  EXPECT_NE(out_.find("  --count N                   how many at most [2]\n"), std::string::npos)
      << out_;
}

TEST_F(CommandLineTest, WrongVerbSuggestsTheNearest) {
  EXPECT_EQ(RunQuietly({"gte"}), 2);
  EXPECT_EQ(error_, "shop: 'shop' has no verb 'gte'; did you mean 'get'? (see 'shop --help')\n");
  EXPECT_EQ(RunQuietly({"set", "biuld"}), 2);
  EXPECT_NE(error_.find("did you mean 'build'?"), std::string::npos) << error_;
}

TEST_F(CommandLineTest, WrongFlagSuggestsTheNearest) {
  EXPECT_EQ(RunQuietly({"get", "--limt", "3"}), 2);
  EXPECT_EQ(error_,
            "shop: get: unknown flag '--limt'; did you mean '--limit'? (see 'shop get --help')\n");
  EXPECT_EQ(out_, "");
}

TEST_F(CommandLineTest, WrongFlagBeforeTheVerbIsTheFaultThatIsNamed) {
  EXPECT_EQ(RunQuietly({"--endpont", "x", "get"}), 2);
  EXPECT_EQ(error_,
            "shop: unknown flag '--endpont'; did you mean '--endpoint'? (see 'shop --help')\n");
}

TEST_F(CommandLineTest, MissingVerbIsWrongUsage) {
  EXPECT_EQ(RunQuietly({}), 2);
  EXPECT_EQ(RunQuietly({"set"}), 2);
  EXPECT_EQ(error_, "shop: 'shop set' needs a verb; see 'shop set --help'\n");
}

TEST_F(CommandLineTest, HelpGroupsVerbsAndShowsExamples) {
  EXPECT_EQ(RunQuietly({"--help"}), 0);
  EXPECT_NE(out_.find("Read:\n  get                         read things\n"), std::string::npos)
      << out_;
  EXPECT_NE(out_.find("Examples:\n  shop get\n"), std::string::npos) << out_;
}

TEST_F(CommandLineTest, HelpOfAVerbShowsFlagsDefaultsAndExamples) {
  EXPECT_EQ(RunQuietly({"get", "--help"}), 0);
  EXPECT_NE(out_.find("Usage: shop get --limit N\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("  --every DURATION            how often [60s]\n"), std::string::npos)
      << out_;
  EXPECT_NE(out_.find("Flags of every verb:\n"), std::string::npos) << out_;
  EXPECT_NE(out_.find("Examples:\n  shop get --limit 3\n"), std::string::npos) << out_;
}

TEST_F(CommandLineTest, StandardOutputStaysEmptyFromExitCodeTwoOn) {
  outcome_ = Unavailable("nobody there");
  EXPECT_EQ(RunQuietly({"get"}), 3);
  EXPECT_EQ(out_, "");
  EXPECT_EQ(error_, "shop: nobody there\n");
}

TEST_F(CommandLineTest, DifferenceStillShowsTheResult) {
  outcome_ = Exit::kDifference;
  EXPECT_EQ(RunQuietly({"get"}), 1);
  EXPECT_EQ(out_, "limit 1");
}

TEST(ExitCode, IsAsTheContractSays) {
  const std::vector<std::pair<Code, Exit>> table = {{Code::kInvalidArgument, Exit::kRefused},
                                                    {Code::kNotFound, Exit::kRefused},
                                                    {Code::kAlreadyExists, Exit::kRefused},
                                                    {Code::kFailedPrecondition, Exit::kRefused},
                                                    {Code::kDenied, Exit::kRefused},
                                                    {Code::kResourceExhausted, Exit::kRefused},
                                                    {Code::kUnavailable, Exit::kUnreachable},
                                                    {Code::kDeadline, Exit::kUnreachable},
                                                    {Code::kUnknownOutcome, Exit::kUnreachable},
                                                    {Code::kCorrupt, Exit::kBroken},
                                                    {Code::kInternal, Exit::kBroken}};
  for (const auto& [code, exit] : table) {
    EXPECT_EQ(ExitOf(Status(code, "")), exit) << CodeName(code);
  }
}

TEST(Exposure, IsRefusedBeyondLoopbackUnlessInsecure) {
  EXPECT_TRUE(CheckExposure({"127.0.0.1", 7400}, false).ok());
  EXPECT_EQ(CheckExposure({"0.0.0.0", 7400}, false).code(), Code::kFailedPrecondition);
  EXPECT_TRUE(CheckExposure({"0.0.0.0", 7400}, true).ok());
}

TEST(LocalPath, TakesPathsAndFileUris) {
  EXPECT_EQ(LocalPath("data", "--offline").value(), "data");
  EXPECT_EQ(LocalPath("file:///a/b", "--offline").value(), "/a/b");
  EXPECT_EQ(LocalPath("s3://bucket/a", "--offline").status().code(), Code::kInvalidArgument);
  EXPECT_FALSE(LocalPath("file://a/b", "--offline").ok());
}

}  // namespace
}  // namespace tokura::cli
