#include "bench/raw_lmdb.hpp"

#include "bench/support.hpp"
#include "storage/checksum.hpp"

#include <lmdb.h>

namespace syncline::bench {

namespace {

void require(int code, const char* call) {
  if (code != 0)
    fail(std::string{call} + ": " + mdb_strerror(code));
}

MDB_val value_of(std::string_view bytes) {
  return {bytes.size(), const_cast<char*>(bytes.data())}; // LMDB only reads it.
}

} // namespace

raw_lmdb::raw_lmdb(const std::filesystem::path& directory, std::size_t tables) {
  constexpr std::size_t map_bytes = std::size_t{16} << 30;
  std::filesystem::create_directories(directory);
  require(mdb_env_create(&environment_), "mdb_env_create");
  require(mdb_env_set_mapsize(environment_, map_bytes), "mdb_env_set_mapsize");
  require(mdb_env_set_maxdbs(environment_, static_cast<MDB_dbi>(tables)), "mdb_env_set_maxdbs");
  require(mdb_env_open(environment_, directory.c_str(), MDB_NOTLS, 0600), "mdb_env_open");
  MDB_txn* transaction = nullptr;
  const unsigned access = tables == 1 ? MDB_RDONLY : 0;
  require(mdb_txn_begin(environment_, nullptr, access, &transaction), "mdb_txn_begin");
  for (std::size_t i = 0; i < tables; ++i) {
    const std::string name = "table" + std::to_string(i);
    require(mdb_dbi_open(transaction, tables == 1 ? nullptr : name.c_str(),
                         tables == 1 ? 0 : MDB_CREATE, &tables_.emplace_back()),
            "mdb_dbi_open");
  }
  require(mdb_txn_commit(transaction), "mdb_txn_commit");
}

raw_lmdb::~raw_lmdb() {
  if (writing_)
    mdb_txn_abort(writing_);
  if (reading_)
    mdb_txn_abort(reading_);
  mdb_env_close(environment_);
}

void raw_lmdb::begin() {
  require(mdb_txn_begin(environment_, nullptr, 0, &writing_), "mdb_txn_begin");
}

void raw_lmdb::put(std::string_view key, std::string_view payload, std::size_t table) {
  storage::seal_into(sealed_, key, payload);
  MDB_val place = value_of(key);
  MDB_val content = value_of(sealed_);
  require(mdb_put(writing_, tables_[table], &place, &content, 0), "mdb_put");
}

void raw_lmdb::commit() {
  require(mdb_txn_commit(writing_), "mdb_txn_commit");
  writing_ = nullptr;
}

void raw_lmdb::begin_reading() {
  require(mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &reading_), "mdb_txn_begin");
}

std::string_view raw_lmdb::get(std::string_view key) const {
  MDB_val place = value_of(key);
  MDB_val content{};
  const int code = mdb_get(reading_, tables_.front(), &place, &content);
  if (code == MDB_NOTFOUND)
    return {};
  require(code, "mdb_get");
  return {static_cast<const char*>(content.mv_data), content.mv_size};
}

void raw_lmdb::end_reading() {
  mdb_txn_abort(reading_);
  reading_ = nullptr;
}

} // namespace syncline::bench
