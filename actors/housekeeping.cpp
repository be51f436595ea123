#include "actors/housekeeping.hpp"

namespace syncline::actors {

namespace {

class housekeeping_state {
public:
  static inline const char* name = "housekeeping";

  housekeeping_state(caf::event_based_actor* self, std::vector<chore> chores)
    : self_{self}, chores_{std::move(chores)} {}

  caf::behavior make_behavior() {
    for (std::size_t i = 0; i < chores_.size(); ++i)
      schedule(i);
    return {[this](const chore_due& due) {
      chores_[due.index].run();
      schedule(due.index);
    }};
  }

private:
  void schedule(std::size_t index) {
    rt::delayed_send(self_, caf::actor{self_}, chores_[index].period, chore_due{index});
  }

  caf::event_based_actor* self_;
  std::vector<chore> chores_;
};

} // namespace

caf::actor spawn_housekeeping(caf::actor_system& system, std::vector<chore> chores) {
  return rt::spawn<caf::actor, housekeeping_state>(system, std::move(chores));
}

} // namespace syncline::actors
