// Any body of a JSON batch: whatever is accepted has one result for each operation, and the answer
// to it is JSON.

#include "net/protocol/batch_json.hpp"

#include "core/data/json.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void require(bool holds) {
  if (!holds)
    std::abort();
}

void check_mutation(const syncline::msg::Mutation& mutation) {
  using namespace syncline;
  if (mutation.has_body())
    require(core::validate_body(mutation.body()).has_value());
  if (mutation.has_patch())
    require(core::validate_patch(mutation.patch()).has_value());
  require(!(mutation.has_body() && mutation.has_patch()));
  require(mutation.kind() != msg::MUTATION_KIND_UNSPECIFIED);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace syncline;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto batch = net::parse_batch_json(bytes);
  if (!batch) {
    require(!batch.error().code.empty());
    return 0;
  }
  for (const auto& mutation : batch->request.mutations())
    check_mutation(mutation);
  msg::BatchResponse response;
  for (int at = 0; at < batch->request.mutations_size() / 2; ++at)
    response.add_results()->set_status(msg::SYNCED);
  core::json_limits limits;
  limits.bytes_max = 64U << 20;
  const auto answer = core::parse_json(net::batch_results_json(*batch, response), limits);
  require(answer.has_value());
  require(answer->find("results")->items().size() == batch->operations.size());
  return 0;
}
