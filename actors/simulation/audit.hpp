#pragma once
// The promises, checked: during a run, and when everything has come to rest. A broken one is
// reported through `world::fail`.

#include "actors/simulation/world.hpp"

namespace syncline::actors::simulation {

/// P7, P8: what a client's cursor has passed is in its base rows, at that change or a later one.
void check_cursors(world& world);

/// Nothing is left to do: outboxes are empty, what was acknowledged is seen, nobody waits.
[[nodiscard]] bool is_settled(world& world);
[[nodiscard]] std::string describe_unsettled(world& world);

/// The user decides what the strategies left to him.
void decide_parked(world& world, int client);

/// P5, P11, P13 and "nothing is thrown away silently", once `is_settled`.
void check_at_rest(world& world);

} // namespace syncline::actors::simulation
