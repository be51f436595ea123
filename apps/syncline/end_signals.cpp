#include "end_signals.hpp"

#include <pthread.h>

#include <ctime>

namespace syncline::app {

end_signals::end_signals(std::initializer_list<int> more) {
  sigemptyset(&set_);
  for (const int one : {SIGTERM, SIGINT, SIGHUP})
    sigaddset(&set_, one);
  for (const int one : more)
    sigaddset(&set_, one);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
}

int end_signals::wait() const {
  int signal = 0;
  sigwait(&set_, &signal);
  return signal;
}

bool end_signals::wait_for(std::int64_t ms) const {
  constexpr std::int64_t ns_of_ms = 1'000'000;
  const timespec patience{ms / 1000, ms % 1000 * ns_of_ms};
  return sigtimedwait(&set_, nullptr, &patience) > 0;
}

} // namespace syncline::app
