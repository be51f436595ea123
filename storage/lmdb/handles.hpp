#pragma once
// Move-only owners of LMDB's handles. They only see to it that each is given back once; what a
// handle may be used for, and from which thread, is said by the class that holds it.

#include <lmdb.h>

#include <memory>

namespace syncline::storage::lmdb {

/// Closes an environment. No transaction of it may be open then.
struct environment_closer {
  void operator()(MDB_env* environment) const noexcept {
    mdb_env_close(environment);
  }
};

/// Ends a transaction without keeping its writes; a read transaction gives back its reader slot.
struct transaction_aborter {
  void operator()(MDB_txn* transaction) const noexcept {
    mdb_txn_abort(transaction);
  }
};

/// Closes a cursor. One of a write transaction must be closed before that ends.
struct cursor_closer {
  void operator()(MDB_cursor* cursor) const noexcept {
    mdb_cursor_close(cursor);
  }
};

using environment_handle = std::unique_ptr<MDB_env, environment_closer>;
using transaction_handle = std::unique_ptr<MDB_txn, transaction_aborter>;
using cursor_handle = std::unique_ptr<MDB_cursor, cursor_closer>;

} // namespace syncline::storage::lmdb
