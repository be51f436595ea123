#include "actors/server/document_actor.hpp"
#include "actors/server/document_peer.hpp"

#include <map>
#include <utility>

namespace syncline::actors::server {

namespace {

class documents_state {
public:
  static inline const char* name = "documents";

  documents_state(documents_actor::pointer self, store_actor store, seams world,
                  document_options options, std::uint64_t start)
    : self_{self}, store_{std::move(store)}, world_{std::move(world)}, options_{options},
      start_{start}, watcher_{self} {}

  ~documents_state() {
    for (const auto& [key, entry] : active_)
      end(entry.actor, "stopped");
  }

  documents_actor::behavior_type make_behavior() {
    return {
      [this](document_arrived& arrived) { on_arrived(arrived); },
      [this](const msg::DocumentIdle& idle) { on_idle(idle); },
      [this](const msg::DeleteDocument& command) { return erase(command); },
    };
  }

private:
  using key = std::pair<std::string, std::string>; // space, id
  struct active {
    document_actor actor;
    std::uint64_t arrived = 0; // connections that were ever handed to it
  };

  void on_arrived(document_arrived& arrived) {
    const key which{arrived.space, arrived.id};
    auto found = active_.find(which);
    if (found == active_.end())
      found = active_.emplace(which, active{open(which, arrived.again)}).first;
    auto& entry = found->second;
    ++entry.arrived;
    const auto route = arrived.route;
    const auto actor = entry.actor;
    rt::anon_send(actor, std::move(arrived));
    route->lead_to(actor);
  }

  document_actor open(const key& which, bool again) {
    auto made = spawn_document(self_->home_system(), which.first, which.second, again, store_,
                               documents_actor{self_}, world_, options_, start_);
    watcher_.watch(made, [this, which, address = made.address()](const caf::error&) {
      if (const auto found = active_.find(which);
          found != active_.end() && found->second.actor.address() == address)
        active_.erase(found);
    });
    return made;
  }

  static void end(const document_actor& actor, const std::string& code) {
    msg::DocumentEnds ends;
    ends.set_code(code);
    rt::anon_send(actor, std::move(ends));
  }

  // Somebody may have come since it said so.
  void on_idle(const msg::DocumentIdle& idle) {
    const auto found = active_.find({idle.space(), idle.id()});
    if (found == active_.end() || found->second.arrived != idle.arrived())
      return;
    end(found->second.actor, {});
    active_.erase(found);
  }

  caf::result<msg::Done> erase(const msg::DeleteDocument& command) {
    auto reply = self_->make_response_promise<msg::Done>();
    const key which{command.space(), command.id()};
    rt::request(self_, store_, rt::no_timeout, command)
      .then(
        [this, reply, which](const msg::Done& done) mutable {
          if (const auto found = active_.find(which); found != active_.end()) {
            end(found->second.actor, "not_found");
            active_.erase(found);
          }
          reply.deliver(done);
        },
        [reply](const caf::error& error) mutable { reply.deliver(error); });
    return reply;
  }

  documents_actor::pointer self_;
  store_actor store_;
  seams world_;
  document_options options_;
  std::uint64_t start_;
  std::map<key, active> active_;
  rt::watcher<std::remove_pointer_t<documents_actor::pointer>> watcher_;
};

} // namespace

documents_actor spawn_documents(caf::actor_system& system, store_actor store, seams world,
                                document_options options, std::uint64_t start) {
  return rt::spawn<documents_actor, documents_state>(system, std::move(store), std::move(world),
                                                     options, start);
}

} // namespace syncline::actors::server
