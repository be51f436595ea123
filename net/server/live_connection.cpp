#include "net/server/live_connection.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace syncline::net {

namespace {

/// The link of one connection: every call goes to its io thread.
class connection_link : public live_link {
public:
  connection_link(std::weak_ptr<live_connection> owner, std::shared_ptr<reply_gate> gate)
    : owner_{std::move(owner)}, gate_{std::move(gate)} {}

  void send_all(std::vector<shared_bytes> all, bool tells_drained) override {
    run([all = std::move(all), tells_drained](live_connection& owner) {
      owner.send_all(all, tells_drained);
    });
  }
  void close(std::uint16_t code, std::string reason) override {
    run([code, reason = std::move(reason)](live_connection& owner) {
      owner.close_with(code, reason);
    });
  }
  void resume() override {
    run([](live_connection& owner) { owner.resume(); });
  }
  void follow(std::string topic, std::uint64_t seq,
              std::shared_ptr<const std::string> cursor) override {
    run([topic = std::move(topic), position = live_position{seq, std::move(cursor)}](
          live_connection& owner) { owner.follow(topic, position); });
  }
  void unfollow(std::string topic) override {
    run([topic = std::move(topic)](live_connection& owner) { owner.unfollow(topic); });
  }

private:
  template <class Action>
  void run(Action action) {
    const std::lock_guard lock{gate_->mutex};
    if (gate_->context == nullptr)
      return;
    asio::post(*gate_->context, [owner = owner_, action = std::move(action)] {
      if (const auto alive = owner.lock())
        action(*alive);
    });
  }

  std::weak_ptr<live_connection> owner_;
  std::shared_ptr<reply_gate> gate_;
};

} // namespace

std::shared_ptr<live_link> live_connection::make_link() {
  return std::make_shared<connection_link>(weak_from_this(), worker_.gate);
}

void live_connection::follow(const std::string& topic, const live_position& position) {
  if (!ended_ && !worker_.topics.follow(topic, id_, position))
    leave(topic, position);
}

void live_connection::unfollow(const std::string& topic) {
  if (const auto position = worker_.topics.unfollow(topic, id_); position.cursor && !ended_)
    leave(topic, position);
}

void live_connection::end() {
  if (std::exchange(ended_, true))
    return;
  const auto self = shared_from_this(); // The table may hold the last one.
  worker_.topics.forget(id_);
  peer_->on_end();
  worker_.remove_live(id_);
}

} // namespace syncline::net
