#include <CLI/CLI.hpp>

#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/verbs.h"

namespace tokura::cli {
namespace {

constexpr char kExamples[] =
    "tokura wait                         # all accepted so far is in the offline tables\n"
    "tokura wait TOKEN --stores online\n"
    "tokura wait --timeout 5m && tokura training-set build ...";

// An answer in time needs a little longer than the wait that it reports on.
constexpr std::chrono::seconds kAnswerMargin{10};

struct WaitFlags {
  std::vector<std::string> tokens;
  std::string stores = "offline";
  std::string timeout = "60s";
};

Result<Exit> RunWait(const WaitFlags& flags, Context& context) {
  Session session(context);
  client::WaitRequest request;
  request.tokens = flags.tokens;
  request.stores = flags.stores == "online" ? Stores::kOnline : Stores::kOffline;
  request.timeout = DurationOf(flags.timeout);
  client::CallOptions options;
  options.timeout = request.timeout + kAnswerMargin;
  const Status status = session.Call(session.api().Wait(std::move(request), options));
  if (status.code() == Code::kDeadline) {
    return DeadlineExceeded("not covered within --timeout " + flags.timeout + ": " +
                            status.message());
  }
  TOKURA_RETURN_IF_ERROR(status);
  context.console.Out(context.json ? "{\"covered\":true}\n" : "covered\n");
  return Exit::kDone;
}

}  // namespace

void RegisterWait(CommandLine& line, Context& context) {
  auto flags = std::make_shared<WaitFlags>();  // joint owners: the parser's options and the action
  CLI::App& app =
      line.AddVerb(line.root(),
                   {"wait", "wait until a store covers what was written", kOfflineSection,
                    "[TOKEN...] [--stores offline|online] [--timeout 60s]", kExamples},
                   [flags, &context] { return RunWait(*flags, context); });
  app.add_option("TOKEN", flags->tokens, "of put, delete or import; none: all accepted so far");
  AddChoice(app, "--stores", &flags->stores, "which store", {"offline", "online"});
  AddDuration(app, "--timeout", &flags->timeout, "exit 3 when it is not covered by then");
}

}  // namespace tokura::cli
