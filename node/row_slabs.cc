#include "node/row_slabs.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/status.h"

namespace tokura::node {
namespace {

constexpr size_t kStep = 4;
constexpr size_t kSlabBytesMin = 4 << 10;  // the first of its size, so that a few rows take little
constexpr size_t kSlotBytesMax = 2 << 10;  // a larger row lies elsewhere
constexpr size_t kSlotsMax = 4'095;
constexpr size_t kElsewhereBytes = 8 + 4;
constexpr uint32_t kSlabsMax = 1u << 20;
constexpr size_t kAllocatorBytes = 16;  // of each allocation, about

size_t HeadBytes(size_t key_bytes) { return key_bytes < 254 ? 2 : 4; }

}  // namespace

RowSlabs::~RowSlabs() {
  for (uint32_t id = 0; id < slabs_.size(); ++id) {
    for (uint32_t slot = 0; slot < slabs_[id].used_slots; ++slot) {
      const RowEntry entry = At(HandleOf(id, slot));
      if (!entry.is_free()) FreeElsewhere(entry);
    }
    GiveBack(slabs_[id]);
  }
}

size_t RowSlabs::SlotBytes(size_t key_bytes, size_t row_bytes, bool* elsewhere) {
  size_t bytes = HeadBytes(key_bytes) + key_bytes + row_bytes;
  *elsewhere = bytes > kSlotBytesMax;
  if (*elsewhere) bytes = HeadBytes(key_bytes) + key_bytes + kElsewhereBytes;
  return (bytes + kStep - 1) / kStep * kStep;
}

RowHandle RowSlabs::Add(std::string_view key, std::string_view row) {
  bool elsewhere = false;
  const size_t slot_bytes = SlotBytes(key.size(), row.size(), &elsewhere);
  if (classes_.size() <= slot_bytes / kStep) classes_.resize(slot_bytes / kStep + 1);
  Class& of_size = ClassOf(static_cast<uint32_t>(slot_bytes));
  const uint32_t id =
      of_size.open.empty() ? MakeSlab(static_cast<uint32_t>(slot_bytes)) : of_size.open.back();
  Slab& slab = slabs_[id];
  uint32_t slot = slab.used_slots;
  if (slab.first_free != 0) {
    slot = slab.first_free - 1u;
    std::memcpy(&slab.first_free, slab.memory + slot * slot_bytes + 2, 2);
  } else {
    ++slab.used_slots;
  }
  ++slab.live;
  --of_size.free_slots;
  free_bytes_ -= slot_bytes;
  ++live_;
  if (slab.live == slab.slots) Close(id);

  char* const begin = slab.memory + slot * slot_bytes;
  char* p = begin + 2;
  begin[0] = 0;
  if (HeadBytes(key.size()) == 2) {
    begin[1] = static_cast<char>(key.size() + 1);
  } else {
    begin[1] = static_cast<char>(RowEntry::kLongKey);
    const auto n = static_cast<uint16_t>(key.size());
    std::memcpy(p, &n, 2);
    p += 2;
  }
  std::memcpy(p, key.data(), key.size());
  p += key.size();
  if (elsewhere) {
    begin[0] = static_cast<char>(RowEntry::kElsewhere);
    auto* const body = static_cast<char*>(::operator new(row.size()));
    std::memcpy(body, row.data(), row.size());
    bytes_ += row.size() + kAllocatorBytes;
    const auto n = static_cast<uint32_t>(row.size());
    std::memcpy(p, &body, 8);
    std::memcpy(p + 8, &n, 4);
  } else {
    if (!row.empty()) std::memcpy(p, row.data(), row.size());
    begin[0] = static_cast<char>(static_cast<size_t>(begin + slot_bytes - p) - row.size());
  }
  return HandleOf(id, slot);
}

std::string_view RowSlabs::RowOf(RowHandle handle) const {
  const Slab& slab = slabs_[handle >> kSlotBits];
  char* const begin = slab.memory + size_t{handle & kSlotMask} * slab.slot_bytes;
  const RowEntry entry(begin);
  const std::string_view key = entry.key();
  const char* row = key.data() + key.size();
  if ((entry.state() & RowEntry::kElsewhere) == 0) {
    const size_t unused = entry.state() & 3;
    return {row, static_cast<size_t>(begin + slab.slot_bytes - row) - unused};
  }
  char* body = nullptr;
  uint32_t n = 0;
  std::memcpy(&body, row, 8);
  std::memcpy(&n, row + 8, 4);
  return {body, n};
}

bool RowSlabs::Rewrite(RowHandle handle, std::string_view row) {
  const Slab& slab = slabs_[handle >> kSlotBits];
  if (walks_ > 0 && slab.birth != last_walk_) return false;
  RowEntry entry = At(handle);
  const std::string_view key = entry.key();
  bool elsewhere = false;
  if (SlotBytes(key.size(), row.size(), &elsewhere) != slab.slot_bytes) return false;
  if (elsewhere || (entry.state() & RowEntry::kElsewhere) != 0) return false;
  char* const to = entry.slot_ + (key.data() + key.size() - entry.slot_);
  if (!row.empty()) std::memcpy(to, row.data(), row.size());
  const auto unused = static_cast<size_t>(entry.slot_ + slab.slot_bytes - to) - row.size();
  entry.set_state(0, 3, static_cast<uint8_t>(unused));
  return true;
}

void RowSlabs::Free(RowHandle handle) {
  --live_;
  const Slab& slab = slabs_[handle >> kSlotBits];
  if (walks_ == 0 || slab.birth == last_walk_) {
    FreeNow(handle);
  } else {
    retired_.emplace(handle, last_walk_);
    retired_bytes_ += slab.slot_bytes;
  }
}

void RowSlabs::FreeNow(RowHandle handle) {
  const uint32_t id = handle >> kSlotBits;
  Slab& slab = slabs_[id];
  RowEntry entry = At(handle);
  FreeElsewhere(entry);
  entry.slot_[1] = 0;
  std::memcpy(entry.slot_ + 2, &slab.first_free, 2);
  slab.first_free = static_cast<uint16_t>((handle & kSlotMask) + 1);
  --slab.live;
  ++ClassOf(slab.slot_bytes).free_slots;
  free_bytes_ += slab.slot_bytes;
  if (slab.live == 0) {
    ReleaseSlab(id);
  } else if (slab.open_at == kNotOpen && (walks_ == 0 || slab.birth == last_walk_)) {
    Open(id);
  }
}

void RowSlabs::FreeElsewhere(RowEntry entry) {
  if ((entry.state() & RowEntry::kElsewhere) == 0) return;
  const std::string_view key = entry.key();
  char* body = nullptr;
  uint32_t n = 0;
  std::memcpy(&body, key.data() + key.size(), 8);
  std::memcpy(&n, key.data() + key.size() + 8, 4);
  ::operator delete(body);
  bytes_ -= n + kAllocatorBytes;
}

uint32_t RowSlabs::MakeSlab(uint32_t slot_bytes) {
  Class& of_size = ClassOf(slot_bytes);
  const size_t bytes_wanted = kSlabBytesMin << std::min<uint32_t>(of_size.slabs, 8);
  Slab slab;
  slab.slot_bytes = slot_bytes;
  slab.birth = last_walk_;
  // Slots so small that their number is what bounds a slab would leave much of a block unused.
  slab.is_block =
      bytes_wanted >= SlabMemory::kBlockBytes && slot_bytes * kSlotsMax >= SlabMemory::kBlockBytes;
  const size_t room = slab.is_block
                          ? SlabMemory::kBlockBytes
                          : std::min(bytes_wanted, SlabMemory::kBlockBytes) - kAllocatorBytes;
  slab.slots = static_cast<uint16_t>(std::clamp<size_t>(room / slot_bytes, 1, kSlotsMax));
  slab.memory = slab.is_block ? memory_.Take() : static_cast<char*>(::operator new(slab.bytes()));
  ++of_size.slabs;
  of_size.free_slots += slab.slots;
  bytes_ += slab.bytes() + kAllocatorBytes;
  free_bytes_ += size_t{slab.slots} * slot_bytes;
  uint32_t id = slab_count();
  if (spare_ids_.empty()) {
    TOKURA_CHECK(id < kSlabsMax);  // 64 GiB in one group of one thread
    slabs_.push_back(slab);
  } else {
    id = spare_ids_.back();
    spare_ids_.pop_back();
    slabs_[id] = slab;
  }
  Open(id);
  return id;
}

void RowSlabs::ReleaseSlab(uint32_t id) {
  Slab& slab = slabs_[id];
  if (slab.open_at != kNotOpen) Close(id);
  Class& of_size = ClassOf(slab.slot_bytes);
  --of_size.slabs;
  of_size.free_slots -= slab.slots;
  bytes_ -= slab.bytes() + kAllocatorBytes;
  free_bytes_ -= size_t{slab.slots} * slab.slot_bytes;
  GiveBack(slab);
  slab = Slab();
  spare_ids_.push_back(id);
}

void RowSlabs::GiveBack(const Slab& slab) {
  if (slab.is_block) {
    memory_.Give(slab.memory);
  } else {
    ::operator delete(slab.memory);
  }
}

void RowSlabs::Open(uint32_t id) {
  std::vector<uint32_t>& open = ClassOf(slabs_[id].slot_bytes).open;
  slabs_[id].open_at = static_cast<uint32_t>(open.size());
  open.push_back(id);
}

void RowSlabs::Close(uint32_t id) {
  std::vector<uint32_t>& open = ClassOf(slabs_[id].slot_bytes).open;
  const uint32_t at = std::exchange(slabs_[id].open_at, kNotOpen);
  open[at] = open.back();
  slabs_[open[at]].open_at = at;
  open.pop_back();
  slabs_[id].open_at = kNotOpen;
}

bool RowSlabs::IsLive(RowHandle handle) const {
  return !At(handle).is_free() && (retired_.empty() || !retired_.contains(handle));
}

bool RowSlabs::IsSparse(uint32_t id) const {
  const Slab& slab = slabs_[id];
  if (slab.memory == nullptr || walks_ > 0) return false;
  const uint32_t own_free = slab.slots - slab.live;
  const uint32_t others_free = classes_[slab.slot_bytes / kStep].free_slots - own_free;
  return own_free > slab.slots / 8u && others_free >= slab.live;
}

void RowSlabs::SetAside(uint32_t id) {
  if (slabs_[id].open_at != kNotOpen) Close(id);
}

uint32_t RowSlabs::BeginWalk() {
  ++walks_;
  ++last_walk_;
  for (Class& of_size : classes_) {
    for (const uint32_t id : of_size.open) {
      slabs_[id].open_at = kNotOpen;
      set_aside_.push_back(id);
    }
    of_size.open.clear();
  }
  return last_walk_;
}

void RowSlabs::EndWalk() {
  if (--walks_ > 0) return;
  retired_bytes_ = 0;
  for (const auto& [handle, walk] : std::exchange(retired_, {})) FreeNow(handle);
  for (const uint32_t id : std::exchange(set_aside_, {})) {
    const Slab& slab = slabs_[id];
    if (slab.memory != nullptr && slab.open_at == kNotOpen && slab.live < slab.slots) Open(id);
  }
}

bool RowSlabs::IsInWalk(RowHandle handle, uint32_t walk) const {
  if (slabs_[handle >> kSlotBits].birth >= walk || At(handle).is_free()) return false;
  const auto retired = retired_.find(handle);
  return retired == retired_.end() || retired->second >= walk;
}

}  // namespace tokura::node
