#pragma once
// Answers what a host asks of a shared text, in the units and from the version that the host has.

#include "actors/client/document_question.hpp"
#include "core/expected.hpp"
#include "core/ot/client_session.hpp"

#include <cstdint>
#include <optional>

namespace syncline::actors::client {

/// What one question is about. Pure; all that it changes is in the two.
class document_desk {
public:
  document_desk(core::ot::client_session& session, core::ot::caret_board& board,
                core::ot::text_units units, std::optional<std::uint64_t> seen)
    : session_{session}, board_{board}, units_{units}, seen_{seen} {}

  /// Whether a question is one for the desk, and not about the document's life.
  [[nodiscard]] static bool takes(const any_text_ask& asked);
  /// Errors: `stale_version`, and those of a bad edit; nothing has changed then.
  [[nodiscard]] core::expected<document_answer> answer(any_text_ask& asked, std::int64_t now_ms);

private:
  [[nodiscard]] document_answer read() const;
  [[nodiscard]] core::expected<document_answer> changes() const;
  [[nodiscard]] core::expected<document_answer> edit(core::ot::operation what, std::int64_t now_ms);
  [[nodiscard]] core::expected<document_answer> select(const text_ask::select& what);
  [[nodiscard]] core::expected<document_answer> carets() const;
  using missed_changes = std::vector<const core::ot::shown_change*>;

  [[nodiscard]] core::expected<missed_changes> missed() const;
  [[nodiscard]] document_answer nothing_yet() const;
  [[nodiscard]] core::expected<document_answer>
    take(std::optional<core::ot::operation> (core::ot::client_session::*back)());
  [[nodiscard]] std::uint64_t length() const;
  [[nodiscard]] core::expected<core::ot::selection> in_shown(core::ot::selection at) const;

  core::ot::client_session& session_;
  core::ot::caret_board& board_;
  core::ot::text_units units_;
  std::optional<std::uint64_t> seen_;
};

} // namespace syncline::actors::client
