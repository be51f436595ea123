#include "storage/kv_memory.hpp"

#include "storage/checksum.hpp"
#include "storage/kv_verify.hpp"
#include "tests/storage/kv_contract.hpp"

using namespace syncline::storage;
using namespace syncline::storage::test;

namespace {

memory_options options_for(durability durable = durability::full) {
  memory_options options;
  options.tables = contract_tables;
  options.durable = durable;
  return options;
}

/// Opens what another store left, as the contract wants it.
class memory_factory {
public:
  [[nodiscard]] kv_environment& store() {
    return *store_;
  }
  void reopen() {
    store_ = std::make_unique<memory_environment>(options_for(), store_->image());
  }

private:
  std::unique_ptr<memory_environment> store_ = std::make_unique<memory_environment>(options_for());
};

model_table contents_of(const kv_memory_image& image) {
  memory_environment opened{options_for(), image};
  return contents(*opened.begin_read(), first);
}

std::string code_of_commit(memory_environment& store, const std::string& key) {
  try {
    store_all(store, first, {{key, "v"}});
  } catch (const kv_error& thrown) {
    return thrown.code();
  }
  return "stored";
}

} // namespace

BOOST_AUTO_TEST_SUITE(kv_memory)

SYNCLINE_KV_CONTRACT(memory_factory)

BOOST_AUTO_TEST_CASE(a_crash_of_a_fully_durable_store_loses_nothing) {
  memory_environment store{options_for(durability::full)};
  for (const char* key : {"a", "b", "c"})
    store_all(store, first, {{key, "v"}});
  const auto open = store.begin_write();
  open->put(first, "never", "committed");
  BOOST_TEST(store.crash_choices() == 1U);
  for (std::uint64_t choice = 0; choice < 5; ++choice)
    BOOST_TEST(contents_of(store.crash_image(choice)).size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_crash_of_a_consistent_store_may_lose_the_last_commit) {
  memory_environment store{options_for(durability::consistent)};
  for (const char* key : {"a", "b", "c"})
    store_all(store, first, {{key, "v"}});
  BOOST_TEST(store.crash_choices() == 2U);
  BOOST_TEST(contents_of(store.crash_image(0)).size() == 3U);
  BOOST_TEST(contents_of(store.crash_image(1)).size() == 2U);
  BOOST_TEST(contents_of(store.crash_image(3)).size() == 2U);
  BOOST_TEST(store.crash_image(1).transaction == 2U);
  BOOST_TEST(contents_of(store.image()).size() == 3U);
  store.sync();
  BOOST_TEST(contents_of(store.crash_image(1)).size() == 3U);
}

BOOST_AUTO_TEST_CASE(a_crash_of_a_store_without_syncs_may_lose_all_since_the_last_one) {
  memory_environment store{options_for(durability::process)};
  store_all(store, first, {{"kept", "v"}, {"changed", "old"}});
  store.sync();
  store_all(store, first, {{"changed", "new"}});
  {
    const auto writer = store.begin_write();
    writer->clear(first);
    writer->put(first, "only", "v");
    writer->commit();
  }
  {
    const auto writer = store.begin_write();
    writer->put(first, "more", "v");
    BOOST_TEST(writer->erase(first, "only"));
    writer->commit();
  }
  BOOST_TEST(store.crash_choices() == 4U);
  const std::vector<model_table> expected{{{"more", "v"}},
                                          {{"only", "v"}},
                                          {{"changed", "new"}, {"kept", "v"}},
                                          {{"changed", "old"}, {"kept", "v"}}};
  for (std::uint64_t choice = 0; choice < 8; ++choice) {
    BOOST_TEST((contents_of(store.crash_image(choice)) == expected[choice % 4]));
    BOOST_TEST(store.crash_image(choice).transaction == 4 - choice % 4);
  }
}

BOOST_AUTO_TEST_CASE(commits_that_a_crash_could_lose_are_bounded) {
  memory_environment store{options_for(durability::process)};
  for (int number = 0; number < 400; ++number)
    store_all(store, first, {{"k", std::to_string(number)}});
  BOOST_TEST(store.crash_choices() == memory_environment::unsynced_max + 1);
}

BOOST_AUTO_TEST_CASE(an_image_does_not_change_afterwards) {
  memory_environment store{options_for()};
  store_all(store, first, {{"a", "1"}});
  const kv_memory_image image = store.image();
  memory_environment other{options_for(), image};
  store_all(store, first, {{"a", "2"}, {"b", "2"}});
  store_all(other, first, {{"c", "3"}});
  BOOST_TEST((contents_of(image) == model_table{{"a", "1"}}));
  BOOST_TEST((contents(*other.begin_read(), first) == model_table{{"a", "1"}, {"c", "3"}}));
  BOOST_TEST(image.bytes == 2U);
}

BOOST_AUTO_TEST_CASE(an_image_taken_beside_a_writer_is_the_committed_state_also_after_an_abort) {
  memory_environment store{options_for()};
  store_all(store, first, {{"a", "1"}});
  kv_memory_image image;
  {
    const auto writer = store.begin_write();
    writer->put(first, "a", "2");
    image = store.image();
    writer->put(first, "b", "2");
  }
  BOOST_TEST((contents_of(image) == model_table{{"a", "1"}}));
  BOOST_TEST((contents(*store.begin_read(), first) == model_table{{"a", "1"}}));
}

BOOST_AUTO_TEST_CASE(a_full_disk_fails_one_commit_and_stores_nothing_of_it) {
  memory_environment store{options_for()};
  store_all(store, first, {{"a", "v"}});
  for (const char* code : {"disk_full", "store_full"}) {
    store.fail_next_commit(code);
    BOOST_TEST(code_of_commit(store, "b") == code);
    BOOST_TEST(contents_of(store.image()).size() == 1U);
  }
  BOOST_TEST(code_of_commit(store, "c") == "stored");
  BOOST_TEST((contents_of(store.image()) == model_table{{"a", "v"}, {"c", "v"}}));
}

BOOST_AUTO_TEST_CASE(after_store_io_the_outcome_shows_when_the_store_is_opened_again) {
  for (const bool is_applied : {false, true}) {
    memory_environment store{options_for()};
    store_all(store, first, {{"a", "v"}});
    const auto before = store.begin_read();
    store.fail_next_commit("store_io", is_applied ? failed_commit::applied : failed_commit::lost);
    BOOST_TEST(code_of_commit(store, "b") == "store_io");
    BOOST_TEST(code_of_commit(store, "c") == "store_io");
    BOOST_CHECK_THROW(static_cast<void>(store.begin_read()), kv_error);
    BOOST_TEST(contents(*before, first).size() == 1U);
    memory_environment again{options_for(), store.crash_image(7)};
    BOOST_TEST(contents(*again.begin_read(), first).size() == (is_applied ? 2U : 1U));
    BOOST_TEST(code_of_commit(again, "c") == "stored");
  }
}

BOOST_AUTO_TEST_CASE(a_store_at_its_limit_refuses_puts_and_takes_erases) {
  memory_environment store{options_for()};
  store_all(store, first, {{"a", std::string(100, 'v')}});
  store.limit_bytes(120);
  const auto writer = store.begin_write();
  try {
    writer->put(first, "b", std::string(50, 'v'));
    BOOST_ERROR("a put beyond the limit went through");
  } catch (const kv_error& thrown) {
    BOOST_TEST(thrown.code() == "store_full");
  }
  writer->put(first, "a", std::string(80, 'w'));
  BOOST_TEST(writer->erase(first, "a"));
  writer->put(first, "b", std::string(50, 'v'));
  writer->commit();
  BOOST_TEST(store.usage().used_bytes == 51U);
}

BOOST_AUTO_TEST_CASE(expired_snapshots_throw_at_their_next_use) {
  memory_environment store{options_for()};
  store_all(store, first, {{"a", "v"}});
  const auto old = store.begin_read();
  const auto cursor = old->cursor(first);
  BOOST_TEST(cursor->seek("a"));
  store.expire_snapshots();
  const auto fresh = store.begin_read();
  BOOST_CHECK_THROW(static_cast<void>(old->get(first, "a")), kv_error);
  BOOST_CHECK_THROW(static_cast<void>(cursor->value()), kv_error);
  BOOST_TEST(text_of(fresh->get(first, "a")) == "v");
}

BOOST_AUTO_TEST_CASE(more_snapshots_than_allowed_are_refused) {
  memory_options options = options_for();
  options.readers_max = 2;
  memory_environment store{options};
  const auto one = store.begin_read();
  auto two = store.begin_read();
  try {
    static_cast<void>(store.begin_read());
    BOOST_ERROR("a snapshot beyond the limit was begun");
  } catch (const kv_error& thrown) {
    BOOST_TEST(thrown.code() == "too_many_readers");
  }
  two.reset();
  BOOST_TEST(store.begin_read() != nullptr);
}

BOOST_AUTO_TEST_CASE(verification_names_the_table_and_the_key_of_a_bad_record) {
  memory_environment store{options_for()};
  store_all(store, first, {{"good", seal("good", "payload")}});
  auto report = verify_records(*store.begin_read(), contract_tables);
  BOOST_REQUIRE(report.has_value());
  BOOST_TEST(report->records == 1U);
  store_all(store, second, {{"b\x01", seal("other", "payload")}});
  report = verify_records(*store.begin_read(), contract_tables);
  BOOST_REQUIRE(!report.has_value());
  BOOST_TEST(report.error().code == "store_corrupt");
  BOOST_TEST(report.error().message.find("table second, key b\\x01") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(verification_asks_the_checker_for_every_payload) {
  memory_environment store{options_for()};
  store_all(store, first, {{"a", seal("a", "one")}, {"b", seal("b", "two")}});
  const auto report = verify_records(
    *store.begin_read(), contract_tables,
    [](std::string_view table, std::string_view key,
       std::string_view payload) -> syncline::core::expected<void> {
      if (payload != "two")
        return {};
      return syncline::core::fail("store_corrupt", std::string{table} + "/" + std::string{key});
    });
  BOOST_REQUIRE(!report.has_value());
  BOOST_TEST(report.error().message == "first/b");
}

BOOST_AUTO_TEST_SUITE_END()
