#include "storage/document_records.hpp"

#include "core/data/operation_message.hpp"
#include "core/ensure.hpp"
#include "document.pb.h"
#include "storage/keys.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace syncline::storage {

namespace {

namespace ot = core::ot;

constexpr std::string_view documents_name = "documents";
constexpr std::string_view log_name = "document_log";

std::string epoch_text(std::uint64_t store_epoch, std::uint64_t incarnation) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4)
    text += digits[store_epoch >> static_cast<unsigned>(shift) & 15U];
  return text + "-" + std::to_string(incarnation);
}

core::error is_deleted(const std::string& id) {
  return core::fail("not_found", "the document '" + id + "' was deleted");
}

key_buffer client_prefix(const std::string& space, const std::string& id) {
  key_buffer prefix;
  prefix.text(space).separator().text(id).separator();
  return prefix;
}

template <class Visit>
void for_each_below(const record_reader& records, table_id table, const key_buffer& prefix,
                    const Visit& visit) {
  const auto cursor = records.kv().cursor(table);
  for (bool more = cursor->seek(prefix); more && cursor->key().starts_with(prefix.view());
       more = cursor->next())
    visit(cursor->key(), cursor->value());
}

std::deque<ot::logged_operation> read_logged(const record_reader& records, const std::string& space,
                                             const std::string& id, std::uint64_t after,
                                             std::uint64_t through) {
  std::deque<ot::logged_operation> log;
  const auto cursor = records.kv().cursor(server_table::document_log);
  bool more = after < through && cursor->seek(numbered_key(space, id, after + 1));
  msg::LoggedEdit stored;
  for (auto revision = after + 1; revision <= through; ++revision, more = cursor->next()) {
    const auto key = numbered_key(space, id, revision);
    if (!more || cursor->key() != key.view())
      throw_corrupt(log_name, key);
    records.open_message(server_table::document_log, cursor->key(), cursor->value(), stored);
    auto edit = ot::read_message(stored.edit());
    if (!edit)
      throw_corrupt(log_name, key);
    log.push_back({revision,
                   std::move(*edit),
                   {std::move(*stored.mutable_client()), stored.seq(), stored.nonce()},
                   stored.start()});
  }
  return log;
}

// The text at the head, from that of the snapshot.
std::string head_text(const record_reader& records, const key_buffer& key,
                      const msg::DocumentRecord& record,
                      const std::deque<ot::logged_operation>& log) {
  const auto stored = records.payload(server_table::document_snapshots, key);
  if (!stored && record.snapshot_revision() != 0)
    throw_corrupt(documents_name, key);
  ot::text text{stored.value_or(std::string_view{})};
  for (const auto& each : log)
    if (each.revision > record.snapshot_revision() && !text.apply(each.edit))
      throw_corrupt(log_name, key);
  return text.to_string();
}

void load_content(const record_reader& records, const std::string& space, const std::string& id,
                  const msg::DocumentRecord& record, std::uint64_t log_wanted,
                  ot::stored_document& out) {
  if (record.log_begin() > record.snapshot_revision() ||
      record.snapshot_revision() > record.revision())
    throw_corrupt(documents_name, item_key(space, id));
  out.revision = record.revision();
  for (const auto& life : record.lives())
    out.lives.push_back({life.first_revision(), life.start()});
  const auto wanted_from = record.revision() - std::min(record.revision(), log_wanted);
  const auto begin =
    std::clamp(wanted_from, record.log_begin(), std::uint64_t{record.snapshot_revision()});
  out.log = read_logged(records, space, id, begin, record.revision());
  out.text = head_text(records, item_key(space, id), record, out.log);
  const auto prefix = client_prefix(space, id);
  for_each_below(records, server_table::document_clients, prefix,
                 [&](std::string_view key, std::string_view value) {
                   msg::DocumentClient last;
                   records.open_message(server_table::document_clients, key, value, last);
                   out.clients.emplace(
                     key.substr(prefix.view().size()),
                     ot::last_of_client{last.seq(), last.nonce(), last.revision()});
                 });
}

// Whether the session may write, and what it writes upon.
core::expected<msg::DocumentRecord> writable(const record_reader& records,
                                             const document_commit& commit) {
  msg::DocumentRecord record;
  const bool is_known =
    records.message(server_table::documents, item_key(commit.space, commit.id), record);
  const bool is_new = !is_known || record.deleted();
  if (record.deleted() && commit.incarnation != record.incarnation() + 1)
    return is_deleted(commit.id);
  const std::uint64_t head = is_new ? 0 : record.revision();
  const bool is_of_this =
    is_new ? commit.incarnation == record.incarnation() + 1
           : commit.incarnation == record.incarnation() && commit.session == record.session();
  if (!is_of_this || commit.base != head)
    return core::fail("superseded", "the document '" + commit.id +
                                      "' was loaded again by somebody else; load it anew");
  if (is_new) {
    record.Clear();
    record.set_incarnation(commit.incarnation);
    record.set_session(commit.session);
  }
  return record;
}

void append_log(record_writer& writer, const document_commit& commit, msg::DocumentRecord& record) {
  if (!commit.edits)
    return;
  std::map<std::string, msg::DocumentClient> lasts;
  for (const auto& each : *commit.edits) {
    const auto revision = record.revision() + 1;
    writer.put_message(server_table::document_log, numbered_key(commit.space, commit.id, revision),
                       each);
    record.set_revision(revision);
    record.set_log_bytes(record.log_bytes() + each.ByteSizeLong());
    if (record.lives().empty() || record.lives().rbegin()->start() != each.start()) {
      auto& life = *record.add_lives();
      life.set_first_revision(revision);
      life.set_start(each.start());
    }
    if (each.client().empty() || each.seq() == 0)
      continue;
    auto& last = lasts[each.client()];
    last.set_seq(each.seq());
    last.set_nonce(each.nonce());
    last.set_revision(revision);
  }
  for (const auto& [client, last] : lasts)
    writer.put_message(server_table::document_clients, item_key(commit.space, commit.id, client),
                       last);
}

void forget_log(record_writer& writer, const std::string& space, const std::string& id,
                std::uint64_t from, std::uint64_t through) {
  for (auto revision = from; revision <= through; ++revision)
    writer.erase(server_table::document_log, numbered_key(space, id, revision));
}

} // namespace

core::expected<opened_document> load_document(const record_reader& records,
                                              const std::string& space, const std::string& id,
                                              std::uint64_t store_epoch, bool again,
                                              std::uint64_t log_wanted) {
  msg::DocumentRecord record;
  const bool is_known = records.message(server_table::documents, item_key(space, id), record);
  if (record.deleted() && !again)
    return is_deleted(id);
  opened_document opened;
  const bool is_new = !is_known || record.deleted();
  opened.incarnation = record.incarnation() + (is_new ? 1 : 0);
  opened.epoch = epoch_text(store_epoch, opened.incarnation);
  if (is_new)
    return opened;
  opened.snapshot_revision = record.snapshot_revision();
  opened.log_bytes = record.log_bytes();
  opened.log_begin = record.log_begin();
  load_content(records, space, id, record, log_wanted, opened.content);
  return opened;
}

core::expected<std::deque<ot::logged_operation>>
stored_log(const record_reader& records, const std::string& space, const std::string& id,
           std::uint64_t incarnation, std::uint64_t after, std::uint64_t through) {
  msg::DocumentRecord record;
  records.message(server_table::documents, item_key(space, id), record);
  if (record.deleted() || record.incarnation() != incarnation)
    return is_deleted(id);
  return read_logged(records, space, id, std::max(after, std::uint64_t{record.log_begin()}),
                     std::min(through, std::uint64_t{record.revision()}));
}

bool take_document(kv_writer& kv, const std::string& space, const std::string& id,
                   std::uint64_t session) {
  const record_reader records{kv, server_tables()};
  msg::DocumentRecord record;
  if (!records.message(server_table::documents, item_key(space, id), record) || record.deleted())
    return false;
  record.set_session(session);
  record_writer{kv}.put_message(server_table::documents, item_key(space, id), record);
  return true;
}

core::expected<void> commit_document(kv_writer& kv, const document_commit& commit) {
  auto found = writable(record_reader{kv, server_tables()}, commit);
  if (!found)
    return found.error();
  auto& record = *found;
  record_writer writer{kv};
  append_log(writer, commit, record);
  if (commit.snapshot) {
    writer.put_payload(server_table::document_snapshots, item_key(commit.space, commit.id),
                       *commit.snapshot);
    record.set_snapshot_revision(record.revision());
    record.set_log_bytes(0);
  }
  if (commit.trim_through > record.log_begin()) {
    core::ensure(commit.trim_through <= record.snapshot_revision(),
                 "nothing above the snapshot is forgotten");
    forget_log(writer, commit.space, commit.id, record.log_begin() + 1, commit.trim_through);
    record.set_log_begin(commit.trim_through);
  }
  record.set_changed_ms(commit.now_ms);
  writer.put_message(server_table::documents, item_key(commit.space, commit.id), record);
  return {};
}

void erase_document(kv_writer& kv, const std::string& space, const std::string& id,
                    std::int64_t now_ms) {
  const record_reader records{kv, server_tables()};
  record_writer writer{kv};
  msg::DocumentRecord record;
  const auto key = item_key(space, id);
  records.message(server_table::documents, key, record);
  std::vector<std::string> clients;
  for_each_below(records, server_table::document_clients, client_prefix(space, id),
                 [&](std::string_view each, std::string_view) { clients.emplace_back(each); });
  for (const auto& each : clients)
    writer.erase(server_table::document_clients, each);
  forget_log(writer, space, id, record.log_begin() + 1, record.revision());
  writer.erase(server_table::document_snapshots, key);
  msg::DocumentRecord tombstone;
  // Who is about to create it again, and has stored nothing yet, does not do so any more.
  const bool is_known = record.incarnation() != 0;
  tombstone.set_incarnation(is_known && !record.deleted() ? record.incarnation()
                                                          : record.incarnation() + 1);
  tombstone.set_deleted(true);
  tombstone.set_changed_ms(now_ms);
  writer.put_message(server_table::documents, key, tombstone);
}

std::vector<document_summary> stored_documents(const record_reader& records,
                                               const std::string& space, const std::string& after,
                                               std::size_t limit) {
  std::vector<document_summary> listed;
  key_buffer prefix;
  prefix.text(space).separator();
  const auto cursor = records.kv().cursor(server_table::documents);
  const auto first = item_key(space, after);
  for (bool more = cursor->seek(first); more && listed.size() < limit; more = cursor->next()) {
    if (!cursor->key().starts_with(prefix.view()))
      break;
    if (!after.empty() && cursor->key() == first.view())
      continue;
    msg::DocumentRecord record;
    records.open_message(server_table::documents, cursor->key(), cursor->value(), record);
    if (!record.deleted())
      listed.push_back({std::string{cursor->key().substr(prefix.view().size())}, record.revision(),
                        record.changed_ms()});
  }
  return listed;
}

} // namespace syncline::storage
