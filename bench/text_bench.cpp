// W4a, W4b, W4d: typing, transforming and meeting again, in one process and without a network.

#include "bench/benchmarks.hpp"
#include "bench/flat_operation.hpp"
#include "core/ot/document_room.hpp"
#include "core/ot/text.hpp"
#include "core/ot/transform.hpp"
#include "tests/support/traces.hpp"

#include <algorithm>
#include <ctime>
#include <set>

namespace syncline::bench {

namespace {

using namespace core::ot;

/// Processor time of this thread: what others do on the machine does not count.
double thread_seconds() {
  std::timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

template <class Run>
void add(const std::string& name, Run run) {
  benchmark::RegisterBenchmark(name.c_str(), run)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
}

// --- W4a

void fill(operation& made, const test::recorded_edit& edit, std::uint64_t length) {
  made.clear();
  made.retain(edit.position);
  made.insert(edit.inserted);
  made.remove(edit.removed);
  if (!complete(made, length))
    fail("an edit of the trace is beyond its text");
}

const test::trace& paper() {
  static const auto read =
    test::read_trace_file(test::test_data_root() / "traces/automerge-paper.json.gz");
  return read;
}

void check_end(const text& at) {
  if (test::sha256_hex(at.to_string()) != paper().end_sha256)
    fail("the text is not the one that was typed");
}

void type_paper(benchmark::State& state) {
  for (auto _ : state) {
    const auto& edits = paper().edits; // Reading them is not part of it.
    text typed;
    operation made;
    const double before = thread_seconds();
    for (const auto& edit : edits) {
      fill(made, edit, typed.length());
      if (!typed.apply(made))
        fail("an edit of the trace does not fit");
    }
    state.SetIterationTime(thread_seconds() - before);
    check_end(typed);
    state.counters["edits"] = static_cast<double>(paper().edits.size());
  }
}

// Of the server all but the store and the sockets: each edit is an operation of one who joined, is
// committed and answered.
void type_paper_to_a_server(benchmark::State& state) {
  for (auto _ : state) {
    document_room room{server_document{{}, 1, {}}, "e", {}};
    std::vector<outgoing> out;
    room.open(1);
    document_room::join_message join;
    join.request.client = "the author";
    room.on_join(1, join, out);
    operation made;
    std::uint64_t seq = 0;
    const double before = thread_seconds();
    for (const auto& edit : paper().edits) {
      fill(made, edit, room.document().head_text().length());
      ++seq;
      if (!room.on_operation(1, {"the author", seq, seq}, room.document().revision(), made, out))
        fail("an edit of the trace was refused");
      room.committed(room.document().revision(), out);
      room.flush(out);
      out.clear();
    }
    state.SetIterationTime(thread_seconds() - before);
    check_end(room.document().head_text());
  }
}

// --- W4b

/// Every second component inserts or removes a little, as in the peers' harness.
std::vector<std::pair<std::uint32_t, std::uint32_t>>
places(std::mt19937_64& random, std::uint32_t length, std::size_t components) {
  std::set<std::uint32_t> chosen;
  while (chosen.size() < std::max<std::size_t>(1, components / 2))
    chosen.insert(static_cast<std::uint32_t>(random() % (length / 4 - 1)) * 4);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> made;
  made.reserve(chosen.size());
  for (const auto place : chosen)
    made.emplace_back(place, random() % 2 == 0 ? 0 : 1 + random() % 3);
  return made;
}

template <class Operation>
Operation edit_of(const std::vector<std::pair<std::uint32_t, std::uint32_t>>& at,
                  std::uint32_t length) {
  Operation made;
  std::uint32_t done = 0;
  for (const auto& [place, removed] : at) {
    made.retain(place - done);
    if (removed == 0)
      made.insert("abc", 3);
    made.remove(removed);
    done = place + removed;
  }
  made.retain(length - done);
  return made;
}

/// Calls of `run(i)` a second of this thread, for about as long.
template <class Run>
double rate_of(std::size_t kinds, const Run& run) {
  constexpr double long_enough = 0.3;
  std::size_t calls = 0;
  const double before = thread_seconds();
  double spent = 0;
  for (; spent < long_enough; spent = thread_seconds() - before)
    for (std::size_t i = 0; i < kinds; ++i, ++calls)
      run(i);
  return static_cast<double>(calls) / spent;
}

void transform_pairs(benchmark::State& state, std::size_t components) {
  constexpr std::uint32_t length = 100'000;
  const std::size_t kinds = components < 10'000 ? 64 : 4;
  std::mt19937_64 random{components};
  std::vector<operation> ours;
  std::vector<flat_operation> flat;
  for (std::size_t i = 0; i < 2 * kinds; ++i) {
    const auto at = places(random, length, components);
    ours.push_back(edit_of<operation>(at, length));
    flat.push_back(edit_of<flat_operation>(at, length));
  }
  for (auto _ : state) {
    flat_operation flat_one;
    flat_operation flat_other;
    const double floor = rate_of(
      kinds, [&](std::size_t i) { transform(flat[2 * i], flat[2 * i + 1], flat_one, flat_other); });
    operation one;
    operation other;
    const double rate = rate_of(kinds, [&](std::size_t i) {
      if (!transform(ours[2 * i], ours[2 * i + 1], tie::a, one, other))
        fail("two edits of one text do not fit");
    });
    if (flat_one.size() != one.components().size() ||
        flat_other.size() != other.components().size())
      fail("the floor makes another operation");
    state.SetIterationTime(1 / rate);
    state.counters["transforms_per_s"] = rate;
    state.counters["floor_per_s"] = floor;
    state.counters["of_floor"] = rate / floor;
  }
}

std::string prose(std::size_t bytes) {
  std::string made;
  while (made.size() < bytes)
    made += "Those who were late said why. ";
  made.resize(bytes);
  return made;
}

/// Inserts at random places.
void insert_into(benchmark::State& state, std::size_t length) {
  constexpr std::size_t inserts = 100'000;
  for (auto _ : state) {
    text at{prose(length)};
    std::mt19937_64 random{7};
    operation made;
    const double before = thread_seconds();
    for (std::size_t i = 0; i < inserts; ++i) {
      made.clear();
      const auto place = static_cast<std::uint32_t>(random() % (at.length() + 1));
      made.retain(place);
      made.insert("a", 1);
      made.retain(static_cast<std::uint32_t>(at.length() - place));
      if (!at.apply(made))
        fail("an insert does not fit");
    }
    const double seconds = thread_seconds() - before;
    state.SetIterationTime(seconds / inserts);
    state.counters["inserts_per_s"] = inserts / seconds;
    state.counters["us_per_insert"] = seconds / inserts * 1e6;
  }
}

// --- W4d

/// What somebody typed without a network meets what others did: words at random places, each a
/// letter at a time.
std::vector<operation> letters(std::uint64_t seed, std::size_t count, std::uint64_t length) {
  constexpr std::size_t word = 5;
  std::mt19937_64 random{seed};
  std::vector<operation> made(count);
  std::uint64_t place = 0;
  for (std::size_t i = 0; i < count; ++i, ++place, ++length) {
    if (i % word == 0)
      place = random() % (length + 1);
    made[i].retain(static_cast<std::uint32_t>(place));
    made[i].insert("a", 1);
    made[i].retain(static_cast<std::uint32_t>(length - place));
  }
  return made;
}

void meet_again(benchmark::State& state, std::size_t edits) {
  constexpr std::size_t length = 100'000;
  for (auto _ : state) {
    stored_document stored;
    stored.text = prose(length);
    stored.revision = 1;
    stored.lives = {{1, 1}};
    server_document server{std::move(stored), 1, {}};
    for (auto& each : letters(1, edits, length))
      if (!std::holds_alternative<server_document::accepted>(
            server.submit({}, server.revision(), std::move(each))))
        fail("an edit was refused");
    server.committed(server.revision());
    const auto mine = letters(2, edits, length);
    auto all = compose_all(mine).value();
    const double before = thread_seconds();
    if (!std::holds_alternative<server_document::accepted>(
          server.submit({"away", 1, 1}, 1, std::move(all))))
      fail("what was typed offline was refused");
    state.SetIterationTime(thread_seconds() - before);
  }
}

} // namespace

void register_texts(const settings&) {
  if (std::filesystem::exists(test::test_data_root() / "traces")) {
    add("W4a/text_store", type_paper);
    add("W4a/server_in_memory", type_paper_to_a_server);
  }
  for (const std::size_t components : {1, 100, 10'000})
    add("W4b/transform/" + std::to_string(components),
        [components](benchmark::State& state) { transform_pairs(state, components); });
  for (const std::size_t length : {100'000, 10'000'000})
    add("W4b/insert_into/" + std::to_string(length),
        [length](benchmark::State& state) { insert_into(state, length); });
  add("W4d/10000_against_10000", [](benchmark::State& state) { meet_again(state, 10'000); });
}

} // namespace syncline::bench
