#pragma once
// The only file that knows CAF versions: the same actor source compiles with CAF 0.17.6 (Debian)
// and with CAF 1.0-1.1. See docs/architecture.md for the rules that its traps ask for.

#include "core/expected.hpp"

#include <caf/all.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/type_id.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

// 1.1.0 defines CAF_VERSION as 0100 by a slip, so the major number is tested.
#if CAF_MAJOR_VERSION >= 1
#define RT_CAF_1X 1
#else
#define RT_CAF_1X 0
#endif
static_assert(RT_CAF_1X || CAF_MINOR_VERSION == 17, "CAF 0.17.6, 1.0 or 1.1 is needed");

#define RT_MSG_BLOCK_BEGIN(name) CAF_BEGIN_TYPE_ID_BLOCK(name, first_custom_type_id)
#define RT_MSG_BLOCK_END(name) CAF_END_TYPE_ID_BLOCK(name)
#define RT_MSG(name, type)                                                                         \
  CAF_ADD_TYPE_ID(name, (type))                                                                    \
  CAF_ALLOW_UNSAFE_MESSAGE_TYPE(type)

namespace syncline::rt {

/// Call once, before the first `actor_system_config`.
template <class Block>
void init_caf() {
#if RT_CAF_1X
  caf::init_global_meta_objects<Block>();
  caf::core::init_global_meta_objects();
#endif
}

/// `sig<Out, In...>` in a `typed_actor`'s interface.
#if RT_CAF_1X
template <class Out, class... In>
using sig = caf::result<Out>(In...);
#else
template <class Out, class... In>
struct sig_of {
  using type = typename caf::replies_to<In...>::template with<Out>;
};
template <class... In>
struct sig_of<void, In...> {
  using type = caf::reacts_to<In...>;
};
template <class Out, class... In>
using sig = typename sig_of<Out, In...>::type;
#endif

template <class Self, class Dest, class... Ts>
void send(Self* self, const Dest& dest, Ts&&... xs) {
#if RT_CAF_1X
  self->mail(std::forward<Ts>(xs)...).send(dest);
#else
  self->send(dest, std::forward<Ts>(xs)...);
#endif
}

template <class Self, class Dest, class Rep, class Per, class... Ts>
void delayed_send(Self* self, const Dest& dest, std::chrono::duration<Rep, Per> delay, Ts&&... xs) {
#if RT_CAF_1X
  self->mail(std::forward<Ts>(xs)...).delay(delay).send(dest);
#else
  self->delayed_send(dest, delay, std::forward<Ts>(xs)...);
#endif
}

/// From any thread.
template <class Dest, class... Ts>
void anon_send(const Dest& dest, Ts&&... xs) {
#if RT_CAF_1X
  caf::anon_mail(std::forward<Ts>(xs)...).send(dest);
#else
  caf::anon_send(dest, std::forward<Ts>(xs)...);
#endif
}

/// In-process requests have no timeout: 0.17.6 keeps an answered request's timer until it expires.
struct no_timeout_t {};
inline constexpr no_timeout_t no_timeout{};

template <class Self, class Dest, class Timeout, class... Ts>
auto request(Self* self, const Dest& dest, Timeout timeout, Ts&&... xs) {
#if RT_CAF_1X
  if constexpr (std::is_same_v<Timeout, no_timeout_t>)
    return self->mail(std::forward<Ts>(xs)...).request(dest, caf::infinite);
  else
    return self->mail(std::forward<Ts>(xs)...).request(dest, timeout);
#else
  if constexpr (std::is_same_v<Timeout, no_timeout_t>)
    return self->request(dest, caf::infinite, std::forward<Ts>(xs)...);
  else
    return self->request(dest, timeout, std::forward<Ts>(xs)...);
#endif
}

/// Errors cross actors as `caf::error` with our code and text in its context.
[[nodiscard]] inline caf::error to_caf(const core::error& error) {
  return caf::make_error(caf::sec::runtime_error, error.code, error.message);
}

[[nodiscard]] inline core::error from_caf(const caf::error& error) {
  const auto& context = error.context();
  if (error == caf::sec::runtime_error && context.match_elements<std::string, std::string>())
    return {context.get_as<std::string>(0), context.get_as<std::string>(1)};
  if (error == caf::sec::request_timeout)
    return {"timeout", "an actor did not answer in time"};
  return {"stopped", "the runtime is stopping or an actor of it has failed"};
}

/// Calls `f(reason)` in `self` when `handle` ends. One per actor; lives in its state.
#if RT_CAF_1X
template <class Self>
class watcher {
public:
  explicit watcher(Self* self) : self_{self} {}
  template <class Handle, class F>
  void watch(const Handle& handle, F f) {
    self_->monitor(handle, [f](const caf::error& reason) mutable { f(reason); });
  }

private:
  Self* self_;
};
#else
template <class Self>
class watcher {
public:
  explicit watcher(Self* self) : self_{self} {
    self->set_down_handler([this](caf::down_msg& down) {
      auto [first, last] = table_.equal_range(down.source);
      std::vector<std::function<void(const caf::error&)>> called;
      for (auto i = first; i != last; ++i)
        called.push_back(std::move(i->second));
      table_.erase(first, last);
      for (auto& f : called)
        f(down.reason);
    });
  }
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;
  template <class Handle, class F>
  void watch(const Handle& handle, F f) {
    self_->monitor(handle);
    table_.emplace(caf::actor_cast<caf::actor_addr>(handle), std::move(f));
  }

private:
  Self* self_;
  std::multimap<caf::actor_addr, std::function<void(const caf::error&)>> table_;
};
#endif

/// An actor from a plain state class. The state dies when the actor ends, not with the last
/// handle, so handles kept in it cannot leak in a cycle.
template <class Handle>
struct impl_of {
  using type = typename Handle::base;
};
template <>
struct impl_of<caf::actor> {
  using type = caf::event_based_actor;
};

template <class State, class Handle>
class state_actor : public impl_of<Handle>::type {
public:
  using base = typename impl_of<Handle>::type;
  using behavior_type = typename base::behavior_type;

  template <class... Ts>
  explicit state_actor(caf::actor_config& config, Ts&&... xs) : base(config) {
    // Copied into a closure: the state is built in the actor's own context.
    make_ = std::make_shared<std::function<void()>>(
      [this, arguments = std::make_tuple(std::forward<Ts>(xs)...)]() mutable {
        std::apply(
          [this](auto&... ys) { state_.emplace(static_cast<base*>(this), std::move(ys)...); },
          arguments);
      });
  }

  const char* name() const override {
    return State::name;
  }
  behavior_type make_behavior() override {
    const auto make = std::move(make_);
    (*make)();
    return state_->make_behavior();
  }
  void on_exit() override {
    make_.reset();
    state_.reset();
  }

private:
  std::shared_ptr<std::function<void()>> make_;
  std::optional<State> state_;
};

template <class Handle, class State, caf::spawn_options Options = caf::no_spawn_options,
          class Spawner, class... Ts>
Handle spawn(Spawner& where, Ts&&... xs) {
  return caf::actor_cast<Handle>(
    where.template spawn<state_actor<State, Handle>, Options>(std::forward<Ts>(xs)...));
}

/// Blocking work runs on a thread of its own, except in the simulation, which has one thread.
enum class placement { pooled, detached };

template <class Handle, class State, class Spawner, class... Ts>
Handle spawn_placed(placement where, Spawner& system, Ts&&... xs) {
  if (where == placement::detached)
    return spawn<Handle, State, caf::detached>(system, std::forward<Ts>(xs)...);
  return spawn<Handle, State>(system, std::forward<Ts>(xs)...);
}

template <class T>
void set_option(caf::actor_system_config& config, const std::string& key, T value) {
#if RT_CAF_1X
  config.set("caf." + key, value);
#else
  config.set(key, value);
#endif
}

inline void set_policy(caf::actor_system_config& config, const char* policy) {
#if RT_CAF_1X
  config.set("caf.scheduler.policy", std::string{policy});
#else
  config.set("scheduler.policy", caf::atom_from_string(std::string{policy}));
#endif
}

/// The settings that a real system needs: CAF's defaults starve actors under load.
inline void configure(caf::actor_system_config& config, std::size_t threads) {
  set_policy(config, "sharing");
  set_option(config, "scheduler.max-throughput", std::size_t{64});
  set_option(config, "scheduler.max-threads", threads);
}

/// Call on the thread that made a system, once everything is spawned: CAF remembers the system's
/// logger for that thread, and the system's end waits for ever where it comes on another thread.
inline void leave_system() {
#if RT_CAF_1X
  caf::logger::current_logger(nullptr);
#else
  caf::logger::set_current_actor_system(nullptr);
#endif
}

} // namespace syncline::rt
