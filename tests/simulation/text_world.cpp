#include "tests/simulation/text_world.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>

namespace syncline::tests {

namespace text_ask = actors::client::text_ask;
using actors::client::document_answer;
using actors::simulation::plan;

namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::array crash_points{"client before commit", "client after commit",
                                  "server before commit", "server after commit"};

plan texts_only(bool copies) {
  plan made;
  made.texts = true;
  if (copies)
    made.copy_client = made.roll_back_client = 1;
  return made;
}

// Three bytes of UTF-8, each typed once.
std::string character(std::size_t number) {
  const auto code = 0x4E00U + static_cast<unsigned>(number % 20'000);
  return {static_cast<char>(0xE0U | (code >> 12U)),
          static_cast<char>(0x80U | ((code >> 6U) & 0x3FU)),
          static_cast<char>(0x80U | (code & 0x3FU))};
}

std::size_t count_of(const std::string& what, const std::string& in) {
  std::size_t count = 0;
  for (auto at = in.find(what); at != std::string::npos; at = in.find(what, at + what.size()))
    ++count;
  return count;
}

} // namespace

text_world::text_world(std::uint64_t seed, text_faults faults, int clients,
                       actors::server::document_options server_options)
  : faults_{faults}, random_{seed * 31 + 7}, plan_{texts_only(faults.copies)}, world_{seed, plan_} {
  if (faults.trims) {
    server_options.snapshot_every = 4;
    server_options.log_kept = 6;
  }
  if (seed % 2 == 0) { // It is opened without most of its log.
    server_options.snapshot_every = std::min<std::uint64_t>(server_options.snapshot_every, 4);
    server_options.log_opened = 2;
  }
  world_.server().set_document_options(server_options);
  world_.server().die();
  world_.server().start();
  world_.set_fate([](int, const msg::HttpRequest&) { return actors::simulation::exchange_fate{}; });
  world_.set_stream_fate([this](int, net::live_way) {
    actors::simulation::stream_fate fate;
    fate.refused = is_away;
    fate.cut_after_ms = cut_after_ms;
    fate.delay_ms = delay_ms;
    if (faults_.cuts && random_.one_in(3))
      fate.cut_after_ms = static_cast<std::int64_t>(random_.below(20'000));
    else if (faults_.cuts && random_.one_in(8))
      fate.silent_after_ms = static_cast<std::int64_t>(random_.below(20'000));
    if (faults_.cuts)
      fate.delay_ms = static_cast<std::int64_t>(1 + random_.below(300));
    return fate;
  });
  actors::client::client_options options;
  options.outbox.paused = options.poll.paused = options.link.paused = true;
  options.background.paused = true;
  options.documents.paused = false;
  options.documents.session.changes_max = 40;
  options.documents.session.components_max = 6;
  for (int i = 0; i < clients; ++i)
    world_.add_client(options);
}

text_world::~text_world() {
  BOOST_TEST(!world_.failure().has_value(), world_.failure().value_or(""));
}

std::optional<core::expected<document_answer>>
text_world::ask(int client, actors::client::any_text_ask what, std::optional<std::uint64_t> seen) {
  auto& node = world_.client(client);
  if (!node.alive())
    return std::nullopt;
  const auto answer = std::make_shared<std::optional<core::expected<document_answer>>>();
  actors::document_question question;
  question.id = id;
  question.seen = seen;
  question.what = std::move(what);
  question.reply = actors::reply_once<document_answer>{
    [answer](core::expected<document_answer> outcome) { answer->emplace(std::move(outcome)); }};
  rt::anon_send(node.actors().documents, std::move(question));
  world_.run_until([&] { return answer->has_value() || !node.alive(); }, 0);
  return *answer;
}

void text_world::show(int client) {
  static_cast<void>(ask(client, text_ask::hold{}));
}

std::string text_world::shown(int client) {
  const auto answer = ask(client, text_ask::read{});
  return answer && *answer ? (*answer)->text : "(none)";
}

void text_world::type_at(int client, std::uint64_t at, const std::string& what) {
  core::ot::operation edit;
  edit.retain(static_cast<std::uint32_t>(at));
  edit.insert(what);
  const auto answer = ask(client, text_ask::edit{edit});
  if (answer && *answer)
    promised_.insert(what);
}

std::string text_world::type(int client) {
  const auto seen = ask(client, text_ask::read{});
  if (!seen || !*seen)
    return {};
  if (faults_.undoes && random_.one_in(6)) {
    static_cast<void>(random_.one_in(2) ? ask(client, text_ask::undo{})
                                        : ask(client, text_ask::redo{}));
    return {};
  }
  const auto length = to_utf16((*seen)->text).size();
  const auto at = random_.below(length + 1);
  auto what = character(typed_++);
  core::ot::operation edit;
  edit.retain(static_cast<std::uint32_t>(at));
  edit.insert(what);
  if (faults_.removes && random_.one_in(4))
    edit.remove(
      static_cast<std::uint32_t>(random_.below(std::min<std::size_t>(4, length - at) + 1)));
  // Now and then the host lags behind what it edits.
  if (random_.one_in(3))
    world_.run_for(static_cast<std::int64_t>(random_.below(400)));
  auto answer = ask(client, text_ask::edit{edit}, (*seen)->version);
  if (answer && !*answer && (*answer).error().code == "stale_version")
    return {};
  if (answer && *answer)
    promised_.insert(what);
  return what;
}

std::string text_world::server_text() const {
  const auto& store = const_cast<text_world*>(this)->world_.server().store();
  const auto found = store.documents().read_document("default", id);
  return found ? found->text : "(" + found.error().code + ")";
}

std::uint64_t text_world::server_revision() const {
  const auto& store = const_cast<text_world*>(this)->world_.server().store();
  return store.documents().read_document("default", id).value().revision;
}

std::string text_world::reports() {
  std::string all;
  for (int i = 0; i < world_.clients(); ++i) {
    if (!world_.client(i).alive())
      continue;
    const auto snapshot = world_.client(i).store().snapshot().value();
    for (const auto& each : snapshot.conflicts().value())
      all += each.note() + ": " + each.mine_body() + "\n";
  }
  return all;
}

// --- At random

void text_world::crash_something() {
  if (random_.one_in(3))
    world_.arm_crash(crash_points[random_.below(crash_points.size())]);
  else if (random_.one_in(2))
    world_.server().die();
  else
    world_.client(static_cast<int>(random_.below(static_cast<std::size_t>(world_.clients()))))
      .die();
}

void text_world::restore_server() {
  auto& server = world_.server();
  if (server.backups() == 0 || random_.one_in(2))
    return server.back_up();
  server.die();
  server.restore(random_.below(server.backups()));
  server.start(random_.one_in(2));
}

void text_world::start_dead() {
  if (!world_.server().alive() && random_.one_in(2))
    world_.server().start();
  for (int i = 0; i < world_.clients(); ++i) {
    auto& node = world_.client(i);
    if (node.alive() || !random_.one_in(2))
      continue;
    if (faults_.copies && node.has_backup() && random_.one_in(4))
      node.roll_back();
    node.start();
    if (!random_.one_in(
          4)) // Otherwise nobody looks, and what waits goes to the server all the same.
      show(i);
  }
}

void text_world::act() {
  const auto client = static_cast<int>(random_.below(static_cast<std::size_t>(world_.clients())));
  if (faults_.crashes && random_.one_in(12))
    crash_something();
  if (faults_.restores && random_.one_in(20))
    restore_server();
  if (faults_.copies && random_.one_in(12))
    world_.client(client).back_up();
  if (faults_.disk_full && random_.one_in(15) && world_.client(client).alive())
    world_.client(client).fail_next_commit("disk_full");
  if (faults_.disk_full && random_.one_in(15))
    world_.server().fail_next_commit("disk_full");
  if (random_.one_in(20))
    show(client);
  if (random_.one_in(25))
    static_cast<void>(ask(client, text_ask::release{}));
  type(client);
  world_.run_for(static_cast<std::int64_t>(random_.below(random_.one_in(10) ? 20'000 : 600)));
  start_dead();
}

void text_world::heal() {
  faults_.cuts = false;
  is_away = false;
  cut_after_ms.reset();
  delay_ms = 1;
  world_.end_faults();
  if (!world_.server().alive())
    world_.server().start();
  world_.server().fail_next_commit("");
  for (int i = 0; i < world_.clients(); ++i) {
    auto& node = world_.client(i);
    if (!node.alive())
      node.start();
    node.fail_next_commit("");
    show(i);
  }
  // Silent connections are noticed within 45 s, and waits are at most 30.
  world_.run_for(3 * minute_ms);
}

std::string text_world::disagreement() {
  const auto wanted = server_text();
  for (int i = 0; i < world_.clients(); ++i) {
    const auto standing = ask(i, text_ask::standing{});
    if (!standing || !*standing)
      return "client " + std::to_string(i) +
             " does not answer: " + (standing ? (*standing).error().code : "");
    const auto& how = (*standing)->standing;
    auto who = "client " + std::to_string(i);
    if (how.state != "live" || !how.is_synchronized) {
      who.append(" is ").append(how.state);
      who.append(how.is_synchronized ? "" : ", with edits that wait");
      return who.append(" [").append(how.last_error.code).append("]");
    }
    const auto shows = shown(i);
    if (shows != wanted)
      return who.append(" shows '").append(shows).append("', the server has ").append(wanted);
  }
  return {};
}

std::string text_world::lost_or_doubled() {
  const auto text = server_text();
  const auto kept = reports();
  std::string wrong;
  for (std::size_t i = 0; i < typed_; ++i) {
    const auto each = character(i);
    const auto count = count_of(each, text);
    if (count > 1)
      wrong.append(each).append(" is there more than once; ");
    if (count == 0 && !faults_.removes && !faults_.undoes && promised_.count(each) != 0 &&
        kept.find(each) == std::string::npos)
      wrong.append(each).append(" is lost; ");
  }
  return wrong;
}

} // namespace syncline::tests
