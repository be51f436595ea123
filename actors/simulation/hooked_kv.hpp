#pragma once
// A key-value environment that tells when a commit begins and ends: the crash points of a store.

#include "storage/kv.hpp"

#include <functional>
#include <memory>

namespace syncline::actors::simulation {

/// Called around each commit. `before` may throw `kv_error` to make the commit fail.
struct commit_hooks {
  std::function<void()> before;
  std::function<void()> after;
};

/// Passes everything on to `inner`.
class hooked_environment : public storage::kv_environment {
public:
  hooked_environment(std::shared_ptr<storage::kv_environment> inner, commit_hooks hooks)
    : inner_{std::move(inner)}, hooks_{std::move(hooks)} {}

  std::unique_ptr<storage::kv_reader> begin_read() override {
    return inner_->begin_read();
  }
  std::unique_ptr<storage::kv_writer> begin_write() override;
  storage::kv_usage usage() override {
    return inner_->usage();
  }
  std::uint64_t clear_stale_readers() override {
    return inner_->clear_stale_readers();
  }

private:
  std::shared_ptr<storage::kv_environment> inner_;
  commit_hooks hooks_;
};

} // namespace syncline::actors::simulation
