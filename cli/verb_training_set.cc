#include <CLI/CLI.hpp>

#include <algorithm>
#include <thread>

#include "cli/ingest/progress.h"
#include "cli/program/flags.h"
#include "cli/session.h"
#include "cli/text/format.h"
#include "cli/training_set_flags.h"
#include "cli/training_set_text.h"
#include "cli/verbs.h"
#include "offline/training/training_set.h"
#include "runtime/real/real_runtime.h"
#include "runtime/real/standard_input.h"

namespace tokura::cli {
namespace {

constexpr char kBuildExamples[] =
    "tokura training-set build --spine labels.parquet --service flights/delay_model "
    "--out train.parquet\n"
    "tokura training-set build --spine labels.csv --features 'flights/weather:*' --mode known "
    "--lag 1h --out train.csv\n"
    "tokura training-set build --entities all --as-of now --service flights/delay_model "
    "--out now.arrow\n"
    "tokura training-set build --spine labels.parquet --service flights/delay_model "
    "--split train=0.8,test=0.2 --seed 7 --out train.parquet";

// What the verbs that read tables work with.
class Workshop {
 public:
  Workshop(const WorkFlags& flags, const std::string& offline_root, const std::string& out,
           Context& context)
      : threads_(flags.threads > 0 ? flags.threads
                                   : std::max(1u, std::thread::hardware_concurrency())),
        pool_(runtime::real::MakeBlockingPool(static_cast<int>(threads_))),
        progress_(context.console, context.clock, out),
        work_{context.files, context.clock, offline_root, ProgramVersion()} {
    work_.memory_bytes = BytesOf(flags.memory);
    work_.pool = pool_.get();
    work_.threads = threads_;
    work_.progress = [this](const offline::JoinProgress& done) {
      progress_.Update(done.history_rows_done, done.history_rows_done, done.history_rows_total);
    };
    work_.note = [&context](const std::string& line) { context.console.Note(line); };
  }
  const offline::TrainingSetWork& work() const { return work_; }

 private:
  const size_t threads_;
  std::unique_ptr<runtime::BlockingPool> pool_;
  Progress progress_;
  offline::TrainingSetWork work_;
};

void Warn(const offline::Dataset& dataset, Context& context) {
  if (dataset.rows_outside_history > 0) {
    context.console.Note("warning: " + Counted(dataset.rows_outside_history, "row") +
                         " with a time before the first record of every group");
  }
  if (dataset.rows_without_any_value > 0) {
    context.console.Note("warning: " + Counted(dataset.rows_without_any_value, "row") +
                         " got no value of any feature");
  }
}

Result<Exit> RunBuild(const BuildFlags& flags, Context& context) {
  TOKURA_ASSIGN_OR_RETURN(const offline::TrainingSetRequest request, RequestOf(flags));
  if (!flags.spine.empty()) {
    TOKURA_ASSIGN_OR_RETURN(const std::string spine, runtime::real::AbsolutePath(flags.spine));
    TOKURA_ASSIGN_OR_RETURN(const std::string out, runtime::real::AbsolutePath(flags.out));
    if (spine == out) return InvalidArgument("--spine and --out are the same file: " + flags.out);
  }
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const client::Api::Definitions definitions, session.GetDefinitions());
  TOKURA_ASSIGN_OR_RETURN(const std::string root, session.OfflineRoot());
  Result<offline::Dataset> dataset = Internal("not built");
  {
    const Workshop workshop(flags.work, root, flags.out, context);
    dataset = offline::BuildTrainingSet(workshop.work(), *definitions, request);
  }
  if (!dataset.ok()) return dataset.status();
  Warn(*dataset, context);
  context.console.Out(context.json ? dataset->ToJson() + "\n"
                                   : "wrote " + flags.out + "\n" + DatasetText(*dataset));
  return Exit::kDone;
}

Result<Exit> RunReproduce(const std::string& id, const std::string& out, const WorkFlags& flags,
                          Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const std::string root, session.OfflineRoot());
  Result<offline::Dataset> dataset = Internal("not made");
  {
    const Workshop workshop(flags, root, out, context);
    dataset = offline::ReproduceTrainingSet(workshop.work(), id, out);
  }
  if (!dataset.ok()) return dataset.status();
  context.console.Out(context.json
                          ? dataset->ToJson() + "\n"
                          : "wrote " + out + ", byte for byte as it was\n" + DatasetText(*dataset));
  return Exit::kDone;
}

Result<Exit> RunList(Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const std::string root, session.OfflineRoot());
  TOKURA_ASSIGN_OR_RETURN(const std::vector<offline::Dataset> datasets,
                          offline::DatasetStore(context.files, root).List());
  context.console.Out(context.json ? DatasetsJson(datasets) : DatasetsText(datasets));
  return Exit::kDone;
}

Result<Exit> RunShow(const std::string& id, Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const std::string root, session.OfflineRoot());
  TOKURA_ASSIGN_OR_RETURN(const offline::Dataset dataset,
                          offline::DatasetStore(context.files, root).Find(id));
  context.console.Out(context.json ? dataset.ToJson() + "\n" : DatasetText(dataset));
  return Exit::kDone;
}

Result<Exit> RunDrop(const std::string& id, Context& context) {
  Session session(context);
  TOKURA_ASSIGN_OR_RETURN(const std::string root, session.OfflineRoot());
  const offline::TrainingSetWork work{context.files, context.clock, root, ProgramVersion()};
  TOKURA_ASSIGN_OR_RETURN(const offline::Dataset dataset, offline::DropTrainingSet(work, id));
  context.console.Out(context.json ? dataset.ToJson() + "\n" : "dropped " + dataset.id + "\n");
  return Exit::kDone;
}

struct IdFlags {
  std::string id;
  std::string out;
  WorkFlags work;
};

CLI::App& AddIdVerb(CommandLine& line, CLI::App& parent, VerbText text,
                    const std::shared_ptr<IdFlags>& flags, Action action) {
  CLI::App& app = line.AddVerb(parent, std::move(text), std::move(action));
  app.add_option("ID", flags->id, "its id, or so much of it that no other begins so")->required();
  return app;
}

void RegisterBuild(CommandLine& line, CLI::App& parent, Context& context) {
  auto flags = std::make_shared<BuildFlags>();  // joint owners: the parser's options, the action
  CLI::App& app = line.AddVerb(
      parent,
      {"build", "join features to a spine of keys and times, as they were then", kOfflineSection,
       "--spine FILE (--service S | --features REF,...) --out FILE", kBuildExamples},
      [flags, &context] { return RunBuild(*flags, context); });
  AddBuildFlags(app, flags.get());
}

void RegisterReproduce(CommandLine& line, CLI::App& parent, Context& context) {
  auto flags = std::make_shared<IdFlags>();  // joint owners: the parser's options, the action
  CLI::App& app = AddIdVerb(
      line, parent,
      {"reproduce", "make a training set again, byte for byte", kOfflineSection, "ID --out FILE",
       "tokura training-set reproduce 5f3c --out again.parquet"},
      flags,
      [flags, &context] { return RunReproduce(flags->id, flags->out, flags->work, context); });
  app.add_option("--out", flags->out, "appears when it is whole")->type_name("FILE")->required();
  AddWorkFlags(app, &flags->work);
}

}  // namespace

void RegisterTrainingSet(CommandLine& line, Context& context) {
  CLI::App& app = line.AddVerb(
      line.root(), {"training-set", "build training sets, and make them again", kOfflineSection,
                    "build|list|show|reproduce|drop", kBuildExamples});
  RegisterBuild(line, app, context);
  line.AddVerb(app,
               {"list", "the training sets that were built", kOfflineSection, "[--json]",
                "tokura training-set list"},
               [&context] { return RunList(context); });
  auto shown = std::make_shared<IdFlags>();  // joint owners: the parser's options, the action
  AddIdVerb(line, app,
            {"show", "what a training set was made from", kOfflineSection, "ID",
             "tokura training-set show 5f3c"},
            shown, [shown, &context] { return RunShow(shown->id, context); });
  RegisterReproduce(line, app, context);
  auto dropped = std::make_shared<IdFlags>();  // joint owners: the parser's options, the action
  AddIdVerb(line, app,
            {"drop", "forget a training set and unpin its snapshots", kOfflineSection, "ID",
             "tokura training-set drop 5f3c"},
            dropped, [dropped, &context] { return RunDrop(dropped->id, context); });
}

}  // namespace tokura::cli
