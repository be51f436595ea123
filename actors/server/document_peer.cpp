#include "actors/server/document_peer.hpp"

namespace syncline::actors::server {

bool message_credit::take(std::size_t bytes) {
  constexpr std::size_t messages_max = 64;
  constexpr std::size_t bytes_max = std::size_t{64} << 10U;
  const std::lock_guard lock{mutex_};
  ++messages_;
  bytes_ += bytes;
  is_spent_ = is_spent_ || messages_ >= messages_max || bytes_ >= bytes_max;
  return !is_spent_;
}

bool message_credit::give_back(std::size_t bytes) {
  constexpr std::size_t few_messages = 16;
  constexpr std::size_t few_bytes = std::size_t{16} << 10U;
  const std::lock_guard lock{mutex_};
  --messages_;
  bytes_ -= bytes;
  return messages_ <= few_messages && bytes_ <= few_bytes && std::exchange(is_spent_, false);
}

template <class Message>
void document_route::pass(Message message) {
  const std::lock_guard lock{mutex_};
  if (to_)
    rt::anon_send(to_, std::move(message));
  else
    kept_.push_back(
      [kept = std::move(message)](const document_actor& to) { rt::anon_send(to, kept); });
}

void document_route::lead_to(document_actor to) {
  const std::lock_guard lock{mutex_};
  to_ = std::move(to);
  for (const auto& each : std::exchange(kept_, {}))
    each(to_);
}

void document_route::send(document_said message) {
  pass(std::move(message));
}
void document_route::send(document_drained message) {
  pass(message);
}
void document_route::send(document_left message) {
  pass(message);
}

arriving_link::~arriving_link() {
  constexpr std::uint16_t close_again = 1013; // Of IANA's registry: try again later.
  if (link_)
    link_->close(close_again, "stopped");
}

namespace {

class document_peer : public net::live_peer {
public:
  document_peer(documents_actor documents, document_ask ask, std::uint64_t connection)
    : documents_{std::move(documents)}, ask_{std::move(ask)}, connection_{connection} {}

  void on_begin(std::shared_ptr<net::live_link> link) override {
    rt::anon_send(documents_,
                  document_arrived{ask_.space, ask_.id, connection_, ask_.form, ask_.may_be_plain,
                                   ask_.again, std::make_shared<arriving_link>(std::move(link)),
                                   route_, credit_});
  }
  [[nodiscard]] bool on_message(std::string_view payload, bool text) override {
    const bool more = credit_->take(payload.size());
    route_->send(document_said{connection_, std::string{payload}, text});
    return more;
  }
  void on_drained() override {
    route_->send(document_drained{connection_});
  }
  void on_end() override {
    route_->send(document_left{connection_});
  }

private:
  documents_actor documents_;
  document_ask ask_;
  std::uint64_t connection_;
  std::shared_ptr<document_route> route_ = std::make_shared<document_route>();
  std::shared_ptr<message_credit> credit_ = std::make_shared<message_credit>();
};

} // namespace

std::shared_ptr<net::live_peer> make_document_peer(documents_actor documents, document_ask ask,
                                                   std::uint64_t connection) {
  return std::make_shared<document_peer>(std::move(documents), std::move(ask), connection);
}

} // namespace syncline::actors::server
