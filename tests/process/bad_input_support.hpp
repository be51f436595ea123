#pragma once
// A server with one item, and requests to it in bytes of the test's own.

#include "tests/runtime/runtime_support.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace syncline::tests {

/// One request and what it has to be answered with.
struct bad_request {
  std::string name;
  std::string bytes; ///< all of it, head included
  int status = 400;
  std::string code;
};

/// An answer in JSON: the error's code and message, or the whole body.
struct plain_answer {
  int status = 0;
  std::string code;
  std::string message;
  nlohmann::json body;
};

/// A server that holds the item `kept`, {"n":1}, of the collection `items`.
class guarded_server {
public:
  guarded_server();

  /// Sends the request over a connection of its own, ends the sending half and reads the answer.
  [[nodiscard]] plain_answer ask(const std::string& bytes);
  /// The answer is the expected error, nothing was stored, and the server goes on.
  void check_refused(const bad_request& request);
  /// The answer is 200 with one result, FAILED with `code`; else as above.
  void check_operation_fails(const std::string& name, const std::string& operation,
                             const std::string& code);
  /// Items, tombstones, head and the item itself are as they were, and it answers.
  void check_unharmed(const std::string& name);

  [[nodiscard]] test_server& get() {
    return server_;
  }

private:
  test_server server_;
  actors::server::server_status before_;
};

/// A request without a body.
[[nodiscard]] std::string request_line(std::string_view method, std::string_view target,
                                       std::string_view headers = {});
/// A POST with a body of its length.
[[nodiscard]] std::string post_bytes(std::string_view target, std::string_view headers,
                                     std::string_view body);
/// A JSON batch as POST to /batch-sync.
[[nodiscard]] std::string post_json(std::string_view body);
/// A JSON batch with one operation.
[[nodiscard]] std::string post_operation(std::string_view operation);

} // namespace syncline::tests
