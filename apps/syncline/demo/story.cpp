#include "apps/syncline/demo/story.hpp"

#include "apps/syncline/command.hpp"
#include "apps/syncline/demo/iso_codes.hpp"
#include "apps/syncline/local_server.hpp"

#include <chrono>
#include <fstream>
#include <iterator>

namespace syncline::app {

namespace {

class stopwatch {
public:
  [[nodiscard]] std::int64_t ms() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 began_)
      .count();
  }

private:
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

result<void> sync(runtime& device, const char* name) {
  const auto report = device.sync_now();
  if (!report)
    return report.error();
  if (!report->success)
    return report->error;
  talk(std::string{"  "} + name + " synced: " + std::to_string(report->items_processed) +
       " items, " + std::to_string(report->conflicts) + " conflicts, " +
       std::to_string(report->requests) + " requests, " +
       std::to_string((report->bytes_sent + report->bytes_received) >> 10) + " KiB, " +
       std::to_string(report->duration_ms) + " ms");
  return {};
}

result<void> write_all(runtime& device, const std::vector<operation>& all) {
  constexpr std::size_t chunk = 1000;
  for (std::size_t i = 0; i < all.size(); i += chunk) {
    const auto end = std::min(all.size(), i + chunk);
    const auto written = device.write({all.begin() + static_cast<std::ptrdiff_t>(i),
                                       all.begin() + static_cast<std::ptrdiff_t>(end)});
    if (!written)
      return written.error();
  }
  return {};
}

// The bytes of a record near the file's end, which is data and not a free page for sure: it is
// searched for by a value that the demo has written.
result<void> flip_a_byte(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  std::string bytes{std::istreambuf_iterator<char>{in}, {}};
  std::size_t flipped = 0;
  for (auto at = bytes.find("Klingon"); at != std::string::npos; at = bytes.find("Klingon", at)) {
    bytes[at] = 'C';
    ++flipped;
  }
  std::ofstream out{file, std::ios::binary | std::ios::trunc};
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (flipped == 0 || !out)
    return error{"store_io", "no record of " + file.string() + " could be changed"};
  return {};
}

void print_side(const char* name, const side_content& content) {
  for (const auto& [collection, one] : content) {
    std::string line = name;
    line.resize(10, ' ');
    line += collection;
    line.resize(22, ' ');
    line += std::to_string(one.items) + " items";
    line.resize(36, ' ');
    print_line(line + "sha256 " + one.sha256);
  }
}

} // namespace

result<std::unique_ptr<story>> story::begin(std::filesystem::path directory) {
  std::unique_ptr<story> made{new story};
  made->directory_ = std::move(directory);
  auto server = start_local_server(made->directory_ / "server");
  if (!server)
    return server.error();
  made->server_ = std::move(*server);
  for (auto* device : {&made->a_, &made->b_}) {
    auto opened = made->open_device(device == &made->a_ ? "device-a" : "device-b");
    if (!opened)
      return opened.error();
    *device = std::move(*opened);
  }
  return made;
}

result<std::unique_ptr<runtime>> story::open_device(const std::string& name) const {
  options how;
  how.store = directory_ / name;
  how.server = server_->url();
  how.collections = {{languages}, {countries}};
  how.store_check = own_program();
  return runtime::open(std::move(how));
}

result<void> story::first_sync() {
  const auto all = read_iso_codes();
  if (!all)
    return all.error();
  const stopwatch watch;
  if (auto written = write_all(*a_, *all); !written)
    return written;
  talk(std::to_string(all->size()) + " languages and countries written to device A in " +
       std::to_string(watch.ms()) + " ms, without a network");
  if (auto done = sync(*a_, "device A"); !done)
    return done;
  return sync(*b_, "device B");
}

result<void> story::edit_apart() {
  // Same field on both sides, different fields of one item, delete against edit both ways, and
  // counts of both.
  std::vector<operation> here{
    operation::patch(languages, "deu", R"({"note":"written on A"})"),
    operation::patch(languages, "fra", R"({"reviewed":true})"),
    operation::remove(languages, "tlh"),
    operation::patch(languages, "epo", R"({"note":"kept by an edit"})"),
    operation::put(languages, "qaa", R"({"name":"Made on A","visits":0})"),
  };
  std::vector<operation> there{
    operation::patch(languages, "deu", R"({"note":"written on B"})"),
    operation::patch(languages, "fra", R"({"greeting":"bonjour"})"),
    operation::patch(languages, "tlh", R"({"note":"nuqneH"})"),
    operation::remove(languages, "epo"),
    operation::put(countries, "XK", R"({"name":"Made on B","visits":0})"),
  };
  for (const char* code : {"DE", "FR", "JP", "BR", "KE"}) {
    here.push_back(operation::increment(countries, code, "visits", std::int64_t{3}));
    there.push_back(operation::increment(countries, code, "visits", std::int64_t{4}));
  }
  for (auto [device, edits] : {std::pair{a_.get(), &here}, std::pair{b_.get(), &there}})
    if (const auto written = device->write(std::move(*edits)); !written)
      return written.error();
  talk("both edited while apart: one field twice, two fields of one item, a delete against an "
       "edit both ways, counts on both");
  return {};
}

result<void> story::meet() {
  for (int round = 0; round < 2; ++round) {
    if (auto done = sync(*a_, "device A"); !done)
      return done;
    if (auto done = sync(*b_, "device B"); !done)
      return done;
  }
  for (const auto& [device, name] : {std::pair{a_.get(), "A"}, std::pair{b_.get(), "B"}}) {
    const auto records = device->conflicts();
    if (!records)
      return records.error();
    for (const auto& one : *records)
      talk(std::string{"  conflict on device "} + name + ": " + one.collection + "/" + one.id +
           " (" + one.reason + "), " + one.decision);
    const auto visits = device->get(countries, "JP");
    if (!visits)
      return visits.error();
    const json body = *visits ? parse_body((*visits)->body) : json::object();
    if (body.value("visits", 0) != 7)
      return error{"wrong_sum", std::string{"3 and 4 visits to Japan were counted, and device "} +
                                  name + " says " + body.value("visits", json{}).dump()};
  }
  return {};
}

result<void> story::spoil(spoiling how) {
  if (how == spoiling::edit) {
    const auto written = b_->patch(languages, "eng", R"({"note":"never synced"})");
    return written ? result<void>{} : result<void>{written.error()};
  }
  if (how == spoiling::byte)
    if (const auto written = b_->put(languages, "qtz", R"({"name":"Klingon, written late"})");
        !written)
      return written.error();
  return {};
}

result<bool> story::compare(spoiling how) {
  if (auto spoiled = spoil(how); !spoiled)
    return spoiled.error();
  for (auto* device : {&a_, &b_}) {
    if (auto closed = (*device)->close(); !closed)
      return closed.error();
    device->reset();
  }
  if (how == spoiling::byte)
    if (auto flipped = flip_a_byte(directory_ / "device-b" / "data.mdb"); !flipped)
      return flipped.error();
  const auto server = content_of_server(server_->url(), {languages, countries});
  if (!server)
    return server.error();
  print_side("server", *server);
  bool equal = true;
  for (const auto& [directory, name] :
       {std::pair{"device-a", "device A"}, std::pair{"device-b", "device B"}}) {
    const auto content = content_of_device(directory_ / directory);
    if (!content) {
      report(content.error());
      equal = false;
      continue;
    }
    print_side(name, *content);
    equal = equal && *content == *server;
  }
  return equal;
}

} // namespace syncline::app
