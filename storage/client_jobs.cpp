// Background jobs are stored as the background actor decides; nothing of the items depends on them.

#include "core/jobs/job.hpp"
#include "storage/client_commands.hpp"

namespace syncline::storage {

core::expected<msg::Done> store_job(client_transaction_state& transaction,
                                    const msg::StoreJob& command) {
  if (auto valid = core::validate_job(command.job().spec()); !valid)
    return valid.error();
  record_writer{*transaction.kv}.put_message(client_table::jobs, command.job().spec().name(),
                                             command.job());
  return msg::Done{};
}

core::expected<msg::Done> erase_job(client_transaction_state& transaction,
                                    const msg::EraseJob& command) {
  if (auto valid = core::validate_job_name(command.name()); !valid)
    return valid.error();
  record_writer{*transaction.kv}.erase(client_table::jobs, command.name());
  return msg::Done{};
}

} // namespace syncline::storage
