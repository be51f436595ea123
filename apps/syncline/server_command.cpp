// `syncline server`: the server as a process.

#include "actors/server/server.hpp"
#include "command.hpp"
#include "end_signals.hpp"
#include "runtime/store_opening.hpp"

#include <google/protobuf/stubs/logging.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <mutex>

namespace syncline::app {

namespace {

using actors::server::server;
using actors::server::server_options;

struct server_flags {
  std::string store;
  std::string listen = "127.0.0.1:8440";
  std::uint64_t map_gib = 64;
  std::size_t connections = 10'000;
  std::vector<std::uint32_t> reconnect_ms; // none, or the least and the most
  bool new_epoch = false;
  std::uint64_t text_log = actors::server::document_options{}.log_kept;
  bool debug_echo = false;
  bool as_json = false;
};

error to_error(const core::error& failure) {
  return {failure.code, failure.message};
}

// HOST:PORT, [V6]:PORT or PORT.
result<net::http_server::options> listen_options(const std::string& text) {
  net::http_server::options http;
  std::string port = text;
  if (const auto colon = text.rfind(':'); colon != std::string::npos) {
    http.host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (http.host.starts_with('[') && http.host.ends_with(']'))
      http.host = http.host.substr(1, http.host.size() - 2);
  }
  const bool digits =
    !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (!digits || std::stoul(port) > 65535)
    return error{"usage", "--listen takes HOST:PORT with a port from 0 (any free one) to 65535, "
                          "not '" +
                            text + "'"};
  http.port = static_cast<std::uint16_t>(std::stoul(port));
  return http;
}

// Descriptors for other things than connections.
constexpr rlim_t descriptors_kept = 400;

// As many of the wanted connections as this process may have descriptors for.
std::size_t room_for(std::size_t connections) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return connections;
  limit.rlim_cur =
    std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, connections + descriptors_kept));
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= connections + descriptors_kept)
    return connections;
  const auto room = static_cast<std::size_t>(
    limit.rlim_cur > descriptors_kept ? limit.rlim_cur - descriptors_kept : limit.rlim_cur / 2);
  talk("room for " + std::to_string(room) + " connections, not " + std::to_string(connections) +
       ", since this process may open " + std::to_string(limit.rlim_cur) +
       " files; raise that with `ulimit -Hn`, or LimitNOFILE= of systemd");
  return room;
}

struct failure_box {
  std::mutex mutex;
  core::error failure;
};

void announce(const server& running, const server_flags& flags) {
  const auto status = running.status();
  if (flags.as_json)
    print_json({{"event", "listening"},
                {"url", running.url()},
                {"store", flags.store},
                {"opened", status.store_opened},
                {"items", status.items},
                {"head", status.head_seq},
                {"pid", ::getpid()}});
  else
    print_line("listening on " + running.url());
  if (!flags.as_json)
    talk("store " + flags.store + " (" + status.store_opened + "), " +
         std::to_string(status.items) + " items; end it with Ctrl-C or SIGTERM");
  std::fflush(stdout);
}

int serve(const server_flags& flags) {
  const end_signals signals{SIGUSR1}; // It says that the store has failed.
  // What a client sends wrongly is answered; it must not fill the log.
  google::protobuf::SetLogHandler(nullptr);
  const auto http = listen_options(flags.listen);
  if (!http)
    return report(http.error());
  const auto failed = std::make_shared<failure_box>();
  server_options options;
  options.directory = flags.store;
  options.http = *http;
  options.http.connections_max = room_for(flags.connections);
  options.map_bytes = flags.map_gib << 30;
  options.new_epoch = flags.new_epoch;
  options.debug_echo = flags.debug_echo;
  options.documents.log_kept = flags.text_log;
  if (flags.reconnect_ms.size() == 2)
    options.reconnect = {flags.reconnect_ms[0], flags.reconnect_ms[1]};
  options.verify = [](const std::string& directory) {
    auto checked = check_in_process(own_program(), directory);
    return !checked && checked.error().code == "check_failed" ? core::expected<void>{} : checked;
  };
  options.on_failed = [failed](const core::error& failure) {
    {
      const std::lock_guard lock{failed->mutex};
      failed->failure = failure;
    }
    ::kill(::getpid(), SIGUSR1);
  };
  auto running = server::start(std::move(options));
  if (!running)
    return report(to_error(running.error()));
  announce(**running, flags);
  const int signal = signals.wait();
  const auto stopped = (*running)->stop();
  if (signal == SIGUSR1) {
    const std::lock_guard lock{failed->mutex};
    if (!failed->failure.code.empty())
      return report(to_error(failed->failure));
  }
  if (!stopped)
    return report(to_error(stopped.error()));
  if (!flags.as_json)
    talk("stopped; every answered write is stored");
  return exit_ok;
}

} // namespace

void add_server(CLI::App& app, invocation& chosen) {
  const auto flags = std::make_shared<server_flags>();
  auto* command = app.add_subcommand("server", "Serves a store to clients until it is ended");
  command->add_option("--store", flags->store, "Directory of the server's store; made if missing")
    ->required()
    ->envname("SYNCLINE_SERVER_STORE");
  command
    ->add_option("--listen", flags->listen,
                 "HOST:PORT; loopback only, as there are no tokens yet. Port 0: any free one")
    ->capture_default_str();
  command->add_option("--map-gib", flags->map_gib, "What the store can grow to, in GiB")
    ->check(CLI::Range(1, 1 << 14))
    ->capture_default_str();
  command
    ->add_option("--connections", flags->connections,
                 "How many are open at once; one more is told 503 and when to come again")
    ->check(CLI::Range(1, 1'000'000))
    ->capture_default_str();
  command
    ->add_option("--reconnect-ms", flags->reconnect_ms,
                 "MIN MAX: how long live clients are asked to wait before they come again")
    ->expected(2)
    ->check(CLI::Range(0, 3'600'000));
  command
    ->add_option(
      "--text-log", flags->text_log,
      "Edits that are kept of each shared text; who missed more gets all of it and merges")
    ->check(CLI::Range(1, 1'000'000'000))
    ->capture_default_str();
  command->add_flag("--new-epoch", flags->new_epoch,
                    "The store was restored from a backup: clients learn that history was lost");
  command->add_flag("--debug-echo", flags->debug_echo,
                    "Adds a WebSocket at /debug/echo that sends every message back, for suites");
  command->add_flag("--json", flags->as_json, "Says what it does as JSON lines");
  command->callback([flags, &chosen] { chosen.run = [flags] { return serve(*flags); }; });
}

} // namespace syncline::app
