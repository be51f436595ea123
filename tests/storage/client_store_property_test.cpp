// Random work of two devices and a server, with answers that are lost, late or twice: what is
// visible is always base + lane, nothing is doubled, and in the end all hold the same.

#include "tests/storage/client_device.hpp"

#include <rapidcheck.h>

#include <deque>
#include <set>

using namespace syncline::storage;
using namespace syncline::storage::test;
namespace core = syncline::core;
namespace msg = syncline::msg;

namespace {

const names few_ids{"a", "b", "c", "d", "e"};

std::string any_id() {
  return *rc::gen::elementOf(few_ids);
}

std::string any_body() {
  return R"({"x":)" + std::to_string(*rc::gen::inRange(0, 4)) + R"(,"y":)" +
         std::to_string(*rc::gen::inRange(0, 4)) + "}";
}

std::string any_patch() {
  const std::string field = *rc::gen::elementOf(names{"x", "y", "z"});
  const int value = *rc::gen::inRange(-1, 4);
  return "{\"" + field + "\":" + (value < 0 ? "null" : std::to_string(value)) + "}";
}

// What the host refuses is refused; that has tests of its own.
void any_write(device& client) {
  const auto id = any_id();
  switch (*rc::gen::inRange(0, 7)) {
  case 0:
  case 1:
    client.put(id, any_body());
    break;
  case 2:
    client.patch(id, any_patch());
    break;
  case 3:
    client.remove(id);
    break;
  case 4:
    client.write(patching(id, any_patch(), {}), {any_id()});
    break;
  case 5: {
    const auto other = any_id();
    client.write_group({creating(id, any_body()), patching(other, any_patch(), {})});
    client.write_group({patching(id, any_patch(), {}), patching(other, any_patch(), {})});
    break;
  }
  default:
    client.create(id, any_body());
    break;
  }
}

/// Two devices, a server, and a network that holds answers and pages back.
class world {
public:
  world() {
    one_.policy.strategy = *rc::gen::elementOf(strategies());
    two_.policy.strategy = one_.policy.strategy;
    one_.put("counter", R"({"n":0})");
    one_.sync(server_.store());
    two_.sync(server_.store());
  }

  void step() {
    device& client = *rc::gen::inRange(0, 2) == 0 ? one_ : two_;
    auto& held = &client == &one_ ? held_one_ : held_two_;
    const auto limit = static_cast<std::uint32_t>(*rc::gen::inRange(1, 5));
    switch (*rc::gen::inRange(0, 12)) {
    case 0:
    case 1:
    case 2:
      any_write(client);
      break;
    case 3:
      if (client.add("counter", "n", 1).empty())
        ++added_;
      break;
    case 4:
    case 5:
      client.push(server_.store(), limit);
      break;
    case 6:
    case 7:
      client.pull(server_.store(), limit);
      break;
    case 8:
      hold_answer(client, held, limit);
      break;
    case 9:
      hold_page(client, held, limit);
      break;
    case 10:
      deliver(client, held);
      break;
    default:
      restart(client);
      break;
    }
    RC_ASSERT(one_.inconsistency() == "");
    RC_ASSERT(two_.inconsistency() == "");
  }

  void roll_back_or_save() {
    if (*rc::gen::inRange(0, 2) == 0 || !saved_) {
      server_.save();
      saved_ = true;
    } else if (*rc::gen::inRange(0, 2) == 0) {
      server_.roll_back();
    } else {
      server_.restore_by_tool();
    }
  }

  void heal() {
    for (int i = 0; i < 4; ++i) {
      one_.sync(server_.store());
      two_.sync(server_.store());
    }
  }

  void check_agreement() {
    for (device* client : {&one_, &two_}) {
      RC_ASSERT(client->inconsistency() == "");
      RC_ASSERT(client->counts().outbox == 0U);
      RC_ASSERT(client->counts().acknowledged == 0U);
      std::set<std::string> failed;
      for (const auto& record : client->quarantine())
        failed.insert(record.entry().mutation().id());
      RC_ASSERT(client->look().lane_ids("items", "", "")->size() == failed.size());
    }
    RC_ASSERT(one_.all() == two_.all());
    for (const auto& id : few_ids) {
      const auto there = shown(server_.store(), id);
      RC_ASSERT(one_.shown(id) == (there == "(nothing)" ? "-" : there));
    }
  }

  void check_counter() {
    RC_ASSERT(shown(server_.store(), "counter") == "{\"n\":" + std::to_string(added_) + "}");
  }

private:
  struct late {
    msg::BatchRequest request; // empty for a page
    batch_output answer;
    msg::DeltaPage page;
    std::uint64_t known_start = 0;
  };

  static std::vector<core::conflict_strategy> strategies() {
    using strategy = core::conflict_strategy;
    return {strategy::merge, strategy::client_wins, strategy::server_wins,
            strategy::last_write_wins};
  }

  void hold_answer(device& client, std::deque<late>& held, std::uint32_t limit) {
    const auto hold = [&](const msg::BatchRequest& batch) {
      if (!batch.mutations().empty())
        held.push_back({batch, output_of(server_.store(), input_of(batch)), {}, 0});
    };
    const auto batches = static_cast<std::uint32_t>(*rc::gen::inRange(1, 4));
    const auto& last = held.empty() ? msg::BatchRequest{} : held.back().request;
    const bool ahead = !last.mutations().empty() && *rc::gen::inRange(0, 2) == 0;
    const auto above = ahead ? last.mutations(last.mutations_size() - 1).mutation_id() : 0;
    const auto taken = client.take_ahead(above, batches, limit);
    hold(taken.request());
    for (const auto& following : taken.following())
      hold(following);
  }

  void hold_page(device& client, std::deque<late>& held, std::uint32_t limit) {
    const auto output = client.ask(server_.store(), limit);
    if (const auto* answer = std::get_if<delta_answer>(&output))
      held.push_back({{}, {}, answer->page, client.state().known_start()});
  }

  // In any order, and some of it twice.
  static void deliver(device& client, std::deque<late>& held) {
    if (held.empty())
      return;
    const auto at = *rc::gen::inRange<std::size_t>(0, held.size());
    const late chosen = held[at];
    if (*rc::gen::inRange(0, 3) != 0)
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    if (chosen.request.mutations().empty())
      client.apply(chosen.page, chosen.known_start);
    else
      client.answer(chosen.request, chosen.answer);
    client.resolve_undecided();
  }

  void restart(device& client) {
    if (*rc::gen::inRange(0, 2) == 0)
      server_.restart();
    else
      client.open(client.image());
  }

  test_server server_;
  device one_{1};
  device two_{1'000};
  std::deque<late> held_one_;
  std::deque<late> held_two_;
  std::int64_t added_ = 0;
  bool saved_ = false;
};

void run(world& all, bool restores) {
  const int steps = *rc::gen::inRange(5, 80);
  for (int i = 0; i < steps; ++i)
    if (restores && *rc::gen::inRange(0, 12) == 0)
      all.roll_back_or_save();
    else
      all.step();
  all.heal();
}

/// Any answer that a server could give to a mutation.
msg::MutationResult any_result(const msg::Mutation& mutation, std::uint64_t& seq) {
  msg::MutationResult result;
  result.set_mutation_id(mutation.mutation_id());
  const auto stamp = [&] {
    msg::Stamp made;
    made.set_start(9);
    made.set_seq(++seq);
    return made;
  };
  switch (*rc::gen::inRange(0, 7)) {
  case 0:
    result.set_status(msg::CONFLICT);
    result.mutable_server_item()->set_id(mutation.id());
    result.mutable_server_item()->set_body(any_body());
    *result.mutable_server_item()->mutable_stamp() = stamp();
    break;
  case 1:
    result.set_status(msg::DELETE_CONFLICT);
    if (*rc::gen::inRange(0, 2) == 0) {
      result.mutable_server_item()->set_id(mutation.id());
      result.mutable_server_item()->set_deleted(true);
      *result.mutable_server_item()->mutable_stamp() = stamp();
    }
    break;
  case 2:
    result.set_status(msg::FAILED);
    result.mutable_error()->set_retryable(*rc::gen::inRange(0, 2) == 0);
    break;
  case 3:
    result.set_status(msg::OUTCOME_UNKNOWN);
    break;
  default:
    result.set_status(mutation.kind() == msg::SKIP ? msg::SKIPPED : msg::SYNCED);
    *result.mutable_previous_stamp() = mutation.base();
    *result.mutable_stamp() = stamp();
    break;
  }
  return result;
}

void answer_some(device& client, std::uint64_t& seq, bool all_well) {
  client.now_ms += 600'000; // What waits for its time may go.
  const auto batch = client.take(all_well ? 100 : 3).request();
  if (batch.mutations().empty())
    return;
  if (!all_well && *rc::gen::inRange(0, 4) == 0) {
    client.poison(batch.mutations(0).mutation_id());
    return;
  }
  msg::BatchResponse response;
  for (const auto& mutation : batch.mutations()) {
    if (!all_well && *rc::gen::inRange(0, 6) == 0)
      break;
    *response.add_results() = any_result(mutation, seq);
    if (!all_well)
      continue;
    auto& result = *response.mutable_results(response.results_size() - 1);
    result.set_status(mutation.kind() == msg::SKIP ? msg::SKIPPED : msg::SYNCED);
    result.clear_server_item();
    result.clear_error();
  }
  client.answer(batch, response);
  client.resolve_undecided();
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_store_property)

BOOST_AUTO_TEST_CASE(what_is_visible_is_base_and_lane_and_in_the_end_all_agree) {
  BOOST_TEST(rc::check("what is visible is base and lane, and in the end all agree", [] {
    world all;
    run(all, false);
    all.check_agreement();
    all.check_counter();
  }));
}

BOOST_AUTO_TEST_CASE(after_any_restores_of_the_server_all_agree) {
  BOOST_TEST(rc::check("after any restores of the server all agree", [] {
    world all;
    run(all, true);
    all.check_agreement();
  }));
}

BOOST_AUTO_TEST_CASE(whatever_a_server_answers_the_store_stays_whole_and_the_outbox_drains) {
  BOOST_TEST(rc::check("whatever a server answers, the store stays whole and drains", [] {
    device client{3};
    std::uint64_t seq = 0;
    const int steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i) {
      if (*rc::gen::inRange(0, 2) == 0)
        any_write(client);
      else
        answer_some(client, seq, false);
      RC_ASSERT(client.inconsistency() == "");
    }
    for (int i = 0; i < 50 && client.counts().outbox > 0; ++i)
      answer_some(client, seq, true);
    std::string left;
    for (const auto& entry : client.outbox())
      left += entry.ShortDebugString() + "\n" +
              client.look().lane("items", entry.mutation().id())->record.ShortDebugString() + "\n";
    RC_ASSERT(left == "");
    RC_ASSERT(client.inconsistency() == "");
  }));
}

BOOST_AUTO_TEST_SUITE_END()
