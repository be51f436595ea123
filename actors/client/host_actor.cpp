#include "actors/client/host_actor.hpp"

namespace syncline::actors::client {

namespace {

class host_state {
public:
  static inline const char* name = "host";

  explicit host_state(caf::event_based_actor* self) : self_{self} {}

  caf::behavior make_behavior() {
    return {[this](const host_call& call) { call.run(self_); }};
  }

private:
  caf::event_based_actor* self_;
};

} // namespace

host_actor spawn_host(caf::actor_system& system) {
  return rt::spawn<caf::actor, host_state>(system);
}

} // namespace syncline::actors::client
