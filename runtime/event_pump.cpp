#include "runtime/event_pump.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <list>
#include <mutex>
#include <thread>

namespace syncline {

namespace {

constexpr std::size_t page_size = 256;

} // namespace

/// One callback with its place in the feed.
struct subscriber {
  event_pump::callback called;
  std::uint64_t after_seq = 0;
  bool is_active = true;
  bool is_running = false; // its callback is
};

/// Outlives the pump where a callback does not come back.
struct event_pump::state : std::enable_shared_from_this<event_pump::state> {
  mutable std::mutex mutex; // guards everything below
  std::condition_variable changed;
  reader read;
  std::list<std::shared_ptr<subscriber>> subscribers;
  std::deque<std::function<void()>> tasks;
  std::thread thread;
  std::thread::id thread_id;
  bool is_dirty = false;
  bool is_stopping = false;
  bool has_ended = true;                   // the thread has, or was never started
  std::atomic<std::uint64_t> failures = 0; // not guarded: callbacks that threw
  int descriptor = -1;
  std::uint64_t polled_after = 0;

  ~state() {
    if (descriptor >= 0)
      ::close(descriptor);
  }

  void start_thread() {
    if (!has_ended || is_stopping)
      return;
    has_ended = false;
    thread = std::thread{[self = shared_from_this()] { self->run(); }};
    thread_id = thread.get_id();
  }

  void run() {
    std::unique_lock lock{mutex};
    while (true) {
      changed.wait(lock, [this] { return is_stopping || is_dirty || !tasks.empty(); });
      if (is_stopping)
        break;
      run_tasks(lock);
      if (!std::exchange(is_dirty, false))
        continue;
      const auto all = subscribers; // A callback may change the list.
      for (const auto& one : all)
        serve(lock, *one);
    }
    has_ended = true;
    changed.notify_all();
  }

  void run_tasks(std::unique_lock<std::mutex>& lock) {
    while (!tasks.empty() && !is_stopping) {
      auto task = std::move(tasks.front());
      tasks.pop_front();
      lock.unlock();
      failures += isolated(task) ? 0 : 1;
      // Counted before: its end may be what somebody waits for. And it may hold the last of
      // somebody who stops this pump as he goes.
      task = nullptr;
      lock.lock();
    }
  }

  // What reads holds the store, and a callback may close it: it must be gone before that.
  auto read_page(std::unique_lock<std::mutex>& lock, std::uint64_t after_seq) {
    auto reading = read;
    lock.unlock();
    auto page = reading(after_seq, page_size);
    reading = nullptr;
    lock.lock();
    return page;
  }

  // One page, so that the others get their turn.
  void serve(std::unique_lock<std::mutex>& lock, subscriber& one) {
    if (!one.is_active || is_stopping)
      return;
    const auto page = read_page(lock, one.after_seq);
    if (!page)
      return; // `status` says what is wrong with the store; the next change tries again.
    for (const auto& event : page->changes) {
      run_tasks(lock);
      if (!one.is_active || is_stopping)
        return;
      one.is_running = true;
      lock.unlock();
      failures += isolated([&] { one.called(event); }) ? 0 : 1;
      lock.lock();
      one.is_running = false;
      one.after_seq = event.seq;
      changed.notify_all();
    }
    one.after_seq = page->next;
    is_dirty = is_dirty || page->more;
  }

  // A packaged task keeps whatever is thrown, types that we do not know included.
  static bool isolated(const std::function<void()>& call) {
    bool done = false;
    std::packaged_task<void()> task{[&] {
      call();
      done = true;
    }};
    task();
    return done;
  }

  void cancel(const std::shared_ptr<subscriber>& one) {
    std::unique_lock lock{mutex};
    one->is_active = false;
    subscribers.remove(one);
    if (std::this_thread::get_id() != thread_id)
      changed.wait(lock, [&] { return !one->is_running; });
  }

  void signal() const {
    const std::uint64_t one = 1;
    // It fails only where the counter is at its limit, and then the descriptor is readable.
    static_cast<void>(!::write(descriptor, &one, sizeof one));
  }

  void reset_signal() const {
    std::uint64_t count = 0;
    static_cast<void>(!::read(descriptor, &count, sizeof count)); // EAGAIN: nothing was signalled
  }
};

event_pump::event_pump(reader read, std::optional<std::uint64_t> poll_from)
  : state_{std::make_shared<state>()} {
  state_->read = std::move(read);
  if (poll_from) {
    state_->descriptor = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    state_->polled_after = *poll_from;
  }
}

event_pump::~event_pump() {
  stop(std::chrono::milliseconds{0});
}

void event_pump::wake() {
  const std::lock_guard lock{state_->mutex};
  state_->is_dirty = true;
  if (state_->descriptor >= 0)
    state_->signal();
  else
    state_->changed.notify_all();
}

void event_pump::post(std::function<void()> task) {
  const std::lock_guard lock{state_->mutex};
  if (state_->is_stopping)
    return;
  state_->start_thread();
  state_->tasks.push_back(std::move(task));
  state_->changed.notify_all();
}

std::function<void()> event_pump::subscribe(callback called, std::uint64_t after_seq) {
  auto one = std::make_shared<subscriber>();
  one->called = std::move(called);
  one->after_seq = after_seq;
  const std::lock_guard lock{state_->mutex};
  state_->start_thread();
  state_->subscribers.push_back(one);
  state_->is_dirty = true;
  state_->changed.notify_all();
  return [weak = std::weak_ptr{state_}, one] {
    if (const auto pump = weak.lock())
      pump->cancel(one);
  };
}

int event_pump::descriptor() const {
  return state_->descriptor;
}

result<std::vector<change>> event_pump::take(std::size_t limit) {
  const std::lock_guard lock{state_->mutex};
  if (state_->descriptor < 0)
    return error{"bad_options", "changes can be taken only where options::poll_events is set; use "
                                "on_change or changes"};
  if (state_->is_stopping)
    return error{"closed", "the runtime is closed"};
  state_->reset_signal(); // First, so that a change that comes meanwhile signals again.
  auto page = state_->read(state_->polled_after, limit);
  if (!page)
    return page.error();
  state_->polled_after = page->next;
  if (page->more)
    state_->signal();
  return std::move(page->changes);
}

std::uint64_t event_pump::failures() const {
  return state_->failures;
}

bool event_pump::is_callback_thread() const {
  const std::lock_guard lock{state_->mutex};
  return std::this_thread::get_id() == state_->thread_id;
}

bool event_pump::stop(std::chrono::milliseconds timeout) {
  std::deque<std::function<void()>> dropped; // after the lock: they may hold anything
  std::unique_lock lock{state_->mutex};
  state_->is_stopping = true;
  dropped.swap(state_->tasks);
  state_->subscribers.clear();
  state_->changed.notify_all();
  const bool own = std::this_thread::get_id() == state_->thread_id;
  const bool ended =
    own || state_->changed.wait_for(lock, timeout, [this] { return state_->has_ended; });
  state_->read = nullptr;
  if (!state_->thread.joinable())
    return ended;
  auto thread = std::move(state_->thread);
  lock.unlock();
  // A thread that does not come back only touches the state, which it holds.
  if (own || !ended)
    thread.detach();
  else
    thread.join();
  return ended;
}

} // namespace syncline
