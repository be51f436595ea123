#pragma once
// Where the handles of shared texts meet the actors: questions go out, and who watches a text is
// told on the callback thread.

#include "actors/client/document_actor.hpp"
#include "runtime/call_gate.hpp"
#include "runtime/event_pump.hpp"
#include "syncline/document.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace syncline {

/// Outlives the engine where a handle does. Any thread.
class text_hub : public std::enable_shared_from_this<text_hub> {
public:
  using send_function = std::function<core::expected<void>(actors::document_question question)>;
  using answer = actors::client::document_answer;

  /// From now on `send` takes questions to the actors, and watchers are called by `pump`.
  void open(send_function send, std::shared_ptr<event_pump> pump);
  /// Questions are refused from now on.
  void refuse() {
    gate_.close();
  }
  /// After `refuse`: waits for those under way. False where one did not end in time.
  [[nodiscard]] bool wait_answered(std::chrono::steady_clock::time_point deadline) const {
    return gate_.wait_empty(deadline);
  }

  /// `timeout` 0: for as long as it takes.
  [[nodiscard]] core::expected<answer> ask(actors::document_question question,
                                           std::chrono::milliseconds timeout = {}) const;
  [[nodiscard]] core::expected<answer> hold(const std::string& id, core::ot::text_units units,
                                            bool again);
  void release(const std::string& id);
  /// The actors are others: they are told who shows what.
  void reopen(const actors::client::documents_actor& documents);

  /// Something has happened to a text. An actor's thread; does not block.
  void notify(const std::string& id, actors::client::document_event what);

  using remote_callback = std::function<void(const text_change&)>;
  using presence_callback = std::function<void(const std::vector<text_caret>&)>;
  /// Returns what cancels it; see `syncline::subscription`. Errors: `bad_options` where there is no
  /// callback thread, `closed`.
  [[nodiscard]] core::expected<std::function<void()>>
  watch(const std::string& id, core::ot::text_units units, std::uint64_t version,
        remote_callback changed, presence_callback moved);

private:
  struct watcher {
    core::ot::text_units units = core::ot::text_units::utf16;
    std::uint64_t seen = 0;
    remote_callback changed;
    presence_callback moved;
    std::recursive_mutex calling; // held during a call, which may cancel it
    bool is_active = true;
  };
  struct watched {
    std::uint32_t holds = 0;
    std::vector<std::shared_ptr<watcher>> watchers;
    bool is_told = false; // a task will look at it
    bool has_changed = false;
    bool has_moved = false;
  };

  void look(const std::string& id);
  void call_changed(const std::string& id, watcher& whom);
  void call_moved(const std::string& id, watcher& whom);

  mutable call_gate gate_;
  send_function send_;
  std::shared_ptr<event_pump> pump_;
  std::mutex mutex_; // guards what follows
  std::map<std::string, watched> texts_;
};

// Between the public types and those of the actors.
[[nodiscard]] core::expected<core::ot::operation> to_operation(const text_edit& edit,
                                                               text_units units);
/// Errors: `bad_utf8`, `too_large`.
[[nodiscard]] core::expected<void> check_caret_names(const std::string& name,
                                                     const std::string& colour);
[[nodiscard]] std::vector<text_change>
to_public(const std::vector<actors::client::document_answer::change>& changes);
[[nodiscard]] text_change to_public(const actors::client::document_answer::change& change);
[[nodiscard]] std::vector<text_caret> to_public(const std::vector<core::ot::caret>& carets);
[[nodiscard]] core::ot::text_units to_core(text_units units);

} // namespace syncline
