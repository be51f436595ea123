#include "storage/document_store_kv.hpp"

#include "storage/document_records.hpp"
#include "storage/keys.hpp"

#include <utility>

namespace syncline::storage {

using core::expected;

namespace {

template <class Action>
auto guarded(Action action) -> decltype(action()) {
  try {
    return action();
  } catch (const kv_error& failure) {
    return core::fail(failure.code(), failure.what());
  }
}

class kv_document_store : public document_store {
public:
  kv_document_store(std::shared_ptr<kv_environment> kv, std::uint64_t epoch, std::uint64_t start)
    : kv_{std::move(kv)}, epoch_{epoch}, last_session_{start} {}

  expected<opened_document> open_document(const std::string& space, const std::string& id,
                                          bool again, std::uint64_t log_wanted) override {
    return guarded([&]() -> expected<opened_document> {
      const auto writer = kv_->begin_write();
      auto opened = load_document(record_reader{*writer, server_tables()}, space, id, epoch_, again,
                                  log_wanted);
      if (!opened)
        return opened;
      // Unlike any of an earlier start, also where the document is not stored yet.
      opened->session = ++last_session_;
      if (take_document(*writer, space, id, opened->session))
        writer->commit();
      return opened;
    });
  }

  expected<std::vector<expected<void>>>
  commit_documents(std::span<const document_commit> commits) override {
    return guarded([&]() -> expected<std::vector<expected<void>>> {
      const auto writer = kv_->begin_write();
      std::vector<expected<void>> outcomes;
      outcomes.reserve(commits.size());
      for (const auto& each : commits)
        outcomes.push_back(commit_document(*writer, each));
      writer->commit();
      return outcomes;
    });
  }

  expected<std::deque<core::ot::logged_operation>>
  read_log(const std::string& space, const std::string& id, std::uint64_t incarnation,
           std::uint64_t after, std::uint64_t through) const override {
    return guarded([&] {
      const auto reader = kv_->begin_read();
      return stored_log(record_reader{*reader, server_tables()}, space, id, incarnation, after,
                        through);
    });
  }

  expected<document_text> read_document(const std::string& space,
                                        const std::string& id) const override {
    return guarded([&]() -> expected<document_text> {
      const auto reader = kv_->begin_read();
      auto opened =
        load_document(record_reader{*reader, server_tables()}, space, id, epoch_, false, 0);
      if (!opened)
        return opened.error();
      return document_text{std::move(opened->content.text), opened->content.revision,
                           std::move(opened->epoch)};
    });
  }

  expected<void> delete_document(const std::string& space, const std::string& id,
                                 std::int64_t now_ms) override {
    return guarded([&]() -> expected<void> {
      const auto writer = kv_->begin_write();
      erase_document(*writer, space, id, now_ms);
      writer->commit();
      return {};
    });
  }

  expected<std::vector<document_summary>> list_documents(const std::string& space,
                                                         const std::string& after,
                                                         std::size_t limit) const override {
    return guarded([&]() -> expected<std::vector<document_summary>> {
      const auto reader = kv_->begin_read();
      return stored_documents(record_reader{*reader, server_tables()}, space, after, limit);
    });
  }

private:
  std::shared_ptr<kv_environment> kv_;
  std::uint64_t epoch_;
  std::uint64_t last_session_;
};

} // namespace

std::unique_ptr<document_store> make_document_store(std::shared_ptr<kv_environment> kv,
                                                    std::uint64_t epoch, std::uint64_t start) {
  return std::make_unique<kv_document_store>(std::move(kv), epoch, start);
}

} // namespace syncline::storage
