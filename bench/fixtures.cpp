#include "bench/fixtures.hpp"

#include <map>
#include <utility>

namespace syncline::bench {

namespace {

using key = std::pair<std::size_t, id_kind>;

struct kept_store {
  data_directory directory;
  bool filled = false;
};

std::map<key, seeded_server>& servers() {
  static std::map<key, seeded_server> all;
  return all;
}

std::map<key, kept_store>& stores() {
  static std::map<key, kept_store> all;
  return all;
}

} // namespace

seeded_server::seeded_server(std::size_t count, id_kind kind) {
  server_ = std::make_unique<server_process>((directory_ / "server").string());
  if (count == 0)
    return;
  const data_directory pusher;
  static_cast<void>(run_role(
    "seed", {(pusher / "store").string(), server_->url(), std::to_string(count), to_string(kind)}));
}

seeded_server& server_with(std::size_t count, id_kind kind) {
  return servers().try_emplace({count, kind}, count, kind).first->second;
}

std::filesystem::path store_with(std::size_t count, id_kind kind) {
  auto& store = stores()[{count, kind}];
  auto path = store.directory / "store";
  if (!std::exchange(store.filled, true))
    static_cast<void>(
      run_role("pull", {path.string(), server_with(count, kind).url(), std::to_string(count)}));
  return path;
}

void drop_fixtures() {
  servers().clear();
  stores().clear();
}

options client_options(const std::filesystem::path& store, const std::string& url) {
  options how;
  how.store = store.string();
  how.server = url;
  how.collections = {{collection}};
  how.durable = durability::full;
  return how;
}

} // namespace syncline::bench
