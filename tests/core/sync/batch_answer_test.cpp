#include "core/sync/batch_answer.hpp"

#include <boost/test/unit_test.hpp>

using namespace syncline;

namespace {

msg::BatchRequest batch_of(std::initializer_list<std::uint64_t> ids) {
  msg::BatchRequest batch;
  for (const auto id : ids)
    batch.add_mutations()->set_mutation_id(id);
  return batch;
}

msg::BatchResponse answer_to(std::initializer_list<std::uint64_t> ids) {
  msg::BatchResponse answer;
  for (const auto id : ids)
    answer.add_results()->set_mutation_id(id);
  return answer;
}

} // namespace

BOOST_AUTO_TEST_SUITE(batch_answer)

BOOST_AUTO_TEST_CASE(an_answer_without_the_first_result_does_not_bring_the_batch_on) {
  const auto batch = batch_of({4, 5});
  BOOST_TEST(core::answers_first(batch, answer_to({5, 4})));
  BOOST_TEST(!core::answers_first(batch, answer_to({5})));
  BOOST_TEST(!core::answers_first(batch, answer_to({})));
  auto refusal = answer_to({});
  refusal.set_mutated_retry_id(4);
  BOOST_TEST(core::answers_first(batch, refusal));
}

BOOST_AUTO_TEST_CASE(an_answer_is_whole_with_each_result_in_its_place) {
  const auto batch = batch_of({4, 5});
  BOOST_TEST(core::answers_all(batch, answer_to({4, 5})));
  BOOST_TEST(!core::answers_all(batch, answer_to({4})));
  BOOST_TEST(!core::answers_all(batch, answer_to({4, 6})));
  BOOST_TEST(!core::answers_all(batch, answer_to({4, 5, 6})));
  auto cut = answer_to({4, 5});
  cut.set_mutated_retry_id(5);
  BOOST_TEST(!core::answers_all(batch, cut));
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_one_group_cannot_be_halved) {
  auto batch = batch_of({1, 2});
  BOOST_TEST(!core::is_one_group(batch));
  batch.mutable_mutations(0)->set_group(9);
  BOOST_TEST(!core::is_one_group(batch));
  batch.mutable_mutations(1)->set_group(9);
  BOOST_TEST(core::is_one_group(batch));
}

BOOST_AUTO_TEST_SUITE_END()
