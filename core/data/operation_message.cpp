#include "core/data/operation_message.hpp"

#include "core/ot/utf16.hpp"

namespace syncline::core::ot {

namespace {

constexpr std::uint64_t kinds = 4;

std::uint64_t kind_of(step what) {
  return what == step::retain ? 0 : what == step::insert ? 1 : 2;
}

// Moves the first `units` of the text into the operation.
expected<void> take_insert(std::string_view& text, std::uint32_t units, operation& out) {
  // A unit has three bytes at most: the rest of the text need not be counted for each insert.
  const auto enough = text.substr(0, std::size_t{3} * units);
  if (units > utf16_length(enough))
    return fail("bad_length", "an insert is longer than the text that is left for it");
  const auto bytes = byte_offset(text, units);
  if (!bytes)
    return fail("splits_surrogate_pair", "an insert ends inside a character beyond U+FFFF");
  out.insert(text.substr(0, *bytes), units);
  text.remove_prefix(*bytes);
  return {};
}

} // namespace

void write_message(const operation& edit, msg::TextOperation& out) {
  out.Clear();
  out.mutable_steps()->Reserve(static_cast<int>(edit.components().size()));
  for (const auto& each : edit.components())
    out.add_steps(each.length * kinds + kind_of(each.what));
  out.set_text(edit.text().data(), edit.text().size());
}

void write_message(const logged_operation& logged, msg::LoggedEdit& out) {
  write_message(logged.edit, *out.mutable_edit());
  out.set_client(logged.author.client);
  out.set_seq(logged.author.seq);
  out.set_nonce(logged.author.nonce);
  out.set_start(logged.start);
}

expected<operation> read_message(const msg::TextOperation& from) {
  operation made;
  std::string_view text = from.text();
  for (const std::uint64_t each : from.steps()) {
    const auto length = each / kinds;
    if (length > length_max)
      return fail("bad_length", "a length is above 2^30");
    const auto units = static_cast<std::uint32_t>(length);
    switch (each % kinds) {
    case 0:
      made.retain(units);
      break;
    case 1:
      if (auto taken = take_insert(text, units, made); !taken)
        return taken.error();
      break;
    case 2:
      made.remove(units);
      break;
    default:
      return fail("unknown_type", "a component is a retain, an insert or a delete");
    }
    if (auto good = check_lengths(made.base_length(), made.target_length()); !good)
      return fail("bad_length", "the lengths of an operation add up to more than 2^30");
  }
  if (!text.empty())
    return fail("bad_length", "there is more text than the inserts take");
  return made;
}

} // namespace syncline::core::ot
