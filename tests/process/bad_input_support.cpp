#include "tests/process/bad_input_support.hpp"

#include "tests/process/server_items.hpp"
#include "tests/support/loopback.hpp"

#include <charconv>

namespace syncline::tests {

guarded_server::guarded_server() {
  const auto answer = ask(post_operation(R"({"operation":"CREATE","id":"kept","data":{"n":1}})"));
  BOOST_REQUIRE_EQUAL(answer.status, 200);
  before_ = server_.get().status();
  BOOST_REQUIRE_EQUAL(before_.items, 1U);
}

plain_answer guarded_server::ask(const std::string& bytes) {
  raw_client client{server_.get().port()};
  (void)client.send(bytes); // A refusal may come, and the connection end, before all is sent.
  client.finish_sending();
  const auto reply = client.read_reply();
  plain_answer answer;
  if (!reply.starts_with("HTTP/1.1 ") || reply.size() < 12)
    return answer;
  (void)std::from_chars(reply.data() + 9, reply.data() + 12, answer.status);
  answer.body = nlohmann::json::parse(reply.substr(reply.find("\r\n\r\n") + 4), nullptr, false);
  if (answer.body.is_object() && answer.body.contains("error")) {
    answer.code = answer.body["error"].value("code", "");
    answer.message = answer.body["error"].value("message", "");
  }
  return answer;
}

void guarded_server::check_refused(const bad_request& request) {
  const auto answer = ask(request.bytes);
  BOOST_TEST(answer.status == request.status, request.name << ": status " << answer.status);
  BOOST_TEST(answer.code == request.code,
             request.name << ": code '" << answer.code << "', '" << answer.message << "'");
  BOOST_TEST(answer.message.size() > 10U, request.name << ": message '" << answer.message << "'");
  check_unharmed(request.name);
}

void guarded_server::check_operation_fails(const std::string& name, const std::string& operation,
                                           const std::string& code) {
  const auto answer = ask(post_operation(operation));
  BOOST_TEST(answer.status == 200, name << ": status " << answer.status << " " << answer.code);
  const auto results =
    answer.body.is_object() ? answer.body.value("results", nlohmann::json{}) : nlohmann::json{};
  if (!results.is_array() || results.size() != 1) {
    BOOST_ERROR(name << ": not one result but " << answer.body.dump());
    return;
  }
  const auto& result = results[0];
  BOOST_TEST(result.value("status", "") == "FAILED", name);
  BOOST_TEST(!result.value("success", true), name);
  const auto error = result.value("error", nlohmann::json::object());
  BOOST_TEST(error.value("code", "") == code, name << ": " << error.dump());
  BOOST_TEST(error.value("message", "").size() > 10U, name << ": " << error.dump());
  BOOST_TEST(!error.value("retryable", true), name << ": sending it again would not help");
  check_unharmed(name);
}

void guarded_server::check_unharmed(const std::string& name) {
  const auto now = server_.get().status();
  BOOST_TEST(now.items == before_.items, name);
  BOOST_TEST(now.tombstones == before_.tombstones, name);
  BOOST_TEST(now.head_seq == before_.head_seq, name);
  BOOST_TEST(now.not_ready == "", name);
  BOOST_TEST(now.restarts == 0U, name);
  const auto items = server_items(server_.get().port(), "items");
  BOOST_TEST((items.size() == 1 && items.contains("kept") && items.at("kept").value("n", 0) == 1),
             name);
}

std::string request_line(std::string_view method, std::string_view target,
                         std::string_view headers) {
  return std::string{method}.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n") +
         std::string{headers} + "\r\n";
}

std::string post_bytes(std::string_view target, std::string_view headers, std::string_view body) {
  return request_line("POST", target,
                      "Content-Length: " + std::to_string(body.size()) + "\r\n" +
                        std::string{headers}) +
         std::string{body};
}

std::string post_json(std::string_view body) {
  return post_bytes("/batch-sync", "Content-Type: application/json\r\n", body);
}

std::string post_operation(std::string_view operation) {
  return post_json("{\"operations\":[" + std::string{operation} + "]}");
}

} // namespace syncline::tests
