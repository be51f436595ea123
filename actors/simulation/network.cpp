#include "actors/simulation/network.hpp"

#include <map>

namespace syncline::actors::simulation {

namespace {

using std::chrono::milliseconds;

// A step of an exchange, as a timer of the transport: `turn` is (exchange number, step).
enum class exchange_step : std::uint64_t { arrive, copy_arrives, reply, time_out };

constexpr std::uint64_t steps_in_turn = 8;

class simulated_transport_state {
public:
  static inline const char* name = "simulated_transport";

  simulated_transport_state(caf::event_based_actor* self, int client, const network_hooks* hooks)
    : self_{self}, client_{client}, hooks_{hooks} {}

  caf::behavior make_behavior() {
    return {
      [this](const msg::HttpRequest& request) { return on_request(request); },
      [this](const msg::PollDue& due) {
        on_step(due.turn() / steps_in_turn, static_cast<exchange_step>(due.turn() % steps_in_turn));
      },
    };
  }

private:
  struct exchange {
    msg::HttpRequest request;
    caf::typed_response_promise<msg::HttpReply> promise;
    msg::HttpReply reply;
    exchange_fate fate;
    bool answered = false;
  };

  caf::result<msg::HttpReply> on_request(const msg::HttpRequest& request) {
    const std::uint64_t number = ++last_;
    auto& under_way = open_[number];
    under_way.request = request;
    under_way.promise = self_->make_response_promise<msg::HttpReply>();
    under_way.fate = hooks_->fate(client_, request);
    auto promise = under_way.promise;
    const auto& fate = under_way.fate;
    after(request.timeout_ms(), number, exchange_step::time_out);
    if (fate.answered_by_another) {
      under_way.reply = *fate.answered_by_another;
      after(fate.reply_delay_ms, number, exchange_step::reply);
    } else if (!fate.lose_request) {
      after(fate.request_delay_ms, number, exchange_step::arrive);
    }
    if (fate.duplicate_after_ms)
      after(fate.request_delay_ms + *fate.duplicate_after_ms, number, exchange_step::copy_arrives);
    return promise;
  }

  void after(std::int64_t delay_ms, std::uint64_t number, exchange_step step) {
    msg::PollDue due;
    due.set_turn(number * steps_in_turn + static_cast<std::uint64_t>(step));
    rt::delayed_send(self_, caf::actor{self_}, milliseconds{delay_ms}, std::move(due));
  }

  void on_step(std::uint64_t number, exchange_step step) {
    auto found = open_.find(number);
    if (found == open_.end())
      return;
    auto& under_way = found->second;
    switch (step) {
    case exchange_step::arrive:
      return deliver(number, under_way, true);
    case exchange_step::copy_arrives:
      return deliver(number, under_way, false);
    case exchange_step::reply:
      return answer(under_way, under_way.reply);
    case exchange_step::time_out:
      return answer(under_way, failed("timeout"));
    }
  }

  static msg::HttpReply failed(const char* why) {
    msg::HttpReply reply;
    reply.set_failure(why);
    reply.set_failure_text("simulated");
    return reply;
  }

  void deliver(std::uint64_t number, exchange& under_way, bool reply_counts) {
    const auto session = hooks_->session(client_);
    if (!session) {
      if (reply_counts)
        answer(under_way, failed("connection_refused"));
      return;
    }
    hooks_->request_arrives(client_, under_way.request);
    const std::uint64_t life = hooks_->server_life();
    self_->request(session, caf::infinite, under_way.request)
      .then([this, number, life, reply_counts](
              msg::HttpReply& reply) { on_server_reply(number, life, reply_counts, reply); },
            [this, number, reply_counts](const caf::error&) {
              if (const auto open = open_.find(number); reply_counts && open != open_.end())
                answer(open->second, failed("connection_cut"));
            });
  }

  void on_server_reply(std::uint64_t number, std::uint64_t life, bool reply_counts,
                       msg::HttpReply& reply) {
    const auto open = open_.find(number);
    if (!reply_counts || open == open_.end())
      return;
    auto& under_way = open->second;
    // A server that died between the commit and the reply said nothing.
    if (life != hooks_->server_life() || under_way.fate.cut_reply)
      return answer(under_way, failed("connection_cut"));
    if (under_way.fate.lose_reply)
      return;
    under_way.reply = std::move(reply);
    after(under_way.fate.reply_delay_ms, number, exchange_step::reply);
  }

  void answer(exchange& under_way, const msg::HttpReply& reply) {
    if (under_way.answered)
      return;
    under_way.answered = true;
    hooks_->reply_arrives(client_, under_way.request, reply);
    under_way.promise.deliver(reply);
  }

  caf::event_based_actor* self_;
  int client_;
  const network_hooks* hooks_;
  std::map<std::uint64_t, exchange> open_; // Kept to the end of the life: copies may come late.
  std::uint64_t last_ = 0;
};

} // namespace

client::transport_actor spawn_simulated_transport(caf::actor_system& system, int client,
                                                  const network_hooks& hooks) {
  const auto actor = rt::spawn<caf::actor, simulated_transport_state>(system, client, &hooks);
  return caf::actor_cast<client::transport_actor>(actor);
}

msg::HttpReply foreign_reply(std::uint32_t status, const std::string& body) {
  msg::HttpReply reply;
  reply.set_status(status);
  auto& header = *reply.add_headers();
  header.set_name("content-type");
  header.set_value("text/html");
  reply.set_body(body);
  return reply;
}

} // namespace syncline::actors::simulation
