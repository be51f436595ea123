#include "actors/server/plain_writes.hpp"

#include "core/ensure.hpp"
#include "net/protocol/item_event.hpp"
#include "net/server/live.hpp"

#include <algorithm>

namespace syncline::actors::server {

void plain_writes::add(const std::string& message) {
  waiting_bytes_ += message.size();
  auto& write = waiting_.emplace_back();
  auto mutation = net::parse_item_write(message, collection_, write.id);
  if (mutation)
    write.mutation = std::move(*mutation);
  else
    write.error = mutation.error();
}

msg::ApplyBatch plain_writes::take(const std::string& space) {
  under_way_ = std::exchange(waiting_, {});
  waiting_bytes_ = 0;
  msg::ApplyBatch command;
  command.set_space(space);
  command.set_plain(true);
  for (auto& write : under_way_)
    if (write.error.code.empty())
      command.mutable_request()->add_mutations()->Swap(&write.mutation);
  return command;
}

std::string plain_writes::answers(const core::expected<msg::BatchApplied>& outcome,
                                  std::uint64_t known_seq) {
  core::error refused;
  if (!outcome)
    refused = outcome.error();
  else if (outcome->has_refusal())
    refused = {outcome->refusal().code(), outcome->refusal().message()};
  std::string frames;
  int answered = 0;
  for (const auto& write : std::exchange(under_way_, {})) {
    std::string answer;
    if (!write.error.code.empty() || !refused.code.empty()) {
      answer = net::write_error_json(write.id, write.error.code.empty() ? refused : write.error);
    } else {
      core::ensure(answered < outcome->response().results_size(), "each mutation has a result");
      const auto& result = outcome->response().results(answered++);
      if (result.status() == msg::SYNCED && !result.not_found()) {
        const auto previous = result.previous_stamp().seq();
        if (previous <= known_seq || own_seqs_.contains(previous))
          own_seqs_.insert(result.stamp().seq());
      }
      answer = net::write_answer_json(write.id, result);
    }
    frames += *net::make_message_frame(answer, true);
  }
  return frames;
}

void plain_writes::drop_own(msg::DeltaPage& page) {
  const auto drop = [this](google::protobuf::RepeatedPtrField<msg::Item>& items) {
    items.erase(
      std::remove_if(items.begin(), items.end(),
                     [this](const auto& item) { return own_seqs_.contains(item.stamp().seq()); }),
      items.end());
  };
  drop(*page.mutable_items());
  drop(*page.mutable_deleted());
  own_seqs_.erase(own_seqs_.begin(), own_seqs_.upper_bound(page.seq_through()));
}

} // namespace syncline::actors::server
