#pragma once
// A JSON value as a tree, for code that has to look inside a body. Bodies themselves stay bytes:
// what is only stored, compared or passed on is never turned into this.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace syncline::core {

/// The kinds of a `json_value`, in the order of its alternatives. `unsigned_integer` holds only
/// what is above the largest int64, so that each integer has exactly one kind.
enum class json_kind { null, boolean, integer, unsigned_integer, real, string, array, object };

/// One JSON value (RFC 8259), its object members in document order. Names and strings are UTF-8 and
/// the names of one object are distinct: the parser guarantees both, and whoever builds a tree by
/// hand keeps them. Asking for the wrong kind is a broken invariant. As thread-safe as a vector.
class json_value {
public:
  using member = std::pair<std::string, json_value>;
  using array_type = std::vector<json_value>;
  using object_type = std::vector<member>;

  /// A null.
  json_value() = default;

  [[nodiscard]] static json_value null();
  [[nodiscard]] static json_value boolean(bool value);
  [[nodiscard]] static json_value integer(std::int64_t value);
  /// Of kind `integer` where the value fits in an int64.
  [[nodiscard]] static json_value unsigned_integer(std::uint64_t value);
  /// Finite values only: JSON has no other. A real stays one, even where it is whole.
  [[nodiscard]] static json_value real(double value);
  [[nodiscard]] static json_value string(std::string utf8);
  [[nodiscard]] static json_value array(array_type items = {});
  [[nodiscard]] static json_value object(object_type members = {});

  [[nodiscard]] json_kind kind() const noexcept;
  [[nodiscard]] bool is_null() const noexcept;
  [[nodiscard]] bool is_object() const noexcept;
  /// True for the three kinds of numbers.
  [[nodiscard]] bool is_number() const noexcept;

  [[nodiscard]] bool as_boolean() const;
  [[nodiscard]] std::int64_t as_integer() const;
  [[nodiscard]] std::uint64_t as_unsigned_integer() const;
  [[nodiscard]] double as_real() const;
  [[nodiscard]] const std::string& as_string() const;
  /// Any number, rounded to the nearest double.
  [[nodiscard]] double number_as_double() const;

  [[nodiscard]] array_type& items();
  [[nodiscard]] const array_type& items() const;
  [[nodiscard]] object_type& members();
  [[nodiscard]] const object_type& members() const;

  /// The member's value, or null where this is no object or has no such member. Linear: to look up
  /// many names in one object, use a `member_index`.
  [[nodiscard]] const json_value* find(std::string_view name) const;
  [[nodiscard]] json_value* find(std::string_view name);
  /// Replaces the member in its place, or appends it. This must be an object.
  void set(std::string name, json_value value);
  /// Whether there was such a member. This must be an object.
  bool erase(std::string_view name);

  /// Equality of meaning: objects whatever the order of their members, numbers by their exact
  /// value (1 equals 1.0; 2^53 + 1 does not equal 9007199254740992.0).
  friend bool operator==(const json_value& left, const json_value& right);

private:
  using state = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string,
                             array_type, object_type>;

  explicit json_value(state value);

  state state_;
};

/// Finds members of one object by name: linear while the object is small, by binary search in a
/// sorted index above that, so that no choice of names makes a walk over two objects quadratic.
/// Sees the members that were there when it was made, at their positions then; it stays usable
/// while values change and members are appended, not when members are removed or renamed.
class member_index {
public:
  explicit member_index(const json_value::object_type& members);

  /// Position of the member in the vector.
  [[nodiscard]] std::optional<std::size_t> position(std::string_view name) const;
  /// The member's value or null.
  [[nodiscard]] const json_value* find(std::string_view name) const;

private:
  const json_value::object_type* members_;
  std::size_t size_;
  std::vector<std::uint32_t> sorted_;
};

/// The members of an object up to which a plain scan beats an index.
inline constexpr std::size_t small_object_members_max = 16;

} // namespace syncline::core
