// What Table's files share (table_open.cc, table.cc reads, table_commit.cc writes, table_refs.cc
// changes tags and expires, table_orphans.cc clears away).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/schema.h"
#include "core/status.h"
#include "offline/iceberg/table_metadata.h"
#include "offline/records/day_digests.h"

namespace tokura::offline {

inline constexpr char kGroupIdProperty[] = "tokura.group-id";
inline constexpr char kPausedProperty[] = "tokura.paused";
inline constexpr char kIncompleteBeforeProperty[] = "tokura.incomplete-before";  // us
// In the summary of each snapshot.
inline constexpr char kVectorSummary[] = "tokura.vector";        // token of the position
inline constexpr char kWatermarkSummary[] = "tokura.watermark";  // us
inline constexpr char kCommitIdSummary[] = "tokura.commit-id";
inline constexpr char kDigestSummary[] = "tokura.digest";  // DigestText
// In its statistics.
inline constexpr char kDaysBlob[] = "tokura-days-v1";
inline constexpr char kDuplicatesBlob[] = "tokura-duplicates-v1";

// Older versions of the metadata file, with all that they name, for those who read one right now.
inline constexpr size_t kVersionsKept = 10;
inline constexpr int32_t kFirstSortOrderId = 1;  // 0 is for "not sorted"

// Gives the metadata the columns, partitioning and order that `group` has now; false: it had them.
Result<bool> ApplyDefinition(const FeatureGroup& group, iceberg::TableMetadata* metadata);
// Makes `next` the version after `before`, which is the file at `path`.
void NoteVersion(const std::string& path, const iceberg::TableMetadata& before, int64_t now_ms,
                 iceberg::TableMetadata* next);
// The last part of a path or URI.
std::string NameOf(std::string_view path);
// A data file's path within the table. FAILED_PRECONDITION if it lies elsewhere.
Result<std::string> RelativePath(const iceberg::TableMetadata& metadata, const std::string& path);
// Of the table's properties; FAILED_PRECONDITION if there is none.
Result<GroupId> GroupOf(const iceberg::TableMetadata& metadata);
// "records:digest" of all days.
std::string DigestText(const DayDigests& days);

}  // namespace tokura::offline
