#pragma once
// A server on a temporary directory and a free loopback port, for the demo and the scenarios.

#include "actors/server/server.hpp"
#include "http.pb.h"
#include "syncline/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace syncline::net {
class http_pool;
class http_server;
} // namespace syncline::net

namespace syncline::app {

/// A directory that goes when this does.
class temporary_directory {
public:
  [[nodiscard]] static result<std::unique_ptr<temporary_directory>> make();
  ~temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const {
    return path_;
  }

private:
  explicit temporary_directory(std::filesystem::path made) : path_{std::move(made)} {}
  std::filesystem::path path_;
};

/// Errors: those of `server::start`.
[[nodiscard]] result<std::unique_ptr<actors::server::server>>
start_local_server(const std::filesystem::path& directory);

/// Sends a GET and waits for the reply.
[[nodiscard]] msg::HttpReply http_get(net::http_pool& pool, const std::string& base_url,
                                      const std::string& target);

/// Stands between clients and a server and refuses some requests with 503, as a proxy does whose
/// server is away. Counts all.
class refusing_proxy {
public:
  /// `refuses` gets the number of the request, from 1.
  [[nodiscard]] static result<std::unique_ptr<refusing_proxy>>
  start(std::string server_url, std::function<bool(std::uint64_t)> refuses);
  ~refusing_proxy();
  refusing_proxy(const refusing_proxy&) = delete;
  refusing_proxy& operator=(const refusing_proxy&) = delete;

  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::uint64_t requests() const;

private:
  struct state;
  explicit refusing_proxy(std::shared_ptr<state> owned);
  std::shared_ptr<state> state_;
  std::unique_ptr<net::http_server> http_;
};

} // namespace syncline::app
