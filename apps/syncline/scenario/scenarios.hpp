#pragma once
// Small stories with a known end, on a real server and real stores: a user's proof that this
// machine and this build keep the main promises.

#include "syncline/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace syncline::app {

/// What happened, beside what should have.
struct scenario_outcome {
  struct fact {
    std::string what;
    std::string expected;
    std::string seen;
  };
  std::vector<fact> facts;

  void expect(std::string what, std::uint64_t expected, std::uint64_t seen) {
    facts.push_back({std::move(what), std::to_string(expected), std::to_string(seen)});
  }
  void expect(std::string what, std::string expected, std::string seen) {
    facts.push_back({std::move(what), std::move(expected), std::move(seen)});
  }
  [[nodiscard]] bool holds() const {
    for (const auto& one : facts)
      if (one.expected != one.seen)
        return false;
    return true;
  }
};

struct scenario {
  const char* name;
  const char* text;
  result<scenario_outcome> (*run)();
};

[[nodiscard]] const std::vector<scenario>& scenarios();

} // namespace syncline::app
