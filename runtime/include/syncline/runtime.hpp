#pragma once
// Syncline's runtime: an item store on this device that syncs with a server by itself.
//
//   syncline::options how;
//   how.store = "data";
//   how.server = "http://127.0.0.1:8440";
//   how.collections = {{"notes"}};
//   auto opened = syncline::runtime::open(how);
//   if (!opened) ...                                // opened.error().message says what to do
//   auto written = (*opened)->put("notes", "n1", R"({"title":"Milk"})");
//
// Reads and writes are local and never wait for the network. Calls return results and throw
// nothing but what memory exhaustion throws. All members may be called from any thread, unless
// they say otherwise.

#include "syncline/document.hpp"
#include "syncline/options.hpp"
#include "syncline/result.hpp"
#include "syncline/types.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncline {

class engine;
struct write_progress;

/// A consistent view of the store: nothing that is written later shows in it. Use one from one
/// thread at a time, and not for long: it keeps old pages from being used again. Reads fail with
/// `store_corrupt`, `snapshot_expired` or `store_io`. It may outlive the runtime.
class snapshot {
public:
  snapshot(snapshot&&) noexcept;
  snapshot& operator=(snapshot&&) noexcept;
  ~snapshot();

  /// The item, without a copy; nullopt where there is none. `id` may be a view of yours: the
  /// result's `id` is that view.
  [[nodiscard]] result<std::optional<item_view>> get(std::string_view collection,
                                                     std::string_view id) const;
  /// Calls `visit` for each item with an id above `after`, in the order of ids, until it returns
  /// false.
  [[nodiscard]] result<void> list(std::string_view collection, std::string_view after,
                                  const std::function<bool(const item_view&)>& visit) const;

private:
  friend class engine;
  struct state;
  explicit snapshot(std::unique_ptr<state> owned);
  std::unique_ptr<state> state_;
};

/// A write on its way. Dropping it changes nothing about the write.
class mutation {
public:
  /// Of the outbox entry that carries it, which several writes may share; 0 where nothing had to
  /// be done, or before it is durable.
  [[nodiscard]] std::uint64_t seq() const;
  [[nodiscard]] stage reached() const;
  /// Blocks until the stage is reached. Errors: `timeout`; `superseded`, where a later write or
  /// the other side of a conflict took its place; `stopped`, where the runtime was closed; before
  /// `durable`, why it was not stored; after it, the code with which the server refused it.
  [[nodiscard]] result<void> wait(stage wanted, std::chrono::milliseconds timeout) const;

private:
  friend class engine;
  mutation(std::shared_ptr<write_progress> progress, std::size_t index);
  std::shared_ptr<write_progress> progress_;
  std::size_t index_ = 0;
};

/// A callback that is subscribed for as long as this lives. Once it is gone no call is under way
/// any more, unless it goes inside its own callback.
class subscription {
public:
  subscription(subscription&&) noexcept;
  subscription& operator=(subscription&&) noexcept;
  ~subscription();

private:
  friend class document;
  friend class engine;
  explicit subscription(std::function<void()> cancel);
  std::function<void()> cancel_;
};

/// How `sync_now` behaves.
struct sync_options {
  /// Failures in a row after which the push or the pull gives up; 0: never.
  std::uint32_t attempts_max = 3;
  /// The call returns `timeout` after it, and the run goes on; 0: waits for the end.
  std::chrono::milliseconds timeout{0};
};

/// An open store and the actors that sync it.
class runtime {
public:
  /// Errors: `store_locked` (open elsewhere; names the process), `store_not_found`,
  /// `store_corrupt`, `store_foreign`, `store_newer`, `store_of_another`, `store_read_only`,
  /// `store_not_private`, `disk_full`, `store_io`; `not_allowed` for a server that is not loopback
  /// without TLS; `bad_options`, `bad_collection`, `bad_space`.
  [[nodiscard]] static result<std::unique_ptr<runtime>> open(options how);
  /// Closes.
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  // --- Writes: they return once the write is committed here. Errors: `not_found`,
  // `already_exists`, `unknown_collection`, those of bad ids and bodies, `store_full`, `disk_full`,
  // `store_io`, `store_read_only`, `store_forked`, `closed`. Nothing of a failed write is stored.

  /// Makes the item or replaces its body.
  [[nodiscard]] result<mutation> put(std::string collection, std::string id, std::string body);
  [[nodiscard]] result<mutation> patch(std::string collection, std::string id,
                                       std::string merge_patch);
  [[nodiscard]] result<mutation> increment(std::string collection, std::string id,
                                           std::string field, number amount);
  /// Removing what is not there has no effect.
  [[nodiscard]] result<mutation> remove(std::string collection, std::string id);
  /// Several writes (10,000 at most) in one transaction here. With `atomic` the server takes all or
  /// none as well: 100 at most, of different items of one collection.
  [[nodiscard]] result<std::vector<mutation>> write(std::vector<operation> operations,
                                                    bool atomic = false);
  /// As `write`, without waiting for the commit. `busy` where 10,000 of them wait already.
  [[nodiscard]] result<std::vector<mutation>> submit(std::vector<operation> operations,
                                                     bool atomic = false);
  /// A new id: a UUID of version 7. They rise.
  [[nodiscard]] std::string make_id();

  // --- Reads

  [[nodiscard]] result<snapshot> take_snapshot() const;
  [[nodiscard]] result<std::optional<item>> get(std::string_view collection,
                                                std::string_view id) const;
  /// Up to `limit` items with ids above `after`.
  [[nodiscard]] result<std::vector<item>>
  list(std::string_view collection, std::string_view after = {}, std::size_t limit = 1000) const;
  /// How the item stands; nullopt where there is none.
  [[nodiscard]] result<std::optional<item_state>> sync_status(std::string_view collection,
                                                              std::string_view id) const;

  // --- Shared texts. Ids are as those of items. Errors: `bad_id`, `not_found` (deleted).

  /// Opens a text, which is made by the first edit of it; see document.hpp.
  [[nodiscard]] result<syncline::document> document(std::string id,
                                                    const document_options& how = {});
  /// Up to `limit` texts of this store with ids above `after`.
  [[nodiscard]] result<std::vector<document_summary>> documents(const std::string& after = {},
                                                                std::size_t limit = 1000) const;
  /// A text as it is stored here, without opening it; nullopt where nothing is.
  [[nodiscard]] result<std::optional<std::string>> stored_text(const std::string& id) const;
  /// Deletes a text, here and, as soon as it can be reached, at the server.
  [[nodiscard]] result<void> remove_document(const std::string& id);

  // --- Changes

  /// Calls `callback` for each change after `after_seq` (absent: from now on), in order, on the one
  /// callback thread. It may call anything here, closing included. What it throws is counted in
  /// `status`. Not with `options::poll_events` (`bad_options`).
  [[nodiscard]] result<subscription> on_change(std::function<void(const change&)> callback,
                                               std::optional<std::uint64_t> after_seq = {});
  /// Up to `limit` changes after a number, without a subscription.
  [[nodiscard]] result<change_page> changes(std::uint64_t after_seq,
                                            std::size_t limit = 1000) const;
  /// Readable while `take_changes` has something to give; -1 without `options::poll_events`. The
  /// runtime's own: do not read from it or close it.
  [[nodiscard]] int event_fd() const;
  /// The next changes since the open; does not block.
  [[nodiscard]] result<std::vector<change>> take_changes(std::size_t limit = 1000);

  // --- Syncing

  /// Syncs in the background from now on. `no_server` where none was given.
  [[nodiscard]] result<void> start();
  /// Ends that; a request under way is finished. What waits stays.
  [[nodiscard]] result<void> stop();
  /// What the host knows of the machine's network: with `up` after `down` everything is tried at
  /// once, with `down` the live connection is closed and nothing is sent but polls, which find out
  /// where that is not true. A hint, never needed; without meaning for a server on this machine.
  [[nodiscard]] result<void> set_network(network_state state);
  /// The same for power and for what traffic costs, which matter to jobs. Replaces what was said
  /// before; what is absent is asked of the machine.
  [[nodiscard]] result<void> set_conditions(const machine_conditions& known);
  /// Pushes and pulls until there is nothing left to do, started or not; joins a run under way.
  [[nodiscard]] result<sync_report> sync_now(sync_options how = {});

  // --- Jobs. Errors: `no_server`, `bad_job`, `too_many` (100 in one store), `not_found`.

  /// Stores a job; it is due at once. False: one of this name was there and was kept. One that is
  /// replaced while it runs ends at the next batch or page.
  [[nodiscard]] result<bool> schedule_job(const job& how, existing_job policy = existing_job::keep);
  /// Removes a job; a run under way ends at the next batch or page.
  [[nodiscard]] result<void> cancel_job(std::string name);
  [[nodiscard]] result<std::vector<job_status>> jobs() const;
  /// Runs a job now, whatever it needs, and waits for its end; joins a run under way.
  [[nodiscard]] result<sync_report> run_job(std::string name);
  /// For a host that is given some seconds in the background: pushes, pulls, and stops at the next
  /// batch or page after `deadline`. All of that is stored; the report's error is then `expired`,
  /// and the next sync goes on from there.
  [[nodiscard]] result<sync_report> run_until(std::chrono::milliseconds deadline);

  [[nodiscard]] result<runtime_status> status() const;
  [[nodiscard]] result<explanation> explain(const std::string& collection,
                                            const std::string& id) const;

  // --- What waits, and what was refused

  [[nodiscard]] result<std::vector<outbox_entry>> outbox(std::size_t limit = 1000) const;
  /// Queues a quarantined write again; returns the number of the new entry.
  [[nodiscard]] result<std::uint64_t> outbox_retry(std::uint64_t seq);
  /// Drops a quarantined write, or one that was not sent yet.
  [[nodiscard]] result<void> outbox_discard(std::uint64_t seq);
  /// Queues `replacement` in the place of a quarantined write of the same item.
  [[nodiscard]] result<std::uint64_t> outbox_edit(std::uint64_t seq, operation replacement);

  [[nodiscard]] result<std::vector<conflict_record>> conflicts() const;
  [[nodiscard]] result<std::optional<conflict_record>> conflict(std::uint64_t conflict_id) const;
  /// Decides a conflict, also one that was decided already: the choice is then a new write. `body`
  /// is for `conflict_choice::body`. `stale`: the item changed meanwhile; look again.
  [[nodiscard]] result<void> resolve_conflict(std::uint64_t conflict_id, conflict_choice choice,
                                              std::string body = {});

  /// Ends everything in order, within `deadline`: waits for writes under way, stops the traffic,
  /// closes the store so that the next open is quick. Again: nothing happens. `stop_timeout`: a
  /// part would not end; it is left alone, and the store stays locked by this process.
  [[nodiscard]] result<void> close(std::chrono::milliseconds deadline = std::chrono::seconds{10});

private:
  explicit runtime(std::unique_ptr<engine> owned);
  std::unique_ptr<engine> engine_;
};

} // namespace syncline
