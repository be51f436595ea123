#include "tests/simulation/foreign_site.hpp"

#include "core/data/json.hpp"
#include "core/data/merge_patch.hpp"
#include "core/ensure.hpp"
#include "net/protocol/url.hpp"

#include <algorithm>
#include <utility>

namespace syncline::tests {

namespace {

using json = core::json_value;

msg::HttpReply reply_with(std::uint32_t status, std::string body) {
  msg::HttpReply reply;
  reply.set_status(status);
  auto& type = *reply.add_headers();
  type.set_name("content-type");
  type.set_value("application/json");
  reply.set_body(std::move(body));
  return reply;
}

msg::HttpReply refusal(std::uint32_t status, const std::string& code, const std::string& reason) {
  return reply_with(status, R"({"error":{"code":")" + code + R"(","message":"start again",)" +
                              R"("details":{"reason":")" + reason + R"("}}})");
}

std::string text_in(const json& from, std::string_view name) {
  const auto* found = from.find(name);
  return found && found->kind() == core::json_kind::string ? found->as_string() : std::string{};
}

json number(std::uint64_t value) {
  return json::unsigned_integer(value);
}

json flat(const std::string& id, const json& data, std::uint64_t version) {
  auto item = data;
  item.set("id", json::string(id));
  item.set("version", number(version));
  item.set("lastModified", number(version));
  return item;
}

// What the operation makes of the old data.
json changed(json data, const json& operation) {
  if (const auto* given = operation.find("data")) {
    const auto* replaces = operation.find("replace");
    data = replaces && replaces->as_boolean() ? *given
                                              : core::apply_merge_patch(std::move(data), *given);
  }
  if (const auto* increments = operation.find("increments"))
    for (const auto& [name, amount] : increments->members()) {
      const auto* before = data.find(name);
      data.set(name, json::integer((before ? before->as_integer() : 0) + amount.as_integer()));
    }
  return data;
}

} // namespace

msg::HttpReply foreign_site::answer(const msg::HttpRequest& request) {
  const auto target = net::parse_target(request.target());
  core::ensure(target.has_value(), "a client asks for something that can be read");
  if (request.method() == "POST" && target->path == "/batch-sync")
    return batch(request);
  core::ensure(target->path == "/delta" && target->find("cursor") && target->find("limit"),
               "a plain client knows two routes");
  return delta(*target->find("cursor"), std::stoul(*target->find("limit")));
}

void foreign_site::commit(const std::string& id, row changed) {
  changed.seq = ++head_;
  bodies_.push_back(core::to_text(changed.data));
  ++changed.version;
  rows_[id] = std::move(changed);
}

foreign_site::json foreign_site::result(const json& operation, const std::string& id,
                                        const char* status, bool missing) const {
  const auto found = rows_.find(id);
  const auto version = found == rows_.end() ? 0 : found->second.version;
  json::object_type fields{{"serverId", json::string(id)},
                           {"status", json::string(status)},
                           {"isNotFound", json::boolean(missing)},
                           {"newVersion", number(version)}};
  if (const auto local = text_in(operation, "localId"); !local.empty())
    fields.emplace_back("localId", json::string(local));
  if (std::string_view{status} != "SYNCED" && found != rows_.end() && !found->second.deleted)
    fields.emplace_back("serverVersion", flat(id, found->second.data, version));
  return json::object(std::move(fields));
}

foreign_site::json foreign_site::create(const json& operation,
                                        std::map<std::string, std::string>& local_ids) {
  const auto id = "srv-" + std::to_string(++last_id_);
  row made;
  made.data = changed(json::object(), operation);
  made.birth = head_ + 1;
  creations_.push_back(core::to_text(made.data));
  commit(id, std::move(made));
  local_ids[text_in(operation, "localId")] = id;
  return result(operation, id, "SYNCED", false);
}

foreign_site::json foreign_site::apply(const json& operation,
                                       std::map<std::string, std::string>& local_ids) {
  const auto kind = text_in(operation, "operation");
  if (kind == "CREATE")
    return create(operation, local_ids);
  const auto id = text_in(operation, "id");
  const bool removes = kind == "DELETE";
  const auto found = rows_.find(id);
  if (found == rows_.end() || found->second.deleted)
    return result(operation, id, removes ? "SYNCED" : "DELETE_CONFLICT", true);
  const auto* version = operation.find("version");
  if (version && version->as_integer() != static_cast<std::int64_t>(found->second.version))
    return result(operation, id, removes ? "DELETE_CONFLICT" : "CONFLICT", false);
  auto row = found->second;
  row.deleted = removes;
  row.data = removes ? json::object() : changed(row.data, operation);
  commit(id, std::move(row));
  return result(operation, id, "SYNCED", false);
}

msg::HttpReply foreign_site::batch(const msg::HttpRequest& request) {
  std::string key;
  for (const auto& header : request.headers())
    if (header.name() == "idempotency-key")
      key = header.value();
  core::ensure(!key.empty(), "each batch has a key");
  if (const auto known = answers_.find(key); known != answers_.end()) {
    ++replays_;
    return reply_with(200, known->second);
  }
  const auto body = core::parse_json(request.body());
  core::ensure(body.has_value(), "a batch is JSON");
  std::map<std::string, std::string> local_ids;
  json::array_type results;
  for (const auto& operation : body->find("operations")->items())
    results.push_back(apply(operation, local_ids));
  auto answered = core::to_text(json::object({{"results", json::array(std::move(results))}}));
  answers_.emplace(key, answered);
  return reply_with(200, std::move(answered));
}

msg::HttpReply foreign_site::delta(const std::string& cursor, std::size_t limit) {
  std::uint64_t seq = 0;
  if (cursor != "0") {
    const auto dot = cursor.find('.');
    if (std::stoull(cursor.substr(0, dot)) < age_)
      return refusal(410, "cursor_expired", "floor");
    seq = std::stoull(cursor.substr(dot + 1));
  }
  std::vector<std::pair<std::uint64_t, std::string>> later;
  for (const auto& [id, row] : rows_)
    if (row.seq > seq)
      later.emplace_back(row.seq, id);
  std::sort(later.begin(), later.end());
  const bool has_more = later.size() > limit;
  later.resize(std::min(later.size(), limit));
  json::array_type created;
  json::array_type updated;
  json::array_type deleted;
  for (const auto& [at, id] : later) {
    const auto& row = rows_.at(id);
    if (row.deleted)
      deleted.push_back(json::string(id));
    else
      (row.birth > seq ? created : updated).push_back(flat(id, row.data, row.version));
  }
  const auto next = has_more ? later.back().first : head_;
  return reply_with(
    200, core::to_text(json::object({
           {"created", json::array(std::move(created))},
           {"updated", json::array(std::move(updated))},
           {"deleted", json::array(std::move(deleted))},
           {"nextCursor", json::string(std::to_string(age_) + "." + std::to_string(next))},
           {"hasMore", json::boolean(has_more)},
         })));
}

std::map<std::string, std::string> foreign_site::items() const {
  std::map<std::string, std::string> living;
  for (const auto& [id, row] : rows_)
    if (!row.deleted)
      living[id] = core::to_text(row.data);
  return living;
}

bool foreign_site::ever_had(std::string_view token) const {
  return std::any_of(bodies_.begin(), bodies_.end(), [&](const std::string& body) {
    return body.find(token) != std::string::npos;
  });
}

std::size_t foreign_site::creations_with(std::string_view token) const {
  return static_cast<std::size_t>(
    std::count_if(creations_.begin(), creations_.end(),
                  [&](const std::string& body) { return body.find(token) != std::string::npos; }));
}

} // namespace syncline::tests
