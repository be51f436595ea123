#include "actors/server/document_actor.hpp"

#include "actors/server/document_lines.hpp"
#include "core/data/operation_message.hpp"
#include "core/ot/document_room.hpp"
#include "net/protocol/document_message.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace syncline::actors::server {

namespace {

namespace ot = core::ot;

// Bytes of operations behind the snapshot, beyond those of the text, that make another one worth
// it.
constexpr std::size_t log_bytes_max = std::size_t{256} << 10U;

// loading --loaded--> open --idle, deleted, superseded--> ended
class document_state {
public:
  static inline const char* name = "document";

  document_state(document_actor::pointer self, std::string space, std::string id, bool again,
                 store_actor store, documents_actor documents, seams world,
                 document_options options, std::uint64_t start)
    : self_{self}, space_{std::move(space)}, id_{std::move(id)}, store_{std::move(store)},
      documents_{std::move(documents)}, world_{std::move(world)}, options_{options}, start_{start} {
    load(again);
  }

  // However it ends: a connection without its document would be silent.
  ~document_state() {
    lines_.close_all(ended_as_, room_ ? &*room_ : nullptr);
  }

  document_actor::behavior_type make_behavior() {
    return {
      [this](document_arrived& arrived) { on_arrived(arrived); },
      [this](document_said& said) { on_said(said); },
      [this](const document_drained& drained) { on_drained(drained.connection); },
      [this](const document_left& left) { on_left(left.connection); },
      [this](const msg::DocumentSilence& silence) { on_silence(silence.connection()); },
      [this](const msg::DocumentTick& tick) { on_tick(tick.slow()); },
      [this](const msg::DocumentLook& look) { on_look(look.arrived()); },
      [this](const msg::DocumentFlush&) {
        flush_armed_ = false;
        say(false);
      },
      [this](const msg::DocumentEnds& ends) {
        end({ends.code(), "the document '" + id_ + "' is not here any more"});
      },
    };
  }

private:
  void load(bool again) {
    msg::OpenDocument command;
    command.set_space(space_);
    command.set_id(id_);
    command.set_again(again);
    command.set_log_wanted(options_.log_opened);
    rt::request(self_, store_, rt::no_timeout, std::move(command))
      .then([this](const document_loaded& loaded) { on_loaded(*loaded.opened); },
            [this](const caf::error& error) { end(rt::from_caf(error)); });
  }

  void on_loaded(storage::opened_document& opened) {
    incarnation_ = opened.incarnation;
    session_ = opened.session;
    snapshot_revision_ = opened.snapshot_revision;
    log_bytes_ = opened.log_bytes;
    stored_log_begin_ = opened.log_begin;
    room_.emplace(ot::server_document{std::move(opened.content), start_, {}},
                  std::move(opened.epoch), ot::document_room::limits{});
    for (auto& [who, each] : lines_.all()) {
      room_->open(who);
      hear_what_waits(who, each);
      if (each.was_silent && each.waits.empty())
        room_->on_silence(who); // Unless it has said what it is.
    }
    go_on();
  }

  // --- Older operations than were loaded

  [[nodiscard]] std::optional<std::uint64_t> older_needed(const net::document_message& said) const {
    if (const auto* join = std::get_if<ot::document_room::join_message>(&said))
      return room_->older_needed(*join, stored_log_begin_);
    // A plain client's revision 0 is the text that it was given.
    if (const auto* edit = std::get_if<net::submitted_operation>(&said);
        edit && edit->revision != 0)
      return room_->older_needed(edit->revision, stored_log_begin_);
    return std::nullopt;
  }

  void fetch_older(std::uint64_t after) {
    if (std::exchange(is_fetching_, true))
      return; // Who waits is looked at again when it is here.
    msg::ReadDocumentLog command;
    command.set_space(space_);
    command.set_id(id_);
    command.set_incarnation(incarnation_);
    command.set_after(after);
    command.set_through(room_->document().log_begin());
    rt::request(self_, store_, rt::no_timeout, std::move(command))
      .then([this](const document_log_read& read) { on_older(std::move(*read.log)); },
            [this](const caf::error& error) { end(rt::from_caf(error)); });
  }

  void on_older(std::deque<ot::logged_operation> older) {
    is_fetching_ = false;
    const bool is_whole = !older.empty() && older.back().revision == room_->document().log_begin();
    if (is_whole)
      room_->prepend_log(std::move(older));
    else // It was trimmed meanwhile.
      stored_log_begin_ = room_->document().log_begin();
    for (auto& [who, each] : lines_.all())
      hear_what_waits(who, each);
    go_on();
  }

  void hear_what_waits(std::uint64_t who, document_line& from) {
    auto waiting = std::exchange(from.waits, {});
    while (!waiting.empty() && from.waits.empty()) {
      auto said = std::move(waiting.front());
      waiting.pop_front();
      hear(who, from, said);
    }
    std::move(waiting.begin(), waiting.end(), std::back_inserter(from.waits));
  }

  // --- Connections

  void on_arrived(document_arrived& arrived) {
    ++arrived_;
    lines_.add(arrived);
    if (arrived.may_be_plain) {
      msg::DocumentSilence silence;
      silence.set_connection(arrived.connection);
      rt::delayed_send(self_, document_actor{self_}, std::chrono::milliseconds{options_.silence_ms},
                       std::move(silence));
    }
    if (room_)
      room_->open(arrived.connection);
  }

  void on_left(std::uint64_t who) {
    lines_.remove(who);
    if (lines_.is_empty())
      look_later();
    if (!room_)
      return;
    room_->close(who);
    show_carets_soon();
    go_on();
  }

  void on_silence(std::uint64_t who) {
    auto* line = lines_.find(who);
    if (!line)
      return;
    line->was_silent = true;
    if (!room_ || !line->waits.empty())
      return; // It gets the text when that is loaded.
    room_->on_silence(who);
    go_on();
  }

  void on_drained(std::uint64_t who) {
    auto* line = lines_.find(who);
    if (!line)
      return;
    line->unsent = 0;
    if (!room_)
      return;
    room_->set_writable(who, true);
    go_on();
  }

  void on_said(document_said& said) {
    auto* from = lines_.find(said.connection);
    if (!from || !has_right_form(*from, said))
      return;
    if (!room_ || !from->waits.empty())
      return from->waits.push_back(std::move(said));
    if (hear(said.connection, *from, said))
      go_on();
    else
      answer();
  }

  // False: nothing that others wait for has changed; an operation is told when it is durable.
  bool hear(std::uint64_t who, document_line& from, document_said& said) {
    auto message = from.form == document_form::json ? net::read_document_json(said.payload)
                                                    : net::read_document_frame(said.payload);
    if (const auto after = older_needed(message)) {
      from.waits.push_back(std::move(said));
      fetch_older(*after);
      return false;
    }
    const bool is_edit = std::holds_alternative<net::submitted_operation>(message);
    carry_out(who, message);
    if (from.credit->give_back(said.payload.size()))
      from.link->resume();
    return !is_edit;
  }

  void carry_out(std::uint64_t who, net::document_message& message) {
    if (const auto* join = std::get_if<ot::document_room::join_message>(&message)) {
      room_->on_join(who, *join, out_);
      show_carets_soon();
    } else if (auto* submitted = std::get_if<net::submitted_operation>(&message)) {
      room_->on_operation(who, submitted->author, submitted->revision, std::move(submitted->edit),
                          out_);
    } else if (auto* shown = std::get_if<ot::presence>(&message)) {
      room_->on_presence(who, std::move(*shown), world_.wall_ms());
      show_carets_soon();
    } else if (auto* refused = std::get_if<net::refused_message>(&message)) {
      room_->refuse(who, refused->author, std::move(refused->why), out_);
    }
  }

  // --- The store

  void commit() {
    const auto& document = room_->document();
    if (committing_ || document.revision() == document.durable_revision())
      return;
    msg::CommitDocument command = next_commit();
    for (auto at = document.durable_revision(); at < document.revision(); ++at) {
      auto& edit = *command.add_edits();
      ot::write_message(document.logged(at + 1), edit);
      log_bytes_ += edit.ByteSizeLong();
    }
    if (document.revision() - snapshot_revision_ >= options_.snapshot_every ||
        log_bytes_ > document.head_text().bytes() + log_bytes_max)
      add_snapshot(command);
    send_commit(std::move(command));
  }

  msg::CommitDocument next_commit() const {
    msg::CommitDocument command;
    command.set_space(space_);
    command.set_id(id_);
    command.set_incarnation(incarnation_);
    command.set_session(session_);
    command.set_base(room_->document().durable_revision());
    return command;
  }

  // Of the head, which is durable with it. What is older than the log is to be goes with it.
  void add_snapshot(msg::CommitDocument& command) {
    const auto& document = room_->document();
    command.set_snapshot(document.head_text().to_string());
    snapshot_revision_ = document.revision();
    log_bytes_ = 0;
    if (document.revision() <= options_.log_kept)
      return;
    trim_through_ = std::max(
      trim_through_, std::min(document.revision() - options_.log_kept, room_->needed_from()));
    command.set_trim_through(trim_through_);
  }

  void send_commit(msg::CommitDocument command) {
    committing_ = true;
    rt::request(self_, store_, rt::no_timeout, std::move(command))
      .then(
        [this](const msg::DocumentCommitted& committed) {
          committing_ = false;
          room_->committed(committed.revision(), out_);
          stored_log_begin_ = std::max(stored_log_begin_, trim_through_);
          room_->trim(trim_through_);
          go_on();
        },
        // Nothing after the last commit was told to anybody: who is here joins what is loaded anew.
        [this](const caf::error& error) { end(rt::from_caf(error)); });
  }

  // --- What is said

  void go_on() {
    commit();
    say(false);
  }

  // What came does not change what others are to be sent.
  void answer() {
    commit();
    lines_.send(out_, *room_);
  }

  void say(bool with_carets) {
    const bool is_more = room_->flush(out_, with_carets);
    lines_.send(out_, *room_);
    if (is_more && !std::exchange(flush_armed_, true))
      rt::send(self_, document_actor{self_}, msg::DocumentFlush{});
  }

  // --- Time

  void tick_after(std::int64_t delay_ms, bool slow) {
    msg::DocumentTick tick;
    tick.set_slow(slow);
    rt::delayed_send(self_, document_actor{self_}, std::chrono::milliseconds{delay_ms},
                     std::move(tick));
  }

  // Whoever moves his caret fast is seen moving now and then.
  void show_carets_soon() {
    if (!std::exchange(tick_armed_, true))
      tick_after(options_.caret_ms, false);
  }

  void on_tick(bool slow) {
    (slow ? slow_tick_armed_ : tick_armed_) = false;
    if (!room_)
      return;
    room_->on_time(world_.wall_ms());
    say(true);
    if (room_->has_carets() && !std::exchange(slow_tick_armed_, true))
      tick_after(options_.caret_look_ms, true);
  }

  void look_later() {
    msg::DocumentLook look;
    look.set_arrived(arrived_);
    rt::delayed_send(self_, document_actor{self_}, std::chrono::milliseconds{options_.idle_ms},
                     std::move(look));
  }

  void on_look(std::uint64_t arrived) {
    if (!lines_.is_empty() || arrived != arrived_)
      return; // Whoever has come meanwhile will go, too.
    if (committing_ || !room_)
      return look_later();
    if (snapshot_revision_ < room_->document().revision()) { // So that it opens fast.
      auto command = next_commit();
      add_snapshot(command);
      send_commit(std::move(command));
      return look_later();
    }
    msg::DocumentIdle idle;
    idle.set_space(space_);
    idle.set_id(id_);
    idle.set_arrived(arrived_);
    rt::send(self_, documents_, std::move(idle));
  }

  // --- The end

  void end(core::error why) {
    ended_as_ = std::move(why);
    self_->quit();
  }

  document_actor::pointer self_;
  std::string space_;
  std::string id_;
  store_actor store_;
  documents_actor documents_;
  seams world_;
  document_options options_;
  std::uint64_t start_;
  document_lines lines_;
  std::optional<ot::document_room> room_; // none: it is being loaded
  std::vector<ot::outgoing> out_;
  std::uint64_t incarnation_ = 0;
  std::uint64_t session_ = 0;
  std::uint64_t snapshot_revision_ = 0;
  std::uint64_t log_bytes_ = 0; // behind the snapshot
  std::uint64_t stored_log_begin_ = 0;
  bool is_fetching_ = false;
  std::uint64_t trim_through_ = 0;
  std::uint64_t arrived_ = 0;
  core::error ended_as_{"stopped", "the server is stopping; connect again"};
  bool committing_ = false;
  bool flush_armed_ = false;
  bool tick_armed_ = false;
  bool slow_tick_armed_ = false;
};

} // namespace

document_actor spawn_document(caf::actor_system& system, std::string space, std::string id,
                              bool again, store_actor store, documents_actor documents, seams world,
                              document_options options, std::uint64_t start) {
  return rt::spawn<document_actor, document_state>(system, std::move(space), std::move(id), again,
                                                   std::move(store), std::move(documents),
                                                   std::move(world), options, start);
}

} // namespace syncline::actors::server
