#pragma once
// People who type in one text, in the simulation: the real actors of clients and server, over a
// network and stores that fail.

#include "actors/simulation/world.hpp"
#include "tests/support/random_edits.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace syncline::tests {

/// What may happen beside typing.
struct text_faults {
  bool removes = false;  ///< also what others typed
  bool undoes = false;   ///< and redoes
  bool cuts = false;     ///< connections break, or fall silent
  bool crashes = false;  ///< of server and clients, also at named points
  bool trims = false;    ///< the server forgets its log soon
  bool restores = false; ///< the server's files are copied back, or its tool is used
  bool copies = false;   ///< of clients' stores, and back to older ones
  bool disk_full = false;
};

/// Steps are taken by the test or at random; all of one seed is the same each time.
class text_world {
public:
  text_world(std::uint64_t seed, text_faults faults, int clients,
             actors::server::document_options server_options = {});
  ~text_world();
  text_world(const text_world&) = delete;
  text_world& operator=(const text_world&) = delete;

  [[nodiscard]] actors::simulation::world& world() {
    return world_;
  }
  [[nodiscard]] random_edits& random() {
    return random_;
  }

  /// Asks a client, and runs until the answer is there or time would have to pass.
  [[nodiscard]] std::optional<core::expected<actors::client::document_answer>>
  ask(int client, actors::client::any_text_ask what, std::optional<std::uint64_t> seen = {});
  /// Shows the text; without it nobody would connect. Again after each start of the client.
  void show(int client);
  [[nodiscard]] std::string shown(int client);
  /// Types one character that nobody else types, at a random place, and perhaps removes some.
  /// Returns it.
  std::string type(int client);
  void type_at(int client, std::uint64_t at, const std::string& what);
  [[nodiscard]] std::string server_text() const;
  [[nodiscard]] std::uint64_t server_revision() const;
  /// Characters of which it was said that they are stored.
  [[nodiscard]] std::size_t promised() const {
    return promised_.size();
  }
  /// What clients keep for their users.
  [[nodiscard]] std::string reports();

  /// One thing happens, at random.
  void act();
  /// Everything works again, and all have said and heard everything.
  void heal();
  /// All clients show the server's text.
  [[nodiscard]] std::string disagreement();
  /// Characters that were acknowledged to the user and are neither in the text nor in a report, or
  /// are there twice; empty where all is well.
  [[nodiscard]] std::string lost_or_doubled();

  std::string id = "text";
  /// While set, no connection can be made, and those that are break.
  bool is_away = false;
  std::optional<std::int64_t> cut_after_ms;
  std::int64_t delay_ms = 1;

private:
  void start_dead();
  void crash_something();
  void restore_server();

  text_faults faults_;
  random_edits random_;
  actors::simulation::plan plan_;
  actors::simulation::world world_;
  std::vector<std::uint64_t> shown_in_life_;
  std::set<std::string> promised_; // characters: it was said that they are stored
  std::size_t typed_ = 0;
  std::uint64_t lives_ = 0;
};

} // namespace syncline::tests
