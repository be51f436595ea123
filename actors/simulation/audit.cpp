#include "actors/simulation/audit.hpp"

#include "core/data/json.hpp"
#include "core/ensure.hpp"
#include "core/sync/cursor.hpp"

#include <algorithm>

namespace syncline::actors::simulation {

namespace {

std::string short_text(const std::map<std::string, std::string>& items) {
  std::string text;
  for (const auto& [id, body] : items)
    text.append(id).append("=").append(body).append(" ");
  return text.substr(0, 400);
}

std::uint64_t base_seq(const storage::client_snapshot& snapshot, const std::string& collection,
                       const std::string& id, bool& present) {
  const auto base = snapshot.base(collection, id);
  core::ensure(base.has_value(), "the base row can be read");
  present = base->has_value();
  return present ? (*base)->stamp().seq() : 0;
}

void check_cursor(world& world, int index, const std::string& collection) {
  const auto snapshot = world.client(index).store().snapshot();
  const auto pull = snapshot->pull_state(collection);
  if (pull->cursor().token().empty() || pull->cursor().walking())
    return;
  const auto cursor = core::decode_cursor(pull->cursor().token());
  const auto& server = world.server();
  // A cursor of another history says nothing about this one; the server refuses it.
  const auto output = server.store().delta(
    {"default", collection, pull->cursor().token(), 1, 1 << 20, pull->seen(), false, ""});
  if (!output || std::holds_alternative<msg::ErrorReply>(*output))
    return;
  const auto passed = [&] {
    return "client " + std::to_string(index) + " has passed seq " + std::to_string(cursor->seq()) +
           " in '" + collection + "' but ";
  };
  for (const auto& [key, item] : server.log().items()) {
    if (!key.starts_with(collection + '/') || item.stamp.seq > cursor->seq())
      continue;
    const std::string id = key.substr(collection.size() + 1);
    bool present = false;
    const std::uint64_t seq = base_seq(*snapshot, collection, id, present);
    if (!item.deleted && (!present || seq < item.stamp.seq))
      return world.fail(passed().append("does not have '").append(id) + "' of seq " +
                        std::to_string(item.stamp.seq));
    if (item.deleted && present && seq <= item.stamp.seq)
      return world.fail(passed().append("still has '").append(id) + "', deleted at seq " +
                        std::to_string(item.stamp.seq));
  }
}

} // namespace

void check_cursors(world& world) {
  if (!world.server().alive())
    return;
  for (int i = 0; i < world.clients() && !world.failure(); ++i)
    if (world.client(i).alive())
      for (const auto& collection : world.collections())
        check_cursor(world, i, collection);
}

namespace {

std::string describe_waiting(const storage::client_snapshot& snapshot) {
  std::string text;
  const auto waiting = snapshot.outbox(3);
  for (const auto& entry : *waiting) {
    const auto& mutation = entry.mutation();
    const auto lane = snapshot.lane(mutation.collection(), mutation.id());
    text += " [" + std::to_string(entry.local_seq()) + " " +
            msg::MutationKind_Name(mutation.kind()) + " " + mutation.id() + " " +
            msg::EntryState_Name(entry.state()) + ", attempts " + std::to_string(entry.attempts()) +
            ", after " + std::to_string(entry.after_size()) + ", group of " +
            std::to_string(mutation.group_size()) +
            (lane->record.undecided() ? ", undecided" : "") +
            (lane->record.parked_by() != 0 ? ", parked" : "") + "]";
  }
  return text;
}

std::string unsettled(world& world, int index) {
  auto& client = world.client(index);
  const auto snapshot = client.store().snapshot();
  const auto counts = snapshot->counts();
  const auto state = snapshot->outbox_state();
  if (counts->outbox != 0 || counts->acknowledged != 0)
    return "client " + std::to_string(index) + ": " + std::to_string(counts->outbox) +
           " waiting, " + std::to_string(counts->acknowledged) + " acknowledged but not seen" +
           (state->restoring() ? ", restoring" : "") + describe_waiting(*snapshot);
  if (state->restoring())
    return "client " + std::to_string(index) + " is still restoring";
  for (const auto& collection : world.collections()) {
    const auto pull = snapshot->pull_state(collection);
    const auto output = world.server().store().delta(
      {"default", collection, pull->cursor().token(), 500, 1 << 20, pull->seen(), false, ""});
    const auto* answer = output ? std::get_if<storage::delta_answer>(&*output) : nullptr;
    if (answer == nullptr)
      return "client " + std::to_string(index) + ": its cursor in '" + collection + "' is refused";
    if (answer->page.has_more() || !answer->page.items().empty() || !answer->page.deleted().empty())
      return "client " + std::to_string(index) + " is behind in '" + collection + "'";
  }
  for (const auto& record : *snapshot->quarantine())
    if (record.awaits_skip())
      return "client " + std::to_string(index) + ": a SKIP is unanswered";
  return {};
}

} // namespace

bool is_settled(world& world) {
  for (int i = 0; i < world.clients(); ++i)
    if (!world.client(i).alive() || !unsettled(world, i).empty())
      return false;
  return true;
}

std::string describe_unsettled(world& world) {
  std::string text;
  for (int i = 0; i < world.clients(); ++i)
    text += world.client(i).alive() ? unsettled(world, i) + "; " : "dead; ";
  return text;
}

void decide_parked(world& world, int client) {
  auto& node = world.client(client);
  if (!node.alive())
    return;
  const auto records = node.store().snapshot()->conflicts();
  for (const auto& record : *records) {
    if (record.resolved_ms() != 0 || record.decision() != msg::PARKED)
      continue;
    msg::ResolveConflict command;
    command.set_conflict_id(record.conflict_id());
    command.set_choice(world.random()() % 2 == 0 ? msg::ResolveConflict::MINE
                                                 : msg::ResolveConflict::THEIRS);
    world.counts().add("parked lane decided by the user");
    rt::anon_send(node.actors().conflict, command);
  }
}

namespace {

void check_sides(world& world) {
  for (const auto& collection : world.collections()) {
    const auto server = world.server_items(collection);
    std::map<std::string, std::string> logged;
    for (const auto& [key, item] : world.server().log().items())
      if (key.starts_with(collection + '/') && !item.deleted)
        logged[key.substr(collection.size() + 1)] = item.body;
    if (server != logged)
      return world.fail("the server's items are not what its log says: " + short_text(server) +
                        "| log: " + short_text(logged));
    for (int i = 0; i < world.clients(); ++i)
      if (const auto seen = world.visible_items(i, collection); seen != server)
        return world.fail("client " + std::to_string(i) + " sees " + short_text(seen) +
                          "| the server has " + short_text(server));
  }
}

// Every text that is kept somewhere for a person to find.
std::string kept_texts(world& world) {
  std::string texts;
  for (int i = 0; i < world.clients(); ++i) {
    const auto snapshot = world.client(i).store().snapshot();
    for (const auto& record : *snapshot->conflicts()) {
      texts += record.mine_body() + record.theirs_body() + record.base_body();
      for (const auto& mutation : record.mine_mutations())
        texts += mutation.body() + mutation.patch();
    }
    for (const auto& record : *snapshot->quarantine())
      texts += record.entry().mutation().body() + record.entry().mutation().patch();
  }
  for (const auto& payload : world.server().payloads())
    texts += payload;
  return texts;
}

void check_nothing_is_lost(world& world) {
  const std::string kept = kept_texts(world);
  for (int i = 0; i < world.clients(); ++i)
    for (const auto& [item, writes] : world.client(i).accepted())
      for (const auto& write : writes)
        if (!write.superseded && !write.token.empty() &&
            kept.find(write.token + '"') == std::string::npos)
          return world.fail("client " + std::to_string(i) + " was promised '" + write.token +
                            "' in " + item +
                            "; it is neither at the server, nor in a conflict, "
                            "nor in quarantine");
}

void check_sum(world& world) {
  if (world.options().loses_history() || world.options().clones_clients())
    return; // The sum of such runs is not defined; promise 2 names the exception.
  std::int64_t accepted = 0;
  std::int64_t unheard = 0;
  for (int i = 0; i < world.clients(); ++i) {
    accepted += world.client(i).increments_accepted("items/sum");
    unheard += world.client(i).increments_unheard();
  }
  const auto* sum = world.server().log().find("items", "sum");
  if (sum == nullptr || sum->deleted)
    return;
  const auto body = core::parse_json(sum->body);
  const auto* n = body ? body->find("n") : nullptr;
  if (n == nullptr || n->as_integer() < accepted || n->as_integer() > accepted + unheard)
    world.fail("increments of " + std::to_string(accepted) + " were accepted, up to " +
               std::to_string(unheard) + " more may have been, the server says " + sum->body);
}

} // namespace

void check_at_rest(world& world) {
  check_cursors(world);
  if (!world.failure())
    check_sides(world);
  if (!world.failure())
    check_nothing_is_lost(world);
  if (!world.failure())
    check_sum(world);
}

} // namespace syncline::actors::simulation
