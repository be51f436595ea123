#include "actors/supervisor.hpp"

#include <algorithm>

namespace syncline::actors {

namespace {

// waiting --RestartDue--> running --child down, StopNow--> stopping --all down--> waiting, or ended
class supervisor_state {
public:
  static inline const char* name = "supervisor";

  supervisor_state(caf::event_based_actor* self, supervisor_options options)
    : self_{self}, options_{std::move(options)}, backoff_{options_.backoff}, watcher_{self} {}

  caf::behavior make_behavior() {
    start();
    return {
      [this](const msg::RestartDue&) {
        if (children_.empty() && !ending_)
          start();
      },
      [this](const msg::StopNow&) {
        ending_ = true;
        stop_next();
      },
    };
  }

private:
  struct child {
    supervised who;
    std::uint64_t id = 0;
    bool told = false; // to exit
  };

  void start() {
    started_ms_ = options_.world.wall_ms();
    for (auto& who : options_.spawn()) {
      const std::uint64_t id = ++last_id_;
      children_.push_back({who, id, false});
      watcher_.watch(who.handle, [this, id](const caf::error& reason) { on_down(id, reason); });
    }
  }

  void on_down(std::uint64_t id, const caf::error& reason) {
    const auto gone = std::find_if(children_.begin(), children_.end(),
                                   [id](const child& one) { return one.id == id; });
    if (gone == children_.end())
      return;
    const bool failed = !gone->told;
    const std::string who = gone->who.name;
    children_.erase(gone);
    if (failed && options_.on_failed)
      options_.on_failed(who, rt::from_caf(reason));
    stop_next();
  }

  // One after the other, so that each still finds the ones that it needs in order to finish.
  void stop_next() {
    if (children_.empty())
      return all_down();
    auto& first = children_.front();
    if (std::exchange(first.told, true))
      return;
    caf::anon_send_exit(first.who.handle, caf::exit_reason::user_shutdown);
  }

  void all_down() {
    if (ending_) {
      self_->quit();
      return;
    }
    if (options_.world.wall_ms() - started_ms_ >= options_.sound_after_ms)
      backoff_.succeed();
    const std::chrono::milliseconds delay{backoff_.fail(options_.world.random())};
    rt::delayed_send(self_, caf::actor{self_}, delay, msg::RestartDue{});
  }

  caf::event_based_actor* self_;
  supervisor_options options_;
  core::backoff backoff_;
  rt::watcher<caf::event_based_actor> watcher_;
  std::vector<child> children_; // in the order of stopping
  std::uint64_t last_id_ = 0;
  std::int64_t started_ms_ = 0;
  bool ending_ = false;
};

} // namespace

caf::actor spawn_supervisor(caf::actor_system& system, supervisor_options options) {
  return rt::spawn<caf::actor, supervisor_state>(system, std::move(options));
}

} // namespace syncline::actors
