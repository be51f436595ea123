#include "storage/lmdb/process_mark.hpp"

#include <sys/mman.h>
#include <unistd.h>

namespace syncline::storage::lmdb {

process_mark::process_mark()
  : process_{::getpid()}, page_bytes_{static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))} {
  void* const page =
    ::mmap(nullptr, page_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    return;
  if (::madvise(page, page_bytes_, MADV_WIPEONFORK) != 0) {
    ::munmap(page, page_bytes_);
    return;
  }
  page_ = static_cast<unsigned char*>(page);
  *page_ = 1;
}

process_mark::~process_mark() {
  if (page_ != nullptr)
    ::munmap(page_, page_bytes_);
}

bool process_mark::asks_kernel() const noexcept {
  return ::getpid() == process_;
}

} // namespace syncline::storage::lmdb
