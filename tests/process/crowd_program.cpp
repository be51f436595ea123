// Many runtimes in one process, each with a store of its own:
// crowd_program FOLDER FIRST COUNT URL. Obeys the lines on stdin, and ends with it:
//   write NAME     each writes one item of that name and its own number; says `written`
//   await ITEMS    says `synced NUMBER MS` of each as it holds so many items, has nothing to send
//                  and is live, MS after the command; then `all`

#include "syncline/runtime.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace syncline;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

template <class T>
T value_or_exit(result<T> outcome) {
  if (!outcome) {
    std::fprintf(stderr, "crowd_program: %s: %s\n", outcome.error().code.c_str(),
                 outcome.error().message.c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>)
    return std::move(*outcome);
}

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

std::size_t to_number(const std::string& text) {
  std::size_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

options options_of(const std::string& store, const std::string& url) {
  options how;
  how.store = store;
  how.server = url;
  how.collections.push_back({"notes"});
  how.map_bytes = 64 << 20; // Of address space, for each of many.
  how.threads = 1;
  how.start = true;
  return how;
}

/// One runtime, and its number among all processes.
struct member {
  std::size_t number;
  std::unique_ptr<runtime> one;
};

bool is_in_sync(const runtime& one, std::size_t items) {
  if (value_or_exit(one.list("notes", {}, items + 1)).size() != items)
    return false;
  const auto now = value_or_exit(one.status());
  return now.waiting == 0 && now.acknowledged == 0 && now.stream.state == "live";
}

void write(const std::vector<member>& crowd, const std::string& name) {
  for (const auto& each : crowd)
    static_cast<void>(
      value_or_exit(each.one->put("notes", name + "-" + std::to_string(each.number), "{}")));
  say("written");
}

void await(const std::vector<member>& crowd, std::size_t items) {
  const auto begin = steady::now();
  std::vector<const member*> missing;
  missing.reserve(crowd.size());
  for (const auto& each : crowd)
    missing.push_back(&each);
  while (!missing.empty()) {
    std::erase_if(missing, [&](const member* each) {
      if (!is_in_sync(*each->one, items))
        return false;
      const auto ms = (steady::now() - begin) / 1ms;
      say("synced " + std::to_string(each->number) + " " + std::to_string(ms));
      return true;
    });
    std::this_thread::sleep_for(100ms); // Looking costs what they need to get there.
  }
  say("all");
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 5)
    return 2;
  const std::string folder = argv[1];
  const auto first = to_number(argv[2]);
  std::vector<member> crowd;
  for (auto number = first; number < first + to_number(argv[3]); ++number) {
    const auto store = folder + "/client" + std::to_string(number);
    crowd.push_back({number, value_or_exit(runtime::open(options_of(store, argv[4])))});
  }
  say("opened");
  std::string command;
  std::string argument;
  while (std::cin >> command >> argument)
    if (command == "write")
      write(crowd, argument);
    else if (command == "await")
      await(crowd, to_number(argument));
    else
      return 2;
  return 0;
}
