#include "storage/client_store.hpp"

#include "storage/client_commands.hpp"
#include "storage/payload_hash.hpp"

namespace syncline::storage {

using core::expected;

namespace {

class transaction_impl : public client_transaction {
public:
  transaction_impl(std::unique_ptr<kv_writer> kv, const client_store_options& options,
                   std::vector<msg::ApplyRemoteChanges>& late_rows)
    : kv_{std::move(kv)} {
    shared_.kv = kv_.get();
    shared_.options = &options;
    shared_.late_rows = &late_rows;
    record_reader{*kv_, client_tables()}.message(client_table::meta, "outbox", shared_.outbox);
    for (const auto& late : std::exchange(late_rows, {}))
      static_cast<void>(storage::apply_late_rows(shared_, late));
  }

  expected<msg::LocalWritten> write_local(const msg::WriteLocal& command) override {
    return storage::write_local(shared_, command);
  }
  expected<msg::OutboxBatch> take_batch(const msg::TakeOutboxBatch& command) override {
    return storage::take_batch(shared_, command);
  }
  expected<msg::BatchResultApplied> apply_result(const msg::ApplyBatchResult& command) override {
    return storage::apply_result(shared_, command);
  }
  expected<msg::BatchResultApplied> apply_refusal(const msg::ApplyBatchRefusal& command) override {
    return storage::apply_refusal(shared_, command);
  }
  expected<msg::Done> quarantine_poison(const msg::QuarantinePoison& command) override {
    return storage::quarantine_poison(shared_, command);
  }
  expected<msg::RemoteChangesApplied>
  apply_remote(const msg::ApplyRemoteChanges& command) override {
    return storage::apply_remote(shared_, command);
  }
  expected<msg::Done> reset_cursor(const msg::ResetCursor& command) override {
    return storage::reset_cursor(shared_, command);
  }
  expected<msg::ResolutionApplied> apply_resolution(const msg::ApplyResolution& command) override {
    return storage::apply_resolution(shared_, command);
  }
  expected<msg::LocalWritten> manage_outbox(const msg::ManageOutbox& command) override {
    return storage::manage_outbox(shared_, command);
  }
  expected<msg::Done> add_collection(const msg::AddCollection& command) override {
    return storage::add_collection(shared_, command);
  }
  expected<msg::Done> drop_collection(const msg::DropCollection& command) override {
    return storage::drop_collection(shared_, command);
  }
  expected<msg::Done> store_job(const msg::StoreJob& command) override {
    return storage::store_job(shared_, command);
  }
  expected<msg::Done> erase_job(const msg::EraseJob& command) override {
    return storage::erase_job(shared_, command);
  }
  expected<msg::DocumentStored> store_document(const msg::StoreDocument& command) override {
    return storage::store_document(shared_, command);
  }
  expected<msg::Done> erase_document(const msg::EraseDocument& command) override {
    return storage::erase_document(shared_, command);
  }
  expected<msg::Done> close_report(const msg::CloseReport& command) override {
    return storage::close_report(shared_, command);
  }
  void trim_conflicts() override {
    storage::trim_conflicts(shared_);
  }

  client_events commit() override {
    if (shared_.outbox_dirty)
      record_writer{*kv_}.put_message(client_table::meta, "outbox", shared_.outbox);
    kv_->commit();
    return std::move(shared_.events);
  }

private:
  std::unique_ptr<kv_writer> kv_;
  client_transaction_state shared_;
};

void write_fresh(kv_environment& kv, const client_store_options& options) {
  const auto writer = kv.begin_write();
  record_writer records{*writer};
  msg::StoreIdentity identity;
  identity.set_schema(client_schema);
  identity.set_created_ms(options.now_ms());
  records.put_message(client_table::meta, "identity", identity);
  msg::OutboxState state;
  state.set_client(new_client_id(options.random(), options.random()));
  records.put_message(client_table::meta, "outbox", state);
  writer->commit();
}

} // namespace

expected<std::unique_ptr<client_store>> client_store::open(std::unique_ptr<kv_environment> kv,
                                                           client_store_options options) {
  try {
    msg::StoreIdentity identity;
    const bool fresh = !record_reader{*kv->begin_read(), client_tables()}.message(
      client_table::meta, "identity", identity);
    if (fresh)
      write_fresh(*kv, options);
    else if (identity.schema() > client_schema)
      return core::fail("store_newer", "the store has schema " + std::to_string(identity.schema()) +
                                         ", this program knows up to " +
                                         std::to_string(client_schema) +
                                         "; nothing was touched. Use a newer program");
    return std::unique_ptr<client_store>{new client_store{std::move(kv), std::move(options)}};
  } catch (const kv_error& failure) {
    return core::fail(failure.code(), failure.what());
  }
}

expected<client_snapshot> client_store::snapshot() const {
  try {
    return client_snapshot{kv_->begin_read()};
  } catch (const kv_error& failure) {
    return core::fail(failure.code(), failure.what());
  }
}

std::unique_ptr<client_transaction> client_store::begin() {
  return std::make_unique<transaction_impl>(kv_->begin_write(), options_, late_rows_);
}

expected<void> client_store::bind(std::string_view server, std::string_view space,
                                  std::string_view user, std::string_view dialect) {
  try {
    msg::StoreIdentity identity;
    record_reader{*kv_->begin_read(), client_tables()}.message(client_table::meta, "identity",
                                                               identity);
    if (!identity.server().empty() && identity.dialect().empty())
      identity.set_dialect("syncline"); // It is older than the others.
    if (identity.server() == server && identity.space() == space && identity.user() == user &&
        identity.dialect() == dialect)
      return {};
    if (!identity.server().empty())
      return core::fail("store_of_another",
                        "the store belongs to server '" + identity.server() + "', space '" +
                          identity.space() + "', user '" + identity.user() + "', dialect '" +
                          identity.dialect() + "', not to server '" + std::string{server} +
                          "', space '" + std::string{space} + "', user '" + std::string{user} +
                          "', dialect '" + std::string{dialect} +
                          "'; open another store for those");
    identity.set_server(server.data(), server.size());
    identity.set_space(space.data(), space.size());
    identity.set_user(user.data(), user.size());
    identity.set_dialect(dialect.data(), dialect.size());
    const auto writer = kv_->begin_write();
    record_writer{*writer}.put_message(client_table::meta, "identity", identity);
    writer->commit();
    return {};
  } catch (const kv_error& failure) {
    return core::fail(failure.code(), failure.what());
  }
}

} // namespace syncline::storage
