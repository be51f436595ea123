#pragma once

#include "actors/message_types.hpp"

namespace syncline::actors::client {

using host_actor = caf::actor;

/// Runs the host's questions in an actor's context, so that a thread that is no actor can ask an
/// actor and wait for the answer.
host_actor spawn_host(caf::actor_system& system);

/// Asks `to` on behalf of a thread that is no actor. `done` is called exactly once, on a thread of
/// the actor system: with the answer, the error, or `stopped` where either actor has ended.
template <class Out, class Handle, class In>
void ask(const host_actor& host, Handle to, In question, typename reply_once<Out>::function done) {
  reply_once<Out> reply{std::move(done)};
  host_call call;
  call.run = [to = std::move(to), question = std::move(question),
              reply = std::move(reply)](caf::event_based_actor* self) {
    rt::request(self, to, rt::no_timeout, question)
      .then([reply](Out& answer) { reply.deliver(std::move(answer)); },
            [reply](const caf::error& error) { reply.deliver(rt::from_caf(error)); });
  };
  rt::anon_send(host, std::move(call));
}

} // namespace syncline::actors::client
