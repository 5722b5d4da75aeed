// A FakeS3 and file systems on it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "runtime/real/real_runtime.h"
#include "runtime/s3/s3_file_system.h"
#include "runtime/sim/sim_world.h"
#include "tests/s3/fake_s3.h"

namespace tokura::runtime::s3 {

// A machine with a store of its own, or one that it shares with others. Nothing waits here.
class S3Harness {
 public:
  explicit S3Harness(FakeS3* shared = nullptr)
      : store(shared == nullptr ? own_store_ : *shared), local_(world_.AddProcess("p").files()) {
    TOKURA_CHECK(local_.CreateDirectories("/scratch").ok());
  }

  std::unique_ptr<S3FileSystem> NewFileSystem() {
    return std::make_unique<S3FileSystem>(
        store.Client(), world_.clock(), *random_, [](std::chrono::milliseconds) {}, local_,
        "/scratch");
  }
  FileSystem& local() { return local_; }

 private:
  FakeS3 own_store_;

 public:
  FakeS3& store;

 private:
  sim::SimWorld world_{1};
  FileSystem& local_;
  std::unique_ptr<Random> random_ = real::MakeRandom();
};

}  // namespace tokura::runtime::s3
