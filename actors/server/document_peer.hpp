#pragma once
// What the server's io thread calls for a connection to a document.

#include "actors/server/document_actor.hpp"
#include "net/server/live.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace syncline::actors::server {

/// How much of what a connection says may wait to be carried out: some messages, so that neither
/// thread waits for the other between two of them, and not so many that they count. Thread-safe.
class message_credit {
public:
  /// One more waits. False: no other may come before `give_back` says so.
  [[nodiscard]] bool take(std::size_t bytes);
  /// It is carried out. True: the connection was told to wait, and may go on.
  [[nodiscard]] bool give_back(std::size_t bytes);

private:
  std::mutex mutex_;
  std::size_t messages_ = 0;
  std::size_t bytes_ = 0;
  bool is_spent_ = false;
};

/// The way from a connection to its document, which is only known when the directory has found it.
/// What arrives before is kept: no more than a `message_credit`. Thread-safe.
class document_route {
public:
  /// From now on all goes there; what was kept goes first.
  void lead_to(document_actor to);

  void send(document_said message);
  void send(document_drained message);
  void send(document_left message);

private:
  template <class Message>
  void pass(Message message);

  std::mutex mutex_;
  document_actor to_;
  std::vector<std::function<void(const document_actor&)>> kept_;
};

/// A connection on its way to its document. Where nobody takes it, since the document ended
/// meanwhile, it is closed: it would be silent for ever.
class arriving_link {
public:
  explicit arriving_link(std::shared_ptr<net::live_link> link) : link_{std::move(link)} {}
  arriving_link(const arriving_link&) = delete;
  arriving_link& operator=(const arriving_link&) = delete;
  ~arriving_link();

  [[nodiscard]] std::shared_ptr<net::live_link> take() {
    return std::exchange(link_, nullptr);
  }

private:
  std::shared_ptr<net::live_link> link_;
};

/// What a connection has asked for.
struct document_ask {
  std::string space = "default";
  std::string id;
  document_form form = document_form::json;
  bool may_be_plain = false;
  bool again = false;
};

/// `connection` is unlike all others of this server.
[[nodiscard]] std::shared_ptr<net::live_peer>
make_document_peer(documents_actor documents, document_ask ask, std::uint64_t connection);

} // namespace syncline::actors::server
