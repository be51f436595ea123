#include "runtime/write_tracker.hpp"

#include "runtime/convert.hpp"

namespace syncline {

namespace {

constexpr std::size_t unanswered_max = 10'000;

} // namespace

write_progress::~write_progress() {
  tracker->forget(*this);
}

result<void> write_progress::wait(std::size_t index, stage wanted,
                                  std::optional<std::chrono::milliseconds> timeout) {
  std::unique_lock lock{mutex};
  const auto& one = operations[index];
  const auto settled = [&] { return one.reached >= wanted || !one.failure.code.empty(); };
  if (!timeout)
    moved.wait(lock, settled);
  else if (!moved.wait_for(lock, *timeout, settled))
    return error{"timeout", "the write is " + std::string{to_string(one.reached)} +
                              " and was not " + std::string{to_string(wanted)} +
                              " in time; it goes on. See status and explain"};
  if (one.reached >= wanted)
    return {};
  return one.failure;
}

void write_progress::move(std::size_t index, stage to) {
  const std::lock_guard lock{mutex};
  auto& one = operations[index];
  if (one.failure.code.empty() && to > one.reached) {
    one.reached = to;
    moved.notify_all();
  }
}

void write_progress::fail(std::size_t index, const error& why) {
  const std::lock_guard lock{mutex};
  if (operations[index].failure.code.empty()) {
    operations[index].failure = why;
    moved.notify_all();
  }
}

void write_progress::fail_all(const error& why) {
  for (std::size_t i = 0; i < operations.size(); ++i)
    fail(i, why);
}

std::shared_ptr<write_progress> write_tracker::begin(std::size_t count) {
  {
    const std::lock_guard lock{mutex_};
    if (unanswered_ >= unanswered_max)
      return nullptr;
    ++unanswered_;
  }
  return std::make_shared<write_progress>(shared_from_this(), count);
}

void write_tracker::finish(const std::shared_ptr<write_progress>& progress,
                           const core::expected<msg::LocalWritten>& outcome) {
  {
    const std::lock_guard lock{mutex_};
    if (outcome && !closed_) {
      const std::lock_guard inner{progress->mutex};
      for (std::size_t i = 0; i < progress->operations.size(); ++i) {
        const std::uint64_t seq = outcome->local_seqs(static_cast<int>(i));
        progress->operations[i].seq = seq;
        if (seq != 0)
          followers_.emplace(seq, follower{progress, i});
      }
    }
    if (--unanswered_ == 0)
      answered_.notify_all();
  }
  if (!outcome) {
    progress->fail_all(to_public(outcome.error()));
    return;
  }
  // What needs no entry is as the server has it already, or never has to reach it.
  for (std::size_t i = 0; i < progress->operations.size(); ++i)
    progress->move(i,
                   outcome->local_seqs(static_cast<int>(i)) == 0 ? stage::visible : stage::durable);
}

void write_tracker::advance(const msg::MutationsAdvanced& event) {
  for (const auto& step : event.steps()) {
    const bool is_last = step.stage() != msg::MutationsAdvanced::SENT &&
                         step.stage() != msg::MutationsAdvanced::ACCEPTED;
    std::vector<std::pair<std::shared_ptr<write_progress>, std::size_t>> told;
    {
      const std::lock_guard lock{mutex_};
      const auto [first, last] = followers_.equal_range(step.local_seq());
      for (auto i = first; i != last; ++i)
        if (auto progress = i->second.progress.lock())
          told.emplace_back(std::move(progress), i->second.index);
      if (is_last)
        followers_.erase(first, last);
    }
    for (const auto& [progress, index] : told) {
      switch (step.stage()) {
      case msg::MutationsAdvanced::SENT:
        progress->move(index, stage::sent);
        break;
      case msg::MutationsAdvanced::ACCEPTED:
        progress->move(index, stage::accepted);
        break;
      case msg::MutationsAdvanced::VISIBLE:
        progress->move(index, stage::visible);
        break;
      case msg::MutationsAdvanced::REJECTED:
        progress->fail(index, to_public(step.error()));
        break;
      default:
        progress->fail(index, {"superseded", "a later write, or the other side of a conflict, "
                                             "took its place; see conflicts"});
      }
    }
  }
}

bool write_tracker::wait_until_answered(std::chrono::milliseconds timeout) {
  std::unique_lock lock{mutex_};
  return answered_.wait_for(lock, timeout, [this] { return unanswered_ == 0; });
}

void write_tracker::close() {
  std::unordered_multimap<std::uint64_t, follower> left;
  {
    const std::lock_guard lock{mutex_};
    closed_ = true;
    left.swap(followers_);
  }
  for (auto& [seq, one] : left)
    if (const auto progress = one.progress.lock())
      progress->fail(one.index, {"stopped", "the runtime was closed; the write is stored and goes "
                                            "on when the store is opened again"});
}

void write_tracker::forget(const write_progress& progress) {
  const std::lock_guard lock{mutex_};
  for (const auto& one : progress.operations) {
    const auto [first, last] = followers_.equal_range(one.seq);
    for (auto i = first; i != last;)
      i = i->second.progress.expired() ? followers_.erase(i) : std::next(i);
  }
}

} // namespace syncline
