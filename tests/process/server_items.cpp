#include "tests/process/server_items.hpp"

#include "tests/support/loopback.hpp"

#include <stdexcept>

namespace syncline::tests {

std::map<std::string, nlohmann::json> server_items(std::uint16_t port,
                                                   const std::string& collection) {
  std::map<std::string, nlohmann::json> items;
  std::string cursor = "0";
  for (bool more = true; more;) {
    raw_client client{port};
    std::string request = "GET /delta?limit=500&collection=";
    request.append(collection).append("&cursor=").append(cursor);
    client.send(request.append(" HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const auto reply = client.read_reply();
    if (!reply.starts_with("HTTP/1.1 200 "))
      throw std::runtime_error{"no page but: " + reply};
    const auto page = nlohmann::json::parse(reply.substr(reply.find("\r\n\r\n") + 4));
    for (const auto& id : page.at("deleted"))
      items.erase(id.get<std::string>());
    for (const char* kind : {"created", "updated"})
      for (const auto& item : page.at(kind))
        items[item.at("id").get<std::string>()] = item;
    cursor = page.at("nextCursor").get<std::string>();
    more = page.at("hasMore").get<bool>();
  }
  return items;
}

} // namespace syncline::tests
