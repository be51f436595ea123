#include "core/sync/server_apply.hpp"

#include "core/data/hybrid_clock.hpp"
#include "core/data/json.hpp"
#include "core/sync/mutation.hpp"

#include <algorithm>
#include <cstring>

namespace syncline::core {

namespace {

bool equal_bodies(std::string_view left, std::string_view right) {
  if (left == right)
    return true;
  const auto a = parse_json(left);
  const auto b = parse_json(right);
  return a && b && *a == *b;
}

class judgement {
public:
  judgement(const std::optional<item_view>& current, const msg::Mutation& mutation,
            const server_moment& moment)
    : current_{current}, mutation_{mutation}, moment_{moment}, lives_{current &&
                                                                      !current->header.deleted} {
    verdict_.result.set_mutation_id(mutation.mutation_id());
    verdict_.result.set_server_id(mutation.id());
  }

  server_verdict give() {
    if (auto valid = validate_mutation(mutation_); !valid)
      return failed(valid.error());
    switch (mutation_.kind()) {
    case msg::CREATE:
      return create();
    case msg::UPDATE:
      return update();
    case msg::DELETE:
      return remove();
    default:
      return skipped();
    }
  }

private:
  server_verdict create() {
    if (moment_.birth == known_birth::same)
      return already_created();
    if (!lives_ && moment_.birth == known_birth::edited)
      return conflict(msg::DELETE_CONFLICT); // The edit meets the deletion, as any would.
    if (!lives_)
      return changed(mutation_.body());
    if (equal_bodies(current_->body, mutation_.body()))
      return unchanged();
    return conflict(msg::CONFLICT);
  }

  // It took effect before; what became of the item since stands.
  server_verdict already_created() {
    if (!current_)
      return synced_as_of_now();
    const bool changed_since = lives_ && !equal_bodies(current_->body, mutation_.body());
    auto verdict = unchanged();
    // "Not on what you have": others' changes lie between.
    if (changed_since)
      verdict.result.mutable_previous_stamp()->set_seq(current_->header.birth_seq);
    return verdict;
  }

  server_verdict update() {
    if (!lives_)
      return conflict(msg::DELETE_CONFLICT);
    if (!is_increments_only(mutation_) && !base_matches())
      return conflict(msg::CONFLICT);
    auto body = apply_mutation(current_->body, mutation_);
    if (!body)
      return failed(body.error());
    // The parts were valid; together they may be too deep.
    if (auto valid = validate_body(**body); !valid)
      return failed(valid.error());
    return changed(std::move(**body));
  }

  server_verdict remove() {
    if (!lives_)
      return synced_as_of_now();
    if (!base_matches())
      return conflict(msg::DELETE_CONFLICT);
    return changed({});
  }

  // There is nothing to change. The client shows what it asked for until it has pulled what the
  // item has become, which the previous stamp names: this moment's own stamp is in no page.
  server_verdict synced_as_of_now() {
    verdict_.result.set_status(msg::SYNCED);
    verdict_.result.set_not_found(true);
    auto as_of = moment_.next_stamp;
    --as_of.seq;
    *verdict_.result.mutable_stamp() = to_message(as_of);
    if (current_)
      *verdict_.result.mutable_previous_stamp() = to_message(current_->header.stamp);
    return std::move(verdict_);
  }

  [[nodiscard]] bool base_matches() const {
    if (mutation_.base_version() != 0)
      return mutation_.base_version() == current_->header.version;
    return mutation_.unconditional() || from_message(mutation_.base()) == current_->header.stamp;
  }

  server_verdict changed(std::string body) {
    item_header header;
    if (current_)
      header = current_->header;
    else
      header.birth_seq = moment_.next_stamp.seq;
    set_result(header);
    if (!lives_)
      header.birth_mark = moment_.birth_mark;
    header.deleted = mutation_.kind() == msg::DELETE;
    header.version += 1;
    header.stamp = moment_.next_stamp;
    header.last_modified_ms =
      std::max({moment_.now_ms, moment_.last_modified_ms, header.last_modified_ms + 1});
    const auto written_at = clamp_hybrid_time(mutation_.client_time(), moment_.now_ms);
    header.writer_wall_ms = written_at.wall_ms();
    header.writer_counter = written_at.counter();
    header.writer_tag = moment_.writer_tag;
    verdict_.result.set_version(header.version);
    verdict_.result.set_last_modified_ms(header.last_modified_ms);
    *verdict_.result.mutable_stamp() = to_message(header.stamp);
    verdict_.header = header;
    verdict_.body = std::move(body);
    return std::move(verdict_);
  }

  void set_result(const item_header& before) {
    verdict_.result.set_status(msg::SYNCED);
    if (lives_)
      *verdict_.result.mutable_previous_stamp() = to_message(before.stamp);
  }

  server_verdict unchanged() {
    const auto& header = current_->header;
    set_result(header);
    verdict_.result.set_version(header.version);
    verdict_.result.set_last_modified_ms(header.last_modified_ms);
    *verdict_.result.mutable_stamp() = to_message(header.stamp);
    return std::move(verdict_);
  }

  server_verdict conflict(msg::MutationStatus status) {
    verdict_.result.set_status(status);
    if (current_)
      fill_message(*verdict_.result.mutable_server_item(), mutation_.id(), *current_);
    return std::move(verdict_);
  }

  server_verdict failed(const error& why) {
    verdict_.result.set_status(msg::FAILED);
    verdict_.result.mutable_error()->set_code(why.code);
    verdict_.result.mutable_error()->set_message(why.message);
    return std::move(verdict_);
  }

  server_verdict skipped() {
    verdict_.result.set_status(msg::SKIPPED);
    return std::move(verdict_);
  }

  const std::optional<item_view>& current_;
  const msg::Mutation& mutation_;
  const server_moment& moment_;
  bool lives_;
  server_verdict verdict_;
};

} // namespace

std::uint64_t birth_mark(const msg::Mutation& mutation) {
  std::uint32_t content = 0;
  if (mutation.kind() != msg::CREATE || mutation.nonce() == 0 ||
      mutation.payload_hash().size() < sizeof content)
    return 0;
  std::memcpy(&content, mutation.payload_hash().data(), sizeof content);
  return (mutation.nonce() << 32) | content;
}

std::uint64_t first_mark_like(std::uint64_t mark) {
  return mark >> 32 << 32;
}

known_birth compare_births(std::uint64_t known, std::uint64_t asked) {
  if (known == 0 || asked == 0 || known >> 32 != asked >> 32)
    return known_birth::no;
  return known == asked ? known_birth::same : known_birth::edited;
}

server_verdict judge(const std::optional<item_view>& current, const msg::Mutation& mutation,
                     const server_moment& moment) {
  return judgement{current, mutation, moment}.give();
}

} // namespace syncline::core
