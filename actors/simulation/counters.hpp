#pragma once
// What a run, or many runs, reached. A zero where there should be none is a failure of the
// simulation: it means that something is no longer tested.

#include <cstdint>
#include <map>
#include <string>

namespace syncline::actors::simulation {

/// Named counts, in the order of names.
class counters {
public:
  void add(const std::string& name, std::uint64_t by = 1) {
    counts_[name] += by;
  }
  void merge(const counters& other) {
    for (const auto& [name, count] : other.counts_)
      counts_[name] += count;
  }
  [[nodiscard]] std::uint64_t of(const std::string& name) const {
    const auto found = counts_.find(name);
    return found == counts_.end() ? 0 : found->second;
  }
  [[nodiscard]] const std::map<std::string, std::uint64_t>& all() const {
    return counts_;
  }

private:
  std::map<std::string, std::uint64_t> counts_;
};

} // namespace syncline::actors::simulation
