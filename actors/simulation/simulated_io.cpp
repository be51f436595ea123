#include "actors/simulation/simulated_io.hpp"

#include <utility>

namespace syncline::actors::simulation {

std::vector<std::string> messages_in(std::string_view frames) {
  std::vector<std::string> messages;
  while (!frames.empty()) {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(frames[i]); };
    std::size_t size = at(1);
    std::size_t head = 2;
    for (const std::size_t extra : {std::size_t{126}, std::size_t{127}})
      if (size == extra && head == 2) {
        head = extra == 126 ? 4 : 10;
        size = 0;
        for (std::size_t i = 2; i < head; ++i)
          size = size << 8 | at(i);
        break;
      }
    messages.emplace_back(frames.substr(head, size));
    frames.remove_prefix(head + size);
  }
  return messages;
}

class simulated_io::link : public net::live_link {
public:
  link(simulated_io& io, std::uint64_t id) : io_{io}, id_{id} {}
  void send_all(std::vector<net::shared_bytes> all, bool tells_drained) override {
    post([all = std::move(all), tells_drained](simulated_io&, wire& one) {
      for (const auto& each : all)
        one.unsent.push_back(*each);
      one.drain_wanted = one.drain_wanted || tells_drained;
      flush(one);
    });
  }
  void close(std::uint16_t code, std::string) override {
    post([code](simulated_io&, wire& one) {
      one.close_code = code;
      if (one.on_close)
        one.on_close(code);
    });
  }
  void resume() override {
    post([](simulated_io&, wire& one) {
      if (one.on_resume)
        one.on_resume();
    });
  }
  void follow(std::string topic, std::uint64_t seq,
              std::shared_ptr<const std::string> cursor) override {
    post([id = id_, topic = std::move(topic), seq, cursor = std::move(cursor)](simulated_io& io,
                                                                               wire& one) {
      if (!io.topics_.follow(topic, id, {seq, cursor}))
        leave(one, topic, {seq, cursor});
    });
  }
  void unfollow(std::string topic) override {
    post([id = id_, topic = std::move(topic)](simulated_io& io, wire& one) {
      if (const auto position = io.topics_.unfollow(topic, id); position.cursor)
        leave(one, topic, position);
    });
  }

private:
  void post(std::function<void(simulated_io&, wire&)> action) {
    io_.post(id_, [&io = io_, id = id_, action = std::move(action)] {
      if (const auto found = io.wires.find(id); found != io.wires.end())
        action(io, *std::shared_ptr{found->second});
    });
  }
  simulated_io& io_;
  std::uint64_t id_;
};

std::uint64_t simulated_io::connect(std::shared_ptr<wire> made) {
  const auto id = ++last_id_;
  wires.emplace(id, std::move(made));
  post(id, [this, id] {
    if (const auto found = wires.find(id); found != wires.end())
      found->second->peer->on_begin(std::make_shared<link>(*this, id));
  });
  return id;
}

void simulated_io::disconnect(std::uint64_t id) {
  const auto found = wires.find(id);
  if (found == wires.end())
    return;
  const auto one = found->second;
  topics_.forget(id);
  wires.erase(found);
  one->peer->on_end();
}

void simulated_io::flush(wire& one) {
  if (one.blocked)
    return;
  for (const auto& bytes : std::exchange(one.unsent, {}))
    one.receive(bytes);
  if (std::exchange(one.drain_wanted, false))
    one.peer->on_drained();
}

void simulated_io::leave(wire& one, const std::string& topic, const net::live_position& position) {
  one.drain_wanted = one.drain_wanted || one.blocked;
  one.peer->on_left(topic, position.seq, position.cursor, one.drain_wanted);
}

void simulated_io::publish(net::publication published) {
  post(0, [this, published = std::move(published)] {
    const auto gone = topics_.publish(published, [&](std::uint64_t id, const auto& bytes) {
      const auto found = wires.find(id);
      if (found == wires.end() || found->second->blocked)
        return false;
      found->second->receive(*bytes);
      ++shared_deliveries;
      return true;
    });
    left += gone.size();
    for (const auto& each : gone)
      if (const auto found = wires.find(each.follower); found != wires.end())
        leave(*found->second, published.topic, each.position);
  });
}

void simulated_io::end_topic(const std::string& topic) {
  post(0, [this, topic] { topics_.end(topic); });
}

} // namespace syncline::actors::simulation
