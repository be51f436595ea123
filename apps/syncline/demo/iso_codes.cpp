#include "apps/syncline/demo/iso_codes.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <iterator>
#include <string>

namespace syncline::app {

namespace {

using nlohmann::json;

result<void> read_list(const std::string& file, const char* list, const char* code,
                       const char* collection, std::vector<operation>& out) {
  const std::string path = "/usr/share/iso-codes/json/" + file;
  std::ifstream stream{path};
  const std::string text{std::istreambuf_iterator<char>{stream}, {}};
  const json document = json::parse(text, nullptr, false);
  if (!stream || document.is_discarded() || !document.contains(list))
    return error{"no_data", path + " cannot be read; install Debian's package iso-codes "
                                   "(`./setup demo` does)"};
  for (const auto& entry : document[list]) {
    // A count that both devices will add to, beside what the standard says.
    json body = entry;
    body["visits"] = 0;
    out.push_back(operation::put(collection, entry[code].get<std::string>(), body.dump()));
  }
  return {};
}

} // namespace

result<std::vector<operation>> read_iso_codes() {
  std::vector<operation> all;
  if (auto read = read_list("iso_639-3.json", "639-3", "alpha_3", languages, all); !read)
    return read.error();
  if (auto read = read_list("iso_3166-1.json", "3166-1", "alpha_2", countries, all); !read)
    return read.error();
  return all;
}

} // namespace syncline::app
