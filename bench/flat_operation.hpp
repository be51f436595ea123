#pragma once
// The floor of W4b: an edit as one might write it first, a list of numbers and the inserted text.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::bench {

/// Joins equal neighbours, and knows neither UTF-16 nor canonical order nor errors.
class flat_operation {
public:
  enum class kind : std::uint8_t { retain, insert, remove };
  struct part {
    kind what;
    std::uint32_t length;
  };

  void retain(std::uint32_t units) {
    add(kind::retain, units);
  }
  void insert(std::string_view ascii, std::uint32_t units) {
    text_.append(ascii.data(), units);
    add(kind::insert, units);
  }
  void remove(std::uint32_t units) {
    add(kind::remove, units);
  }
  void clear() {
    parts_.clear();
    text_.clear();
  }
  [[nodiscard]] std::size_t size() const {
    return parts_.size();
  }
  [[nodiscard]] const std::vector<part>& parts() const {
    return parts_;
  }
  [[nodiscard]] const char* text() const {
    return text_.data();
  }

private:
  void add(kind what, std::uint32_t units) {
    if (units == 0)
      return;
    if (!parts_.empty() && parts_.back().what == what)
      parts_.back().length += units;
    else
      parts_.push_back({what, units});
  }

  std::vector<part> parts_;
  std::string text_;
};

/// Each after the other; where both insert at one place, the first one's comes first.
void transform(const flat_operation& one, const flat_operation& other, flat_operation& one_after,
               flat_operation& other_after);

} // namespace syncline::bench
