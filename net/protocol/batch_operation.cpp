#include "net/protocol/batch_operation.hpp"

#include "core/data/ids.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace syncline::net {

namespace {

using core::json_kind;
using core::json_value;

/// Times that every JSON writer can say exactly.
constexpr std::int64_t time_max_ms = std::int64_t{1} << 53;

core::error bad_operation(std::string message) {
  return core::fail("bad_operation", std::move(message));
}

core::error wrong_type(std::string_view name, std::string_view wanted) {
  return bad_operation("`" + std::string{name} + "` must be " + std::string{wanted} + ".");
}

std::optional<std::uint64_t> from_hex64(std::string_view text) {
  if (text.size() != 16)
    return std::nullopt;
  std::uint64_t value = 0;
  for (const char byte : text) {
    const auto digit = std::string_view{"0123456789abcdef"}.find(
      byte >= 'A' && byte <= 'F' ? static_cast<char>(byte - 'A' + 'a') : byte);
    if (digit == std::string_view::npos)
      return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

/// FNV-1a. A label needs to differ from few others, and its number must be the same each time that
/// the operation is sent.
std::uint64_t hash_label(std::string_view label) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char byte : label)
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  return hash;
}

/// A label: an integer from 1, or a string. 0 if it is not there.
core::expected<std::uint64_t> read_label(const json_value& object, std::string_view name,
                                         std::size_t bytes_max) {
  const auto* found = find_set(object, name);
  if (found == nullptr)
    return std::uint64_t{0};
  std::optional<std::uint64_t> label = to_unsigned(*found);
  if (found->kind() == json_kind::string && !found->as_string().empty() &&
      found->as_string().size() <= bytes_max) {
    label = from_hex64(found->as_string());
    if (!label)
      label = std::max<std::uint64_t>(hash_label(found->as_string()), 1);
  }
  if (!label || *label == 0)
    return wrong_type(name, "an integer from 1 or a short string");
  return *label;
}

core::expected<std::string> read_string(const json_value& object, std::string_view name) {
  const auto* found = find_set(object, name);
  if (found == nullptr)
    return std::string{};
  if (found->kind() != json_kind::string)
    return wrong_type(name, "a string");
  return found->as_string();
}

core::expected<bool> read_boolean(const json_value& object, std::string_view name) {
  const auto* found = find_set(object, name);
  if (found == nullptr)
    return false;
  if (found->kind() != json_kind::boolean)
    return wrong_type(name, "true or false");
  return found->as_boolean();
}

/// Reads one element of `operations` into a draft.
class operation_reader {
public:
  operation_reader(json_value& source, bool has_client, const batch_json_limits& limits,
                   operation_draft& draft)
    : source_{source}, has_client_{has_client}, limits_{limits}, draft_{draft} {}

  core::expected<void> read() {
    if (!source_.is_object())
      return bad_operation("An element of `operations` is not an object.");
    // Numbering and grouping come first, so that they are known whatever else is wrong.
    for (const auto step :
         {&operation_reader::read_mutation_id, &operation_reader::read_group,
          &operation_reader::read_nonce, &operation_reader::read_kind, &operation_reader::read_ids,
          &operation_reader::read_version, &operation_reader::read_client_time,
          &operation_reader::read_data, &operation_reader::read_increments}) {
      if (auto done = (this->*step)(); !done)
        return done;
    }
    return finish();
  }

private:
  core::expected<void> read_mutation_id() {
    const auto* found = find_set(source_, "mutationId");
    if (found == nullptr)
      return {};
    const auto id = to_unsigned(*found);
    if (!id || *id == 0)
      return wrong_type("mutationId", "an integer from 1");
    if (!has_client_)
      return bad_operation("`mutationId` means nothing without the batch's `client`. Send both, or "
                           "neither and an Idempotency-Key.");
    draft_.mutation.set_mutation_id(*id);
    return {};
  }

  core::expected<void> read_group() {
    const auto group = read_label(source_, "group", limits_.label_max);
    if (!group)
      return group.error();
    draft_.mutation.set_group(*group);
    return {};
  }

  core::expected<void> read_nonce() {
    const auto nonce = read_label(source_, "nonce", limits_.label_max);
    if (!nonce)
      return nonce.error();
    draft_.mutation.set_nonce(*nonce);
    return {};
  }

  core::expected<void> read_kind() {
    const auto name = read_string(source_, "operation");
    if (!name)
      return name.error();
    if (*name == "CREATE")
      draft_.mutation.set_kind(msg::CREATE);
    else if (*name == "UPDATE")
      draft_.mutation.set_kind(msg::UPDATE);
    else if (*name == "DELETE")
      draft_.mutation.set_kind(msg::DELETE);
    else if (*name == "SKIP")
      draft_.mutation.set_kind(msg::SKIP);
    else
      return wrong_type("operation", "CREATE, UPDATE, DELETE or SKIP");
    return {};
  }

  core::expected<void> read_ids() {
    auto local_id = read_string(source_, "localId");
    auto id = read_string(source_, "id");
    if (local_id)
      draft_.operation.local_id = *local_id;
    if (id && !id->empty())
      draft_.operation.id = *id;
    else if (id && local_id && draft_.mutation.kind() == msg::CREATE)
      draft_.operation.id = *local_id;
    if (!id || !local_id)
      return id ? local_id.error() : id.error();
    if (draft_.operation.id.empty() && draft_.mutation.kind() == msg::SKIP)
      return {};
    if (draft_.operation.id.empty())
      return bad_operation(draft_.mutation.kind() == msg::CREATE
                             ? "A CREATE needs an `id` or a `localId`."
                             : "The operation needs the item's `id`.");
    if (auto valid = core::validate_item_id(draft_.operation.id); !valid)
      return valid;
    draft_.mutation.set_id(draft_.operation.id);
    return {};
  }

  core::expected<void> read_version() {
    if (const auto* found = find_set(source_, "version")) {
      draft_.version = to_unsigned(*found);
      if (!draft_.version)
        return wrong_type("version", "an integer from 0");
    }
    return {};
  }

  core::expected<void> read_client_time() {
    const auto* found = find_set(source_, "clientTime");
    if (found == nullptr)
      return {};
    const auto limit = static_cast<double>(time_max_ms);
    if (!found->is_number() || found->number_as_double() < 0 || found->number_as_double() > limit)
      return wrong_type("clientTime", "milliseconds since 1970");
    draft_.mutation.mutable_client_time()->set_wall_ms(
      static_cast<std::int64_t>(std::floor(found->number_as_double())));
    return {};
  }

  core::expected<void> read_data() {
    auto* data = source_.find("data");
    if (data != nullptr && data->is_null())
      data = nullptr;
    if (data != nullptr && !data->is_object())
      return wrong_type("data", "an object");
    const auto replace = read_boolean(source_, "replace");
    if (!replace)
      return replace.error();
    const auto kind = draft_.mutation.kind();
    if (data == nullptr && (kind == msg::CREATE || *replace))
      return bad_operation(kind == msg::CREATE ? "A CREATE needs `data`, the item's body."
                                               : "`replace` needs `data`, the new body.");
    if (data == nullptr)
      return {};
    take_out_item_fields(*data);
    if (kind == msg::DELETE || kind == msg::SKIP)
      return {};
    auto text = core::to_text(*data);
    const bool whole = kind == msg::CREATE || *replace;
    auto valid =
      whole ? core::validate_body(text, limits_.item) : core::validate_patch(text, limits_.item);
    if (!valid)
      return valid;
    *(whole ? draft_.mutation.mutable_body() : draft_.mutation.mutable_patch()) = std::move(text);
    return {};
  }

  // Plain clients send back the flat item that they were given. Only what has exactly that shape is
  // taken out: anything else is the client's own data in a place where we cannot keep it, and is
  // refused as reserved_name rather than dropped.
  void take_out_item_fields(json_value& data) {
    if (const auto* id = data.find("id");
        id != nullptr && id->kind() == json_kind::string && id->as_string() == draft_.operation.id)
      data.erase("id");
    if (const auto* version = data.find("version")) {
      if (const auto number = to_unsigned(*version)) {
        if (!draft_.version)
          draft_.version = number;
        data.erase("version");
      }
    }
    if (const auto* modified = data.find("lastModified");
        modified != nullptr && modified->is_number())
      data.erase("lastModified");
  }

  core::expected<void> read_increments() {
    const auto* increments = find_set(source_, "increments");
    if (increments == nullptr)
      return {};
    if (!increments->is_object())
      return wrong_type("increments", "an object of numbers");
    if (draft_.mutation.kind() != msg::UPDATE)
      return bad_operation("`increments` go with UPDATE only.");
    for (const auto& [field, amount] : increments->members()) {
      if (core::is_reserved_name(field))
        return core::fail("reserved_name", "`" + field +
                                             "` cannot be incremented: the name is the "
                                             "item's own.");
      auto* increment = draft_.mutation.add_increments();
      increment->set_field(field);
      if (amount.kind() == json_kind::integer)
        increment->set_integer(amount.as_integer());
      else if (amount.kind() == json_kind::real)
        increment->set_real(amount.as_real());
      else
        return wrong_type("increments", "an object of numbers (integers within 64 bits, signed)");
    }
    return {};
  }

  core::expected<void> finish() {
    auto& mutation = draft_.mutation;
    if (mutation.kind() == msg::SKIP && mutation.mutation_id() == 0)
      return bad_operation("A SKIP needs the `mutationId` that it uses up.");
    if (mutation.kind() == msg::UPDATE && !mutation.has_patch() && !mutation.has_body() &&
        mutation.increments().empty())
      return bad_operation("An UPDATE needs `data` or `increments`.");
    if (mutation.kind() == msg::UPDATE || mutation.kind() == msg::DELETE) {
      mutation.set_base_version(draft_.version.value_or(0));
      mutation.set_unconditional(!draft_.version.has_value());
    }
    return {};
  }

  json_value& source_;
  bool has_client_;
  const batch_json_limits& limits_;
  operation_draft& draft_;
};

} // namespace

const core::json_value* find_set(const core::json_value& object, std::string_view name) {
  const auto* found = object.find(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::optional<std::uint64_t> to_unsigned(const core::json_value& value) {
  if (value.kind() == json_kind::unsigned_integer)
    return value.as_unsigned_integer();
  if (value.kind() == json_kind::integer && value.as_integer() >= 0)
    return static_cast<std::uint64_t>(value.as_integer());
  return std::nullopt;
}

core::expected<void> read_operation(core::json_value& source, bool has_client,
                                    const batch_json_limits& limits, operation_draft& draft) {
  return operation_reader{source, has_client, limits, draft}.read();
}

} // namespace syncline::net
