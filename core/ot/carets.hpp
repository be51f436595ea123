#pragma once
// Where the others are in a text as it is shown, while everybody writes.

#include "core/ot/client_text.hpp"
#include "core/ot/document_room.hpp"
#include "core/ot/transform.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace syncline::core::ot {

/// A selection in the text of the server, in the text as it is shown, and the other way round.
/// Inside what was only typed here, it is where that goes in.
[[nodiscard]] selection to_shown(const selection& in_base, const client_text& text);
[[nodiscard]] selection to_base(const selection& in_shown, const client_text& text);

/// Somebody else's caret; places are in the text as it is shown.
struct caret {
  std::string client;
  selection at;
  std::string name;   ///< may be empty, as the next
  std::string colour; ///< likewise

  friend bool operator==(const caret&, const caret&) = default;
};

/// Everybody else's, and one's own. Pure; not synchronised.
class caret_board {
public:
  struct limits {
    std::int64_t lives_ms = 30'000; ///< one that nobody has refreshed is gone
    std::size_t others_max = 1'000; ///< further ones are not shown
  };

  caret_board() : caret_board(limits{}) {}
  explicit caret_board(limits how) : limits_{how} {}

  /// What the server says, whose revision is that of `text`. True: something is to be shown anew.
  [[nodiscard]] bool on_presence(const presence& said, const client_text& text,
                                 std::int64_t now_ms);
  /// Everybody is gone, for nobody tells us any more.
  [[nodiscard]] bool forget_others();
  [[nodiscard]] bool on_time(std::int64_t now_ms);
  /// The text as it is shown has changed. `author` is the client id of who did it.
  void move(const operation& over, const std::string& author);

  /// One's own; none: it is not shown to others. Moves with what is typed behind it.
  void select(std::optional<selection> at) {
    own_ = at;
  }
  [[nodiscard]] const std::optional<selection>& own() const noexcept {
    return own_;
  }
  /// One's own id, whose inserts are before the own caret.
  void set_client(std::string client) {
    client_ = std::move(client);
  }
  /// By client id.
  [[nodiscard]] std::vector<caret> others() const;

private:
  struct other {
    caret shown;
    std::int64_t until_ms = 0;
  };

  std::map<std::string, other> others_;
  std::optional<selection> own_;
  std::string client_;
  limits limits_;
};

} // namespace syncline::core::ot
