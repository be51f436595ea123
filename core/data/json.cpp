#include "core/data/json.hpp"

#include "core/data/utf8.hpp"
#include "core/ensure.hpp"

#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <vector>

namespace syncline::core {

namespace {

namespace dom = simdjson::dom;

constexpr std::size_t depth_ceiling = 1024;
constexpr std::size_t quoted_name_bytes_max = 64;
// What a thread keeps between calls. A text above it gets memory of its own, given back after.
constexpr std::size_t kept_text_bytes_max = 256 * 1024;
constexpr std::size_t first_text_bytes = 4096;

std::string quoted(std::string_view name) {
  std::size_t length = std::min(name.size(), quoted_name_bytes_max);
  while (length < name.size() && length > 0 && (name[length] & 0xC0) == 0x80)
    --length;
  std::string text;
  append_json_string(text, name.substr(0, length));
  if (length < name.size())
    text += "...";
  return text;
}

/// simdjson's parser with what it needs around it: a copy of the text that may be read a little
/// past its end, room for the parsed form, and the names of the objects that are being checked.
class workspace {
public:
  [[nodiscard]] simdjson::simdjson_result<dom::element> parse(std::string_view text,
                                                              std::size_t depth_max) {
    reserve(text.size(), depth_max);
    if (!text.empty())
      std::memcpy(text_.get(), text.data(), text.size());
    std::memset(text_.get() + text.size(), ' ', simdjson::SIMDJSON_PADDING);
    return parser_.parse_into_document(document_, text_.get(), text.size(), false);
  }

  [[nodiscard]] std::vector<std::string_view>& names() noexcept {
    return names_;
  }

private:
  // Grows by doubling: simdjson alone would allocate afresh for every text that is one byte longer
  // than the longest before it.
  void reserve(std::size_t text_bytes, std::size_t depth_max) {
    // simdjson counts the root as one level more than we do.
    const std::size_t levels = std::max(levels_, depth_max + 1);
    if (text_bytes <= capacity_ && levels <= levels_)
      return;
    const std::size_t capacity =
      std::max(capacity_, std::bit_ceil(std::max(text_bytes, first_text_bytes)));
    text_ = std::make_unique_for_overwrite<char[]>(capacity + simdjson::SIMDJSON_PADDING);
    if (parser_.allocate(capacity, levels) != simdjson::SUCCESS ||
        document_.allocate(capacity) != simdjson::SUCCESS)
      throw std::bad_alloc{};
    capacity_ = capacity;
    levels_ = levels;
  }

  dom::parser parser_;
  dom::document document_;
  std::unique_ptr<char[]> text_;
  std::vector<std::string_view> names_;
  std::size_t capacity_ = 0;
  std::size_t levels_ = 0;
};

// By value: an element gives its container inside a temporary result, which a loop would outlive.
dom::object object_of(const dom::element& element) {
  return element.get_object().value_unsafe();
}

dom::array array_of(const dom::element& element) {
  return element.get_array().value_unsafe();
}

/// What the text is going to be: any value, or the body of an item.
enum class text_role { any, body };

/// Checks of a parsed document that simdjson leaves to its user: the exact depth (it does not count
/// empty containers) and names that stand twice in one object; with them, in the same walk, the
/// names that a body must not use.
class document_check {
public:
  document_check(std::size_t depth_max, text_role role, std::vector<std::string_view>& names)
    : depth_max_{depth_max}, role_{role}, names_{names} {
    names_.clear();
  }

  /// Whether the document is well.
  [[nodiscard]] bool root(const dom::element& element) {
    if (role_ == text_role::body && !element.is_object())
      return no_object();
    return value(element, 0);
  }

  [[nodiscard]] const error& failure() const noexcept {
    return failure_;
  }

private:
  // `depth` is that of what encloses the value.
  [[nodiscard]] bool value(const dom::element& element, std::size_t depth) {
    switch (element.type()) {
    case dom::element_type::OBJECT:
      return object(object_of(element), depth + 1);
    case dom::element_type::ARRAY:
      return array(array_of(element), depth + 1);
    default:
      return true;
    }
  }

  [[nodiscard]] bool object(const dom::object& object, std::size_t depth) {
    if (depth > depth_max_)
      return too_deep();
    // The names of all enclosing objects lie below `first`; ours follow and leave at the end.
    const std::size_t first = names_.size();
    const bool is_body = depth == 1 && role_ == text_role::body;
    std::uint64_t seen = 0;
    bool maybe_twice = false;
    for (const dom::key_value_pair& member : object) {
      const std::uint64_t bit = name_bit(member.key);
      maybe_twice = maybe_twice || (seen & bit) != 0;
      seen |= bit;
      names_.push_back(member.key);
      if (is_body && is_reserved_name(member.key))
        return reserved(member.key);
      if (!value(member.value, depth))
        return false;
    }
    const bool distinct = !maybe_twice || names_distinct(first);
    names_.resize(first);
    return distinct;
  }

  [[nodiscard]] bool array(const dom::array& array, std::size_t depth) {
    if (depth > depth_max_)
      return too_deep();
    for (const dom::element element : array)
      if (!value(element, depth))
        return false;
    return true;
  }

  // One of 64 bits for a name: two names with different bits are different, which spares most
  // objects any comparison.
  static std::uint64_t name_bit(std::string_view name) noexcept {
    if (name.empty())
      return 1;
    const auto first = static_cast<unsigned char>(name.front());
    const auto last = static_cast<unsigned char>(name.back());
    return std::uint64_t{1} << ((name.size() * 5 + first + last * 11u) & 63u);
  }

  // Pairs while there are few. Else sorted: unlike a hash table, no choice of names makes it slow.
  [[nodiscard]] bool names_distinct(std::size_t first) {
    const auto begin = names_.begin() + static_cast<std::ptrdiff_t>(first);
    if (names_.size() - first <= small_object_members_max) {
      for (auto name = begin; name != names_.end(); ++name)
        if (std::find(begin, name, *name) != name)
          return twice(*name);
      return true;
    }
    // By length first, since that settles most comparisons without a look at the bytes.
    std::sort(begin, names_.end(), [](std::string_view left, std::string_view right) {
      return left.size() != right.size() ? left.size() < right.size() : left < right;
    });
    const auto found = std::adjacent_find(begin, names_.end());
    return found == names_.end() || twice(*found);
  }

  bool too_deep() {
    failure_ = fail("too_deep", "the JSON text is nested more than " + std::to_string(depth_max_) +
                                  " levels deep; flatten it");
    return false;
  }

  bool no_object() {
    failure_ = fail("not_an_object", "a body or patch is one JSON object, and this is another kind "
                                     "of value; wrap it in an object");
    return false;
  }

  bool reserved(std::string_view name) {
    failure_ =
      fail("reserved_name", "the top level of a body cannot have the member " + quoted(name) +
                              ", which the flat form of an item uses; rename it");
    return false;
  }

  bool twice(std::string_view name) {
    failure_ = fail("duplicate_key", "one JSON object has the member " + quoted(name) +
                                       " twice, so its value is unclear; send each name once");
    return false;
  }

  std::size_t depth_max_;
  text_role role_;
  std::vector<std::string_view>& names_;
  error failure_;
};

/// The number that begins at `at`, up to the first byte that cannot continue one.
std::string_view number_at(std::string_view text, std::size_t at) {
  const std::size_t end = text.find_first_not_of("+-.0123456789eE", at);
  return text.substr(at, end == std::string_view::npos ? end : end - at);
}

bool takes_digits(std::string_view& rest) {
  const std::size_t count = std::min(rest.find_first_not_of("0123456789"), rest.size());
  rest.remove_prefix(count);
  return count > 0;
}

bool is_number_of_the_grammar(std::string_view rest) {
  if (rest.starts_with('-'))
    rest.remove_prefix(1);
  if (rest.starts_with('0'))
    rest.remove_prefix(1);
  else if (!takes_digits(rest))
    return false;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    if (!takes_digits(rest))
      return false;
  }
  if (rest.starts_with('e') || rest.starts_with('E')) {
    rest.remove_prefix(1);
    if (rest.starts_with('+') || rest.starts_with('-'))
      rest.remove_prefix(1);
    if (!takes_digits(rest))
      return false;
  }
  return rest.empty();
}

// simdjson says "number error" both for what is no number and for one that is too large. Only
// after such an error: where every number keeps to the grammar, one was too large.
bool all_numbers_of_the_grammar(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char byte = text[at];
    if (byte == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\')
          ++at;
      continue;
    }
    if (byte != '-' && (byte < '0' || byte > '9'))
      continue;
    const std::string_view number = number_at(text, at);
    at += number.size();
    const bool ends = at >= text.size() ||
                      std::string_view{" \t\r\n,]}:[{\""}.find(text[at]) != std::string_view::npos;
    if (!ends || !is_number_of_the_grammar(number))
      return false;
    --at;
  }
  return true;
}

error parse_failure(simdjson::error_code cause, std::string_view text, std::size_t depth_max) {
  switch (cause) {
  case simdjson::MEMALLOC:
    throw std::bad_alloc{};
  case simdjson::DEPTH_ERROR:
    return fail("too_deep", "the JSON text is nested more than " + std::to_string(depth_max) +
                              " levels deep; flatten it");
  case simdjson::UTF8_ERROR:
    return fail("bad_utf8", "the JSON text is not valid UTF-8 at byte " +
                              std::to_string(first_invalid_utf8(text)) +
                              "; encode it as UTF-8 without surrogates");
  case simdjson::NUMBER_ERROR:
    if (all_numbers_of_the_grammar(text))
      return fail("number_out_of_range",
                  "the JSON text has an integer beyond 64 bits or a real beyond the largest "
                  "double; send such a number as a string");
    return fail("bad_json", "the JSON text has something in the place of a value that is no JSON "
                            "number; correct the text");
  case simdjson::STRING_ERROR:
    return fail("bad_json", "a string of the JSON text has a bad escape or half of a surrogate "
                            "pair; correct the text");
  default:
    return fail("bad_json", std::string{"the text is not JSON: "} + simdjson::error_message(cause) +
                              "; correct the text");
  }
}

// Gives the parsed and checked document to `use`, whose result it returns.
template <class Result, class Use>
Result with_document(std::string_view text, const json_limits& limits, text_role role, Use use) {
  ensure(limits.depth_max <= depth_ceiling, "json_limits.depth_max is at most 1024");
  if (text.size() > limits.bytes_max)
    return fail("too_large", "the JSON text has " + std::to_string(text.size()) +
                               " bytes, more than the " + std::to_string(limits.bytes_max) +
                               " allowed; split it or store less in it");
  // Newer parsers skip a byte order mark. Bodies are passed on as they are, to readers that do not.
  if (text.starts_with("\xEF\xBB\xBF"))
    return fail("bad_json", "the JSON text begins with a byte order mark; send it without");
  thread_local workspace kept;
  std::optional<workspace> own;
  workspace& work = text.size() <= kept_text_bytes_max ? kept : own.emplace();
  dom::element root;
  if (const auto cause = work.parse(text, limits.depth_max).get(root))
    return parse_failure(cause, text, limits.depth_max);
  document_check check{limits.depth_max, role, work.names()};
  if (!check.root(root))
    return check.failure();
  return use(root);
}

json_value to_value(const dom::element& element) {
  switch (element.type()) {
  case dom::element_type::OBJECT: {
    json_value::object_type members;
    for (const dom::key_value_pair& member : object_of(element))
      members.emplace_back(std::string{member.key}, to_value(member.value));
    return json_value::object(std::move(members));
  }
  case dom::element_type::ARRAY: {
    json_value::array_type items;
    for (const dom::element item : array_of(element))
      items.push_back(to_value(item));
    return json_value::array(std::move(items));
  }
  case dom::element_type::STRING:
    return json_value::string(std::string{element.get_string().value_unsafe()});
  case dom::element_type::INT64:
    return json_value::integer(element.get_int64().value_unsafe());
  case dom::element_type::UINT64:
    return json_value::unsigned_integer(element.get_uint64().value_unsafe());
  case dom::element_type::DOUBLE:
    return json_value::real(element.get_double().value_unsafe());
  case dom::element_type::BOOL:
    return json_value::boolean(element.get_bool().value_unsafe());
  default:
    return json_value::null();
  }
}

} // namespace

expected<json_value> parse_json(std::string_view text, const json_limits& limits) {
  return with_document<expected<json_value>>(
    text, limits, text_role::any, [](const dom::element& root) { return to_value(root); });
}

expected<void> validate_body(std::string_view body, const json_limits& limits) {
  return with_document<expected<void>>(body, limits, text_role::body,
                                       [](const dom::element&) { return expected<void>{}; });
}

expected<void> validate_patch(std::string_view patch, const json_limits& limits) {
  return validate_body(patch, limits);
}

bool is_reserved_name(std::string_view name) noexcept {
  switch (name.size()) {
  case 2:
    return name == "id";
  case 7:
    return name == "version" || name == "deleted";
  case 10:
    return name == "collection";
  case 12:
    return name == "lastModified";
  default:
    return false;
  }
}

} // namespace syncline::core
