#pragma once
// The connection of a shared text to the server: made, kept alive, given up, and made again later.

#include "actors/client/document_actor.hpp"
#include "core/sync/backoff.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace syncline::actors::client {

/// Of one document, in the context of its actor. At most one connection at a time; each has a
/// number, and what comes of an older one is not heard.
class document_line {
public:
  document_line(document_actor::pointer self, const documents_options& options, const seams& world)
    : self_{self}, options_{options}, world_{world}, backoff_{options.backoff} {}
  ~document_line();
  document_line(const document_line&) = delete;
  document_line& operator=(const document_line&) = delete;

  /// Whether there is a connection, which may not be open yet.
  [[nodiscard]] bool is_up() const noexcept {
    return line_ != nullptr;
  }
  [[nodiscard]] bool is_open() const noexcept {
    return line_ && is_open_;
  }
  /// Whether `DocumentDue` comes.
  [[nodiscard]] bool is_waiting() const noexcept {
    return is_waiting_;
  }
  [[nodiscard]] std::uint64_t number() const noexcept {
    return number_;
  }
  [[nodiscard]] bool is(std::uint64_t number) const noexcept {
    return line_ && number == number_;
  }

  /// The next connection is due after this.
  void wait(std::int64_t delay_ms);
  void wait_after_failure();
  /// What failed before counts no more.
  void try_at_once();
  /// Whether this is the wait that was begun last.
  [[nodiscard]] bool is_due(std::uint64_t turn);
  void connect(const net::document_address& where);
  void drop();

  // What is heard of it; false where it is another one.
  bool opened(std::uint64_t number);
  bool alive(std::uint64_t number);
  /// It has brought something: should it break, the next one is not far.
  void brought_something() {
    backoff_.succeed();
  }
  /// To be told with each beat; false: nobody has been there for too long.
  [[nodiscard]] bool beat();

  void send(std::string message);
  void resume();

private:
  void schedule_beat();

  document_actor::pointer self_;
  const documents_options& options_;
  const seams& world_;
  core::backoff backoff_;
  std::shared_ptr<net::live_line> line_;
  std::uint64_t number_ = 0;
  std::uint64_t turn_ = 0;
  std::uint32_t silent_beats_ = 0;
  std::uint32_t beats_open_ = 0;
  bool is_open_ = false;
  bool is_waiting_ = false;
};

} // namespace syncline::actors::client
