#include "actors/seams_system.hpp"

#include <array>
#include <chrono>
#include <random>

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
// it reads the kernel's generator, some numbers at a time.
class random_source {
public:
  std::uint64_t next() {
    if (used_ == numbers_.size()) {
      for (auto& number : numbers_)
        number = (std::uint64_t{device_()} << 32) | device_();
      used_ = 0;
    }
    return numbers_[used_++];
  }

private:
  std::random_device device_{"/dev/urandom"};
  std::array<std::uint64_t, 64> numbers_{};
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
