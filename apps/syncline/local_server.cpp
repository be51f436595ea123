#include "local_server.hpp"

#include "net/client/http_pool.hpp"
#include "net/server/http_server.hpp"

#include <atomic>
#include <cstdlib>
#include <future>
#include <system_error>

namespace syncline::app {

result<std::unique_ptr<temporary_directory>> temporary_directory::make() {
  std::error_code failed;
  std::string name = std::filesystem::temp_directory_path(failed) / "syncline-XXXXXX";
  if (failed || ::mkdtemp(name.data()) == nullptr)
    return error{"store_io", "no temporary directory can be made in " + name +
                               "; set TMPDIR to one that can be written"};
  return std::unique_ptr<temporary_directory>{new temporary_directory{name}};
}

temporary_directory::~temporary_directory() {
  std::error_code ignored; // What stays behind stays in the temporary directory.
  std::filesystem::remove_all(path_, ignored);
}

result<std::unique_ptr<actors::server::server>>
start_local_server(const std::filesystem::path& directory) {
  actors::server::server_options options;
  options.directory = directory;
  options.http.port = 0;
  auto started = actors::server::server::start(std::move(options));
  if (!started)
    return error{started.error().code, started.error().message};
  return std::move(*started);
}

msg::HttpReply http_get(net::http_pool& pool, const std::string& base_url,
                        const std::string& target) {
  msg::HttpRequest request;
  request.set_method("GET");
  request.set_target(target);
  std::promise<msg::HttpReply> answered;
  pool.submit(base_url, std::move(request),
              [&](msg::HttpReply reply) { answered.set_value(std::move(reply)); });
  return answered.get_future().get();
}

/// Outlives the proxy for as long as a reply of the server is under way.
struct refusing_proxy::state {
  std::string server_url;
  std::function<bool(std::uint64_t)> refuses;
  std::atomic<std::uint64_t> requests{0};
  std::uint16_t port = 0;
  net::http_pool pool;

  void serve(msg::HttpRequest request, const net::http_server::responder& answer) {
    if (refuses(++requests)) {
      msg::HttpReply refused;
      refused.set_status(503);
      refused.set_body("this proxy has no server");
      answer(std::move(refused));
      return;
    }
    pool.submit(server_url, std::move(request), [answer](msg::HttpReply reply) {
      if (reply.status() == 0)
        reply.set_status(502);
      answer(std::move(reply));
    });
  }
};

result<std::unique_ptr<refusing_proxy>>
refusing_proxy::start(std::string server_url, std::function<bool(std::uint64_t)> refuses) {
  auto shared = std::make_shared<state>();
  shared->server_url = std::move(server_url);
  shared->refuses = std::move(refuses);
  net::http_server::options options;
  options.port = 0;
  auto http = net::http_server::start(options, [shared](std::uint64_t, msg::HttpRequest request,
                                                        const net::http_server::responder& answer) {
    shared->serve(std::move(request), answer);
  });
  if (!http)
    return error{http.error().code, http.error().message};
  shared->port = (*http)->port();
  std::unique_ptr<refusing_proxy> made{new refusing_proxy{std::move(shared)}};
  made->http_ = std::move(*http);
  return made;
}

refusing_proxy::refusing_proxy(std::shared_ptr<state> owned) : state_{std::move(owned)} {}

refusing_proxy::~refusing_proxy() {
  state_->pool.stop();
}

std::string refusing_proxy::url() const {
  return "http://127.0.0.1:" + std::to_string(state_->port);
}

std::uint64_t refusing_proxy::requests() const {
  return state_->requests;
}

} // namespace syncline::app
