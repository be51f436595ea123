#include "core/ot/carets.hpp"

#include <algorithm>
#include <utility>

namespace syncline::core::ot {

selection to_shown(const selection& in_base, const client_text& text) {
  auto at = in_base;
  if (text.outstanding())
    at = transform_selection(*text.outstanding(), at, bias::left);
  return transform_selection(text.buffer(), at, bias::left);
}

selection to_base(const selection& in_shown, const client_text& text) {
  const auto back = [&](std::uint64_t at) {
    at = position_before(text.buffer(), at);
    return text.outstanding() ? position_before(*text.outstanding(), at) : at;
  };
  return {back(in_shown.anchor), back(in_shown.head)};
}

bool caret_board::on_presence(const presence& said, const client_text& text, std::int64_t now_ms) {
  if (said.client.empty() || said.client == client_)
    return false; // A connection of ours that the server has not missed yet.
  if (!said.selected)
    return others_.erase(said.client) != 0;
  const auto known = others_.find(said.client);
  if (known == others_.end() && others_.size() >= limits_.others_max)
    return false;
  const auto length = text.base().length();
  const selection in_base{std::min(said.selected->anchor, length),
                          std::min(said.selected->head, length)};
  caret now{said.client, to_shown(in_base, text), said.name, said.colour};
  const bool is_news = known == others_.end() || known->second.shown != now;
  others_.insert_or_assign(said.client, other{std::move(now), now_ms + limits_.lives_ms});
  return is_news;
}

bool caret_board::forget_others() {
  return !std::exchange(others_, {}).empty();
}

bool caret_board::on_time(std::int64_t now_ms) {
  return std::erase_if(others_, [&](const auto& each) { return each.second.until_ms <= now_ms; }) !=
         0;
}

void caret_board::move(const operation& over, const std::string& author) {
  const auto side = [&](const std::string& of) { return of == author ? bias::right : bias::left; };
  for (auto& [client, each] : others_)
    each.shown.at = transform_selection(over, each.shown.at, side(client));
  if (own_)
    own_ = transform_selection(over, *own_, side(client_));
}

std::vector<caret> caret_board::others() const {
  std::vector<caret> made;
  made.reserve(others_.size());
  for (const auto& [client, each] : others_)
    made.push_back(each.shown);
  return made;
}

} // namespace syncline::core::ot
