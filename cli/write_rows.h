// What put and import have in common: row files and the flags that say how to read them.
#pragma once

#include <optional>
#include <string>

#include "cli/ingest/row_source.h"
#include "cli/ingest/sender.h"
#include "cli/session.h"
#include "offline/user_files/row_file.h"

namespace CLI {
class App;
}

namespace tokura::cli {

struct RowFlags {
  std::string event_time = "event_time";
  std::string nulls = "write";
  bool ignore_extra = false;
  std::string rejects;
};

// --event-time, --nulls, --ignore-extra, --rejects.
void AddRowFlags(CLI::App& app, RowFlags* flags);

// How to read `path`; `format` is empty for "by extension".
offline::ImportOptions ReadingOf(const RowFlags& flags, const std::string& format);

// Null for an empty path.
Result<std::unique_ptr<offline::RejectsWriter>> OpenRejects(Context& context,
                                                            const std::string& path);

struct WriteJob {
  RowSource source;  // its path "-": standard input
  SenderOptions sending;
  Sender::WriteIds write_ids;
};

// Writes the rows of one file. An error after some rows were written says how many.
Result<Counts> WriteRows(Session& session, Context& context, const FeatureGroup& group,
                         const WriteJob& job);

}  // namespace tokura::cli
