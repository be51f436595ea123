#pragma once
// Tells a forked child from the process that made the mark, at the cost of one read of memory:
// asking the kernel for the process id costs more than a whole read of a record.

#include <sys/types.h>

#include <cstddef>

namespace syncline::storage::lmdb {

/// Made in one process; any thread may ask. In a forked child it answers "no" for ever.
class process_mark {
public:
  process_mark();
  ~process_mark();
  process_mark(const process_mark&) = delete;
  process_mark& operator=(const process_mark&) = delete;

  [[nodiscard]] bool is_same_process() const noexcept {
    return page_ != nullptr ? *page_ != 0 : asks_kernel();
  }
  /// The process that made the mark.
  [[nodiscard]] pid_t process() const noexcept {
    return process_;
  }

private:
  [[nodiscard]] bool asks_kernel() const noexcept;

  pid_t process_;
  /// A page that the kernel fills with zeros in every child, however it was forked; null where
  /// the kernel cannot do that (before Linux 4.14).
  unsigned char* page_ = nullptr;
  std::size_t page_bytes_;
};

} // namespace syncline::storage::lmdb
