#include "offline/records/history_order.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/record_view.h"

namespace tokura::offline {
namespace {

constexpr int kDigitBits = 11;
constexpr size_t kDigits = size_t{1} << kDigitBits;

struct Item {
  uint64_t rank = 0;
  int64_t event_time_us = 0;
  const HistoryRecord* record = nullptr;
};

// By some bits of the rank, those from `shift` on; items that are equal in them stay in order.
void SortByDigit(const std::vector<Item>& from, int shift, std::vector<Item>* to) {
  std::array<size_t, kDigits> places{};
  const auto digit = [shift](const Item& item) { return (item.rank >> shift) % kDigits; };
  for (const Item& item : from) ++places[digit(item)];
  size_t place = 0;
  for (size_t& of_digit : places) place += std::exchange(of_digit, place);
  for (const Item& item : from) (*to)[places[digit(item)]++] = item;
}

// Gives how many low bits of the ranks are left unsorted.
int SortByRank(int rank_bits, std::vector<Item>* items) {
  // More would split runs that are short already.
  const int needed = std::min(rank_bits, static_cast<int>(std::bit_width(items->size())) + 1);
  const int passes = (needed + kDigitBits - 1) / kDigitBits;
  const int unsorted = std::max(rank_bits - passes * kDigitBits, 0);
  std::vector<Item> other(passes > 0 ? items->size() : 0);
  for (int pass = 0; pass < passes; ++pass) {
    SortByDigit(*items, unsorted + pass * kDigitBits, &other);
    items->swap(other);
  }
  return unsorted;
}

class InFileOrder {
 public:
  InFileOrder(const HistoryRecords& records, bool ranks_are_exact)
      : records_(records), ranks_are_exact_(ranks_are_exact) {}

  // Looks at the records only where the items do not tell: they are far apart in memory.
  bool operator()(const Item& a, const Item& b) const {
    if (a.rank != b.rank) return a.rank < b.rank;
    if (ranks_are_exact_ && a.event_time_us != b.event_time_us) {
      return a.event_time_us < b.event_time_us;
    }
    const std::string_view a_body = a.record->body();
    const std::string_view b_body = b.record->body();
    if (const int order = KeyOf(a_body).compare(KeyOf(b_body)); order != 0) return order < 0;
    if (a.event_time_us != b.event_time_us) return a.event_time_us < b.event_time_us;
    if (const int order = WriteIdOf(a_body).compare(WriteIdOf(b_body)); order != 0) {
      return order < 0;
    }
    const auto place = [this](const HistoryRecord& record) {
      return std::tuple(record.write_time_us, std::string_view(records_.origin(record)),
                        record.seq);
    };
    return place(*a.record) < place(*b.record);
  }

 private:
  const HistoryRecords& records_;
  const bool ranks_are_exact_;
};

}  // namespace

std::map<int64_t, RecordList> ByPartition(const HistoryRecords& records, Partition partition) {
  std::map<int64_t, RecordList> lists;
  int64_t last = 0;
  RecordList* list = nullptr;
  for (const HistoryRecord* record : records.all()) {
    const int64_t number = PartitionNumber(partition, EventTimeOf(record->body()));
    if (list == nullptr || number != last) list = &lists[last = number];
    list->push_back(record);
  }
  return lists;
}

void SortForFile(const HistoryRecords& records, RecordList* list) {
  const KeyRanks ranks(records.keys());
  std::vector<Item> items;
  items.reserve(list->size());
  for (const HistoryRecord* record : *list) {
    const std::string_view body = record->body();
    items.push_back({ranks.Rank(KeyOf(body)), EventTimeOf(body), record});
  }
  const int unsorted = SortByRank(ranks.bits(), &items);
  const InFileOrder in_file_order(records, ranks.exact());
  for (auto begin = items.begin(); begin != items.end();) {
    const uint64_t sorted = begin->rank >> unsorted;
    auto end = begin + 1;
    while (end != items.end() && end->rank >> unsorted == sorted) ++end;
    if (end - begin > 1) std::sort(begin, end, in_file_order);
    begin = end;
  }
  for (size_t i = 0; i < items.size(); ++i) (*list)[i] = items[i].record;
}

}  // namespace tokura::offline
