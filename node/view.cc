#include "node/view.h"

#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/env.h>
#include <leveldb/filter_policy.h>
#include <leveldb/iterator.h>
#include <leveldb/options.h>
#include <leveldb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <tuple>
#include <utility>

#include "node/view_files.h"
#include "node/view_metrics.h"
#include "node/view_thread.h"

namespace tokura::node {
namespace {

// docs/formats/view.md
constexpr std::string_view kMarkKey = "\xff\xffmark";
constexpr std::string_view kFormatKey =
    "\xff\xff"
    "format";
constexpr std::string_view kFormat = "1";
constexpr std::string_view kBehindAllKeys = "\xff\xff\xff";

constexpr int kBloomBitsPerKey = 10;
constexpr size_t kTableBytes = 8 << 20;
constexpr int kOpenTablesMax = 500;  // of 1,024 files that a process may open as a rule

constexpr size_t kShardBytes = 2;

leveldb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ViewOf(const leveldb::Slice& slice) { return {slice.data(), slice.size()}; }

void EncodeKey(ShardId shard, std::string_view key, std::string* out) {
  out->clear();
  out->push_back(static_cast<char>(shard.value >> 8));
  out->push_back(static_cast<char>(shard.value & 0xff));
  out->append(key);
}

// LevelDB knows few kinds of error, so the name of ours travels in front of the message. Never its
// NotFound: a file that is gone would read as a row that was never there.
leveldb::Status ToLevelDb(const Status& status) {
  if (status.ok()) return leveldb::Status::OK();
  if (status.code() == Code::kCorrupt) return leveldb::Status::Corruption(status.message());
  return leveldb::Status::IOError(status.ToString());
}

Status FromLevelDb(const leveldb::Status& status) {
  if (status.ok()) return OkStatus();
  const std::string text = status.ToString();
  if (!status.IsIOError()) return Corrupt(text);
  static constexpr std::string_view kKind = "IO error: ";
  const std::string_view ours = std::string_view(text).substr(kKind.size());
  switch (CodeFromName(ours.substr(0, ours.find(':')))) {
    case Code::kNotFound:
      return Corrupt(text);  // LevelDB opens only what it has written
    case Code::kResourceExhausted:
      return ResourceExhausted(text);
    case Code::kDenied:
      return {Code::kDenied, text};
    default:
      return Unavailable(text);
  }
}

// CURRENT or a MANIFEST.
class WholeFile final : public leveldb::SequentialFile {
 public:
  explicit WholeFile(std::string bytes) : bytes_(std::move(bytes)) {}
  leveldb::Status Read(size_t n, leveldb::Slice* result, char* scratch) override {
    const size_t read = bytes_.copy(scratch, n, at_);
    at_ += read;
    *result = leveldb::Slice(scratch, read);
    return leveldb::Status::OK();
  }
  leveldb::Status Skip(uint64_t n) override {
    at_ += std::min<uint64_t>(n, bytes_.size() - at_);
    return leveldb::Status::OK();
  }

 private:
  const std::string bytes_;
  size_t at_ = 0;
};

class TableFile final : public leveldb::RandomAccessFile {
 public:
  explicit TableFile(std::unique_ptr<runtime::ReadableFile> file) : file_(std::move(file)) {}
  leveldb::Status Read(uint64_t offset, size_t n, leveldb::Slice* result,
                       char* scratch) const override {
    *result = leveldb::Slice();
    const Result<size_t> read = file_->ReadAt(offset, {scratch, n});
    if (!read.ok()) return ToLevelDb(read.status());
    if (*read < n) return leveldb::Status::Corruption("a table is shorter than it was written");
    *result = leveldb::Slice(scratch, n);
    return leveldb::Status::OK();
  }

 private:
  const std::unique_ptr<runtime::ReadableFile> file_;
};

class AppendedFile final : public leveldb::WritableFile {
 public:
  explicit AppendedFile(std::unique_ptr<ViewFiles::Writer> writer) : writer_(std::move(writer)) {}
  leveldb::Status Append(const leveldb::Slice& data) override {
    return ToLevelDb(writer_->Append(ViewOf(data)));
  }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return ToLevelDb(writer_->Sync()); }
  leveldb::Status Close() override { return ToLevelDb(writer_->Close()); }

 private:
  const std::unique_ptr<ViewFiles::Writer> writer_;
};

class NoLogger final : public leveldb::Logger {
 public:
  void Logv(const char*, std::va_list) override {}
};

class NoLock final : public leveldb::FileLock {};  // the node's directory is locked

// LevelDB's world: the view's files, a thread, no clock.
class ViewEnv final : public leveldb::Env {
 public:
  ViewEnv(runtime::FileSystem& files, bool held, const ViewMetrics& metrics)
      : files_(files, metrics), thread_(held) {}

  ViewFiles& files() { return files_; }
  ViewThread& thread() { return thread_; }

  leveldb::Status NewSequentialFile(const std::string& path,
                                    leveldb::SequentialFile** result) override {
    return Hand<WholeFile>(files_.ReadWhole(path), result);
  }
  leveldb::Status NewRandomAccessFile(const std::string& path,
                                      leveldb::RandomAccessFile** result) override {
    return Hand<TableFile>(files_.OpenTable(path), result);
  }
  leveldb::Status NewWritableFile(const std::string& path,
                                  leveldb::WritableFile** result) override {
    return Hand<AppendedFile>(files_.Create(path), result);
  }
  bool FileExists(const std::string& path) override {
    // Not known: yes, so that opening it tells the error and nothing is begun anew.
    const Result<bool> there = files_.files().Exists(path);
    return there.ok() ? *there : true;
  }
  leveldb::Status GetChildren(const std::string& directory,
                              std::vector<std::string>* names) override {
    names->clear();
    Result<std::vector<std::string>> listed = files_.List(directory);
    if (listed.ok()) *names = std::move(*listed);
    return ToLevelDb(listed.status());
  }
  leveldb::Status RemoveFile(const std::string& path) override {
    return ToLevelDb(files_.Remove(path));
  }
  leveldb::Status CreateDir(const std::string& path) override {
    return ToLevelDb(files_.files().CreateDirectories(path));
  }
  leveldb::Status RemoveDir(const std::string& path) override {
    return ToLevelDb(files_.files().RemoveAll(path));
  }
  leveldb::Status GetFileSize(const std::string& path, uint64_t* size) override {
    *size = 0;
    const Result<std::unique_ptr<runtime::ReadableFile>> file = files_.files().Open(path);
    if (!file.ok()) return ToLevelDb(file.status());
    const Result<uint64_t> bytes = (*file)->Size();
    if (bytes.ok()) *size = *bytes;
    return ToLevelDb(bytes.status());
  }
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override {
    return ToLevelDb(files_.Rename(from, to));
  }
  leveldb::Status LockFile(const std::string&, leveldb::FileLock** lock) override {
    *lock = new NoLock();
    return leveldb::Status::OK();
  }
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override {
    delete lock;
    return leveldb::Status::OK();
  }
  void Schedule(void (*function)(void*), void* argument) override {
    thread_.Schedule(function, argument);
  }
  void StartThread(void (*function)(void*), void* argument) override {
    thread_.Schedule(function, argument);
  }
  leveldb::Status GetTestDirectory(std::string*) override {
    return leveldb::Status::NotSupported("a directory for tests");
  }
  leveldb::Status NewLogger(const std::string&, leveldb::Logger** result) override {
    *result = new NoLogger();
    return leveldb::Status::OK();
  }
  uint64_t NowMicros() override { return 0; }  // for statistics that nobody asks for
  void SleepForMicroseconds(int micros) override {
    thread_.Pause(std::chrono::microseconds(micros));
  }

 private:
  template <typename File, typename From, typename To>
  static leveldb::Status Hand(Result<From> from, To** result) {
    *result = from.ok() ? new File(std::move(*from)) : nullptr;
    return ToLevelDb(from.status());
  }

  ViewFiles files_;
  ViewThread thread_;
};

// Observes a duration, if there is a clock.
class Timer {
 public:
  Timer(const runtime::Clock* clock, runtime::Histogram& histogram)
      : clock_(clock), histogram_(histogram) {
    if (clock_ != nullptr) start_ = clock_->Monotonic();
  }
  ~Timer() {
    if (clock_ == nullptr) return;
    histogram_.Observe(std::chrono::duration<double>(clock_->Monotonic() - start_).count());
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 private:
  const runtime::Clock* const clock_;
  runtime::Histogram& histogram_;
  std::chrono::nanoseconds start_{};
};

class LevelDbView final : public View {
 public:
  LevelDbView(runtime::FileSystem& files, ViewOptions options, runtime::Metrics& metrics)
      : options_(std::move(options)),
        metrics_(metrics),
        env_(files, options_.wait_for_compaction, metrics_),
        cache_(leveldb::NewLRUCache(options_.block_cache_bytes)),
        bloom_(leveldb::NewBloomFilterPolicy(kBloomBitsPerKey)) {}
  ~LevelDbView() override {
    env_.thread().RunHeld();  // LevelDB waits for its jobs
    db_.reset();
  }

  Status Start();

  const std::optional<std::string>& recovered_mark() const override { return recovered_mark_; }
  Status Write(std::span<const Change> changes, std::optional<std::string_view> mark) override;
  Status Flush() override;
  Status Get(std::span<const Key> keys, std::span<std::optional<std::string>> rows) const override;
  Status Scan(ShardId shard, std::string_view prefix, std::string_view after,
              const Visitor& visit) const override {
    return Scan(nullptr, shard, prefix, after, visit);
  }
  std::unique_ptr<Image> TakeImage() const override {
    return std::make_unique<SnapshotImage>(*this);
  }
  uint64_t bytes() const override { return env_.files().table_bytes(); }

 private:
  class SnapshotImage final : public Image {
   public:
    explicit SnapshotImage(const LevelDbView& view)
        : view_(view), snapshot_(view.db_->GetSnapshot()) {}
    ~SnapshotImage() override { view_.db_->ReleaseSnapshot(snapshot_); }
    Status Scan(ShardId shard, std::string_view prefix, std::string_view after,
                const Visitor& visit) const override {
      return view_.Scan(snapshot_, shard, prefix, after, visit);
    }

   private:
    const LevelDbView& view_;
    const leveldb::Snapshot* const snapshot_;
  };

  static leveldb::ReadOptions Checked() {
    leveldb::ReadOptions options;
    options.verify_checksums = true;
    return options;
  }
  leveldb::Options DatabaseOptions();
  Status CheckFormat();
  Status Scan(const leveldb::Snapshot* snapshot, ShardId shard, std::string_view prefix,
              std::string_view after, const Visitor& visit) const;
  // nullopt: not there.
  Result<std::optional<std::string>> GetOne(std::string_view key) const;
  Status Commit(leveldb::WriteBatch* batch);

  // What LevelDB says of a call, as ours, with the directory.
  Status Told(const leveldb::Status& status) const {
    if (status.ok()) return OkStatus();
    metrics_.errors.Add();
    return FromLevelDb(status).WithContext("view " + options_.directory);
  }
  Status CheckUsable() const {
    if (!failed_) return OkStatus();
    return Unavailable("view " + options_.directory +
                       ": not used after a failed write; remove it and open it again");
  }

  const ViewOptions options_;
  const ViewMetrics metrics_;
  mutable ViewEnv env_;
  const std::unique_ptr<leveldb::Cache> cache_;
  const std::unique_ptr<const leveldb::FilterPolicy> bloom_;
  NoLogger logger_;
  std::unique_ptr<leveldb::DB> db_;
  std::optional<std::string> recovered_mark_;
  // LevelDB would take a flush for done that meets a write of another thread in its queue.
  std::mutex write_mutex_;
  bool unflushed_ = false;  // under write_mutex_
  std::atomic<bool> failed_ = false;
};

leveldb::Options LevelDbView::DatabaseOptions() {
  leveldb::Options options;
  options.create_if_missing = true;
  options.paranoid_checks = true;
  options.env = &env_;
  options.info_log = &logger_;
  options.write_buffer_size = options_.write_buffer_bytes;
  options.max_open_files = kOpenTablesMax;
  options.block_cache = cache_.get();
  options.max_file_size = kTableBytes;
  options.compression = leveldb::kNoCompression;
  options.reuse_logs = false;
  options.filter_policy = bloom_.get();
  return options;
}

Status LevelDbView::Start() {
  TOKURA_RETURN_IF_ERROR(env_.files().Measure(options_.directory));
  leveldb::DB* db = nullptr;
  const leveldb::Status opened = leveldb::DB::Open(DatabaseOptions(), options_.directory, &db);
  db_.reset(db);
  TOKURA_RETURN_IF_ERROR(Told(opened));
  TOKURA_RETURN_IF_ERROR(CheckFormat());
  TOKURA_ASSIGN_OR_RETURN(recovered_mark_, GetOne(kMarkKey));
  env_.thread().RunHeld();
  return OkStatus();
}

// Writes the format into a view that is new. A view without one that has rows is not ours.
Status LevelDbView::CheckFormat() {
  TOKURA_ASSIGN_OR_RETURN(const std::optional<std::string> format, GetOne(kFormatKey));
  if (format.has_value() && *format != kFormat) {
    return FailedPrecondition("view " + options_.directory + ": written in another format");
  }
  if (format.has_value()) return OkStatus();
  const std::unique_ptr<leveldb::Iterator> iterator(db_->NewIterator(Checked()));
  iterator->SeekToFirst();
  TOKURA_RETURN_IF_ERROR(Told(iterator->status()));
  if (iterator->Valid()) {
    return Corrupt("view " + options_.directory + ": has rows, but does not say in what format");
  }
  leveldb::WriteBatch batch;
  batch.Put(SliceOf(kFormatKey), SliceOf(kFormat));
  return Told(db_->Write(leveldb::WriteOptions(), &batch));
}

Result<std::optional<std::string>> LevelDbView::GetOne(std::string_view key) const {
  std::string value;
  const leveldb::Status got = db_->Get(Checked(), SliceOf(key), &value);
  if (got.IsNotFound()) return std::optional<std::string>();
  TOKURA_RETURN_IF_ERROR(Told(got));
  return std::optional<std::string>(std::move(value));
}

Status LevelDbView::Write(std::span<const Change> changes, std::optional<std::string_view> mark) {
  leveldb::WriteBatch batch;
  std::string key;
  size_t bytes = 0;
  for (const Change& change : changes) {
    EncodeKey(change.shard, change.key, &key);
    bytes += key.size();
    if (change.row.has_value()) {
      bytes += change.row->size();
      batch.Put(key, SliceOf(*change.row));
    } else {
      batch.Delete(key);
    }
  }
  if (mark.has_value()) batch.Put(SliceOf(kMarkKey), SliceOf(*mark));
  const std::lock_guard lock(write_mutex_);
  TOKURA_RETURN_IF_ERROR(CheckUsable());
  TOKURA_RETURN_IF_ERROR(Commit(&batch));
  unflushed_ = true;
  metrics_.writes.Add();
  metrics_.written_rows.Add(static_cast<double>(changes.size()));
  metrics_.written_bytes.Add(static_cast<double>(bytes));
  return OkStatus();
}

// REQUIRES: write_mutex_ is held.
Status LevelDbView::Commit(leveldb::WriteBatch* batch) {
  Status status = Told(db_->Write(leveldb::WriteOptions(), batch));
  env_.thread().RunHeld();
  if (!status.ok()) failed_ = true;
  return status;
}

Status LevelDbView::Flush() {
  const std::lock_guard lock(write_mutex_);
  TOKURA_RETURN_IF_ERROR(CheckUsable());
  if (!unflushed_) return OkStatus();
  const Timer timer(options_.clock, metrics_.flush_seconds);
  // A compaction of a range without keys first makes a table of what is in memory, and waits for
  // it; whether that failed, the next write tells.
  const leveldb::Slice nothing = SliceOf(kBehindAllKeys);
  {
    const ViewThread::Free free(env_.thread());
    db_->CompactRange(&nothing, &nothing);
  }
  leveldb::WriteBatch empty;
  TOKURA_RETURN_IF_ERROR(Commit(&empty));
  unflushed_ = false;
  return OkStatus();
}

Status LevelDbView::Get(std::span<const Key> keys,
                        std::span<std::optional<std::string>> rows) const {
  TOKURA_RETURN_IF_ERROR(CheckUsable());
  const Timer timer(options_.clock, metrics_.get_seconds);
  metrics_.gets.Add(static_cast<double>(keys.size()));
  // In key order neighbours share blocks.
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tie(keys[a].shard, keys[a].key) < std::tie(keys[b].shard, keys[b].key);
  });
  const leveldb::ReadOptions checked = Checked();
  std::string key;
  Status status;
  for (const size_t i : order) {
    EncodeKey(keys[i].shard, keys[i].key, &key);
    const leveldb::Status got = db_->Get(checked, key, &rows[i].emplace());
    if (got.ok()) continue;
    rows[i].reset();
    if (got.IsNotFound()) continue;
    status = Told(got);
    break;
  }
  env_.thread().RunHeld();  // a lookup may have asked for a compaction
  return status;
}

Status LevelDbView::Scan(const leveldb::Snapshot* snapshot, ShardId shard, std::string_view prefix,
                         std::string_view after, const Visitor& visit) const {
  TOKURA_RETURN_IF_ERROR(CheckUsable());
  leveldb::ReadOptions options = Checked();
  options.snapshot = snapshot;
  options.fill_cache = !prefix.empty();  // a whole shard would push out what is asked for often
  std::string first;
  EncodeKey(shard, std::max(prefix, after), &first);
  std::string all;
  EncodeKey(shard, prefix, &all);
  std::unique_ptr<leveldb::Iterator> iterator(db_->NewIterator(options));
  iterator->Seek(first);
  // The status is looked at before each row: behind a block that cannot be read lie older rows.
  while (iterator->status().ok() && iterator->Valid() && iterator->key().starts_with(all)) {
    const std::string_view key = ViewOf(iterator->key()).substr(kShardBytes);
    if (key > after && !visit(key, ViewOf(iterator->value()))) break;
    iterator->Next();
  }
  Status status = Told(iterator->status());
  iterator.reset();  // before LevelDB moves files
  env_.thread().RunHeld();
  return status;
}

}  // namespace

Result<std::unique_ptr<View>> View::Open(runtime::FileSystem& files, ViewOptions options,
                                         runtime::Metrics& metrics) {
  TOKURA_RETURN_IF_ERROR(files.CreateDirectories(options.directory));
  auto view = std::make_unique<LevelDbView>(files, std::move(options), metrics);
  TOKURA_RETURN_IF_ERROR(view->Start());
  return std::unique_ptr<View>(std::move(view));
}

Status View::Remove(runtime::FileSystem& files, const std::string& directory) {
  TOKURA_RETURN_IF_ERROR(files.RemoveAll(directory));
  return files.SyncDirectory(DirectoryOf(directory));
}

}  // namespace tokura::node
