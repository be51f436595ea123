#include "actors/client/transport_actor.hpp"

#include <map>

namespace syncline::actors::client {

namespace {

using bridge_actor = caf::typed_actor<rt::sig<msg::HttpReply, msg::HttpRequest>,
                                      rt::sig<void, http_answered>>; // from the pool's thread

msg::HttpReply failed_reply(std::string_view failure, std::string_view text) {
  msg::HttpReply reply;
  reply.set_failure(failure.data(), failure.size());
  reply.set_failure_text(text.data(), text.size());
  return reply;
}

class transport_state {
public:
  static inline const char* name = "transport";

  transport_state(bridge_actor::pointer self, std::shared_ptr<net::http_pool> pool,
                  std::string base_url)
    : self_{self}, pool_{std::move(pool)}, base_url_{std::move(base_url)} {}

  // 0.17.6 never answers a promise that dies with its actor.
  ~transport_state() {
    for (auto& [ticket, reply] : open_)
      reply.deliver(failed_reply("stopped", "the runtime is stopping"));
  }

  bridge_actor::behavior_type make_behavior() {
    return {
      [this](msg::HttpRequest& request) { return on_request(request); },
      [this](http_answered& answered) {
        const auto asked = open_.find(answered.ticket);
        if (asked == open_.end())
          return;
        asked->second.deliver(std::move(answered.reply));
        open_.erase(asked);
      },
    };
  }

private:
  caf::result<msg::HttpReply> on_request(msg::HttpRequest& request) {
    auto reply = self_->make_response_promise<msg::HttpReply>();
    if (!pool_) {
      reply.deliver(failed_reply("no_server", "no server is configured; name one when the store "
                                              "is opened"));
      return reply;
    }
    const std::uint64_t ticket = ++last_ticket_;
    open_.emplace(ticket, reply);
    msg::HttpRequest sent;
    sent.Swap(&request);
    pool_->submit(base_url_, std::move(sent),
                  [bridge = bridge_actor{self_}, ticket](msg::HttpReply answer) {
                    rt::anon_send(bridge, http_answered{ticket, std::move(answer)});
                  });
    return reply;
  }

  bridge_actor::pointer self_;
  std::shared_ptr<net::http_pool> pool_;
  std::string base_url_;
  std::map<std::uint64_t, caf::typed_response_promise<msg::HttpReply>> open_;
  std::uint64_t last_ticket_ = 0;
};

} // namespace

transport_actor spawn_transport(caf::actor_system& system, std::shared_ptr<net::http_pool> pool,
                                std::string base_url) {
  return rt::spawn<bridge_actor, transport_state>(system, std::move(pool), std::move(base_url));
}

} // namespace syncline::actors::client
