#include "actors/seams_system.hpp"

#include "core/ensure.hpp"

#include <array>
#include <chrono>
#include <fstream>

namespace syncline::actors {

std::int64_t system_wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

std::int64_t system_monotonic_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

namespace {

// Identities are drawn from it (clients, starts, nonces), so no seeded generator stands between;
// it asks the kernel's generator for some numbers at a time.
class random_source {
public:
  std::uint64_t next() {
    if (used_ == numbers_.size()) {
      source_.read(reinterpret_cast<char*>(numbers_.data()), sizeof numbers_);
      core::ensure(source_.good(), "the kernel gives random numbers");
      used_ = 0;
    }
    return numbers_[used_++];
  }

private:
  std::ifstream source_{"/dev/urandom", std::ios::binary};
  std::array<std::uint64_t, 32> numbers_{};
  std::size_t used_ = numbers_.size();
};

} // namespace

std::uint64_t system_random() {
  thread_local random_source source;
  return source.next();
}

seams system_seams() {
  return {system_wall_ms, system_random};
}

} // namespace syncline::actors
