#pragma once
// The flags with which commands open a client's store.

#include "command.hpp"
#include "syncline/runtime.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace syncline::app {

struct store_flags {
  std::string store;
  std::string server;
  std::string dialect = "syncline";
  std::string space = "default";
  std::string strategy = "merge";
  std::string durability = "full";
  std::string ca_file;
  bool as_json = false;
  bool runs_jobs = false; ///< the store's jobs, while it is open
};

/// Adds `--store` and `--json`; both have defaults.
void add_store_flags(CLI::App& command, store_flags& flags);
/// Adds `--server`, `--ca-file`, `--dialect`, `--space`, `--strategy` and `--durability`.
void add_sync_flags(CLI::App& command, store_flags& flags);

enum class access { read, write, write_or_create };

/// Opens the store. The collections are those that it has, and `collections`. With `access::read`
/// another process may have it open. Without `--server` a store keeps the one it was bound to.
[[nodiscard]] result<std::unique_ptr<runtime>>
open_store(const store_flags& flags, access how, const std::vector<std::string>& collections = {});

/// Prints how a sync ended, as JSON or for a person; returns the exit code.
int show_report(const runtime& open, const sync_report& done, bool as_json);

/// Closes it; an error of the close is reported, unless `code` is one already.
int close_store(runtime& open, int code);

} // namespace syncline::app
