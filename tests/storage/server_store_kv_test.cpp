#include "storage/server_store_kv.hpp"

#include "storage/keys.hpp"
#include "storage/kv_memory.hpp"
#include "storage/records.hpp"
#include "tests/storage/lmdb_support.hpp"
#include "tests/storage/server_store_contract.hpp"

using namespace syncline::storage;
using namespace syncline::storage::test;
namespace core = syncline::core;
namespace msg = syncline::msg;

namespace {

server_store_options store_options(std::uint64_t seed, bool new_epoch = false) {
  server_store_options options;
  options.random = seeded_random(seed);
  options.now_ms = noon_ms;
  options.new_epoch = new_epoch;
  return options;
}

/// A server's store over the key-value layer in memory.
class memory_factory {
public:
  memory_factory() {
    open(kv_memory_image{}, false);
  }
  [[nodiscard]] server_store& store() {
    return *store_;
  }
  void reopen() {
    open(kv_->image(), false);
  }
  void reopen_as_restored() {
    open(kv_->image(), true);
  }
  void save() {
    saved_ = kv_->image();
  }
  void roll_back() {
    open(saved_, false);
  }
  [[nodiscard]] memory_environment& kv() {
    return *kv_;
  }
  void plant(server_canaries canaries) {
    canaries_ = canaries;
    reopen();
  }

private:
  void open(const kv_memory_image& image, bool new_epoch) {
    memory_options options;
    options.tables = server_tables();
    kv_ = std::make_shared<memory_environment>(options, image);
    auto with = store_options(++starts_, new_epoch);
    with.canaries = canaries_;
    auto opened = open_server_store(kv_, with);
    BOOST_REQUIRE(opened.has_value());
    store_ = std::move(*opened);
  }

  std::uint64_t starts_ = 0;
  server_canaries canaries_;
  kv_memory_image saved_;
  std::shared_ptr<memory_environment> kv_;
  std::unique_ptr<server_store> store_;
};

/// The same on files.
class lmdb_factory {
public:
  lmdb_factory() {
    open(false);
  }
  [[nodiscard]] server_store& store() {
    return *store_;
  }
  void reopen() {
    open(false);
  }
  void reopen_as_restored() {
    open(true);
  }
  void save() {
    close();
    std::filesystem::copy(live(), saved(), std::filesystem::copy_options::recursive);
    open(false);
  }
  void roll_back() {
    close();
    std::filesystem::remove_all(live());
    std::filesystem::copy(saved(), live(), std::filesystem::copy_options::recursive);
    open(false);
  }

private:
  [[nodiscard]] std::filesystem::path live() const {
    return directory_.path() / "live";
  }
  [[nodiscard]] std::filesystem::path saved() const {
    return directory_.path() / "saved";
  }
  void close() {
    store_.reset();
    kv_.reset();
  }
  void open(bool new_epoch) {
    close();
    auto options = options_in(live());
    options.tables = server_tables();
    kv_ = open_store(options);
    auto opened = open_server_store(kv_, store_options(++starts_, new_epoch));
    BOOST_REQUIRE(opened.has_value());
    store_ = std::move(*opened);
  }

  temporary_directory directory_;
  std::uint64_t starts_ = 0;
  std::shared_ptr<kv_environment> kv_;
  std::unique_ptr<server_store> store_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(server_store_memory)

SYNCLINE_SERVER_STORE_CONTRACT(memory_factory)

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(server_store_lmdb)

SYNCLINE_SERVER_STORE_CONTRACT(lmdb_factory)

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(server_store_kv)

BOOST_AUTO_TEST_CASE(a_store_that_is_full_in_one_batch_applies_none_of_them) {
  memory_factory factory;
  sender a{"client-a"};
  sender b{"client-b"};
  sent(factory.store(), a, creating("1"));
  const auto small = a.batch(factory.store(), {creating("2")});
  const auto large =
    b.batch(factory.store(), {creating("3", R"({"t":")" + std::string(50'000, 'x') + R"("})")});
  factory.kv().limit_bytes(20'000);
  const std::vector<batch_input> inputs{input_of(small), input_of(large)};
  const auto outputs = factory.store().apply(inputs);
  BOOST_REQUIRE(!outputs.has_value());
  BOOST_TEST(outputs.error().code == "store_full");
  BOOST_TEST(shown(factory.store(), "2") == "(nothing)");
  BOOST_TEST(factory.store().counts("default")->head_seq == 1U);
  // Without the large one the others go through, with the sequence as if nothing had been.
  BOOST_TEST(answer_to(factory.store(), small).results(0).stamp().seq() == 2U);
  factory.kv().limit_bytes(1'000'000);
  BOOST_TEST(answer_to(factory.store(), large).results(0).stamp().seq() == 3U);
}

BOOST_AUTO_TEST_CASE(a_commit_that_fails_answers_nobody_and_uses_no_sequence) {
  for (const bool fresh : {true, false}) {
    memory_factory factory;
    sender a{"client-a"};
    if (!fresh)
      sent(factory.store(), a, creating("0"));
    const auto batch = a.batch(factory.store(), {creating("1")});
    factory.kv().fail_next_commit("disk_full");
    const auto input = input_of(batch);
    const auto outputs = factory.store().apply(std::span{&input, 1});
    BOOST_REQUIRE(!outputs.has_value());
    BOOST_TEST(outputs.error().code == "disk_full");
    BOOST_TEST(answer_to(factory.store(), batch).results(0).stamp().seq() == (fresh ? 1U : 2U));
  }
}

BOOST_AUTO_TEST_CASE(after_an_unknown_outcome_the_retry_gets_what_became_of_it) {
  for (const auto outcome : {failed_commit::lost, failed_commit::applied}) {
    memory_factory factory;
    sender a{"client-a"};
    sent(factory.store(), a, creating("n", R"({"n":0})"));
    auto batch = a.batch(factory.store(), {adding("n", "n", 1)});
    factory.kv().fail_next_commit("store_io", outcome);
    const auto input = input_of(batch);
    BOOST_REQUIRE(!factory.store().apply(std::span{&input, 1}).has_value());
    factory.reopen();
    batch.set_start(factory.store().start());
    const auto answer = answer_to(factory.store(), batch);
    BOOST_TEST(answer.results(0).repeated_result() == (outcome == failed_commit::applied));
    BOOST_TEST(shown(factory.store(), "n") == R"({"n":1})");
  }
}

BOOST_AUTO_TEST_CASE(a_deleted_document_leaves_its_tombstone_alone) {
  memory_factory factory;
  document_writer writer{factory.store(), "doc"};
  for (std::uint64_t i = 1; i <= 3; ++i)
    writer.type("x", {"ann", i, i});
  BOOST_TEST(writer.commit(true, 1) == "");
  BOOST_TEST(factory.store().documents().delete_document("default", "doc", noon_ms).has_value());
  const auto reader = factory.kv().begin_read();
  for (const auto table : {server_table::document_log, server_table::document_snapshots,
                           server_table::document_clients})
    BOOST_TEST(!reader->cursor(table)->seek({}));
  BOOST_TEST(reader->cursor(server_table::documents)->seek({}));
}

BOOST_AUTO_TEST_CASE(a_store_of_a_newer_schema_is_refused_untouched) {
  memory_options options;
  options.tables = server_tables();
  auto kv = std::make_shared<memory_environment>(options);
  BOOST_REQUIRE(open_server_store(kv, store_options(1)).has_value());
  {
    msg::ServerIdentity identity;
    identity.set_schema(server_schema + 1);
    identity.set_epoch(7);
    const auto writer = kv->begin_write();
    record_writer{*writer}.put_message(server_table::meta, "identity", identity);
    writer->commit();
  }
  const auto before = kv->usage().last_transaction;
  const auto opened = open_server_store(kv, store_options(2));
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.error().code == "store_newer");
  BOOST_TEST(kv->usage().last_transaction == before);
}

BOOST_AUTO_TEST_CASE(a_damaged_row_is_an_error_not_an_answer) {
  memory_factory factory;
  sender a{"client-a"};
  sent(factory.store(), a, creating("1", R"({"n":1})"));
  {
    const auto writer = factory.kv().begin_write();
    const auto key = item_key("default", "items", "1");
    std::string row{*writer->get(server_table::items, key)};
    row.back() = '!';
    writer->put(server_table::items, key, row);
    writer->commit();
  }
  BOOST_TEST(factory.store().get("default", "items", "1").error().code == "store_corrupt");
  BOOST_TEST(factory.store().delta(query_from("")).error().code == "store_corrupt");
  const auto batch = a.batch(factory.store(), {adding("1", "n", 1)});
  const auto input = input_of(batch);
  BOOST_TEST(factory.store().apply(std::span{&input, 1}).error().code == "store_corrupt");
}

BOOST_AUTO_TEST_CASE(a_planted_loss_of_results_doubles_an_increment) {
  memory_factory factory;
  sender a{"client-a"};
  sent(factory.store(), a, creating("n", R"({"n":0})"));
  server_canaries canaries;
  canaries.forgets_results_at_start = true;
  a.next_id = 1;
  auto batch = a.batch(factory.store(), {adding("n", "n", 1)});
  factory.plant(canaries);
  batch.set_start(factory.store().start());
  answer_to(factory.store(), batch);
  factory.reopen();
  batch.set_start(factory.store().start());
  answer_to(factory.store(), batch);
  BOOST_TEST(shown(factory.store(), "n") == R"({"n":2})"); // The control fails as it should.
}

BOOST_AUTO_TEST_CASE(a_planted_sequence_outside_the_transaction_leaves_a_hole) {
  memory_factory factory;
  server_canaries canaries;
  canaries.draws_seq_outside = true;
  factory.plant(canaries);
  sender a{"client-a"};
  sent(factory.store(), a, creating("0"));
  const auto batch = a.batch(factory.store(), {creating("1")});
  factory.kv().fail_next_commit("disk_full");
  const auto input = input_of(batch);
  BOOST_REQUIRE(!factory.store().apply(std::span{&input, 1}).has_value());
  BOOST_TEST(answer_to(factory.store(), batch).results(0).stamp().seq() == 3U);
}

BOOST_AUTO_TEST_SUITE_END()
