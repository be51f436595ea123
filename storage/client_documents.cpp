// Shared texts as a client keeps them: each as a whole now and then, and what happened since. What
// the records mean is the business of core/ot/client_session.

#include "core/data/client_document_message.hpp"
#include "core/data/ids.hpp"
#include "storage/client_commands.hpp"

#include <utility>
#include <vector>

namespace syncline::storage {

using core::expected;

namespace {

constexpr auto heads = client_table::documents;
constexpr auto changes = client_table::document_pending; // number 0 is the whole

msg::ConflictReason reason_of(const std::string& code) {
  if (code == "server_restored")
    return msg::SERVER_RESTORED;
  if (code == "outcome_unknown")
    return msg::DOCUMENT_UNKNOWN;
  return code == "not_found" ? msg::DOCUMENT_DELETED : msg::DOCUMENT_REFUSED;
}

void put_report(client_work& work, const std::string& id,
                const msg::StoreDocument::Report& report) {
  msg::ConflictRecord record;
  record.set_conflict_id(work.random());
  record.set_id(id);
  record.set_document(true);
  record.set_reason(reason_of(report.code()));
  record.set_note(report.code());
  record.set_mine_body(report.text());
  record.set_recorded_ms(work.now_ms());
  work.put_conflict(record);
}

void erase_changes(client_work& work, const std::string& id, std::uint64_t first,
                   std::uint64_t last) {
  for (auto number = first; number <= last; ++number)
    work.writer().erase(changes, numbered_key(id, number));
}

} // namespace

expected<msg::DocumentStored> store_document(client_transaction_state& transaction,
                                             const msg::StoreDocument& command) {
  const auto& id = command.id();
  if (auto valid = core::validate_item_id(id); !valid)
    return valid.error();
  client_work work{transaction};
  msg::ClientDocumentHead head;
  const bool is_known = work.records().message(heads, id, head);
  if (head.last_change() != command.after_change() || (!is_known && !command.has_whole()))
    return core::fail("superseded",
                      "the text '" + id + "' was stored by somebody else meanwhile; read it again");
  if (command.has_whole()) {
    erase_changes(work, id, head.first_change() + 1, head.last_change());
    work.writer().put_message(changes, numbered_key(id, 0), command.whole());
    head.set_first_change(head.last_change());
  }
  for (const auto& change : command.changes()) {
    head.set_last_change(head.last_change() + 1);
    work.writer().put_message(changes, numbered_key(id, head.last_change()), change);
  }
  head.set_state(command.state());
  head.set_pending(command.pending());
  head.set_revision(command.revision());
  head.set_changed_ms(work.now_ms());
  work.writer().put_message(heads, id, head);
  for (const auto& report : command.reports())
    put_report(work, id, report);
  work.flush();
  msg::DocumentStored stored;
  stored.set_last_change(head.last_change());
  return stored;
}

expected<msg::Done> erase_document(client_transaction_state& transaction,
                                   const msg::EraseDocument& command) {
  if (auto valid = core::validate_item_id(command.id()); !valid)
    return valid.error();
  client_work work{transaction};
  msg::ClientDocumentHead head;
  if (!work.records().message(heads, command.id(), head))
    return msg::Done{};
  erase_changes(work, command.id(), head.first_change() + 1, head.last_change());
  work.writer().erase(changes, numbered_key(command.id(), 0));
  work.writer().erase(heads, command.id());
  work.flush();
  return msg::Done{};
}

expected<msg::Done> close_report(client_transaction_state& transaction,
                                 const msg::CloseReport& command) {
  client_work work{transaction};
  work.close_conflict(command.conflict_id(), msg::USER_DECIDED);
  work.flush();
  return msg::Done{};
}

// --- Reads

namespace {

template <class Message>
auto read_or_throw(const Message& from, std::string_view key) {
  auto made = core::ot::read_message(from);
  if (!made) // Its checksum is right, so it was written like this.
    throw_corrupt(client_tables()[changes], key);
  return std::move(*made);
}

stored_client_document read_document(const record_reader& records, std::string_view id,
                                     const msg::ClientDocumentHead& head) {
  stored_client_document made;
  made.head = head;
  msg::ClientDocument whole;
  const auto whole_key = numbered_key(id, 0);
  if (!records.message(changes, whole_key, whole))
    throw_corrupt(client_tables()[changes], whole_key);
  made.whole = read_or_throw(whole, whole_key);
  const auto cursor = records.kv().cursor(changes);
  bool is_there = cursor->seek(numbered_key(id, head.first_change() + 1));
  for (auto number = head.first_change() + 1; number <= head.last_change(); ++number) {
    const auto key = numbered_key(id, number);
    if (!is_there || cursor->key() != key.view())
      throw_corrupt(client_tables()[changes], key);
    msg::ClientDocumentChange change;
    records.open_message(changes, key, cursor->value(), change);
    made.since.push_back(read_or_throw(change, key));
    is_there = cursor->next();
  }
  return made;
}

} // namespace

expected<std::optional<stored_client_document>>
client_snapshot::document(std::string_view id) const {
  if (id.empty() || id.size() > core::item_id_bytes_max)
    return std::optional<stored_client_document>{};
  try {
    const record_reader records{*reader_, client_tables()};
    msg::ClientDocumentHead head;
    if (!records.message(heads, id, head))
      return std::optional<stored_client_document>{};
    return std::optional{read_document(records, id, head)};
  } catch (const kv_error& failure) {
    return core::fail(failure.code(), failure.what());
  }
}

expected<std::vector<listed_document>> client_snapshot::documents(std::string_view after,
                                                                  std::size_t limit) const {
  try {
    const record_reader records{*reader_, client_tables()};
    std::vector<listed_document> made;
    const auto cursor = reader_->cursor(heads);
    for (bool more = cursor->seek(after.substr(0, core::item_id_bytes_max));
         more && made.size() < limit; more = cursor->next()) {
      if (!after.empty() && cursor->key() <= after)
        continue;
      auto& each = made.emplace_back();
      each.id = cursor->key();
      records.open_message(heads, cursor->key(), cursor->value(), each.head);
    }
    return made;
  } catch (const kv_error& failure) {
    return core::fail(failure.code(), failure.what());
  }
}

} // namespace syncline::storage
