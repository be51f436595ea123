#pragma once
// The changes of a text as it is shown, numbered, so that several who show it may edit it: each
// says which of them he has seen.

#include "core/expected.hpp"
#include "core/ot/operation.hpp"
#include "core/ot/text.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace syncline::core::ot {

/// What a host counts in: UTF-16 code units, as browsers and the wire do, or bytes of UTF-8.
enum class text_units : std::uint8_t { utf16, utf8 };

/// The same edit in bytes: an operation whose lengths count bytes of UTF-8. The algebra does not
/// mind what is counted, as long as both of a pair count the same; only `text` does. `on` is the
/// text that the edit is for.
[[nodiscard]] operation in_bytes(const operation& edit, const text& on);

/// The way back. Errors: `bad_length` beyond the end of the text, `splits_character`.
[[nodiscard]] expected<operation> in_units(const operation& bytes, const text& on);

/// One change of the text as it is shown, which made the version of this number.
struct shown_change {
  std::uint64_t version = 0;
  operation edit;
  std::optional<operation> bytes; ///< the same `in_bytes`, where they are kept
  bool is_remote = false;         ///< not typed here
  std::string author;             ///< client id of who did, where it is known
};

/// The last changes. Pure; not synchronised.
class shown_history {
public:
  struct limits {
    std::size_t changes_max = 1'024;
    std::size_t bytes_max = std::size_t{4} << 20U; ///< that they take
  };

  shown_history() : shown_history(limits{}) {}
  explicit shown_history(limits how) : limits_{how} {}

  [[nodiscard]] std::uint64_t version() const noexcept {
    return version_;
  }
  /// Numbers go on behind this one, and nothing before it is known.
  void begin_at(std::uint64_t version);
  /// From now on changes are kept in bytes, too.
  void keep_bytes() noexcept {
    keeps_bytes_ = true;
  }
  /// To be told before the edit is applied to `on`.
  void note(const operation& edit, const text& on, bool is_remote, const std::string& author = {});

  /// The changes after a version, in their order. Error: `stale_version` where they are no longer
  /// known in these units, or never were: the text is to be read anew.
  [[nodiscard]] expected<std::vector<const shown_change*>> after(std::uint64_t version,
                                                                 text_units units) const;

private:
  std::deque<shown_change> changes_; // up to `version_`
  std::size_t bytes_ = 0;
  std::uint64_t version_ = 0;
  bool keeps_bytes_ = false;
  limits limits_;
};

/// An edit of somebody who has not seen these changes, and they for who has made it: `edit` is for
/// the text behind them, each of `missed` for the text that he has. All in the same units. At one
/// place the edit goes first, as it does everywhere. Error: `base_length_mismatch` where it does
/// not fit the text before them.
struct met_edit {
  operation edit;
  std::vector<operation> missed;
};
[[nodiscard]] expected<met_edit>
meet(operation edit, const std::vector<const shown_change*>& changes, text_units units);

} // namespace syncline::core::ot
