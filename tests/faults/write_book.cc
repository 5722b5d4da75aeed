#include "tests/faults/write_book.h"

#include <algorithm>

#include "tests/core/oracle.h"

namespace tokura::faults {
namespace {

// Of one row, so that all combinations can be tried.
constexpr size_t kUnknownMax = 10;

std::string NameOf(const Record& record) {
  return "write " + record.write_id.ToHex().substr(0, 16) +
         (record.delete_row ? " (a delete)" : "");
}

}  // namespace

void WriteBook::Add(const Record& record, Fate fate, int64_t acknowledged_us) {
  std::string body;
  EncodeRecord(record, &body);
  writes_.push_back({record, std::move(body), fate, acknowledged_us});
}

void WriteBook::Doubt(int64_t us) {
  for (Write& write : writes_) {
    if (write.fate == Fate::kHeld && write.acknowledged_us > us) write.fate = Fate::kUnknown;
  }
}

std::string WriteBook::Settle(const std::vector<std::string>& bodies) {
  std::map<std::string_view, size_t> logged;
  for (const std::string& body : bodies) ++logged[body];
  for (Write& write : writes_) {
    const auto at = logged.find(write.body);
    const bool there = at != logged.end();
    if (there && at->second != 1) return NameOf(write.record) + " is in the log twice";
    if (there && write.fate == Fate::kGone) return NameOf(write.record) + " came back";
    if (!there && write.fate == Fate::kHeld) return NameOf(write.record) + " was lost";
    write.fate = there ? Fate::kHeld : Fate::kGone;
    write.acknowledged_us = 0;  // durable now
    if (there) logged.erase(at);
  }
  return logged.empty() ? "" : "the log holds a record that nobody wrote";
}

std::string WriteBook::CheckRow(const std::string& key, const FeatureGroup& group,
                                const std::vector<const Feature*>& features, int64_t now_us,
                                const std::vector<Cell>& cells) const {
  std::vector<const Record*> held;
  std::vector<const Record*> unknown;
  for (const Write& write : writes_) {
    if (write.record.key != key || write.fate == Fate::kGone) continue;
    (write.fate == Fate::kHeld ? held : unknown).push_back(&write.record);
  }
  if (unknown.size() > kUnknownMax) return "the workload leaves too much of a row unknown";
  std::string wrong;
  for (size_t chosen = 0; chosen < size_t{1} << unknown.size(); ++chosen) {
    Oracle oracle(group);
    for (const Record* record : held) oracle.Add(*record);
    for (size_t i = 0; i < unknown.size(); ++i) {
      if ((chosen >> i & 1) != 0) oracle.Add(*unknown[i]);
    }
    wrong.clear();
    for (size_t f = 0; f < features.size() && wrong.empty(); ++f) {
      const OracleAnswer expected = oracle.Read(*features[f], now_us, std::nullopt);
      const bool same =
          expected.status == cells[f].status &&
          (expected.status != ReadStatus::kPresent || expected.value == cells[f].value);
      if (same) continue;
      wrong = "feature " + features[f]->name + " of " + group.QualifiedName() + " reads " +
              std::string(ReadStatusName(cells[f].status)) + " and not " +
              std::string(ReadStatusName(expected.status)) +
              (expected.status == cells[f].status ? " of another write" : "");
    }
    if (wrong.empty()) return wrong;
  }
  return wrong;
}

std::set<std::string> WriteBook::Keys() const {
  std::set<std::string> keys;
  for (const Write& write : writes_) keys.insert(write.record.key);
  return keys;
}

size_t WriteBook::held() const {
  return static_cast<size_t>(std::count_if(writes_.begin(), writes_.end(), [](const Write& write) {
    return write.fate == Fate::kHeld;
  }));
}

}  // namespace tokura::faults
