#include "storage/store_lock.hpp"

#include "core/ensure.hpp"
#include "storage/lmdb/failure.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <map>
#include <mutex>
#include <string>

namespace syncline::storage {

namespace {

using identity = std::pair<dev_t, ino_t>;

/// The stores that this process has open, with the descriptor of the lock file or -1 for a reader.
struct open_stores {
  std::mutex mutex;
  std::map<identity, int> held;
};

// Never destroyed: environments with static storage may outlive everything else at exit.
open_stores& the_open_stores() {
  static open_stores& instance = *new open_stores;
  return instance;
}

// The mutex is taken across fork, so that the child finds the map whole.
void before_fork() {
  the_open_stores().mutex.lock();
}

void after_fork_in_parent() {
  the_open_stores().mutex.unlock();
}

// Closing the child's copy does not release the parent's lock, but a child that outlives its parent
// would otherwise keep the store locked for nobody.
void after_fork_in_child() {
  open_stores& stores = the_open_stores();
  for (const auto& [directory, lock_file] : stores.held)
    if (lock_file >= 0)
      ::close(lock_file);
  stores.held.clear();
  stores.mutex.unlock();
}

void watch_forks() {
  static const int installed =
    ::pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
  core::ensure(installed == 0, "pthread_atfork has room for one more handler");
}

std::string holder_of(int lock_file) {
  std::array<char, 32> text{};
  const ssize_t size = ::pread(lock_file, text.data(), text.size() - 1, 0);
  std::string number;
  for (ssize_t at = 0; at < size && text[static_cast<std::size_t>(at)] >= '0' &&
                       text[static_cast<std::size_t>(at)] <= '9';
       ++at)
    number += text[static_cast<std::size_t>(at)];
  return number.empty() ? "another process" : "process " + number;
}

core::expected<void> write_holder(int lock_file, const std::filesystem::path& path) {
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_file, 0) != 0)
    return lmdb::failure_of("ftruncate", errno, path);
  if (::pwrite(lock_file, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return lmdb::failure_of("pwrite", errno, path);
  return {};
}

core::expected<lmdb::file_descriptor> lock_for_writing(const std::filesystem::path& directory) {
  const std::filesystem::path path = directory / "writer.lock";
  auto file = lmdb::open_file(path, O_RDWR | O_CREAT);
  if (!file)
    return file;
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file->get(), F_OFD_SETLK, &whole) != 0) {
    if (errno != EAGAIN && errno != EACCES)
      return lmdb::failure_of("fcntl(F_OFD_SETLK)", errno, path);
    return core::fail("store_locked", directory.string() + " is being written by " +
                                        holder_of(file->get()) +
                                        "; end that one, or open the store for reading");
  }
  if (auto written = write_holder(file->get(), path); !written)
    return written.error();
  return file;
}

} // namespace

store_lock::store_lock(identity directory) : directory_{std::move(directory)}, owner_{::getpid()} {}

store_lock::store_lock(store_lock&& other) noexcept
  : directory_{std::move(other.directory_)}, owner_{other.owner_}, held_{std::exchange(other.held_,
                                                                                       false)} {}

store_lock::~store_lock() {
  // In a forked child neither the entry nor the descriptor is ours any more.
  if (!held_ || owner_ != ::getpid())
    return;
  open_stores& stores = the_open_stores();
  const std::lock_guard<std::mutex> guard{stores.mutex};
  const auto entry = stores.held.find(directory_);
  if (entry == stores.held.end())
    return;
  if (entry->second >= 0)
    ::close(entry->second);
  stores.held.erase(entry);
}

core::expected<store_lock> store_lock::acquire(const std::filesystem::path& directory,
                                               store_access access) {
  watch_forks();
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0)
    return lmdb::failure_of("stat", errno, directory);
  const identity key{status.st_dev, status.st_ino};
  open_stores& stores = the_open_stores();
  const std::lock_guard<std::mutex> guard{stores.mutex};
  if (stores.held.contains(key))
    return core::fail("store_locked", directory.string() + " is open in this process (" +
                                        std::to_string(::getpid()) +
                                        ") already; use that environment, or close it first");
  int lock_file = -1;
  if (access == store_access::write) {
    auto locked = lock_for_writing(directory);
    if (!locked)
      return locked.error();
    lock_file = locked->release();
  }
  stores.held.emplace(key, lock_file);
  return store_lock{key};
}

} // namespace syncline::storage
