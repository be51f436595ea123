#include "actors/server/hub_actor.hpp"

#include "actors/server/live_page.hpp"

#include <array>
#include <map>
#include <tuple>

namespace syncline::actors::server {

namespace {

class hub_state {
public:
  static inline const char* name = "hub";

  hub_state(hub_actor::pointer self, std::shared_ptr<const storage::server_store> readable,
            hub_options options)
    : self_{self}, readable_{std::move(readable)}, options_{std::move(options)} {}

  hub_actor::behavior_type make_behavior() {
    return {
      [this](const msg::JoinTopic& join) { return on_join(join.topic()); },
      [this](const msg::LeaveTopic& leave) { on_leave(leave.topic()); },
      [this](const msg::StoreMoved& moved) {
        for (const auto& collection : moved.collections())
          for (const bool plain : {false, true})
            if (const auto found = readings_.find({moved.space(), collection, plain});
                found != readings_.end())
              publish_new(found->second);
      },
    };
  }

private:
  static constexpr std::size_t forms = 4;

  /// How far a collection was published: in protobuf, or in what plain clients get.
  struct reading {
    msg::Topic topic;
    std::string cursor;
    std::uint64_t seq = 0;
    std::array<std::uint64_t, forms> members{};
  };
  using key = std::tuple<std::string, std::string, bool>;

  static key key_of(const msg::Topic& topic) {
    return {topic.space(), topic.collection(), !is_protocol(topic.form())};
  }

  caf::result<msg::Done> on_join(const msg::Topic& topic) {
    const auto [found, is_new] = readings_.try_emplace(key_of(topic));
    auto& reading = found->second;
    if (is_new) {
      reading.topic = topic;
      if (auto at_head = move_to_head(reading); !at_head) {
        readings_.erase(found);
        return rt::to_caf(at_head.error());
      }
    }
    ++reading.members.at(static_cast<std::size_t>(topic.form()));
    return msg::Done{};
  }

  void on_leave(const msg::Topic& topic) {
    const auto found = readings_.find(key_of(topic));
    if (found == readings_.end())
      return;
    auto& members = found->second.members;
    if (auto& count = members.at(static_cast<std::size_t>(topic.form())); count != 0)
      --count;
    if (members != std::array<std::uint64_t, forms>{})
      return;
    readings_.erase(found);
    if (options_.end_topic)
      for (std::size_t form = 0; form < forms; ++form) {
        auto over = topic;
        over.set_form(static_cast<msg::LiveForm>(form));
        if (is_protocol(over.form()) == is_protocol(topic.form()))
          options_.end_topic(topic_name(over));
      }
  }

  core::expected<void> move_to_head(reading& reading) {
    auto head = readable_->head(reading.topic.space(), reading.topic.collection(),
                                !is_protocol(reading.topic.form()));
    if (!head)
      return head.error();
    reading.cursor = std::move(head->token);
    reading.seq = head->seq;
    return {};
  }

  void publish_new(reading& reading) {
    for (bool more = true; more;) {
      auto output =
        readable_->delta(topic_query(reading.topic, reading.cursor, options_.page_bytes_max));
      const auto* answer = output ? std::get_if<storage::delta_answer>(&*output) : nullptr;
      if (answer == nullptr)
        return send_all_away(reading);
      if (answer->same_before_seq == 0)
        return; // The position stays: what comes next begins where everybody is.
      publish(reading, *answer);
      reading.cursor = answer->page.next_cursor();
      reading.seq = answer->page.seq_through();
      more = answer->page.has_more();
    }
  }

  void publish(const reading& reading, const storage::delta_answer& answer) const {
    const auto cursor = std::make_shared<const std::string>(answer.page.next_cursor());
    for (std::size_t form = 0; form < forms; ++form) {
      if (reading.members.at(form) == 0)
        continue;
      auto topic = reading.topic;
      topic.set_form(static_cast<msg::LiveForm>(form));
      options_.publish({topic_name(topic),
                        reading.seq,
                        answer.same_before_seq,
                        {answer.page.seq_through(), cursor},
                        live_bytes(topic.form(), answer)});
    }
  }

  // What cannot be read here everybody reads for himself, and hears what is wrong with it.
  void send_all_away(reading& reading) {
    if (const auto moved = move_to_head(reading); !moved)
      return self_->quit(rt::to_caf(moved.error())); // And begin anew, all together.
    for (std::size_t form = 0; form < forms; ++form) {
      auto topic = reading.topic;
      topic.set_form(static_cast<msg::LiveForm>(form));
      options_.publish({topic_name(topic),
                        reading.seq,
                        reading.seq,
                        {reading.seq, std::make_shared<const std::string>(reading.cursor)},
                        nullptr});
    }
  }

  hub_actor::pointer self_;
  std::shared_ptr<const storage::server_store> readable_;
  hub_options options_;
  std::map<key, reading> readings_;
};

} // namespace

hub_actor spawn_hub(caf::actor_system& system,
                    std::shared_ptr<const storage::server_store> readable, hub_options options) {
  return rt::spawn<hub_actor, hub_state>(system, std::move(readable), std::move(options));
}

} // namespace syncline::actors::server
