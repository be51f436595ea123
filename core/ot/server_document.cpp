#include "core/ot/server_document.hpp"

#include "core/ensure.hpp"
#include "core/ot/long_operation.hpp"
#include "core/ot/transform.hpp"

#include <algorithm>
#include <iterator>
#include <ranges>
#include <utility>

namespace syncline::core::ot {

namespace {

// From so many components on, and so many operations to pass over, the blocks are worth their
// making.
constexpr std::size_t long_components = 64;
constexpr std::uint64_t long_way = 8;

} // namespace

server_document::server_document(stored_document from, std::uint64_t start, limits how)
  : text_{from.text}, revision_{from.revision}, durable_{from.revision}, start_{start},
    lives_{std::move(from.lives)}, log_{std::move(from.log)}, clients_{std::move(from.clients)},
    limits_{how} {
  ensure(log_.size() <= revision_, "no revision is below 0");
  for (const auto& [name, last] : clients_)
    if (last.nonce != 0)
      nonces_.emplace(last.nonce, last.revision);
  for (const auto& each : log_)
    if (each.author.nonce != 0)
      nonces_.emplace(each.author.nonce, each.revision);
}

const logged_operation& server_document::logged(std::uint64_t revision) const {
  ensure(revision > log_begin() && revision <= revision_, "the revision is in the log");
  return log_[revision - log_begin() - 1];
}

std::uint64_t server_document::start_of(std::uint64_t revision) const {
  const auto after = std::upper_bound(
    lives_.begin(), lives_.end(), revision,
    [](std::uint64_t wanted, const auto& life) { return wanted < life.first_revision; });
  return after == lives_.begin() ? 0 : std::prev(after)->start;
}

const logged_operation* server_document::find_logged(const std::string& client,
                                                     std::uint64_t seq) const {
  // What is asked for was sent lately.
  const auto found = std::find_if(log_.rbegin(), log_.rend(), [&](const auto& each) {
    return each.author.seq == seq && each.author.client == client;
  });
  return found == log_.rend() ? nullptr : &*found;
}

std::optional<server_document::repeated>
server_document::find_repeated(const operation_identity& author) const {
  if (author.nonce != 0) {
    const auto found = nonces_.find(author.nonce);
    return found == nonces_.end() ? std::nullopt : std::optional{at(found->second)};
  }
  const auto known = clients_.find(author.client);
  if (author.client.empty() || author.seq == 0 || known == clients_.end() ||
      author.seq > known->second.seq)
    return std::nullopt;
  if (author.seq == known->second.seq)
    return at(known->second.revision);
  const auto* logged = find_logged(author.client, author.seq);
  return logged ? std::optional{at(logged->revision)} : std::nullopt;
}

// Of an operation that is not known.
expected<void> server_document::check_seq(const operation_identity& author) const {
  if (author.client.empty() || author.seq == 0)
    return {};
  const auto known = clients_.find(author.client);
  const auto last = known == clients_.end() ? last_of_client{} : known->second;
  const auto number = std::to_string(author.seq);
  if (author.seq > last.seq + 1)
    return fail("seq_out_of_order", "operation " + number + " comes before " +
                                      std::to_string(last.seq + 1) +
                                      "; join again under a new client id");
  if (author.seq > last.seq)
    return {};
  if (author.seq == last.seq || find_logged(author.client, author.seq))
    return fail("seq_reused", "operation " + number +
                                " of this client is another one; join again under a new client "
                                "id");
  return fail("outcome_unknown", "what became of operation " + number +
                                   " of this client is no longer known; join again under a new "
                                   "client id, and look whether its change is there");
}

expected<void> server_document::check_revision(const operation_identity& author,
                                               std::uint64_t revision) const {
  const auto named = "revision " + std::to_string(revision);
  if (revision > revision_)
    return fail("revision_in_future", named + " is above the head, which is " +
                                        std::to_string(revision_) + "; join again");
  if (revision < log_begin())
    return fail("revision_too_old", named + " is no longer in the log, which begins at " +
                                      std::to_string(log_begin()) +
                                      "; join again without a revision");
  const auto known = clients_.find(author.client);
  if (!author.client.empty() && author.seq != 0 && known != clients_.end() &&
      revision < known->second.revision)
    return fail("in_flight", named + " is below the client's own last operation, at revision " +
                               std::to_string(known->second.revision) +
                               "; one operation is in flight at a time");
  return {};
}

expected<operation> server_document::onto_head(operation edit, std::uint64_t revision) const {
  const auto length =
    revision == revision_ ? text_.length() : logged(revision + 1).edit.base_length();
  if (auto whole = complete(edit, length); !whole)
    return whole.error();
  operation over;
  if (edit.components().size() >= long_components && revision_ - revision >= long_way) {
    long_operation incoming{edit};
    for (auto at = revision; at < revision_; ++at)
      if (auto done = incoming.pass_over(logged(at + 1).edit, over); !done)
        return done.error();
    return incoming.to_operation();
  }
  operation next;
  for (auto at = revision; at < revision_; ++at) {
    if (auto done = transform(edit, logged(at + 1).edit, tie::a, next, over); !done)
      return done.error();
    std::swap(edit, next);
  }
  return edit;
}

server_document::submission server_document::submit(const operation_identity& author,
                                                    std::uint64_t revision, operation edit) {
  if (auto known = find_repeated(author))
    return *known;
  if (auto good = check_seq(author); !good)
    return good.error();
  if (auto good = check_revision(author, revision); !good)
    return good.error();
  if (edit.components().size() > limits_.components_max)
    return fail("too_large", "an operation has " + std::to_string(limits_.components_max) +
                               " components at most; send it in parts");
  auto moved = onto_head(std::move(edit), revision);
  if (!moved)
    return moved.error();
  if (moved->target_length() > limits_.text_max && moved->target_length() > text_.length())
    return fail("too_large",
                "a text has " + std::to_string(limits_.text_max) + " UTF-16 code units at most");
  auto inverse = text_.invert(*moved);
  if (!inverse)
    return inverse.error();
  ensure(text_.apply(*moved).has_value(), "what can be inverted can be applied");
  inverses_.push_back(std::move(*inverse));
  log_.push_back({++revision_, std::move(*moved), author, start_});
  if (lives_.empty() || lives_.back().start != start_)
    lives_.push_back({revision_, start_});
  if (author.nonce != 0)
    nonces_.emplace(author.nonce, revision_);
  if (!author.client.empty() && author.seq != 0)
    remember_last(author);
  return accepted{};
}

void server_document::remember_last(const operation_identity& author) {
  auto& last = clients_[author.client];
  if (last.nonce != 0 && last.revision <= log_begin())
    nonces_.erase(last.nonce); // Only as the client's last one it was kept for so long.
  last = {author.seq, author.nonce, revision_};
}

void server_document::committed(std::uint64_t revision) {
  ensure(revision >= durable_ && revision <= revision_, "commits are done in their order");
  inverses_.erase(inverses_.begin(),
                  inverses_.begin() + static_cast<std::ptrdiff_t>(revision - durable_));
  durable_ = revision;
}

std::string server_document::durable_text() const {
  if (inverses_.empty())
    return text_.to_string();
  text then = text_;
  for (const auto& inverse : inverses_ | std::views::reverse)
    ensure(then.apply(inverse).has_value(), "an inverse fits");
  return then.to_string();
}

void server_document::prepend_log(std::deque<logged_operation> older) {
  if (older.empty())
    return;
  ensure(older.back().revision == log_begin(), "the log has no gap");
  for (const auto& each : older)
    if (each.author.nonce != 0)
      nonces_.emplace(each.author.nonce, each.revision);
  std::move(log_.begin(), log_.end(), std::back_inserter(older));
  log_ = std::move(older);
}

void server_document::trim(std::uint64_t revision) {
  ensure(revision <= durable_, "only what is durable is trimmed");
  while (log_begin() < revision) {
    const auto& gone = log_.front();
    const auto last = clients_.find(gone.author.client);
    if (gone.author.nonce != 0 &&
        (last == clients_.end() || last->second.revision != gone.revision))
      nonces_.erase(gone.author.nonce);
    log_.pop_front();
  }
}

// Never asked about an operation that is being committed.
std::string server_document::fate_of(const join_request& request) const {
  if (!request.pending)
    return {};
  if (find_repeated(*request.pending))
    return "in";
  // Of who has no number only the log knows anything.
  if (request.client.empty() || request.pending->seq == 0)
    return log_begin() == 0 ? "not" : "unknown";
  const auto known = clients_.find(request.client);
  if (known == clients_.end() || request.pending->seq > known->second.seq)
    return "not";
  // A copy of the client's store used this number for another one, or it is too long ago.
  const bool is_anothers = request.pending->seq == known->second.seq ||
                           find_logged(request.client, request.pending->seq) != nullptr;
  return is_anothers ? "not" : "unknown";
}

// Others' commits do not delay it: while people type, one is always under way.
server_document::join_answer server_document::join(const join_request& request) const {
  if (!request.revision) {
    // The client's last one may be under way, too: its number must not be told before it is
    // durable.
    const auto known = clients_.find(request.client);
    const bool is_known = known != clients_.end();
    if (is_known && known->second.revision > durable_)
      return not_yet{};
    if (request.pending)
      if (const auto sent = find_repeated(*request.pending); sent && !sent->durable)
        return not_yet{};
    return whole_text{durable_text(), durable_, is_known ? known->second.seq : 0, fate_of(request)};
  }
  // Before its age: a text of another history is not merely old. Who cannot say which is believed.
  if (*request.revision > durable_ || (*request.revision != 0 && request.start != 0 &&
                                       request.start != start_of(*request.revision)))
    return start_over{"restored"};
  if (*request.revision < log_begin())
    return start_over{"too_old"};
  return rest{*request.revision};
}

} // namespace syncline::core::ot
