// Applying new mutations: alone, or as an atomic group.

#include "core/data/ids.hpp"
#include "storage/births.hpp"
#include "storage/keys.hpp"
#include "storage/payload_hash.hpp"
#include "storage/server_batch.hpp"

#include <set>

namespace syncline::storage {

namespace {

// Otherwise no such key fits; the mutation will be judged for its name.
bool names_fit(const msg::Mutation& mutation) {
  return mutation.collection().size() <= core::collection_bytes_max &&
         mutation.id().size() <= core::item_id_bytes_max;
}

} // namespace

std::optional<core::item_view> server_transaction::current(const batch_input& batch,
                                                           const msg::Mutation& mutation) const {
  if (!names_fit(mutation))
    return std::nullopt;
  return records_.item(server_table::items,
                       item_key(batch.space, mutation.collection(), mutation.id()));
}

std::vector<msg::MutationResult> server_transaction::apply_next(const batch_input& batch,
                                                                int index) {
  const auto& mutations = batch.request->mutations();
  const auto& mutation = mutations[index];
  if (mutation.group() == 0) {
    const auto former =
      former_result(batch, mutation, mutation.formers().empty() ? "" : payload_hash(mutation));
    auto result = former ? *former : apply_one(batch, mutation, 0);
    store_result(batch, mutation, result);
    return {std::move(result)};
  }
  int end = index + 1;
  while (end < mutations.size() && mutations[end].group() == mutation.group())
    ++end;
  return apply_group(batch, index, end);
}

std::vector<msg::MutationResult> server_transaction::apply_group(const batch_input& batch,
                                                                 int first, int end) {
  std::vector<msg::MutationResult> results;
  const auto& head = batch.request->mutations(first);
  bool all_fit = head.group_size() == static_cast<std::uint32_t>(end - first);
  std::set<std::string_view> ids; // Each was judged on what stands now, so none may come twice.
  std::uint64_t group_end = space(batch.space).head_seq();
  for (int i = first; i < end; ++i) {
    const auto& mutation = batch.request->mutations(i);
    const auto former =
      former_result(batch, mutation, mutation.formers().empty() ? "" : payload_hash(mutation));
    if (former) {
      results.push_back(*former); // All of a group were answered together, so all are.
      continue;
    }
    const auto before = current(batch, mutation);
    auto verdict = core::judge(before, mutation, moment_of(batch, mutation, before));
    all_fit = all_fit && verdict.result.status() == msg::SYNCED &&
              mutation.collection() == head.collection() && ids.insert(mutation.id()).second;
    group_end += verdict.header ? 1 : 0;
    results.push_back(std::move(verdict.result));
  }
  for (int i = first; i < end; ++i) {
    const auto& mutation = batch.request->mutations(i);
    auto& result = results[static_cast<std::size_t>(i - first)];
    if (!result.repeated_result() && result.status() != msg::OUTCOME_UNKNOWN) {
      if (all_fit) {
        result = apply_one(batch, mutation, group_end);
      } else if (result.status() == msg::SYNCED) {
        result.Clear();
        result.set_mutation_id(mutation.mutation_id());
        result.set_server_id(mutation.id());
        result.set_status(msg::FAILED);
        result.mutable_error()->set_code("group");
        result.mutable_error()->set_message(
          "another mutation of the same atomic group was refused, "
          "so none of the group was applied");
      }
    }
    store_result(batch, mutation, result);
  }
  return results;
}

core::server_moment server_transaction::moment_of(const batch_input& batch,
                                                  const msg::Mutation& mutation,
                                                  const std::optional<core::item_view>& before) {
  const auto& state = space(batch.space);
  core::server_moment moment;
  moment.next_stamp = {starts_.current().start(), state.head_seq() + 1};
  moment.now_ms = batch.now_ms;
  moment.last_modified_ms = state.last_modified_ms();
  moment.writer_tag = client_tag(batch.request->client());
  moment.birth_mark = core::birth_mark(mutation);
  if (moment.birth_mark != 0 && names_fit(mutation))
    moment.birth =
      known_birth_of(records_, item_key(batch.space, mutation.collection(), mutation.id()), before,
                     moment.birth_mark);
  return moment;
}

msg::MutationResult server_transaction::apply_one(const batch_input& batch,
                                                  const msg::Mutation& mutation,
                                                  std::uint64_t group_end_seq) {
  const auto before = current(batch, mutation);
  const auto moment = moment_of(batch, mutation, before);
  auto verdict = core::judge(before, mutation, moment);
  // Somebody else had made an equal item: this creation has had its effect all the same.
  if (!verdict.header && verdict.result.status() == msg::SYNCED &&
      moment.birth == core::known_birth::no)
    put_birth(writer_, item_key(batch.space, mutation.collection(), mutation.id()),
              moment.birth_mark, batch.now_ms);
  if (verdict.header) {
    std::optional<core::item_header> replaced;
    if (before)
      replaced = before->header;
    write_change(batch.space, mutation, replaced, *verdict.header, verdict.body, group_end_seq);
  }
  return std::move(verdict.result);
}

void server_transaction::write_change(const std::string& space_name, const msg::Mutation& mutation,
                                      const std::optional<core::item_header>& before,
                                      const core::item_header& header, std::string_view body,
                                      std::uint64_t group_end_seq) {
  auto& state = space(space_name);
  if (state.head_seq() == 0 && !starts_.knows(space_name)) {
    new_spaces_.push_back(space_name);
    writer_.put_message(server_table::starts, numbered_key(space_name, 0), starts_.current());
  }
  state.set_head_seq(header.stamp.seq);
  state.set_last_modified_ms(header.last_modified_ms);
  auto& group = collection(space_name, mutation.collection());
  group.set_head_seq(header.stamp.seq);
  const bool lived = before && !before->deleted;
  if (lived != !header.deleted)
    group.set_item_count(group.item_count() + (header.deleted ? -1 : 1));
  if (before)
    writer_.erase(server_table::change_index,
                  numbered_key(space_name, mutation.collection(), before->stamp.seq));
  msg::ChangeEntry entry;
  entry.set_id(mutation.id());
  entry.set_group_end_seq(group_end_seq);
  entry.set_deleted(header.deleted);
  entry.set_changed_ms(header.last_modified_ms);
  writer_.put_message(server_table::change_index,
                      numbered_key(space_name, mutation.collection(), header.stamp.seq), entry);
  if (before && before->birth_mark != header.birth_mark)
    put_birth(writer_, item_key(space_name, mutation.collection(), mutation.id()),
              before->birth_mark, header.last_modified_ms);
  writer_.put_item(server_table::items, item_key(space_name, mutation.collection(), mutation.id()),
                   header, body);
}

void server_transaction::store_result(const batch_input& batch, const msg::Mutation& mutation,
                                      const msg::MutationResult& result) {
  if (batch.request->client().empty())
    return;
  auto& sender = client(batch.space, batch.request->client());
  sender.record.set_last_mutation_id(mutation.mutation_id());
  sender.dirty = true;
  msg::StoredResult kept;
  *kept.mutable_result() = result;
  kept.mutable_result()->clear_server_item();
  kept.set_payload_hash(mutation.payload_hash().empty() ? payload_hash(mutation)
                                                        : mutation.payload_hash());
  kept.set_collection(mutation.collection());
  kept.set_id(mutation.id());
  kept.set_stored_ms(batch.now_ms);
  writer_.put_message(server_table::results,
                      numbered_key(batch.space, batch.request->client(), mutation.mutation_id()),
                      kept);
}

} // namespace syncline::storage
