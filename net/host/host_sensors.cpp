#include "net/host/host_sensors.hpp"

#include "core/ensure.hpp"
#include "core/jobs/conditions_report.hpp"
#include "net/host/desktop_bus.hpp"
#include "net/host/netlink_watch.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace syncline::net {

namespace {

using std::chrono::steady_clock;
// An option of 0 is no reason to spin, and one of "never" is still a time.
constexpr std::chrono::milliseconds retry_min{10};
constexpr std::chrono::milliseconds retry_max{24 * 3'600'000};

std::int64_t to_ms(steady_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/// One sensor: there, or away with a reason and a time for the next try.
template <class Sensor>
struct tried {
  std::unique_ptr<Sensor> sensor;
  bool wanted = false;
  std::string why = "switched off";
  steady_clock::time_point next_try; // also: when those that gave no answer are asked again

  void open(steady_clock::time_point now, std::chrono::milliseconds retry) {
    if (!wanted || sensor || now < next_try)
      return;
    next_try = now + retry;
    if (auto opened = Sensor::open())
      sensor = std::move(opened).value();
    else
      why = opened.error().message;
  }
  void fail(const core::error& failure) {
    sensor.reset();
    why = failure.message;
  }
};

} // namespace

class host_sensors::worker {
public:
  /// Throws `std::system_error` where there is no descriptor or no thread.
  worker(options settings, listener on_changed)
    : retry_{std::clamp(settings.bus_retry, retry_min, retry_max)}, on_changed_{std::move(
                                                                      on_changed)},
      report_{to_ms(steady_clock::now())}, stop_{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    if (stop_ < 0)
      throw std::system_error{errno, std::generic_category(), "eventfd"};
    netlink_.wanted = settings.netlink;
    bus_.wanted = settings.bus;
    try {
      thread_ = std::thread{[this] { run(); }};
    } catch (const std::system_error&) {
      ::close(stop_);
      throw;
    }
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  ~worker() {
    core::ensure(thread_.get_id() != std::this_thread::get_id(),
                 "the sensors are not ended by their own listener");
    ::eventfd_write(stop_, 1); // Fails only where the counter is full, and then it is readable.
    thread_.join();
    ::close(stop_);
  }

private:
  void run() {
    // Signals are the host's; none of its handlers is to run on this thread.
    sigset_t all;
    ::sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, nullptr);
    do {
      const auto now = steady_clock::now();
      netlink_.open(now, retry_);
      bus_.open(now, retry_);
      if (bus_.sensor && now >= bus_.next_try) {
        bus_.next_try = now + retry_;
        bus_.sensor->retry();
      }
      read_netlink();
      read_bus();
      const auto seen = conditions();
      if (report_.update(seen, is_complete(), to_ms(steady_clock::now())))
        on_changed_(seen);
    } while (wait());
    bus_.sensor.reset(); // By the thread that opened it.
  }

  void read_netlink() {
    if (!netlink_.sensor)
      return;
    if (const auto read = netlink_.sensor->read(); !read)
      netlink_.fail(read.error());
  }

  void read_bus() {
    if (!bus_.sensor)
      return;
    if (const auto processed = bus_.sensor->process(); !processed)
      bus_.fail(processed.error());
  }

  [[nodiscard]] bool is_complete() const {
    return (!netlink_.sensor || netlink_.sensor->view()) &&
           (!bus_.sensor || bus_.sensor->is_settled());
  }

  [[nodiscard]] core::host_conditions conditions() const {
    const auto netlink = netlink_.sensor ? netlink_.sensor->view() : std::nullopt;
    core::missing_views missing;
    missing.network = netlink_.sensor ? "rtnetlink has not answered yet" : netlink_.why;
    missing.power = bus_.why;
    if (!bus_.sensor)
      return core::combine(netlink, std::nullopt, std::nullopt, missing);
    const auto network_manager = bus_.sensor->network_manager();
    const auto upower = bus_.sensor->upower();
    if (!upower)
      missing.power = bus_.sensor->why_no_upower();
    return core::combine(netlink, network_manager, upower, missing);
  }

  /// Until a sensor has something, or it is time for one of them; false: the end.
  bool wait() {
    std::array<pollfd, 3> polled{pollfd{stop_, POLLIN, 0},
                                 pollfd{netlink_.sensor ? netlink_.sensor->fd() : -1, POLLIN, 0},
                                 pollfd{bus_.sensor ? bus_.sensor->fd() : -1,
                                        bus_.sensor ? bus_.sensor->events() : short{0}, 0}};
    const int ready = ::poll(polled.data(), polled.size(), milliseconds_left());
    // Without memory there is nothing to wait with, and no reason to spin.
    if (ready < 0 && errno != EINTR)
      std::this_thread::sleep_for(std::chrono::milliseconds{core::conditions_settle_ms});
    return ready <= 0 || polled[0].revents == 0;
  }

  /// For poll: -1 is for ever.
  [[nodiscard]] int milliseconds_left() const {
    auto next = steady_clock::time_point::max();
    if (netlink_.wanted && !netlink_.sensor)
      next = std::min(next, netlink_.next_try);
    if (bus_.wanted)
      next = std::min(next, bus_.next_try);
    if (const auto due = bus_.sensor ? bus_.sensor->due() : std::nullopt)
      next = std::min(next, *due);
    if (const auto due_ms = report_.due_ms())
      next = std::min(next, steady_clock::time_point{std::chrono::milliseconds{*due_ms}});
    if (next == steady_clock::time_point::max())
      return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - steady_clock::now());
    return static_cast<int>(
      std::clamp<std::int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
  }

  const std::chrono::milliseconds retry_;
  const listener on_changed_;
  core::conditions_report report_; // this and the sensors: on the thread
  tried<netlink_watch> netlink_;
  tried<desktop_bus> bus_;
  const int stop_; // readable once the thread has to end
  std::thread thread_;
};

host_sensors::host_sensors(options settings, const listener& on_changed) {
  try {
    worker_ = std::make_unique<worker>(settings, on_changed);
  } catch (const std::system_error& failure) {
    core::missing_views missing;
    missing.network = missing.power = std::string{"no thread for the sensors: "} + failure.what();
    on_changed(core::combine(std::nullopt, std::nullopt, std::nullopt, missing));
  }
}

host_sensors::~host_sensors() = default;

} // namespace syncline::net
