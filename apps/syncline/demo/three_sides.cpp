#include "apps/syncline/demo/three_sides.hpp"

#include "apps/syncline/command.hpp"
#include "apps/syncline/content_hash.hpp"
#include "apps/syncline/local_server.hpp"
#include "net/client/http_pool.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace syncline::app {

namespace {

struct process_end {
  std::string output; ///< both streams
  bool succeeded = false;
};

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> part{};
  while (true) {
    const auto count = ::read(descriptor, part.data(), part.size());
    if (count > 0)
      text.append(part.data(), static_cast<std::size_t>(count));
    else if (count == 0 || errno != EINTR)
      return text;
  }
}

// Arguments are passed as they are; no shell reads them.
result<process_end> run_self(std::vector<std::string> arguments) {
  std::string program = own_program();
  arguments.insert(arguments.begin(), program);
  std::vector<char*> pointers;
  pointers.reserve(arguments.size() + 1);
  for (auto& one : arguments)
    pointers.push_back(one.data());
  pointers.push_back(nullptr);
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
    return error{"store_io", std::string{"pipe2: "} + std::strerror(errno)};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, pipe[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, pipe[1], STDERR_FILENO);
  pid_t child = 0;
  const int failed =
    ::posix_spawn(&child, program.c_str(), &files, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  ::close(pipe[1]);
  process_end end;
  if (failed == 0)
    end.output = read_all(pipe[0]);
  ::close(pipe[0]);
  if (failed != 0)
    return error{"store_io", program + " cannot be run: " + std::strerror(failed)};
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR)
      return error{"store_io", std::string{"waitpid: "} + std::strerror(errno)};
  end.succeeded = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return end;
}

} // namespace

result<side_content> content_of_device(const std::string& directory) {
  const auto end = run_self({"store", "stat", "--content", "--json", directory});
  if (!end)
    return end.error();
  const json told = json::parse(end->output, nullptr, false);
  if (!end->succeeded || told.is_discarded())
    return error{"store_corrupt", "`syncline store stat` failed: " + end->output};
  side_content content;
  for (const auto& [name, one] : told["content"].items())
    if (one["items"] != 0)
      content[name] = {one["items"].get<std::uint64_t>(), one["sha256"].get<std::string>()};
  return content;
}

namespace {

// Items by id; a later page of the walk may bring an item again.
result<std::map<std::string, std::string>> walk(net::http_pool& pool, const std::string& url,
                                                const std::string& collection) {
  std::map<std::string, std::string> items;
  const std::string target = "/delta?collection=" + collection + "&limit=500&cursor=";
  std::string cursor = "0";
  while (true) {
    const auto reply = http_get(pool, url, target + cursor);
    json page = json::parse(reply.body(), nullptr, false);
    if (reply.status() != 200 || page.is_discarded())
      return error{"server_error", "GET /delta answered " + std::to_string(reply.status()) + " " +
                                     reply.failure_text() + reply.body().substr(0, 200)};
    for (const char* list : {"created", "updated"})
      for (auto& item : page[list]) {
        const auto id = item["id"].get<std::string>();
        for (const char* name : {"id", "version", "lastModified"})
          item.erase(name);
        items[id] = item.dump();
      }
    for (const auto& gone : page["deleted"])
      items.erase(gone.is_object() ? gone["id"].get<std::string>() : gone.get<std::string>());
    cursor = page["nextCursor"].get<std::string>();
    if (!page["hasMore"].get<bool>())
      return items;
  }
}

} // namespace

result<side_content> content_of_server(const std::string& url,
                                       const std::vector<std::string>& collections) {
  net::http_pool pool;
  side_content content;
  for (const auto& collection : collections) {
    const auto items = walk(pool, url, collection);
    if (!items)
      return items.error();
    content_hash hash;
    for (const auto& [id, body] : *items)
      hash.add(id, body);
    if (!items->empty())
      content[collection] = {items->size(), hash.finish()};
  }
  return content;
}

} // namespace syncline::app
