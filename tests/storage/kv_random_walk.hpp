#pragma once
// A store beside a `std::map`, under random operations.

#include "storage/kv.hpp"
#include "tests/storage/kv_test_tables.hpp"

#include <rapidcheck.h>

#include <memory>
#include <string>

namespace syncline::storage::test {

/// Compares a store with a `std::map` over random operations, in several transactions.
template <class Factory>
class random_walk {
public:
  void step(int kind, const std::string& key, const std::string& value) {
    if (!writer_)
      begin();
    switch (kind) {
    case 0:
    case 1:
    case 2:
      writer_->put(first, key, value);
      working_[key] = value;
      break;
    case 3:
      RC_ASSERT(writer_->erase(first, key) == (working_.erase(key) == 1));
      break;
    case 4:
      check_walk(key);
      break;
    case 5:
      writer_->commit();
      committed_ = working_;
      end();
      break;
    case 6:
      end();
      break;
    case 7:
      append(key, value);
      break;
    default:
      check_snapshot();
    }
  }

  void finish() {
    end();
    RC_ASSERT(contents(*factory_.store().begin_read(), first) == committed_);
    factory_.reopen();
    const auto reader = factory_.store().begin_read();
    RC_ASSERT(contents(*reader, first) == committed_);
    RC_ASSERT(reader->count(first) == committed_.size());
  }

private:
  void begin() {
    writer_ = factory_.store().begin_write();
    working_ = committed_;
    cursor_ = writer_->cursor(first);
  }

  void end() {
    cursor_.reset();
    writer_.reset();
  }

  void append(const std::string& key, const std::string& value) {
    const std::string above = working_.empty() ? key : working_.rbegin()->first + key;
    if (above.size() > kv_key_bytes_max)
      return;
    writer_->append(first, above, value);
    working_[above] = value;
  }

  // One cursor lives as long as the transaction, so that it is used after all kinds of writes.
  void check_walk(const std::string& key) {
    auto expected = working_.lower_bound(key);
    bool there = cursor_->seek(key);
    RC_ASSERT(there == (expected != working_.end()));
    for (int step = 0; step < 3 && there; ++step) {
      RC_ASSERT(cursor_->key() == expected->first);
      RC_ASSERT(cursor_->value() == expected->second);
      const std::string standing = expected->first;
      if (step == 1) {
        RC_ASSERT(writer_->erase(first, standing));
        working_.erase(standing);
      }
      const bool forward = standing.size() % 2 == 0;
      expected = forward ? working_.upper_bound(standing) : working_.lower_bound(standing);
      const bool has = forward ? expected != working_.end() : expected != working_.begin();
      if (has && !forward)
        --expected;
      there = forward ? cursor_->next() : cursor_->previous();
      RC_ASSERT(there == has);
    }
  }

  void check_snapshot() {
    RC_ASSERT(contents(*factory_.store().begin_read(), first) == committed_);
    RC_ASSERT(contents(*writer_, first) == working_);
    RC_ASSERT(writer_->count(first) == working_.size());
  }

  Factory factory_;
  model_table committed_;
  model_table working_;
  std::unique_ptr<kv_writer> writer_;
  std::unique_ptr<kv_cursor> cursor_;
};

} // namespace syncline::storage::test
