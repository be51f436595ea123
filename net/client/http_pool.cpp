#include "net/client/http_pool.hpp"

#include "core/ensure.hpp"
#include "net/client/http_destination.hpp"
#include "net/client/http_transfer.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <csignal>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace syncline::net {
namespace {

using clock = http_transfer::clock;

/// Frees a multi handle.
struct multi_deleter {
  void operator()(CURLM* multi) const {
    core::ensure(curl_multi_cleanup(multi) == CURLM_OK, "a multi handle can be freed");
  }
};

void report(http_pool::callback& done, const core::error& failure) {
  msg::HttpReply reply;
  reply.set_failure(failure.code);
  reply.set_failure_text(failure.message);
  done(std::move(reply));
}

core::error stopped() {
  return core::fail("stopped", "the HTTP pool was stopped before a reply came");
}

// libcurl's set-up is per process and, in the version we build with, thread-safe.
void initialise_libcurl() {
  static const auto result = curl_global_init(CURL_GLOBAL_DEFAULT);
  core::ensure(result == CURLE_OK, "libcurl can be initialised");
}

} // namespace

/// The pool's thread and what it owns. Callers only touch `arrived_` and `stopping_`.
//
// submit --> arrived_ --thread--> waiting (by origin) --free slot--> active --libcurl--> callback
class http_pool::worker {
public:
  explicit worker(options settings) : settings_{std::move(settings)} {
    initialise_libcurl();
    multi_.reset(curl_multi_init());
    core::ensure(multi_ != nullptr, "a multi handle can be made");
    // Our own queue already keeps to this; libcurl's limit also counts idle connections.
    set_multi(CURLMOPT_MAX_HOST_CONNECTIONS, settings_.connections_per_host);
    thread_ = std::thread{[this] { run(); }};
    thread_id_ = thread_.get_id();
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  ~worker() {
    stop();
  }

  void submit(std::string base_url, msg::HttpRequest request, callback done) {
    job arrival{std::move(base_url), std::move(request), std::move(done), clock::now()};
    {
      const std::lock_guard lock{mutex_};
      if (!stopping_) {
        arrived_.push_back(std::move(arrival));
        // More than one wake-up for what the thread takes in one go would be wasted.
        if (arrived_.size() == 1)
          wake();
        return;
      }
    }
    report(arrival.done, stopped());
  }

  void stop() {
    core::ensure(std::this_thread::get_id() != thread_id_,
                 "the HTTP pool is not stopped from its own callback");
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
      wake();
    }
    const std::lock_guard lock{join_mutex_};
    if (thread_.joinable())
      thread_.join();
  }

private:
  struct job {
    std::string base_url;
    msg::HttpRequest request;
    callback done;
    clock::time_point submitted;
  };
  struct host_state {
    std::deque<std::unique_ptr<http_transfer>> waiting;
    int active = 0;
  };

  template <class Value>
  void set_multi(CURLMoption option, Value value) {
    core::ensure(curl_multi_setopt(multi_.get(), option, static_cast<long>(value)) == CURLM_OK,
                 "libcurl takes a setting of the pool");
  }

  void wake() {
    core::ensure(curl_multi_wakeup(multi_.get()) == CURLM_OK, "the pool's thread can be woken");
  }

  void run() {
    // A peer that closes a TLS connection must not end the process.
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
    while (take_arrivals()) {
      int running = 0;
      core::ensure(curl_multi_perform(multi_.get(), &running) == CURLM_OK, "transfers can go on");
      if (collect_finished())
        continue; // A callback may have submitted, and a slot is free.
      expire(clock::now());
      const auto pause = milliseconds_to_next_deadline(clock::now());
      core::ensure(curl_multi_poll(multi_.get(), nullptr, 0, pause, nullptr) == CURLM_OK,
                   "transfers can be waited for");
    }
    stop_all();
  }

  // Returns false once the pool is to stop.
  bool take_arrivals() {
    std::vector<job> jobs;
    {
      const std::lock_guard lock{mutex_};
      jobs.swap(arrived_);
      if (stopping_) {
        arrived_.swap(jobs);
        return false;
      }
    }
    for (auto& arrival : jobs)
      enqueue(arrival);
    for (auto& [origin, host] : hosts_)
      start_waiting(host);
    std::erase_if(hosts_, [](const auto& entry) {
      return entry.second.active == 0 && entry.second.waiting.empty();
    });
    return true;
  }

  void enqueue(job& arrival) {
    auto destination = resolve_destination(arrival.base_url, arrival.request.target());
    if (!destination)
      return report(arrival.done, destination.error());
    if (auto valid = validate_request(arrival.request); !valid)
      return report(arrival.done, valid.error());
    auto& host = hosts_[destination->origin];
    host.waiting.push_back(std::make_unique<http_transfer>(
      settings_, std::move(*destination), std::move(arrival.request), std::move(arrival.done),
      arrival.submitted));
  }

  void start_waiting(host_state& host) {
    const auto now = clock::now();
    while (!host.waiting.empty() && host.active < settings_.connections_per_host) {
      auto transfer = std::move(host.waiting.front());
      host.waiting.pop_front();
      if (auto started = transfer->start(take_handle(), now); !started) {
        transfer->fail(started.error().code, started.error().message);
        continue;
      }
      core::ensure(curl_multi_add_handle(multi_.get(), transfer->handle()) == CURLM_OK,
                   "a transfer can be added");
      ++host.active;
      active_.push_back(std::move(transfer));
    }
  }

  bool collect_finished() {
    bool any = false;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg != CURLMSG_DONE)
        continue;
      const CURLcode result = message->data.result;
      char* owner = nullptr;
      (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
      const auto transfer = take_active(reinterpret_cast<http_transfer*>(owner));
      transfer->complete(result);
      keep_handle(transfer->release_handle());
      any = true;
    }
    return any;
  }

  // Takes a transfer out of libcurl and out of its host's count; the slot is free from here on.
  std::unique_ptr<http_transfer> take_active(const http_transfer* transfer) {
    const auto found =
      std::ranges::find(active_, transfer, [](const auto& owned) { return owned.get(); });
    core::ensure(found != active_.end(), "a finished transfer is one of ours");
    auto taken = std::move(*found);
    active_.erase(found);
    core::ensure(curl_multi_remove_handle(multi_.get(), taken->handle()) == CURLM_OK,
                 "a transfer can be removed");
    --hosts_[taken->destination().origin].active;
    return taken;
  }

  void expire(clock::time_point now) {
    std::vector<const http_transfer*> late;
    for (const auto& transfer : active_) {
      transfer->note_progress(now);
      if (transfer->deadline() <= now)
        late.push_back(transfer.get());
    }
    for (const auto* transfer : late)
      take_active(transfer)->fail("timeout", "no reply in time: the request's own limit passed, "
                                             "or nothing moved for the idle limit");
    std::vector<std::unique_ptr<http_transfer>> never_started;
    for (auto& [origin, host] : hosts_) {
      const auto kept =
        std::stable_partition(host.waiting.begin(), host.waiting.end(),
                              [now](const auto& transfer) { return transfer->deadline() > now; });
      std::move(kept, host.waiting.end(), std::back_inserter(never_started));
      host.waiting.erase(kept, host.waiting.end());
    }
    for (const auto& transfer : never_started)
      transfer->fail("timeout", "the request waited for a free connection until its time was up");
    // The next round starts what waits for the slots that are free now.
    if (!late.empty())
      wake();
  }

  [[nodiscard]] int milliseconds_to_next_deadline(clock::time_point now) const {
    auto next = now + std::chrono::minutes{1};
    for (const auto& transfer : active_)
      next = std::min(next, transfer->deadline());
    for (const auto& [origin, host] : hosts_)
      for (const auto& transfer : host.waiting)
        next = std::min(next, transfer->deadline());
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(next - now);
    return static_cast<int>(std::max<std::int64_t>(pause.count(), 0));
  }

  void stop_all() {
    while (!active_.empty())
      take_active(active_.back().get())->fail(stopped().code, stopped().message);
    for (auto& [origin, host] : hosts_)
      for (const auto& transfer : host.waiting)
        transfer->fail(stopped().code, stopped().message);
    hosts_.clear();
    std::vector<job> jobs;
    {
      const std::lock_guard lock{mutex_};
      jobs.swap(arrived_);
    }
    for (auto& arrival : jobs)
      report(arrival.done, stopped());
  }

  easy_handle take_handle() {
    if (idle_handles_.empty()) {
      easy_handle made{curl_easy_init()};
      core::ensure(made != nullptr, "an easy handle can be made");
      return made;
    }
    auto handle = std::move(idle_handles_.back());
    idle_handles_.pop_back();
    return handle;
  }

  void keep_handle(easy_handle handle) {
    constexpr std::size_t idle_handles_max = 16;
    if (idle_handles_.size() == idle_handles_max)
      return;
    curl_easy_reset(handle.get());
    idle_handles_.push_back(std::move(handle));
  }

  const options settings_;
  std::unique_ptr<CURLM, multi_deleter> multi_;
  std::map<std::string, host_state> hosts_;
  std::vector<easy_handle> idle_handles_;
  std::vector<std::unique_ptr<http_transfer>> active_;

  std::mutex mutex_; // guards the next two
  std::vector<job> arrived_;
  bool stopping_ = false;

  std::mutex join_mutex_;
  std::thread thread_;
  std::thread::id thread_id_; // apart, because `join` changes what `thread_` says
};

http_pool::http_pool(options settings) : worker_{std::make_unique<worker>(std::move(settings))} {}

http_pool::~http_pool() = default;

void http_pool::submit(std::string base_url, msg::HttpRequest request, callback done) {
  worker_->submit(std::move(base_url), std::move(request), std::move(done));
}

void http_pool::stop() {
  worker_->stop();
}

} // namespace syncline::net
