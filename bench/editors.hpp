#pragma once
// People who type into shared texts, all on one thread: the client's real session over a plain
// socket, since what is measured is the server.

#include "core/ot/client_session.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace syncline::bench {

/// One who has a text open. Ends the program where the server does not behave.
class editor {
public:
  /// `target` is `/document/<id>`.
  editor(std::uint16_t port, std::string target, const std::string& client);
  editor(const editor&) = delete;
  editor& operator=(const editor&) = delete;
  ~editor();

  [[nodiscard]] int socket() const noexcept {
    return socket_;
  }
  [[nodiscard]] const core::ot::client_session& session() const noexcept {
    return session_;
  }
  void connect();
  void disconnect();
  /// Types at a place; sends it if nothing else is on its way.
  void type(std::uint64_t place, std::string_view inserted);
  /// Takes what has arrived. Whether something typed was acknowledged by it.
  bool read();
  /// When what is on its way was sent.
  [[nodiscard]] std::int64_t sent_ns() const noexcept {
    return sent_ns_;
  }

private:
  void hear(std::string_view message);
  void send();

  std::uint16_t port_;
  std::string target_;
  core::ot::client_session session_;
  int socket_ = -1;
  bool is_greeted_ = false;
  std::string unread_;
  std::uint64_t nonce_;
  std::int64_t sent_ns_ = 0;
  bool was_acknowledged_ = false;
};

/// Editors that are waited for together.
class editor_crowd {
public:
  /// Their client ids begin with the name.
  explicit editor_crowd(std::string name = "editor ");
  editor_crowd(const editor_crowd&) = delete;
  editor_crowd& operator=(const editor_crowd&) = delete;
  ~editor_crowd();

  /// Connects it, and returns when it has the text.
  editor& add(std::uint16_t port, const std::string& target);
  /// One that was disconnected meanwhile.
  void connect_again(editor& which);
  [[nodiscard]] std::vector<std::unique_ptr<editor>>& all() noexcept {
    return editors_;
  }
  /// Reads what comes within so long; `acknowledged` is told whose edit was.
  void wait(int patience_ms, const std::function<void(std::size_t)>& acknowledged = {});
  /// Until all that was typed is with everybody.
  void settle();

private:
  void watch(std::size_t index);

  std::string name_;
  int poll_;
  std::vector<std::unique_ptr<editor>> editors_;
};

/// PORT PROCESS DOCUMENTS EDITORS SECONDS PAUSE_MS: so many editors in each of so many texts type a
/// letter and wait for its ack, at once (a pause of 0) or at that pace. Tells what it saw, and what
/// the server's process took.
int edit(const std::vector<std::string>& arguments);

/// PORT PROCESS EDITS: one types so many letters without a network while others do the same with
/// one, and comes back while those go on at a hundred letters a second.
int come_back(const std::vector<std::string>& arguments);

/// PORT PROCESS: the recorded paper, typed by a plain client that does not wait for its acks.
int type_paper(const std::vector<std::string>& arguments);

} // namespace syncline::bench
