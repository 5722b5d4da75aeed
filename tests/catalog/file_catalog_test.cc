#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "catalog/catalog.h"
#include "runtime/real/real_runtime.h"
#include "tests/catalog/definer.h"
#include "tests/runtime/faulty_files.h"
#include "tests/runtime/scratch_folder.h"

namespace tokura::catalog {
namespace {

std::vector<DefinitionText> Text(const std::string& text) { return {{"test.yaml", text}}; }

// A project of its own for each number.
std::string Project(int i) {
  return "project: p" + std::to_string(i) +
         "\nentities: [{name: e, keys: [{name: k, type: int64}]}]\n"
         "feature_groups: [{name: g, entity: e, owner: me, features: [{name: x, type: bool}]}]\n";
}

class FileCatalogTest : public testing::Test {
 protected:
  FileCatalogTest() : files_(runtime::real::MakeFileSystem()), failing_(*files_) {}

  std::unique_ptr<FileCatalog> Open() {
    Result<std::unique_ptr<FileCatalog>> catalog = FileCatalog::Open(failing_, directory_);
    EXPECT_TRUE(catalog.ok()) << catalog.status().ToString();
    return std::move(*catalog);
  }
  Status OpenStatus() { return FileCatalog::Open(failing_, directory_).status(); }
  static Plan Apply(FileCatalog& catalog, const std::string& text, ApplyOptions options = {}) {
    Result<Plan> plan = catalog.Apply(Text(text), options);
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    return plan.ok() ? *plan : Plan();
  }
  std::string RevisionPath(int revision) {
    char name[32];
    std::snprintf(name, sizeof name, "/revisions/%010d.jsonl", revision);
    return directory_ + name;
  }
  void Damage(int revision, const std::function<void(std::string*)>& change) {
    std::string text = *runtime::ReadFile(*files_, RevisionPath(revision));
    change(&text);
    ASSERT_TRUE(runtime::WriteFileAtomically(*files_, RevisionPath(revision), text).ok());
  }

  std::unique_ptr<runtime::FileSystem> files_;
  runtime::FaultyFiles failing_;
  const ScratchFolder folder_;
  const std::string directory_ = folder_ / "catalog";
};

TEST_F(FileCatalogTest, BeginsEmptyAtRevisionZero) {
  const auto catalog = Open();
  EXPECT_EQ(catalog->Current()->revision, Revision(0));
  EXPECT_TRUE((*catalog->At(Revision(0)))->groups.empty());
  EXPECT_EQ(catalog->At(Revision(1)).status().code(), Code::kNotFound);
}

TEST_F(FileCatalogTest, KeepsEveryRevisionThroughARestart) {
  Apply(*Open(), Project(1));
  Apply(*Open(), Project(2));
  const auto catalog = Open();
  EXPECT_EQ(catalog->Current()->revision, Revision(2));
  EXPECT_EQ(catalog->Current()->groups.size(), 2u);
  EXPECT_EQ((*catalog->At(Revision(1)))->groups.size(), 1u);
}

TEST_F(FileCatalogTest, KeepsTheRevisionWhenNothingChanges) {
  const auto catalog = Open();
  Apply(*catalog, Project(1));
  const Plan plan = Apply(*catalog, Project(1));
  EXPECT_TRUE(plan.changes.empty());
  EXPECT_EQ(plan.next->revision, Revision(1));
  EXPECT_FALSE(*files_->Exists(RevisionPath(2)));
}

TEST_F(FileCatalogTest, PlansWithoutWriting) {
  const auto catalog = Open();
  EXPECT_FALSE(Apply(*catalog, Project(1), {.dry_run = true}).changes.empty());
  EXPECT_EQ(catalog->Current()->revision, Revision(0));
  Apply(*catalog, Project(1));
  EXPECT_TRUE(Apply(*catalog, "project: p1", {.dry_run = true}).changes[0].destructive);
}

TEST_F(FileCatalogTest, RefusesToDestroyUnlessTold) {
  const auto catalog = Open();
  Apply(*catalog, Project(1));
  EXPECT_EQ(catalog->Apply(Text("project: p1"), {}).status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(catalog->Current()->revision, Revision(1));
  Apply(*catalog, "project: p1", {.allow_destroy = true});
  EXPECT_TRUE(catalog->Current()->groups.empty());
}

TEST_F(FileCatalogTest, AppliesOnlyToTheRevisionAskedFor) {
  const auto catalog = Open();
  Apply(*catalog, Project(1), {.if_revision = Revision(0)});
  const Status refused = catalog->Apply(Text(Project(2)), {.if_revision = Revision(0)}).status();
  EXPECT_EQ(refused.ToString(), "FAILED_PRECONDITION: the definitions are at revision 1, not at 0");
  Apply(*catalog, Project(2), {.if_revision = Revision(1)});
}

TEST_F(FileCatalogTest, ChangesAllOrNothing) {
  const auto catalog = Open();
  const std::string half = Project(1) + "---\n" + Project(2) +
                           "feature_services: [{name: s, features: ['nowhere:x']}]\n";
  EXPECT_EQ(catalog->Apply(Text(half), {}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(catalog->Current()->revision, Revision(0));
  EXPECT_FALSE(*files_->Exists(RevisionPath(1)));
}

TEST_F(FileCatalogTest, SeesWhatAnotherProcessWrote) {
  const auto mine = Open();
  const auto theirs = Open();
  Apply(*theirs, Project(1));
  EXPECT_EQ(mine->Current()->revision, Revision(0));
  EXPECT_TRUE(*mine->Refresh());
  EXPECT_FALSE(*mine->Refresh());
  EXPECT_EQ(mine->Current()->revision, Revision(1));
  Apply(*theirs, Project(2));
  Apply(*mine, Project(3));
  EXPECT_EQ(mine->Current()->groups.size(), 3u);
}

TEST_F(FileCatalogTest, LosesNoneOfManyConcurrentApplies) {
  constexpr int kThreads = 4;
  constexpr int kEach = 10;
  const auto shared = Open();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      // Half of them share a catalog, half are as another process would be.
      const auto own = Open();
      FileCatalog& catalog = t % 2 == 0 ? *shared : *own;
      for (int i = 0; i < kEach; ++i) Apply(catalog, Project(t * kEach + i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto catalog = Open();
  EXPECT_EQ(catalog->Current()->revision, Revision(kThreads * kEach));
  EXPECT_EQ(catalog->Current()->groups.size(), size_t{kThreads * kEach});
}

TEST_F(FileCatalogTest, HoldsTheOldOrTheNewRevisionWhereverItStops) {
  bool done = false;
  for (int step = 0; !done; ++step) {
    ASSERT_LT(step, 100);
    ASSERT_TRUE(files_->RemoveAll(directory_).ok());
    failing_.Heal();
    const auto catalog = Open();
    Apply(*catalog, Project(1));
    failing_.FailAt(step, Unavailable("the disk is gone"), /*once=*/false);
    const Result<Plan> applied = catalog->Apply(Text(Project(2)), {});
    done = !failing_.failed();
    failing_.Heal();
    const uint64_t revision = Open()->Current()->revision.value;
    EXPECT_TRUE(revision == 2 || (revision == 1 && !applied.ok())) << "stopped at " << step;
    if (!applied.ok() && applied.status().code() != Code::kUnknownOutcome) {
      EXPECT_EQ(revision, 1u) << "stopped at " << step << applied.status().ToString();
    }
    Apply(*Open(), Project(2));
    Apply(*catalog, Project(3));
    EXPECT_EQ(catalog->Current()->groups.size(), 3u) << "stopped at " << step;
  }
}

TEST_F(FileCatalogTest, NamesADamagedFile) {
  Apply(*Open(), Project(1));
  Damage(1, [](std::string* text) { text->back() = 'x'; });
  EXPECT_EQ(OpenStatus().code(), Code::kCorrupt);
  EXPECT_NE(OpenStatus().message().find(RevisionPath(1)), std::string::npos);
}

TEST_F(FileCatalogTest, RefusesAFileOfANewerFormat) {
  Apply(*Open(), Project(1));
  Damage(1, [](std::string* text) { text->replace(text->find(":1"), 2, ":2"); });
  EXPECT_EQ(OpenStatus().code(), Code::kFailedPrecondition);
}

TEST_F(FileCatalogTest, RefusesARevisionUnderAnotherName) {
  Apply(*Open(), Project(1));
  ASSERT_TRUE(files_->Rename(RevisionPath(1), RevisionPath(2)).ok());
  EXPECT_EQ(OpenStatus().code(), Code::kCorrupt);
}

TEST_F(FileCatalogTest, IgnoresWhatIsNoRevision) {
  Apply(*Open(), Project(1));
  for (const char* name : {"/revisions/0000000009.jsonl.tmp.0", "/revisions/x.jsonl"}) {
    ASSERT_TRUE(runtime::WriteFileAtomically(*files_, directory_ + name, "half").ok());
  }
  EXPECT_EQ(Open()->Current()->revision, Revision(1));
}

}  // namespace
}  // namespace tokura::catalog
