#include "bench/support.hpp"

#include "core/data/ids.hpp"

#include <fcntl.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

namespace syncline::bench {

void fail(const std::string& what) {
  std::fprintf(stderr, "syncline_bench: %s\n", what.c_str());
  std::exit(1);
}

void check_done(const result<void>& outcome) {
  if (!outcome)
    fail(outcome.error().code + ": " + outcome.error().message);
}

std::filesystem::path own_program() {
  return std::filesystem::read_symlink("/proc/self/exe");
}

std::filesystem::path data_root() {
  const char* chosen = std::getenv("SYNCLINE_BENCH_DIR");
  std::filesystem::path root =
    chosen ? std::filesystem::path{chosen} : own_program().parent_path().parent_path() / "data";
  std::filesystem::create_directories(root);
  return root;
}

std::string file_system_name() {
  constexpr std::uint64_t tmpfs = 0x01021994;
  static const std::map<std::uint64_t, std::string> names{{0xef53, "ext"},
                                                          {0x9123683e, "btrfs"},
                                                          {0x58465342, "xfs"},
                                                          {0x794c7630, "overlay"},
                                                          {tmpfs, "tmpfs"}};
  struct statfs about {};
  const auto root = data_root();
  if (::statfs(root.c_str(), &about) != 0)
    fail("statfs failed on " + root.string());
  const auto found = names.find(static_cast<std::uint64_t>(about.f_type));
  return found == names.end() ? "other" : found->second;
}

data_directory::data_directory() {
  if (file_system_name() == "tmpfs")
    fail(data_root().string() + " is on tmpfs, where nothing is durable; name a directory on a "
                                "disk in SYNCLINE_BENCH_DIR");
  std::string name = (data_root() / "bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    fail("mkdtemp failed on " + name);
  path_ = name;
}

data_directory::~data_directory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string to_string(id_kind kind) {
  switch (kind) {
  case id_kind::uuid7:
    return "uuid7";
  case id_kind::random:
    return "random";
  default:
    return "counted";
  }
}

id_kind id_kind_of(const std::string& name) {
  for (const auto kind : {id_kind::uuid7, id_kind::random, id_kind::counted})
    if (to_string(kind) == name)
      return kind;
  fail("there are no ids of the kind '" + name + "'");
}

namespace {

std::string random_uuid(std::mt19937_64& random) {
  std::array<char, 37> text{};
  const std::uint64_t high = random();
  const std::uint64_t low = random();
  std::snprintf(text.data(), text.size(), "%08x-%04x-4%03x-%04x-%012llx",
                static_cast<unsigned>(high >> 32), static_cast<unsigned>(high >> 16 & 0xffff),
                static_cast<unsigned>(high & 0xfff),
                static_cast<unsigned>(0x8000 | (low >> 48 & 0x3fff)),
                static_cast<unsigned long long>(low & 0xffff'ffff'ffff));
  return text.data();
}

std::string counted_id(std::size_t index) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "item-%08zu", index);
  return text.data();
}

} // namespace

std::vector<std::string> make_ids(id_kind kind, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random{seed};
  core::uuid_v7_generator rising{[&random] { return random(); }};
  constexpr std::int64_t some_day_ms = 1'750'000'000'000;
  constexpr std::int64_t ids_in_a_ms = 20;
  std::vector<std::string> ids;
  ids.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (kind == id_kind::uuid7)
      ids.push_back(rising.next(some_day_ms + static_cast<std::int64_t>(seed) * 10'000'000 +
                                static_cast<std::int64_t>(i) / ids_in_a_ms));
    else if (kind == id_kind::random)
      ids.push_back(random_uuid(random));
    else
      ids.push_back(counted_id(i));
  }
  return ids;
}

namespace {

// Words of the trade with a letter of noise each: text that compresses as text does.
std::string make_text(std::uint64_t seed, std::size_t bytes) {
  static constexpr std::array words{"sync",    "item",  "outbox", "cursor", "delta", "mobile",
                                    "offline", "merge", "server", "client", "batch", "retry",
                                    "storage", "actor", "editor", "network"};
  static constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
  auto x = static_cast<std::uint32_t>((seed + 1) * 2654435761U);
  std::string text;
  while (text.size() < bytes) {
    x = x * 1103515245U + 12345U;
    text += words[x >> 16 & 15];
    const std::uint32_t noise = x >> 24;
    if (noise >= digits.size())
      text += digits[noise / digits.size()];
    text += digits[noise % digits.size()];
    text += ' ';
  }
  text.resize(bytes);
  return text;
}

} // namespace

std::string make_body(std::size_t index, int version, id_kind kind) {
  const std::size_t content_bytes = kind == id_kind::counted ? 70 : 91;
  std::string body =
    "{\"title\":\"Title " + make_text(index, 20) + "\",\"content\":\"" +
    make_text(index * 7 + static_cast<std::size_t>(version), content_bytes) +
    "\",\"lastChangeMs\":" +
    std::to_string(1'700'000'000'000ULL + index * 1000 + static_cast<std::size_t>(version)) +
    ",\"edition\":" + std::to_string(version) + "}";
  return body;
}

namespace {

std::string process_file(int process, const std::string& name) {
  return "/proc/" + (process == 0 ? "self" : std::to_string(process)) + "/" + name;
}

} // namespace

std::uint64_t anonymous_bytes(int process) {
  std::ifstream status{process_file(process, "status")};
  std::string word;
  while (status >> word)
    if (word == "RssAnon:") {
      std::uint64_t kibibytes = 0;
      status >> kibibytes;
      return kibibytes * 1024;
    }
  return 0;
}

double processor_seconds(int process) {
  std::ifstream file{process_file(process, "stat")};
  const std::string all{std::istreambuf_iterator<char>{file}, {}};
  const auto name_end = all.rfind(')');
  if (name_end == std::string::npos)
    return 0;
  // After the name come the state and ten more fields, then user and system time in ticks.
  constexpr int user_field = 11;
  double ticks = 0;
  std::size_t at = name_end + 2;
  for (int field = 0; field <= user_field + 1; ++field) {
    const auto end = all.find(' ', at);
    if (field >= user_field)
      ticks += std::strtod(all.c_str() + at, nullptr);
    at = end + 1;
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double median(std::vector<double>& values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

double fdatasync_p50_us() {
  const data_directory place;
  const auto path = place / "calibration";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0)
    fail("cannot create " + path.string());
  const std::array<char, 4096> block{};
  std::vector<double> times_us;
  for (int i = 0; i < 100; ++i) {
    const stopwatch watch;
    if (::write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        ::fdatasync(file) != 0)
      fail("cannot write to " + path.string());
    times_us.push_back(watch.seconds() * 1e6);
  }
  ::close(file);
  return median(times_us);
}

void show_calibration(benchmark::State& state) {
  state.counters["fdatasync_p50_us"] = fdatasync_p50_us();
}

} // namespace syncline::bench
