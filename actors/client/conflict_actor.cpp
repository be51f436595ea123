#include "actors/client/conflict_actor.hpp"

#include "core/sync/conflict_choice.hpp"
#include "storage/payload_hash.hpp"

#include <deque>
#include <set>
#include <vector>

namespace syncline::actors::client {

namespace {

using promise = caf::typed_response_promise<msg::RemoteChangesApplied>;

// A page that has to be decided on before it can be applied.
struct page_work {
  msg::ApplyRemoteChanges changes;
  promise reply;
  std::deque<core::conflict_question> open; // not yet decided
  std::uint32_t rounds = 0;
};

// page --try--> storage --stale--> read lanes -> decide (ask the host) -> storage, until applied
// recorded lanes: read -> decide -> resolution -> storage, until it is not stale
class conflict_state {
public:
  static inline const char* name = "conflict";

  conflict_state(conflict_actor::pointer self, std::shared_ptr<storage::client_store> store,
                 storage_actor storage, std::function<observer_actor()> observer, seams world,
                 conflict_options options)
    : self_{self}, store_{std::move(store)}, storage_{std::move(storage)},
      observer_{std::move(observer)}, world_{std::move(world)}, options_{std::move(options)} {}

  conflict_state(const conflict_state&) = delete;
  conflict_state& operator=(const conflict_state&) = delete;
  // 0.17.6 never answers a promise that dies with its actor.
  ~conflict_state() {
    for (auto& reply : waiting_)
      reply.deliver(rt::to_caf({"stopped", "the runtime is stopping"}));
  }

  conflict_actor::behavior_type make_behavior() {
    decide_what_was_left();
    return {
      [this](msg::ApplyRemoteChanges& changes) { return on_page(changes); },
      [this](const msg::ConflictsRecorded& recorded) {
        for (const auto& lane : recorded.lanes())
          resolve(lane.collection(), lane.id());
      },
      [this](const msg::ResolveConflict& command) { return on_user(command); },
      [this](const msg::SettleConflicts&) { return on_settle(); },
    };
  }

private:
  // A lane that keeps moving under the decision is left to the next page or answer.
  static constexpr std::uint32_t rounds_max = 16;

  caf::result<msg::RemoteChangesApplied> on_page(msg::ApplyRemoteChanges& changes) {
    auto work = std::make_shared<page_work>();
    work->changes.Swap(&changes);
    work->reply = self_->make_response_promise<msg::RemoteChangesApplied>();
    apply(work);
    return work->reply;
  }

  // Most pages meet no waiting mutation, so storage is asked first and lanes are read only when
  // it says that one is in the way.
  void apply(const std::shared_ptr<page_work>& work) {
    const auto snapshot = store_->snapshot();
    const auto has_lanes = snapshot ? snapshot->has_lanes() : snapshot.error();
    if (has_lanes && !*has_lanes)
      return apply_alone(work);
    rt::request(self_, storage_, rt::no_timeout, work->changes)
      .then(
        [this, work](msg::RemoteChangesApplied& applied) {
          if (applied.stale() && !work->changes.decisions().empty())
            count("stale page");
          if (!applied.stale())
            work->reply.deliver(std::move(applied));
          else if (++work->rounds > rounds_max)
            work->reply.deliver(rt::to_caf(
              {"conflict_unsettled", "lanes changed faster than they could be decided; the page "
                                     "will be pulled again"}));
          else
            find_questions(work);
        },
        [work](const caf::error& error) { work->reply.deliver(error); });
  }

  // With nothing waiting in the whole store the page is given away, for a copy would cost as much
  // as storing it. A write that comes in between has the page asked for again.
  void apply_alone(const std::shared_ptr<page_work>& work) {
    rt::request(self_, storage_, rt::no_timeout, std::move(work->changes))
      .then(
        [work](msg::RemoteChangesApplied& applied) {
          if (applied.stale()) {
            applied.Clear();
            applied.set_superseded(true);
          }
          work->reply.deliver(std::move(applied));
        },
        [work](const caf::error& error) { work->reply.deliver(error); });
  }

  void find_questions(const std::shared_ptr<page_work>& work) {
    work->changes.clear_decisions();
    auto questions = page_questions(work->changes);
    if (!questions) {
      work->reply.deliver(rt::to_caf(questions.error()));
      return;
    }
    work->open.assign(questions->begin(), questions->end());
    decide_next(work);
  }

  void decide_next(const std::shared_ptr<page_work>& work) {
    if (work->open.empty())
      return apply(work);
    auto question = std::move(work->open.front());
    work->open.pop_front();
    with_verdict(std::move(question), [this, work](const core::conflict_question& decided) {
      *work->changes.add_decisions() = core::decide(decided);
      decide_next(work);
    });
  }

  core::expected<std::vector<core::conflict_question>>
  page_questions(const msg::ApplyRemoteChanges& changes) {
    std::vector<core::conflict_question> questions;
    const auto snapshot = store_->snapshot();
    if (!snapshot)
      return snapshot.error();
    const auto& page = changes.page();
    const auto pull = snapshot->pull_state(page.collection());
    if (!pull)
      return pull.error();
    const core::meeting where{page.head().seq(), pull->cursor().restoring()};
    std::set<std::string_view> present;
    for (const auto* list : {&page.deleted(), &page.items()}) {
      for (const auto& item : *list) {
        present.insert(item.id());
        if (auto asked = ask_lane(*snapshot, page.collection(), item.id(), &item, where, questions);
            !asked)
          return asked.error();
      }
    }
    if (page.phase() == msg::Cursor::SNAPSHOT)
      if (auto asked = ask_missing(*snapshot, page, present, where, questions); !asked)
        return asked.error();
    return questions;
  }

  // Lanes in the range that a snapshot page covers, whose items the server does not have.
  core::expected<void> ask_missing(const storage::client_snapshot& snapshot,
                                   const msg::DeltaPage& page,
                                   const std::set<std::string_view>& present,
                                   const core::meeting& where,
                                   std::vector<core::conflict_question>& questions) {
    const auto lanes = snapshot.lane_ids(page.collection(), page.range_after(),
                                         page.range_to_end() ? "" : page.range_through());
    if (!lanes)
      return lanes.error();
    for (const auto& id : *lanes)
      if (present.count(id) == 0)
        if (auto asked = ask_lane(snapshot, page.collection(), id, nullptr, where, questions);
            !asked)
          return asked;
    return {};
  }

  core::expected<void> ask_lane(const storage::client_snapshot& snapshot,
                                const std::string& collection, const std::string& id,
                                const msg::Item* item, const core::meeting& where,
                                std::vector<core::conflict_question>& questions) {
    auto lane = snapshot.lane(collection, id);
    if (!lane)
      return lane.error();
    std::optional<core::item_view> row;
    if (item)
      row = core::item_view{core::header_of(*item), item->body()};
    core::lane trial = *lane;
    if (core::meet(trial, row, where) != core::encounter::decide)
      return {};
    auto question = make_question(collection, id, std::move(*lane));
    if (item)
      question.theirs = *item;
    questions.push_back(std::move(question));
    return {};
  }

  core::conflict_question make_question(const std::string& collection, const std::string& id,
                                        core::lane lane) {
    core::conflict_question question;
    question.collection = collection;
    question.id = id;
    question.lane = std::move(lane);
    const auto found = options_.by_collection.find(collection);
    question.policy = found == options_.by_collection.end() ? options_.policy : found->second;
    const auto snapshot = store_->snapshot();
    if (const auto state = snapshot ? snapshot->outbox_state() : snapshot.error())
      question.writer_tag = storage::client_tag(state->client());
    do
      question.conflict_id = world_.random();
    while (question.conflict_id == 0);
    question.now_ms = world_.wall_ms();
    return question;
  }

  // `custom` asks the host's function; no answer in time leaves the decision to the user.
  template <class Next>
  void with_verdict(core::conflict_question question, Next next) {
    if (question.policy.strategy != core::conflict_strategy::custom || question.said)
      return next(std::move(question));
    const auto sides = core::sides_of(question);
    msg::AskHost ask;
    ask.set_collection(question.collection);
    ask.set_id(question.id);
    if (sides.base)
      ask.set_base(*sides.base);
    if (sides.mine)
      ask.set_mine(*sides.mine);
    if (sides.theirs)
      ask.set_theirs(*sides.theirs);
    auto shared = std::make_shared<core::conflict_question>(std::move(question));
    rt::request(self_, observer_(), options_.host_timeout, std::move(ask))
      .then(
        [shared, next](const msg::HostVerdict& said) mutable {
          core::verdict verdict;
          if (said.kind() == msg::HostVerdict::BODY)
            verdict = {core::verdict::kind::body, said.body()};
          else if (said.kind() == msg::HostVerdict::REMOVE)
            verdict = {core::verdict::kind::remove, {}};
          shared->said = std::move(verdict);
          next(std::move(*shared));
        },
        [shared, next](const caf::error&) mutable { next(std::move(*shared)); });
  }

  void count(const char* event) {
    if (options_.on_event)
      options_.on_event(event);
  }

  caf::result<msg::Done> on_settle() {
    auto reply = self_->make_response_promise<msg::Done>();
    waiting_.push_back(reply);
    tell_settled();
    return reply;
  }

  void tell_settled() {
    if (deciding_ > 0)
      return;
    for (auto& reply : std::exchange(waiting_, {}))
      reply.deliver(msg::Done{});
  }

  void decide_what_was_left() {
    const auto snapshot = store_->snapshot();
    const auto lanes = snapshot ? snapshot->undecided() : snapshot.error();
    if (!lanes)
      return; // The next read of the store says what is wrong with it.
    for (const auto& [collection, id] : *lanes)
      resolve(collection, id);
  }

  void resolve(const std::string& collection, const std::string& id, std::uint32_t round = 0) {
    const auto snapshot = store_->snapshot();
    auto lane = snapshot ? snapshot->lane(collection, id) : snapshot.error();
    if (!lane || !lane->record.undecided() || lane->record.parked_by() != 0 ||
        lane->entries.empty() || round > rounds_max)
      return;
    auto question = met_question(*snapshot, collection, id, std::move(*lane));
    ++deciding_;
    with_verdict(std::move(question), [this, round](const core::conflict_question& decided) {
      msg::ApplyResolution command;
      *command.mutable_decision() = core::decide(decided);
      command.set_now_ms(world_.wall_ms());
      rt::request(self_, storage_, rt::no_timeout, std::move(command))
        .then(
          [this, round, collection = decided.collection,
           id = decided.id](const msg::ResolutionApplied& applied) {
            count(applied.stale() ? "stale resolution" : "lane decided");
            if (applied.stale())
              resolve(collection, id, round + 1);
            --deciding_;
            tell_settled();
          },
          [this](const caf::error&) {
            // The lane stays undecided in the store: the next event or start takes it up.
            --deciding_;
            tell_settled();
          });
    });
  }

  core::conflict_question met_question(const storage::client_snapshot& snapshot,
                                       const std::string& collection, const std::string& id,
                                       core::lane lane) {
    auto question = make_question(collection, id, std::move(lane));
    const auto base = snapshot.base(collection, id);
    std::optional<core::item_view> row;
    if (base && *base)
      row = core::item_view{core::header_of(**base), (*base)->body()};
    question.theirs = core::met_version(question.lane, id, row);
    return question;
  }

  caf::result<msg::Done> on_user(const msg::ResolveConflict& command) {
    auto reply = self_->make_response_promise<msg::Done>();
    const auto snapshot = store_->snapshot();
    const auto record = snapshot ? snapshot->conflict(command.conflict_id()) : snapshot.error();
    if (!record) {
      reply.deliver(rt::to_caf(record.error()));
      return reply;
    }
    if (!*record) {
      reply.deliver(
        rt::to_caf({"not_found", "there is no conflict " + std::to_string(command.conflict_id()) +
                                   "; see 'syncline conflicts list'"}));
      return reply;
    }
    auto lane = snapshot->lane((*record)->collection(), (*record)->id());
    if (!lane) {
      reply.deliver(rt::to_caf(lane.error()));
      return reply;
    }
    if (lane->record.parked_by() == command.conflict_id() && !lane->entries.empty())
      resolve_parked(*snapshot, command, **record, std::move(*lane), reply);
    else
      write(core::write_of_choice(command, **record), reply);
    return reply;
  }

  void resolve_parked(const storage::client_snapshot& snapshot, const msg::ResolveConflict& command,
                      const msg::ConflictRecord& record, core::lane lane,
                      caf::typed_response_promise<msg::Done> reply) {
    auto question = met_question(snapshot, record.collection(), record.id(), std::move(lane));
    question.said = core::verdict_of(command, core::sides_of(question));
    msg::ApplyResolution resolution;
    *resolution.mutable_decision() = core::decide(question);
    resolution.mutable_decision()->set_closes_conflict(command.conflict_id());
    resolution.set_now_ms(world_.wall_ms());
    rt::request(self_, storage_, rt::no_timeout, std::move(resolution))
      .then(
        [reply](const msg::ResolutionApplied& applied) mutable {
          if (applied.stale())
            reply.deliver(rt::to_caf({"stale", "the item changed while it was being resolved; look "
                                               "at the conflict again and decide"}));
          else
            reply.deliver(msg::Done{});
        },
        [reply](const caf::error& error) mutable { reply.deliver(error); });
  }

  void write(msg::WriteLocal command, caf::typed_response_promise<msg::Done> reply) {
    rt::request(self_, storage_, rt::no_timeout, std::move(command))
      .then([reply](const msg::LocalWritten&) mutable { reply.deliver(msg::Done{}); },
            [reply](const caf::error& error) mutable { reply.deliver(error); });
  }

  conflict_actor::pointer self_;
  std::shared_ptr<storage::client_store> store_;
  storage_actor storage_;
  std::function<observer_actor()> observer_;
  seams world_;
  conflict_options options_;
  std::size_t deciding_ = 0;                                    // recorded lanes under way
  std::vector<caf::typed_response_promise<msg::Done>> waiting_; // for that to be none
};

} // namespace

conflict_actor spawn_conflict(caf::actor_system& system,
                              std::shared_ptr<storage::client_store> store, storage_actor storage,
                              std::function<observer_actor()> observer, seams world,
                              conflict_options options) {
  return rt::spawn<conflict_actor, conflict_state>(system, std::move(store), std::move(storage),
                                                   std::move(observer), std::move(world),
                                                   std::move(options));
}

} // namespace syncline::actors::client
