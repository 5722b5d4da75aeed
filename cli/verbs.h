// The verbs of `tokura`, one file each (verb_<name>.cc). Each adds itself, its flags and its action
// to the command line; `context` outlives the command line's Run.
#pragma once

#include "cli/context.h"
#include "cli/program/command_line.h"

namespace tokura::cli {

void RegisterUp(CommandLine& line, Context& context);
void RegisterPlan(CommandLine& line, Context& context);
void RegisterApply(CommandLine& line, Context& context);
void RegisterList(CommandLine& line, Context& context);
void RegisterDescribe(CommandLine& line, Context& context);
void RegisterSearch(CommandLine& line, Context& context);
void RegisterGet(CommandLine& line, Context& context);
void RegisterPut(CommandLine& line, Context& context);
void RegisterDelete(CommandLine& line, Context& context);
void RegisterScan(CommandLine& line, Context& context);
void RegisterImport(CommandLine& line, Context& context);
void RegisterTrainingSet(CommandLine& line, Context& context);
void RegisterOffline(CommandLine& line, Context& context);
void RegisterWait(CommandLine& line, Context& context);
void RegisterVerify(CommandLine& line, Context& context);
void RegisterCluster(CommandLine& line, Context& context);
void RegisterInspect(CommandLine& line, Context& context);
void RegisterDoctor(CommandLine& line, Context& context);
void RegisterCompletion(CommandLine& line, Context& context);

// All of them, in the order of the help, and the flags that they share.
void RegisterVerbs(CommandLine& line, Context& context);

}  // namespace tokura::cli
