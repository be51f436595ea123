#pragma once
// A text that several people type in at once.
//
//   auto opened = runtime->document("notes/monday");
//   if (!opened) ...
//   auto text = opened->text();                              // {text, version}
//   opened->edit(syncline::text_edit::insert(0, "Hello"));   // at once; the server hears of it
//   later
//
// It is edited without waiting for the network, and kept through crashes from the moment at which
// `edit` returns. What others type is merged into it: nobody's words are lost. Several threads, and
// editors that lag behind, may edit one text: each says which version it shows.

#include "syncline/result.hpp"
#include "syncline/types.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace syncline {

class engine;
class subscription;

/// What lengths and places are counted in.
enum class text_units {
  utf16, ///< UTF-16 code units, as JavaScript, Java, Qt and Windows count
  utf8   ///< bytes of UTF-8, as C++ and Rust count
};

/// What an edit does at one place.
struct text_step {
  enum class kind { retain, insert, remove };
  kind what = kind::retain;
  std::uint64_t length = 0; ///< of what is kept or removed; of an insert it is not looked at
  std::string text = {};    ///< of an insert, UTF-8

  friend bool operator==(const text_step&, const text_step&) = default;
};

/// An edit of a whole text from its beginning; what the last step leaves is kept.
struct text_edit {
  std::vector<text_step> steps;

  static text_edit insert(std::uint64_t at, std::string text);
  static text_edit remove(std::uint64_t at, std::uint64_t length);
  static text_edit replace(std::uint64_t at, std::uint64_t length, std::string text);

  friend bool operator==(const text_edit&, const text_edit&) = default;
};

/// A text at one moment. Versions rise with each change, of whomever, while the runtime is open;
/// after a restart they are others.
struct text_state {
  std::string text; ///< UTF-8
  std::uint64_t version = 0;
};

/// One change of the text.
struct text_change {
  std::uint64_t version = 0; ///< that it made
  text_edit edit;
  bool remote = false; ///< typed by somebody else
  std::string author;  ///< an id of who did; empty where it is not known
  /// The text is another one, and the changes that led to it are not known: read it anew. `edit`
  /// is empty then.
  bool reset = false;
};

/// What an edit did.
struct edit_result {
  std::uint64_t version = 0; ///< of the text after it
  /// What had changed since the version that was named, for the text with the edit done: a host
  /// that shows the text does these to it, in this order, and then shows `version`.
  std::vector<text_change> missed;
};

/// What undo or redo did.
struct undo_result {
  std::uint64_t version = 0;
  bool done = false; ///< there was something to undo
  /// All changes since the version that was named, what was undone included.
  std::vector<text_change> changes;
};

/// Where somebody is.
struct text_selection {
  std::uint64_t anchor = 0; ///< where it began
  std::uint64_t head = 0;   ///< where the caret is
};

/// Somebody else's caret.
struct text_caret {
  std::string client; ///< tells people apart
  text_selection at;
  std::string name;
  std::string colour;
};

/// How a text stands.
struct document_status {
  /// local (there is no server), paused (nothing is synced now), waiting (for the next attempt),
  /// connecting, joining, live.
  std::string state;
  std::string client;
  std::uint64_t version = 0;
  std::uint64_t revision = 0; ///< of the server, beneath what was typed here
  bool has_server_text = false;
  bool synchronized = false; ///< everything typed here is at the server
  std::uint64_t units = 0;   ///< length, UTF-16 code units
  std::uint64_t bytes = 0;   ///< length, UTF-8
  syncline::error last_error;
};

/// A text in the store.
struct document_summary {
  std::string id;
  std::uint64_t revision = 0;
  bool pending = false; ///< something was typed that is not at the server
  std::int64_t changed_ms = 0;
};

struct document_options {
  text_units units = text_units::utf16;
  /// Where the text was deleted by somebody else: an empty one in its place, for everybody.
  bool create_again = false;
};

/// An open text. It is kept up to date for as long as one of these lives, which may be longer than
/// the runtime does: calls then fail with `closed`. All members may be called from any thread, also
/// from callbacks. Each may fail with `not_found` (it was deleted; what was typed here is kept
/// under `runtime::conflicts`), `store_corrupt`, `store_full`, `disk_full`, `store_io`, `stopped`,
/// `restarting`, `closed`.
class document {
public:
  document(document&&) noexcept;
  document& operator=(document&&) noexcept;
  ~document();

  [[nodiscard]] const std::string& id() const;

  [[nodiscard]] result<text_state> text() const;
  /// Does an edit of the text of `version`; none: of the latest one. What has happened since is
  /// not overwritten: where both insert at one place, this insert stands first. Returns once it is
  /// stored. Errors: `stale_version` (too old: read the text anew), `bad_length` and
  /// `base_length_mismatch` beyond the end, `splits_surrogate_pair`, `splits_character`,
  /// `bad_utf8`, `too_large`.
  [[nodiscard]] result<edit_result> edit(const text_edit& what,
                                         std::optional<std::uint64_t> version = {});
  /// As `edit`, without waiting for the store.
  [[nodiscard]] result<edit_result> submit(const text_edit& what,
                                           std::optional<std::uint64_t> version = {});
  /// Makes the text this one, by the few places in which it differs from that of `since`: what
  /// others type elsewhere meanwhile stays. For texts that were edited outside, as files are.
  [[nodiscard]] result<edit_result> set_text(const std::string& text, const text_state& since);
  /// Takes back the last edits made here, those within half a second together, and nothing of
  /// others. Not kept through a restart.
  [[nodiscard]] result<undo_result> undo(std::optional<std::uint64_t> version = {});
  [[nodiscard]] result<undo_result> redo(std::optional<std::uint64_t> version = {});
  /// The changes after a version, of everybody. Error: `stale_version`.
  [[nodiscard]] result<std::vector<text_change>> changes(std::uint64_t version) const;

  /// Calls `callback` for each change by others from now on, in order, on the callback thread. It
  /// may call anything here. Not with `options::poll_events` (`bad_options`).
  [[nodiscard]] result<subscription> on_remote(std::function<void(const text_change&)> callback);
  /// Calls `callback` with the carets of the others whenever one of them has come, moved of its own
  /// accord, or gone. As `on_remote`.
  [[nodiscard]] result<subscription>
  on_presence(std::function<void(const std::vector<text_caret>&)> callback);

  /// Shows others where one is; none: no longer. It moves along with the text. `name` and `colour`
  /// have at most 128 bytes. Errors: `bad_length`, `bad_utf8`, `too_large`.
  [[nodiscard]] result<void> select(std::optional<text_selection> at, std::string name = {},
                                    std::string colour = {},
                                    std::optional<std::uint64_t> version = {});
  [[nodiscard]] result<std::vector<text_caret>> carets() const;

  [[nodiscard]] result<document_status> status() const;
  /// Waits until everything typed here is at the server, and what is there is here. Errors:
  /// `timeout`, `no_server`.
  [[nodiscard]] result<void> settle(std::chrono::milliseconds timeout);

private:
  friend class engine;
  struct state;
  explicit document(std::unique_ptr<state> owned);
  std::unique_ptr<state> state_;
};

} // namespace syncline
