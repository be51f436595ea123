#pragma once
// Invariants that stay checked in release builds.

#include <source_location>
#include <stdexcept>
#include <string>

namespace syncline::core {

/// Thrown when an invariant of our own does not hold. Never part of normal control flow: it ends
/// the actor or the process that met it, and nothing is committed.
class broken_invariant : public std::logic_error {
public:
  using std::logic_error::logic_error;
};

/// Throws `broken_invariant` naming the place unless `holds`.
inline void ensure(bool holds, const char* what,
                   std::source_location where = std::source_location::current()) {
  if (!holds)
    throw broken_invariant{std::string{where.file_name()} + ":" + std::to_string(where.line()) +
                           ": invariant broken: " + what};
}

} // namespace syncline::core
