#include "actors/simulation/hooked_kv.hpp"

namespace syncline::actors::simulation {

namespace {

class hooked_writer : public storage::kv_writer {
public:
  hooked_writer(std::unique_ptr<storage::kv_writer> inner, const commit_hooks& hooks)
    : inner_{std::move(inner)}, hooks_{hooks} {}

  std::optional<std::string_view> get(storage::table_id table,
                                      std::string_view key) const override {
    return inner_->get(table, key);
  }
  std::unique_ptr<storage::kv_cursor> cursor(storage::table_id table) const override {
    return inner_->cursor(table);
  }
  std::uint64_t count(storage::table_id table) const override {
    return inner_->count(table);
  }
  void put(storage::table_id table, std::string_view key, std::string_view value) override {
    inner_->put(table, key, value);
  }
  void append(storage::table_id table, std::string_view key, std::string_view value) override {
    inner_->append(table, key, value);
  }
  bool erase(storage::table_id table, std::string_view key) override {
    return inner_->erase(table, key);
  }
  void clear(storage::table_id table) override {
    inner_->clear(table);
  }
  void commit() override {
    if (hooks_.before)
      hooks_.before();
    inner_->commit();
    if (hooks_.after)
      hooks_.after();
  }

private:
  std::unique_ptr<storage::kv_writer> inner_;
  const commit_hooks& hooks_;
};

} // namespace

std::unique_ptr<storage::kv_writer> hooked_environment::begin_write() {
  return std::make_unique<hooked_writer>(inner_->begin_write(), hooks_);
}

} // namespace syncline::actors::simulation
