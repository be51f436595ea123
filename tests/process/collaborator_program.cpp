// One who types into a shared text: collaborator_program STORE URL DOCUMENT NUMBER FIRST SEED.
// What he inserts are characters that nobody else does, each once: the private ones from
// U+F0000 + 4096 * NUMBER + FIRST on. He removes only his own. Says as JSON lines what he is about
// to do (`will`) and what came of it (`did`), each with `added` and `removed`. Obeys the lines on
// stdin, and ends with it:
//   type COUNT       so many random actions: inserts, removals, undo, redo, carets; says `typed`
//   write COUNT      the same without undo and redo
//   pause, resume    works without the network, and with it again
//   settle           waits until all is at the server; says `settled`
//   point            puts his caret before one of his characters; says `pointed`, which one
//   show             says `text`
// Whenever the carets of others change, it says `carets`: who is before which character.

#include "syncline/runtime.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace syncline;
using namespace std::chrono_literals;
using nlohmann::json;

constexpr auto never = 60s;
constexpr char32_t private_use = 0xF0000;
constexpr std::uint32_t each_has = 4096;

void say(const json& line) {
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

template <class T>
T value_or_exit(result<T> outcome) {
  if (!outcome) {
    say({{"fault", outcome.error().code + ": " + outcome.error().message}});
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>)
    return std::move(*outcome);
}

std::uint32_t to_number(const std::string& text) {
  std::uint32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::u32string decoded(const std::string& utf8) {
  std::u32string out;
  for (const char byte : utf8) {
    const auto value = static_cast<unsigned char>(byte);
    if ((value & 0xC0U) == 0x80U)
      out.back() = (out.back() << 6U) | (value & 0x3FU);
    else
      out.push_back(value < 0x80U ? value
                                  : value & (value >= 0xF0U   ? 0x07U
                                             : value >= 0xE0U ? 0x0FU
                                                              : 0x1FU));
  }
  return out;
}

std::string encoded_private(char32_t code) {
  return {
    static_cast<char>(0xF0U | (code >> 18U)), static_cast<char>(0x80U | ((code >> 12U) & 0x3FU)),
    static_cast<char>(0x80U | ((code >> 6U) & 0x3FU)), static_cast<char>(0x80U | (code & 0x3FU))};
}

class collaborator {
public:
  collaborator(const std::string& store, const std::string& url, const std::string& document,
               std::uint32_t number, std::uint32_t first, std::uint32_t seed)
    : first_code_{private_use + number * each_has}, next_code_{first_code_ + first},
      units_{number % 2 == 0 ? text_units::utf16 : text_units::utf8}, random_{seed} {
    options how;
    how.store = store;
    how.server = url;
    how.map_bytes = 256 << 20;
    how.threads = 1;
    how.start = true;
    how.durable = durability::process;
    runtime_ = value_or_exit(runtime::open(how));
    document_options text;
    text.units = units_;
    document_.emplace(value_or_exit(runtime_->document(document, text)));
    name_ = "editor " + std::to_string(number);
    watching_.emplace(
      value_or_exit(document_->on_presence([this](const auto& carets) { tell_carets(carets); })));
  }

  void obey(const std::string& word, std::uint32_t count) {
    if (word == "type" || word == "write") {
      for (std::uint32_t i = 0; i < count; ++i)
        act(word == "type");
      say({{"typed", count}});
    } else if (word == "pause") {
      value_or_exit(runtime_->stop());
      say({{"paused", true}});
    } else if (word == "resume") {
      value_or_exit(runtime_->start());
      say({{"resumed", true}});
    } else if (word == "settle") {
      value_or_exit(document_->settle(never));
      say({{"settled", value_or_exit(document_->status()).revision}});
    } else if (word == "point") {
      point();
    } else if (word == "show") {
      say({{"text", value_or_exit(document_->text()).text}});
    }
  }

private:
  // Fast typists, so that several are on their way at once, and not one burst.
  void act(bool with_undo) {
    std::this_thread::sleep_for(std::chrono::microseconds{below(4'000)});
    read();
    const auto dice = below(with_undo ? 100 : 80);
    if (dice < 55)
      insert();
    else if (dice < 70)
      remove();
    else if (dice < 80)
      select();
    else
      take_back(dice < 93);
  }

  void insert() {
    const auto count = std::min<std::size_t>(1 + below(3), first_code_ + each_has - next_code_);
    const auto place = below(4) == 0 || last_ > text_.size() ? below(text_.size() + 1) : last_;
    std::string typed;
    std::vector<std::uint32_t> codes;
    for (std::size_t i = 0; i < count; ++i) {
      codes.push_back(next_code_);
      typed += encoded_private(next_code_++);
    }
    say({{"will", "insert"}, {"added", codes}, {"removed", json::array()}});
    value_or_exit(document_->edit(text_edit::insert(at(place), typed), version_));
    last_ = place + count;
    say({{"did", "insert"}, {"added", codes}, {"removed", json::array()}});
  }

  void remove() {
    const auto own = own_places();
    if (own.empty())
      return insert();
    const auto begin = own[below(own.size())];
    auto end = begin;
    std::vector<std::uint32_t> codes;
    while (end < text_.size() && is_mine(text_[end]) && codes.size() < 5)
      codes.push_back(text_[end++]);
    say({{"will", "remove"}, {"added", json::array()}, {"removed", codes}});
    value_or_exit(document_->edit(text_edit::remove(at(begin), at(end) - at(begin)), version_));
    say({{"did", "remove"}, {"added", json::array()}, {"removed", codes}});
  }

  // Whatever was undone, it is his own.
  void take_back(bool undo) {
    const auto done = value_or_exit(undo ? document_->undo(version_) : document_->redo(version_));
    std::vector<std::uint32_t> added;
    std::vector<std::uint32_t> removed;
    for (const auto& change : done.changes)
      apply(change, added, removed);
    say({{"did", undo ? "undo" : "redo"}, {"added", added}, {"removed", removed}});
  }

  void apply(const text_change& change, std::vector<std::uint32_t>& added,
             std::vector<std::uint32_t>& removed) {
    std::u32string made;
    std::size_t from = 0;
    for (const auto& step : change.edit.steps) {
      if (step.what == text_step::kind::insert) {
        const auto inserted = decoded(step.text);
        if (!change.remote)
          note(inserted, added);
        made += inserted;
        continue;
      }
      auto to = from;
      for (std::uint64_t left = step.length; left > 0; ++to)
        left -= units_of(text_.at(to));
      const auto part = text_.substr(from, to - from);
      from = to;
      if (step.what == text_step::kind::retain)
        made += part;
      else if (!change.remote)
        note(part, removed);
    }
    text_ = made + text_.substr(from);
  }

  void note(const std::u32string& codes, std::vector<std::uint32_t>& to) {
    for (const auto code : codes) {
      if (!is_mine(code))
        say({{"fault", "what somebody else typed was undone: " + std::to_string(code)}});
      to.push_back(code);
    }
  }

  void select() {
    const auto own = own_places();
    if (own.empty())
      return insert();
    show_caret(own[below(own.size())]);
  }

  [[nodiscard]] std::vector<std::size_t> own_places() const {
    std::vector<std::size_t> own;
    for (std::size_t i = 0; i < text_.size(); ++i)
      if (is_mine(text_[i]))
        own.push_back(i);
    return own;
  }

  void point() {
    read();
    const auto own = own_places();
    const auto place = own.empty() ? text_.size() : own[below(own.size())];
    show_caret(place);
    say({{"pointed", own.empty() ? 0 : static_cast<std::uint32_t>(text_[place])}});
  }

  void show_caret(std::size_t place) {
    value_or_exit(
      document_->select(text_selection{at(place), at(place)}, name_, "#336699", version_));
  }

  void tell_carets(const std::vector<text_caret>& carets) const {
    const auto text = decoded(value_or_exit(document_->text()).text);
    auto out = json::object();
    for (const auto& caret : carets) {
      std::size_t place = 0;
      for (std::uint64_t left = caret.at.head; left > 0 && place < text.size(); ++place)
        left -= std::min(left, units_of(text[place]));
      out[caret.name] = place < text.size() ? static_cast<std::uint32_t>(text[place]) : 0;
    }
    say({{"carets", out}});
  }

  void read() {
    const auto state = value_or_exit(document_->text());
    version_ = state.version;
    text_ = decoded(state.text);
  }

  [[nodiscard]] std::uint64_t units_of(char32_t code) const {
    if (units_ == text_units::utf16)
      return code > 0xFFFF ? 2 : 1;
    return code > 0xFFFF ? 4 : code > 0x7FF ? 3 : code > 0x7F ? 2 : 1;
  }
  [[nodiscard]] std::uint64_t at(std::size_t place) const {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < place; ++i)
      out += units_of(text_[i]);
    return out;
  }
  [[nodiscard]] bool is_mine(char32_t code) const {
    return code >= first_code_ && code < first_code_ + each_has;
  }
  std::size_t below(std::size_t bound) {
    return random_() % bound;
  }

  char32_t first_code_;
  char32_t next_code_;
  text_units units_;
  std::mt19937 random_;
  std::unique_ptr<runtime> runtime_;
  std::optional<document> document_;
  std::string name_;
  std::optional<subscription> watching_;
  std::u32string text_;
  std::uint64_t version_ = 0;
  std::size_t last_ = 0; // where he typed
};

} // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: collaborator_program STORE URL DOCUMENT NUMBER FIRST SEED\n");
    return 2;
  }
  const std::vector<std::string> given{argv + 1, argv + argc};
  collaborator one{given[0],           given[1], given[2], to_number(given[3]), to_number(given[4]),
                   to_number(given[5])};
  say({{"ready", true}});
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto blank = line.find(' ');
    one.obey(line.substr(0, blank),
             blank == std::string::npos ? 0 : to_number(line.substr(blank + 1)));
  }
  return 0;
}
