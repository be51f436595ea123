#include "core/ot/operation.hpp"

#include "core/ensure.hpp"
#include "core/ot/utf16.hpp"

namespace syncline::core::ot {

// At the same place, so it stands before the removal.
void operation::insert_before_removal(std::uint32_t units, std::uint32_t bytes) {
  const auto count = components_.size();
  if (count > 1 && components_[count - 2].what == step::insert) {
    components_[count - 2].length += units;
    components_[count - 2].bytes += bytes;
  } else {
    components_.insert(components_.end() - 1, {step::insert, units, bytes});
  }
}

void operation::insert(std::string_view utf8) {
  insert(utf8, static_cast<std::uint32_t>(utf16_length(utf8)));
}

void operation::clear() noexcept {
  components_.clear();
  text_.clear();
  base_length_ = target_length_ = 0;
}

bool operation::is_noop() const noexcept {
  return components_.empty() ||
         (components_.size() == 1 && components_.front().what == step::retain);
}

expected<void> check_lengths(std::uint64_t base, std::uint64_t target) {
  if (base <= length_max && target <= length_max)
    return {};
  return fail("too_large", "an operation is for texts of " + std::to_string(length_max) +
                             " UTF-16 code units at most");
}

expected<void> complete(operation& sloppy, std::uint64_t base_length) {
  if (sloppy.base_length() > base_length)
    return fail("base_length_mismatch",
                "the operation is for a text of " + std::to_string(sloppy.base_length()) +
                  " UTF-16 code units at least, and the text has " + std::to_string(base_length));
  auto missing = base_length - sloppy.base_length();
  ensure(missing <= length_max, "no text is longer than a component can say");
  sloppy.retain(static_cast<std::uint32_t>(missing));
  return {};
}

} // namespace syncline::core::ot
