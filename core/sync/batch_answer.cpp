#include "core/sync/batch_answer.hpp"

#include <algorithm>

namespace syncline::core {

namespace {

bool has_result(const msg::BatchResponse& answer, std::uint64_t mutation_id) {
  return std::any_of(
    answer.results().begin(), answer.results().end(),
    [mutation_id](const auto& result) { return result.mutation_id() == mutation_id; });
}

} // namespace

bool answers_first(const msg::BatchRequest& batch, const msg::BatchResponse& answer) {
  return answer.mutated_retry_id() != 0 || has_result(answer, batch.mutations(0).mutation_id());
}

bool answers_all(const msg::BatchRequest& batch, const msg::BatchResponse& answer) {
  if (answer.mutated_retry_id() != 0 || answer.results_size() != batch.mutations_size())
    return false;
  for (int i = 0; i < batch.mutations_size(); ++i)
    if (answer.results(i).mutation_id() != batch.mutations(i).mutation_id())
      return false;
  return true;
}

bool is_one_group(const msg::BatchRequest& batch) {
  const auto group = batch.mutations(0).group();
  return group != 0 && std::all_of(batch.mutations().begin(), batch.mutations().end(),
                                   [group](const auto& one) { return one.group() == group; });
}

} // namespace syncline::core
