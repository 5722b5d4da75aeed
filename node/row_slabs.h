// RowSlabs: the memory of one group's rows. A row lies in one slot: a byte of state, the length of
// its key, the key without the group's prefix, the packed row. Slots of one size (steps of 4 bytes)
// share a slab, a block of SlabMemory but for the first few of a size, so a row costs no
// allocator's header and is named by 32 bits.
//
// While a walk is under way the slots that it may visit neither change their key and row nor are
// used again: what is freed is only retired, and new rows go to new slabs.
//
// Not thread-safe. A pointer or view into a slot is valid until the slot is freed or rewritten.
// Borrows the memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "node/slab_memory.h"

namespace tokura::node {

using RowHandle = uint32_t;  // slab << 12 | slot

// Whether the view has a row, and whether a record came while it was being written.
enum class Dirtiness : uint8_t { kClean = 0, kDirty = 1, kTaken = 2, kTakenDirty = 3 };

// One slot that is in use.
class RowEntry {
 public:
  explicit RowEntry(char* slot) : slot_(slot) {}

  std::string_view key() const {  // without the group's prefix
    const auto length = static_cast<uint8_t>(slot_[1]);
    if (length != kLongKey) return {slot_ + 2, length - size_t{1}};
    uint16_t n = 0;
    std::memcpy(&n, slot_ + 2, 2);
    return {slot_ + 4, n};
  }
  Dirtiness dirtiness() const { return static_cast<Dirtiness>(state() >> 2 & 3); }
  void set_dirtiness(Dirtiness d) { set_state(2, 3, static_cast<uint8_t>(d)); }
  bool used() const { return (state() >> 4 & 1) != 0; }  // lately
  void set_used(bool used) { set_state(4, 1, used ? 1 : 0); }
  // 0: whole. Else: partial if the table has the same.
  uint8_t partial_mark() const { return state() >> 5 & 3; }
  void set_partial_mark(uint8_t mark) { set_state(5, 3, mark); }
  // Dirtiness, used, partial mark.
  void CopyState(RowEntry from) {
    slot_[0] = static_cast<char>((state() & ~kAbout) | (from.state() & kAbout));
  }
  // Into the second-level cache: the rows of a request do not fit into the first, and what it can
  // wait for at a time is less.
  void Prefetch() const {
    constexpr int kForReading = 0;
    constexpr int kSecondLevel = 2;
    __builtin_prefetch(slot_, kForReading, kSecondLevel);
    __builtin_prefetch(slot_ + 64, kForReading, kSecondLevel);
    __builtin_prefetch(slot_ + 128, kForReading, kSecondLevel);
    __builtin_prefetch(slot_ + 192, kForReading, kSecondLevel);
  }

 private:
  friend class RowSlabs;
  // state: bits 0-1 bytes at the end of the slot without use, 2-3 dirtiness, 4 used, 5-6 partial
  // mark, 7 the row is elsewhere: after the key a pointer and a length. slot_[1]: 0 no row is here.
  static constexpr uint8_t kLongKey = 255;
  static constexpr uint8_t kElsewhere = 128;
  static constexpr uint8_t kAbout = 0x7c;

  uint8_t state() const { return static_cast<uint8_t>(slot_[0]); }
  void set_state(int shift, uint8_t mask, uint8_t v) {
    slot_[0] = static_cast<char>((state() & ~(mask << shift)) | v << shift);
  }
  bool is_free() const { return slot_[1] == 0; }

  char* slot_;
};

class RowSlabs {
 public:
  // `walks` walks are under way elsewhere, the last of which has the number `last_walk`.
  RowSlabs(SlabMemory& memory, uint32_t walks, uint32_t last_walk)
      : memory_(memory), walks_(walks), last_walk_(last_walk) {}
  ~RowSlabs();
  RowSlabs(const RowSlabs&) = delete;
  RowSlabs& operator=(const RowSlabs&) = delete;

  // REQUIRES: key.size() < 2^16; row.size() < 2^32.
  RowHandle Add(std::string_view key, std::string_view row);
  RowEntry At(RowHandle handle) const {
    const Slab& slab = slabs_[handle >> kSlotBits];
    return RowEntry(slab.memory + size_t{handle & kSlotMask} * slab.slot_bytes);
  }
  std::string_view RowOf(RowHandle handle) const;
  // Puts `row` in the place of the row there is, if it takes the same slot. Else false: Add a new
  // one and Free this.
  bool Rewrite(RowHandle handle, std::string_view row);
  void Free(RowHandle handle);

  // All slots: slab by slab below slab_count(), slot by slot below slot_count(slab).
  uint32_t slab_count() const { return static_cast<uint32_t>(slabs_.size()); }
  uint32_t slot_count(uint32_t slab) const { return slabs_[slab].used_slots; }
  static RowHandle HandleOf(uint32_t slab, uint32_t slot) { return slab << kSlotBits | slot; }
  // Whether a row is there that was not freed.
  bool IsLive(RowHandle handle) const;
  // Whether a slab has many free slots, and its rows fit in those of others.
  bool IsSparse(uint32_t slab) const;
  // Add takes no slot of this slab until one of it is freed.
  void SetAside(uint32_t slab);

  // The number of the walk; those under way at one time have ascending ones.
  uint32_t BeginWalk();
  void EndWalk();
  // Whether a row is there that was live when the walk began.
  bool IsInWalk(RowHandle handle, uint32_t walk) const;

  size_t bytes() const { return bytes_; }                  // taken from memory and allocator
  size_t free_bytes() const { return free_bytes_; }        // of these, in free slots
  size_t retired_bytes() const { return retired_bytes_; }  // and in slots that walks still hold
  size_t live() const { return live_; }

 private:
  static constexpr int kSlotBits = 12;
  static constexpr uint32_t kSlotMask = (1u << kSlotBits) - 1;
  static constexpr uint32_t kNotOpen = UINT32_MAX;
  struct Slab {
    char* memory = nullptr;
    uint32_t slot_bytes = 0;
    uint16_t slots = 0;
    uint16_t used_slots = 0;  // ever
    uint16_t live = 0;        // retired ones included
    uint16_t first_free = 0;  // slot + 1; 0: none
    uint32_t birth = 0;       // number of the walk begun last when it was made
    uint32_t open_at = kNotOpen;
    bool is_block = false;  // of SlabMemory
    size_t bytes() const { return is_block ? SlabMemory::kBlockBytes : size_t{slots} * slot_bytes; }
  };
  // Slabs of one slot size.
  struct Class {
    std::vector<uint32_t> open;  // have a free slot that may be used
    uint32_t slabs = 0;
    uint32_t free_slots = 0;  // of all its slabs
  };

  Class& ClassOf(uint32_t slot_bytes) { return classes_[slot_bytes / 4]; }
  static size_t SlotBytes(size_t key_bytes, size_t row_bytes, bool* elsewhere);
  uint32_t MakeSlab(uint32_t slot_bytes);
  void ReleaseSlab(uint32_t id);
  void GiveBack(const Slab& slab);
  void Open(uint32_t id);
  void Close(uint32_t id);
  void FreeNow(RowHandle handle);
  void FreeElsewhere(RowEntry entry);

  SlabMemory& memory_;
  std::vector<Slab> slabs_;
  std::vector<uint32_t> spare_ids_;
  std::vector<Class> classes_;  // by slot size / 4
  uint32_t walks_;              // under way
  uint32_t last_walk_;
  std::vector<uint32_t> set_aside_;                  // slabs that were open when a walk began
  std::unordered_map<RowHandle, uint32_t> retired_;  // with the last walk begun before
  size_t bytes_ = 0;
  size_t free_bytes_ = 0;
  size_t retired_bytes_ = 0;
  size_t live_ = 0;
};

}  // namespace tokura::node
