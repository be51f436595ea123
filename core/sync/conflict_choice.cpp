#include "core/sync/conflict_choice.hpp"

namespace syncline::core {

namespace {

verdict body_or_remove(const std::optional<std::string>& body) {
  return body ? verdict{verdict::kind::body, *body} : verdict{verdict::kind::remove, {}};
}

} // namespace

verdict verdict_of(const msg::ResolveConflict& command, const conflict_sides& sides) {
  switch (command.choice()) {
  case msg::ResolveConflict::MINE:
    return body_or_remove(sides.mine);
  case msg::ResolveConflict::THEIRS:
    return body_or_remove(sides.theirs);
  case msg::ResolveConflict::BODY:
    return {verdict::kind::body, command.body()};
  default:
    return {verdict::kind::remove, {}};
  }
}

msg::WriteLocal write_of_choice(const msg::ResolveConflict& command,
                                const msg::ConflictRecord& record) {
  conflict_sides sides;
  if (record.has_mine_body())
    sides.mine = record.mine_body();
  if (record.has_theirs_body())
    sides.theirs = record.theirs_body();
  const auto said = verdict_of(command, sides);
  msg::WriteLocal write;
  auto& operation = *write.add_operations();
  operation.mutable_mutation()->set_collection(record.collection());
  operation.mutable_mutation()->set_id(record.id());
  operation.set_closes_conflict(command.conflict_id());
  if (said.what == verdict::kind::body) {
    operation.set_upsert(true);
    operation.mutable_mutation()->set_kind(msg::CREATE);
    operation.mutable_mutation()->set_body(said.body);
  } else {
    operation.mutable_mutation()->set_kind(msg::DELETE);
  }
  return write;
}

} // namespace syncline::core
