#pragma once
// Who may open a store: one writer process at a time, and one environment of it in a process.
//
// The writer holds an open-file-description lock on `writer.lock` in the store's directory and has
// written its process id there. (A plain fcntl lock would vanish as soon as anything in the
// process closed another descriptor of that file.) LMDB loses its own locks when one environment
// is opened twice in a process, hence the registry of directories, by device and inode. A forked
// child starts with an empty registry and without the parent's lock file.

#include "core/expected.hpp"
#include "storage/lmdb/posix_file.hpp"

#include <sys/types.h>

#include <filesystem>
#include <utility>

namespace syncline::storage {

/// What a process wants to do with a store.
enum class store_access {
  write, ///< takes the writer's lock
  read   ///< takes no lock; the registry of this process counts all the same
};

/// Holds a store for this process until it is destroyed. Any thread.
class store_lock {
public:
  /// `directory` exists. `store_locked` where this process has the store open already or another
  /// one writes it (the message names its process id); `store_read_only` where the lock file
  /// cannot be written.
  [[nodiscard]] static core::expected<store_lock> acquire(const std::filesystem::path& directory,
                                                          store_access access);

  store_lock(store_lock&& other) noexcept;
  store_lock& operator=(store_lock&&) = delete;
  store_lock(const store_lock&) = delete;
  store_lock& operator=(const store_lock&) = delete;
  ~store_lock();

private:
  using identity = std::pair<dev_t, ino_t>;
  explicit store_lock(identity directory);

  identity directory_;
  pid_t owner_;
  bool held_ = true;
};

} // namespace syncline::storage
