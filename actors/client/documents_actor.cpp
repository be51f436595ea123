#include "actors/client/activity.hpp"
#include "actors/client/document_actor.hpp"
#include "net/protocol/client_codec.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace syncline::actors::client {

namespace {

// Texts that were edited without a network, or deleted, and that nobody shows wait in a queue for
// the server: they are opened as others come to rest.
class documents_state {
public:
  static inline const char* name = "documents";

  documents_state(documents_actor::pointer self, std::shared_ptr<storage::client_store> store,
                  storage_actor storage, transport_actor transport, seams world,
                  documents_options options)
    : self_{self}, around_{std::move(store),      std::move(storage), std::move(transport),
                           documents_actor{self}, std::move(world),   std::move(options)},
      paused_{around_.options.paused}, watcher_{self} {
    activity_.enter(paused_ ? "paused" : "idle");
  }

  ~documents_state() {
    for (const auto& [id, entry] : active_)
      caf::anon_send_exit(entry.actor, caf::exit_reason::user_shutdown);
  }

  documents_actor::behavior_type make_behavior() {
    if (!paused_)
      find_waiting();
    return {
      [this](document_question& asked) { on_question(asked); },
      [this](const msg::SetPaused& command) { return on_set_paused(command.paused()); },
      [this](const msg::ReadActivity&) { return activity_.show(); },
      [this](const msg::SyncTexts& command) { return on_sync(command); },
      [this](const msg::EndEarly&) {
        end_sync(core::error{"expired", "the time for the run is over; the next one goes on"});
      },
      [this](const msg::DocumentRests& rests) { on_rests(rests); },
      [this](const text_settled& settled) {
        if (settled.run == run_)
          on_settled(settled);
      },
      [this](const msg::KeepTexts&) { return keep_all(); },
      [this](const text_kept&) {
        --to_be_kept_;
        answer_kept();
      },
      [this](const msg::RemovalDue& due) {
        if (const auto found = removals_.find(due.id()); found != removals_.end())
          remove(due.id(), found->second);
      },
      [this](const msg::SyncTextsDue& due) {
        if (due.run() == run_)
          end_sync(core::error{"timeout", "the server did not take all texts in time"});
      },
    };
  }

private:
  struct active {
    document_actor actor;
    std::uint64_t asked = 0; // questions that were handed to it
  };
  struct removal {
    core::backoff backoff;
    bool is_asked = false; // the server, and it is not done with
    bool is_new = true;    // the server has not answered in this run
  };

  active& open(const std::string& id) {
    const auto found = active_.find(id);
    if (found != active_.end())
      return found->second;
    auto& made = active_[id];
    made.actor = spawn_document(self_->home_system(), id, rests(), around_);
    watcher_.watch(made.actor, [this, id, address = made.actor.address()](const caf::error& why) {
      const auto gone = active_.find(id);
      if (gone == active_.end() || gone->second.actor.address() != address)
        return;
      active_.erase(gone);
      self_->quit(why); // It has failed: all actors are started again.
    });
    return made;
  }

  void on_question(document_question& asked) {
    auto& entry = open(asked.id);
    ++entry.asked;
    rt::anon_send(entry.actor, std::move(asked));
  }

  /// Nothing is sent: it is paused, and no run has lent itself.
  [[nodiscard]] bool rests() const {
    return paused_ && !synced_;
  }

  msg::Done on_set_paused(bool paused) {
    const bool rested = rests();
    paused_ = paused;
    activity_.enter(paused ? "paused" : "idle");
    tell_paused();
    if (rested && !rests())
      find_waiting();
    return {};
  }

  void tell_paused() {
    msg::SetPaused command;
    command.set_paused(rests());
    for (const auto& [id, entry] : active_)
      rt::anon_send(entry.actor, command);
    if (rests())
      waiting_.clear();
  }

  // --- Texts that wait for the server

  void find_waiting() {
    waiting_.clear();
    const auto snapshot = around_.store->snapshot();
    std::string last;
    for (bool more = snapshot.has_value(); more;) {
      const auto page = snapshot->documents(last, page_size);
      if (!page) {
        activity_.failed(to_error(page.error()), around_.world.wall_ms());
        return note_failure(page.error());
      }
      for (const auto& each : *page) {
        if (each.head.state() == msg::REMOVING)
          removals_.emplace(each.id, removal{core::backoff{around_.options.backoff}});
        else if (each.head.pending() && each.head.state() != msg::DELETED_ELSEWHERE)
          waiting_.push_back(each.id);
        last = each.id;
      }
      more = page->size() == page_size;
    }
    for (auto& [id, each] : removals_)
      remove(id, each);
    open_waiting();
  }

  void open_waiting() {
    const auto busy = [this] { return synced_ ? open_for_sync_ : opened_.size(); };
    while (!rests() && !waiting_.empty() && busy() < around_.options.opened_at_once) {
      const auto id = std::move(waiting_.front());
      waiting_.pop_front();
      if (synced_) {
        ask_to_settle(id, open(id));
      } else if (!active_.contains(id)) { // Otherwise it sees to it already.
        open(id);
        opened_.insert(id);
      }
    }
  }

  // --- A run of `sync`

  caf::result<msg::TextsSynced> on_sync(const msg::SyncTexts& command) {
    auto reply = self_->make_response_promise<msg::TextsSynced>();
    if (!around_.options.dial || synced_) {
      reply.deliver(msg::TextsSynced{}); // Nobody to bring it to; or one run is enough.
      return reply;
    }
    const bool rested = rests();
    synced_ = reply;
    ++run_;
    texts_ = 0;
    failure_ = {};
    if (rested)
      tell_paused();
    for (auto& [id, each] : removals_)
      each.is_new = true;
    find_waiting();
    texts_ += static_cast<std::uint32_t>(removals_.size());
    msg::SyncTextsDue due;
    due.set_run(run_);
    rt::delayed_send(self_, documents_actor{self_}, std::chrono::milliseconds{command.timeout_ms()},
                     std::move(due));
    look_at_sync();
    return reply;
  }

  // Answered when all that has happened to any of them is stored.
  caf::result<msg::Done> keep_all() {
    auto reply = self_->make_response_promise<msg::Done>();
    keeps_.push_back(reply);
    for (auto& [id, entry] : active_) {
      ++to_be_kept_;
      ++entry.asked;
      document_question question;
      question.id = id;
      question.what = text_ask::keep{};
      question.reply = reply_once<document_answer>{
        [to = documents_actor{self_}](const core::expected<document_answer>&) {
          rt::anon_send(to, text_kept{}); // It is called in another actor's context.
        }};
      rt::anon_send(entry.actor, std::move(question));
    }
    answer_kept();
    return reply;
  }

  void answer_kept() {
    if (to_be_kept_ != 0)
      return;
    for (auto& each : std::exchange(keeps_, {}))
      each.deliver(msg::Done{});
  }

  void ask_to_settle(const std::string& id, active& entry) {
    ++open_for_sync_;
    ++texts_;
    ++entry.asked;
    document_question question;
    question.id = id;
    question.what = text_ask::settle{};
    question.reply = reply_once<document_answer>{
      [to = documents_actor{self_}, run = run_](const core::expected<document_answer>& settled) {
        rt::anon_send(to, text_settled{run, settled ? core::error{} : settled.error()});
      }};
    rt::anon_send(entry.actor, std::move(question));
  }

  void on_settled(const text_settled& settled) {
    --open_for_sync_;
    // What was deleted elsewhere is kept for the user, who is told of it there.
    if (settled.failure.code != "not_found")
      note_failure(settled.failure);
    open_waiting();
    look_at_sync();
  }

  // One text that fails keeps no other from being brought.
  void note_failure(const core::error& failure) {
    if (failure_.code.empty())
      failure_ = failure;
  }

  void look_at_sync() {
    const bool is_removing = std::any_of(removals_.begin(), removals_.end(),
                                         [](const auto& each) { return each.second.is_new; });
    if (synced_ && open_for_sync_ == 0 && waiting_.empty() && !is_removing)
      end_sync(failure_);
  }

  void end_sync(const core::error& failure) {
    if (!synced_)
      return;
    auto reply = std::move(*synced_);
    synced_.reset();
    ++run_;
    open_for_sync_ = 0;
    tell_paused();
    msg::TextsSynced done;
    done.set_texts(texts_);
    *done.mutable_error() = to_error(failure);
    reply.deliver(std::move(done));
  }

  // Somebody may have asked it since it said so.
  void on_rests(const msg::DocumentRests& rests) {
    const auto found = active_.find(rests.id());
    if (found == active_.end() || found->second.asked != rests.asked())
      return;
    caf::anon_send_exit(found->second.actor, caf::exit_reason::user_shutdown);
    active_.erase(found);
    opened_.erase(rests.id());
    if (rests.removing() && is_to_be_removed(rests.id())) {
      const auto made =
        removals_.emplace(rests.id(), removal{core::backoff{around_.options.backoff}});
      remove(rests.id(), made.first->second);
    }
    open_waiting();
  }

  // --- Deletions, of which the server has to hear

  // The actor may have been made while the last word of it was written.
  [[nodiscard]] bool is_to_be_removed(const std::string& id) const {
    const auto snapshot = around_.store->snapshot();
    const auto stored = snapshot ? snapshot->document(id) : snapshot.error();
    return stored && *stored && (*stored)->head.state() == msg::REMOVING;
  }

  void remove(const std::string& id, removal& each) {
    if (!around_.options.dial)
      return forget(id); // There is nobody else who has it.
    if (rests() || std::exchange(each.is_asked, true))
      return;
    rt::request(self_, around_.transport, rt::no_timeout,
                net::make_deletion_request(id, around_.options.request_timeout_ms))
      .then([this, id](const msg::HttpReply& reply) { on_removed(id, reply); },
            [this, id](const caf::error& error) {
              msg::HttpReply none;
              none.set_failure(rt::from_caf(error).code);
              on_removed(id, none);
            });
  }

  void on_removed(const std::string& id, const msg::HttpReply& reply) {
    const auto found = removals_.find(id);
    if (found == removals_.end())
      return;
    auto& each = found->second;
    const auto now_ms = around_.world.wall_ms();
    const auto judged = net::read_deletion_reply(reply, now_ms);
    if (judged.kind == net::reply_kind::ok) {
      activity_.succeeded(now_ms);
      return forget(id);
    }
    each.is_asked = each.is_new = false;
    activity_.failed(error_of(judged), now_ms);
    note_failure({error_of(judged).code(), error_of(judged).message()});
    try_again(id, each.backoff.fail(around_.world.random(), judged.retry_after_ms));
    look_at_sync();
  }

  void try_again(const std::string& id, std::int64_t delay_ms) {
    msg::RemovalDue due;
    due.set_id(id);
    rt::delayed_send(self_, documents_actor{self_}, std::chrono::milliseconds{delay_ms},
                     std::move(due));
  }

  void forget(const std::string& id) {
    msg::EraseDocument command;
    command.set_id(id);
    rt::request(self_, around_.storage, rt::no_timeout, std::move(command))
      .then(
        [this, id](const msg::Done&) {
          removals_.erase(id);
          look_at_sync();
        },
        [this, id](const caf::error& error) {
          activity_.failed(to_error(rt::from_caf(error)), around_.world.wall_ms());
          const auto found = removals_.find(id);
          if (found == removals_.end())
            return;
          found->second.is_asked = found->second.is_new = false;
          try_again(id, found->second.backoff.fail(around_.world.random()));
        });
  }

  static constexpr std::size_t page_size = 1'000;

  documents_actor::pointer self_;
  document_surroundings around_;
  bool paused_;
  std::map<std::string, active> active_;
  std::deque<std::string> waiting_;
  std::set<std::string> opened_; // of those that waited
  std::map<std::string, removal> removals_;
  std::optional<caf::typed_response_promise<msg::TextsSynced>> synced_; // of the run under way
  std::vector<caf::typed_response_promise<msg::Done>> keeps_;
  std::size_t to_be_kept_ = 0; // texts that have not said that they are stored
  std::uint64_t run_ = 0;
  core::error failure_;           // the first one of this run
  std::uint32_t texts_ = 0;       // that this run has brought to the server
  std::size_t open_for_sync_ = 0; // of them, those that are being brought
  activity_log activity_;
  rt::watcher<std::remove_pointer_t<documents_actor::pointer>> watcher_;
};

} // namespace

documents_actor spawn_documents(caf::actor_system& system,
                                std::shared_ptr<storage::client_store> store, storage_actor storage,
                                transport_actor transport, seams world, documents_options options) {
  return rt::spawn<documents_actor, documents_state>(system, std::move(store), std::move(storage),
                                                     std::move(transport), std::move(world),
                                                     std::move(options));
}

} // namespace syncline::actors::client
