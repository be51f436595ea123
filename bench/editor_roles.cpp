// What editors do while the server is measured; see document_bench.cpp.

#include "bench/child_process.hpp"
#include "bench/editors.hpp"
#include "bench/support.hpp"
#include "bench/web_socket.hpp"
#include "tests/support/traces.hpp"

#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <random>
#include <thread>

namespace syncline::bench {

namespace {

constexpr std::size_t text_length = 1'000;

std::uint16_t port_of(const std::string& argument) {
  return static_cast<std::uint16_t>(std::stoul(argument));
}

double to_ms(std::int64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e6;
}

/// Types for a while, a letter after the other, each at its own part of the text.
class typing {
public:
  typing(editor_crowd& crowd, std::size_t editors_of_each, std::int64_t pause_ns)
    : crowd_{crowd}, editors_of_each_{editors_of_each}, pause_ns_{pause_ns},
      due_ns_(crowd.all().size(), 0) {}

  void go_on_for(std::int64_t nanoseconds) {
    const auto begin = monotonic_ns();
    until_ns_ = begin + nanoseconds;
    std::mt19937_64 random{1};
    for (std::size_t i = 0; i < due_ns_.size(); ++i) {
      due_ns_[i] = begin;
      if (pause_ns_ == 0)
        type(i);
      else
        due_ns_[i] += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(pause_ns_));
    }
    while (monotonic_ns() < until_ns_)
      step();
    until_ns_ = 0;
    crowd_.settle();
  }

  void step() {
    crowd_.wait(pause_ns_ == 0 ? 1'000 : 1, [this](std::size_t index) {
      acks_ms_.push_back(to_ms(monotonic_ns() - crowd_.all()[index]->sent_ns()));
      if (pause_ns_ == 0 && monotonic_ns() < until_ns_)
        type(index);
    });
    if (pause_ns_ == 0)
      return;
    const auto now = monotonic_ns();
    for (std::size_t i = 0; i < due_ns_.size(); ++i)
      if (due_ns_[i] <= now && crowd_.all()[i]->session().is_synchronized()) {
        due_ns_[i] = std::max(due_ns_[i] + pause_ns_, now);
        type(i);
      }
  }

  void type(std::size_t index) {
    auto& one = *crowd_.all()[index];
    const auto length = one.session().shown().length();
    one.type(length * (2 * (index % editors_of_each_) + 1) / (2 * editors_of_each_), "a");
    ++typed_;
  }

  [[nodiscard]] std::size_t typed() const {
    return typed_;
  }
  std::vector<double>& acks_ms() {
    return acks_ms_;
  }

private:
  editor_crowd& crowd_;
  std::size_t editors_of_each_;
  std::int64_t pause_ns_;
  std::int64_t until_ns_ = 0;
  std::vector<std::int64_t> due_ns_;
  std::vector<double> acks_ms_;
  std::size_t typed_ = 0;
};

std::string target_of(std::size_t document) {
  return "/document/d" + std::to_string(document);
}

void check_converged(editor_crowd& crowd, std::size_t editors_of_each, std::size_t letters) {
  std::size_t sum = 0;
  for (std::size_t first = 0; first < crowd.all().size(); first += editors_of_each) {
    const auto text = crowd.all()[first]->session().shown().to_string();
    sum += text.size() - text_length;
    for (std::size_t i = first; i < first + editors_of_each; ++i)
      if (crowd.all()[i]->session().shown().to_string() != text)
        fail("two editors have different texts");
  }
  if (sum != letters)
    fail(std::to_string(letters) + " letters were typed and " + std::to_string(sum) + " are there");
}

} // namespace

int edit(const std::vector<std::string>& arguments) {
  const int server = std::stoi(arguments[1]);
  const std::size_t documents = std::stoul(arguments[2]);
  const std::size_t editors = std::stoul(arguments[3]);
  editor_crowd crowd;
  for (std::size_t document = 0; document < documents; ++document)
    for (std::size_t i = 0; i < editors; ++i) {
      auto& made = crowd.add(port_of(arguments[0]), target_of(document));
      if (i == 0)
        made.type(0, std::string(text_length, 'x'));
    }
  crowd.settle();
  typing all{crowd, editors, std::stoll(arguments[5]) * 1'000'000};
  const double busy_before = processor_seconds(server);
  const stopwatch watch;
  all.go_on_for(std::stoll(arguments[4]) * 1'000'000'000);
  const double seconds = std::stod(arguments[4]);
  tell("cpu_us_per_operation",
       (processor_seconds(server) - busy_before) * 1e6 / static_cast<double>(all.typed()));
  tell("operations_per_s", static_cast<double>(all.typed()) / seconds);
  tell("p50_ms", quantile(all.acks_ms(), 0.5));
  tell("p99_ms", quantile(all.acks_ms(), 0.99));
  check_converged(crowd, editors, all.typed());
  return 0;
}

int come_back(const std::vector<std::string>& arguments) {
  const auto port = port_of(arguments[0]);
  const int server = std::stoi(arguments[1]);
  const std::size_t edits = std::stoul(arguments[2]);
  constexpr std::size_t others = 2;
  constexpr std::int64_t pause_ns = 10'000'000;
  editor_crowd crowd;
  for (std::size_t i = 0; i < others; ++i)
    static_cast<void>(crowd.add(port, target_of(0)));
  crowd.all()[0]->type(0, std::string(100 * text_length, 'x'));
  crowd.settle();
  editor_crowd elsewhere{"away "};
  auto& away = elsewhere.add(port, target_of(0));
  away.disconnect();
  std::mt19937_64 random{1};
  const auto type_anywhere = [&](editor& one, std::string_view letter) {
    one.type(random() % (one.session().shown().length() + 1), letter);
  };
  for (std::size_t i = 0; i < edits; ++i) {
    type_anywhere(away, "b");
    type_anywhere(*crowd.all()[i % others], "a");
    while (!crowd.all()[i % others]->session().is_synchronized())
      crowd.wait(10'000);
  }
  // As long without him as with him, so that what the others cost can be taken off.
  constexpr std::int64_t span_ns = 2'000'000'000;
  double cpu_ms[2] = {};
  double back_ms = 0;
  typing going_on{crowd, others, pause_ns};
  for (const bool with_him : {false, true}) {
    going_on.acks_ms().clear();
    const double busy_before = processor_seconds(server);
    std::thread his;
    if (with_him)
      his = std::thread{[&] {
        const stopwatch watch;
        elsewhere.connect_again(away);
        while (!away.session().is_joined() || !away.session().is_synchronized())
          elsewhere.wait(10'000);
        back_ms = watch.seconds() * 1e3;
      }};
    going_on.go_on_for(span_ns);
    cpu_ms[with_him ? 1 : 0] = (processor_seconds(server) - busy_before) * 1e3;
    if (with_him)
      his.join();
  }
  tell("cpu_ms_of_return", cpu_ms[1] - cpu_ms[0]);
  tell("cpu_ms_of_others", cpu_ms[0]);
  tell("back_after_ms", back_ms);
  tell("acks_of_others", static_cast<double>(going_on.acks_ms().size()));
  tell("ack_of_others_p50_ms", quantile(going_on.acks_ms(), 0.5));
  tell("ack_of_others_most_ms", quantile(going_on.acks_ms(), 1));
  elsewhere.settle();
  crowd.settle();
  if (crowd.all()[0]->session().shown().to_string() != away.session().shown().to_string())
    fail("two editors have different texts");
  return 0;
}

int type_paper(const std::vector<std::string>& arguments) {
  const int server = std::stoi(arguments[1]);
  const auto paper =
    test::read_trace_file(test::test_data_root() / "traces/automerge-paper.json.gz");
  const int socket = connect_to(port_of(arguments[0]));
  send_all(socket, upgrade_request("/document/paper"));
  constexpr std::size_t window = 2'000;
  std::string unread;
  std::array<char, std::size_t{1} << 16U> buffer{};
  std::size_t acknowledged = 0;
  bool is_greeted = false;
  const auto read = [&] {
    const auto size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size <= 0)
      fail("the server closed a plain client");
    unread.append(buffer.data(), static_cast<std::size_t>(size));
    std::size_t used = 0;
    if (!is_greeted) {
      const auto end = unread.find("\r\n\r\n");
      if (end == std::string::npos)
        return;
      is_greeted = true;
      used = end + 4;
    }
    const std::string_view all{unread};
    for (auto frame = first_frame(all.substr(used)); frame.bytes != 0;
         frame = first_frame(all.substr(used))) {
      used += frame.bytes;
      acknowledged += frame.payload.find("\"ack\"") != std::string_view::npos ? 1 : 0;
    }
    unread.erase(0, used);
  };
  while (!is_greeted)
    read();
  const double busy_before = processor_seconds(server);
  const stopwatch watch;
  std::string gathered;
  for (std::size_t sent = 0; acknowledged < paper.edits.size();) {
    for (; sent < std::min(acknowledged + window, paper.edits.size()); ++sent) {
      const auto& edit = paper.edits[sent];
      auto parts = nlohmann::json::array();
      if (edit.position != 0)
        parts.push_back({{"type", "retain"}, {"length", edit.position}});
      if (!edit.inserted.empty())
        parts.push_back({{"type", "insert"}, {"text", edit.inserted}});
      if (edit.removed != 0)
        parts.push_back({{"type", "delete"}, {"length", edit.removed}});
      gathered += client_frame(
        nlohmann::json{{"type", "operation"}, {"revision", 0}, {"operations", std::move(parts)}}
          .dump(),
        true);
    }
    send_all(socket, std::exchange(gathered, {}));
    read();
  }
  tell("seconds", watch.seconds());
  tell("cpu_seconds", processor_seconds(server) - busy_before);
  tell("edits", static_cast<double>(paper.edits.size()));
  ::close(socket);
  return 0;
}

} // namespace syncline::bench
