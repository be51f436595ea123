// W8: messages between two actors. Ours: typed actors with plain state classes, protobuf messages
// and the settings of a runtime. Bare CAF: two closures, an int, CAF's own settings.

#include "actors/message_types.hpp"
#include "bench/benchmarks.hpp"

#include <future>

namespace syncline::bench {

namespace {

using finished = std::shared_ptr<std::promise<void>>;
using node_actor = caf::typed_actor<rt::sig<void, msg::PollDue>>;

constexpr int exchanges = 500'000;
constexpr int senders = 4;
constexpr int sent_by_each = 500'000;

/// Sends each message back with one less, until none is left.
class player_state {
public:
  static inline const char* name = "player";

  player_state(node_actor::pointer self, node_actor other, finished done)
    : self_{self}, other_{std::move(other)}, done_{std::move(done)} {}

  node_actor::behavior_type make_behavior() {
    return {[this](const msg::PollDue& ball) {
      if (ball.turn() == 0)
        return done_->set_value();
      msg::PollDue back;
      back.set_turn(ball.turn() - 1);
      const auto other = other_ ? other_ : caf::actor_cast<node_actor>(self_->current_sender());
      rt::send(self_, other, std::move(back));
    }};
  }

private:
  node_actor::pointer self_;
  node_actor other_;
  finished done_;
};

class sink_state {
public:
  static inline const char* name = "sink";

  sink_state(node_actor::pointer, finished done) : done_{std::move(done)} {}

  node_actor::behavior_type make_behavior() {
    return {[this](const msg::PollDue& due) {
      sum_ += due.turn();
      if (++got_ == senders * sent_by_each)
        done_->set_value();
    }};
  }

private:
  finished done_;
  std::uint64_t sum_ = 0;
  int got_ = 0;
};

class source_state {
public:
  static inline const char* name = "source";

  source_state(node_actor::pointer self, node_actor sink) : self_{self}, sink_{std::move(sink)} {}

  node_actor::behavior_type make_behavior() {
    return {[this](const msg::PollDue&) {
      for (int i = 0; i < sent_by_each; ++i) {
        msg::PollDue due;
        due.set_turn(static_cast<std::uint64_t>(i));
        rt::send(self_, sink_, std::move(due));
      }
    }};
  }

private:
  node_actor::pointer self_;
  node_actor sink_;
};

/// Seconds until `done`, from `start` on.
template <class Start>
double timed(const finished& done, Start start) {
  auto ended = done->get_future();
  const stopwatch watch;
  start();
  ended.wait();
  return watch.seconds();
}

double our_ping_pong(caf::actor_system& system) {
  const auto done = std::make_shared<std::promise<void>>();
  const auto second = rt::spawn<node_actor, player_state>(system, node_actor{}, done);
  const auto first = rt::spawn<node_actor, player_state>(system, second, done);
  const double seconds = timed(done, [&] {
    msg::PollDue ball;
    ball.set_turn(2 * exchanges);
    rt::anon_send(first, std::move(ball));
  });
  for (const auto& one : {first, second})
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  return 2 * exchanges / seconds;
}

double our_fan_in(caf::actor_system& system) {
  const auto done = std::make_shared<std::promise<void>>();
  const auto sink = rt::spawn<node_actor, sink_state>(system, done);
  std::vector<node_actor> all{sink};
  for (int i = 0; i < senders; ++i)
    all.push_back(rt::spawn<node_actor, source_state>(system, sink));
  const double seconds = timed(done, [&] {
    for (std::size_t i = 1; i < all.size(); ++i)
      rt::anon_send(all[i], msg::PollDue{});
  });
  for (const auto& one : all)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  return double{senders} * sent_by_each / seconds;
}

double bare_ping_pong(caf::actor_system& system) {
  const auto done = std::make_shared<std::promise<void>>();
  const auto second = system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](int ball) {
      self->send(caf::actor_cast<caf::actor>(self->current_sender()), ball - 1);
    }};
  });
  const auto first = system.spawn([=](caf::event_based_actor* self) -> caf::behavior {
    return {[=](int ball) {
      if (ball <= 0)
        done->set_value();
      else
        self->send(second, ball - 1);
    }};
  });
  const double seconds = timed(done, [&] { caf::anon_send(first, 2 * exchanges); });
  for (const auto& one : {first, second})
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  return 2 * exchanges / seconds;
}

double bare_fan_in(caf::actor_system& system) {
  const auto done = std::make_shared<std::promise<void>>();
  const auto sink = system.spawn([done](caf::event_based_actor*) -> caf::behavior {
    return {[done, got = 0](int) mutable {
      if (++got == senders * sent_by_each)
        done->set_value();
    }};
  });
  std::vector<caf::actor> all{sink};
  for (int i = 0; i < senders; ++i)
    all.push_back(system.spawn([sink](caf::event_based_actor* self) -> caf::behavior {
      return {[=](int) {
        for (int i = 0; i < sent_by_each; ++i)
          self->send(sink, i);
      }};
    }));
  const double seconds = timed(done, [&] {
    for (std::size_t i = 1; i < all.size(); ++i)
      caf::anon_send(all[i], 0);
  });
  for (const auto& one : all)
    caf::anon_send_exit(one, caf::exit_reason::user_shutdown);
  return double{senders} * sent_by_each / seconds;
}

void configure_as_runtime(caf::actor_system_config& config) {
  rt::configure(config, 2);
}

using measure = double (*)(caf::actor_system&);

double in_own_system(void (*configure)(caf::actor_system_config&), measure run) {
  caf::actor_system_config config;
  if (configure)
    configure(config);
  caf::actor_system system{config};
  return run(system);
}

void compare(benchmark::State& state, measure ours, measure bare) {
  rt::init_caf<caf::id_block::syncline>();
  for (auto _ : state) {
    const double floor = in_own_system(nullptr, bare);
    const double same_settings = in_own_system(configure_as_runtime, bare);
    const double rate = in_own_system(configure_as_runtime, ours);
    state.SetIterationTime(1 / rate);
    state.counters["messages_per_s"] = rate;
    state.counters["bare_per_s"] = floor;
    state.counters["bare_same_settings_per_s"] = same_settings;
    state.counters["of_bare"] = rate / floor;
    state.counters["of_bare_same_settings"] = rate / same_settings;
  }
}

} // namespace

void register_messages(const settings&) {
  const auto add = [](const char* name, measure ours, measure bare) {
    benchmark::RegisterBenchmark(
      name, [ours, bare](benchmark::State& state) { compare(state, ours, bare); })
      ->UseManualTime()
      ->Iterations(1)
      ->Unit(benchmark::kNanosecond);
  };
  add("W8/ping_pong", our_ping_pong, bare_ping_pong);
  add("W8/fan_in", our_fan_in, bare_fan_in);
}

} // namespace syncline::bench
