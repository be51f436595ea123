// What comes to the server broken gets a clear error with its code; nothing of it is stored, and
// the server goes on. Bytes are the test's own, over real sockets.

#include "net/compression.hpp"
#include "tests/process/bad_input_support.hpp"
#include "tests/support/loopback.hpp"

BOOST_AUTO_TEST_SUITE(bad_input)

using namespace syncline;
using namespace syncline::tests;

namespace {

void check_all(const std::vector<bad_request>& requests) {
  guarded_server server;
  for (const auto& request : requests)
    server.check_refused(request);
}

std::string gzip(std::string_view text) {
  return net::compress(net::content_coding::gzip, text).value();
}

std::string nested(std::size_t depth) {
  std::string text;
  for (std::size_t i = 0; i < depth; ++i)
    text += "{\"a\":";
  return text + "1" + std::string(depth, '}');
}

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const auto part : parts)
    text.append(part);
  return text;
}

std::string create(std::string_view id, std::string_view data) {
  return R"({"operation":"CREATE","id":")" + std::string{id} + R"(","data":)" + std::string{data} +
         "}";
}

constexpr std::string_view good = R"({"operations":[{"operation":"CREATE","id":"a","data":{}}]})";
constexpr std::string_view json_type = "Content-Type: application/json\r\n";
constexpr std::string_view gzip_json =
  "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";

} // namespace

BOOST_AUTO_TEST_CASE(malformed_json_is_refused_whole) {
  std::vector<bad_request> requests;
  for (const std::string body :
       {"", " ", "{", "}", "nul", "{\"operations\":[}", "{\"operations\":[],}", "{'operations':[]}",
        "{\"operations\":[]} x", "\xEF\xBB\xBF{\"operations\":[]}", "{\"operations\":[NaN]}",
        "{\"operations\":[\"\\ud800\"]}", "{\"operations\":[\"\x01\"]}", "{\"operations\":[1e400]}",
        "{\"operations\":[123456789012345678901234567890]}", "{\"operations\":[01]}",
        "{\"operations\":[],\"operations\":[]}"})
    requests.push_back({"JSON " + body, post_json(body), 400, "bad_json"});
  requests.push_back({"duplicate keys in an item", post_operation(create("a", R"({"x":1,"x":2})")),
                      400, "bad_json"});
  requests.push_back({"duplicate keys, one escaped",
                      post_operation(create("a", R"({"x":1,"\u0078":2})")), 400, "bad_json"});
  requests.push_back(
    {"nested 200 deep", post_operation(create("a", nested(200))), 400, "bad_json"});
  requests.push_back(
    {"nested 100,000 deep", post_operation(create("a", nested(100'000))), 400, "bad_json"});
  for (const std::string text : {"\xFF", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80"})
    requests.push_back(
      {"no UTF-8", post_operation(create("a", "{\"t\":\"" + text + "\"}")), 400, "bad_json"});
  check_all(requests);
}

BOOST_AUTO_TEST_CASE(json_of_another_shape_is_refused_whole) {
  std::vector<bad_request> requests;
  for (const std::string body :
       {"1", "null", "\"text\"", "[]", "{}", R"({"operations":{}})", R"({"operations":null})",
        R"({"operations":"CREATE"})", R"({"operations":[],"client":7})",
        R"({"operations":[],"client":["a"]})", R"({"operations":[],"ackedThrough":-1})",
        R"({"operations":[],"ackedThrough":"1"})", R"({"operations":[],"ackedThrough":1.5})"})
    requests.push_back({"batch " + body, post_json(body), 400, "bad_batch"});
  requests.push_back({"a client of 129 bytes",
                      post_json(R"({"operations":[],"client":")" + std::string(129, 'c') + "\"}"),
                      400, "bad_batch"});
  std::string many = "{\"operations\":[1";
  for (int i = 1; i < 1001; ++i)
    many += ",1";
  requests.push_back({"1001 operations", post_json(many + "]}"), 413, "too_many"});
  requests.push_back({"a gap",
                      post_json(R"({"client":"c","operations":[{"operation":"CREATE",)"
                                R"("id":"a","data":{},"mutationId":2,"nonce":1}]})"),
                      409, "mutation_gap"});
  check_all(requests);
}

BOOST_AUTO_TEST_CASE(an_operation_of_wrong_types_fails_alone) {
  guarded_server server;
  for (const std::string operation :
       {"1",
        "null",
        "[]",
        "\"CREATE\"",
        "{}",
        R"({"operation":"create","id":"a","data":{}})",
        R"({"operation":7,"id":"a","data":{}})",
        R"({"operation":"CREATE","data":{}})",
        R"({"operation":"CREATE","id":7,"data":{}})",
        R"({"operation":"CREATE","id":"a"})",
        R"({"operation":"UPDATE","id":"kept"})",
        R"({"operation":"DELETE"})",
        R"({"operation":"UPDATE","id":"kept","data":{"n":2},"version":"1"})",
        R"({"operation":"UPDATE","id":"kept","data":{"n":2},"version":-1})",
        R"({"operation":"UPDATE","id":"kept","data":{"n":2},"replace":1})",
        R"({"operation":"UPDATE","id":"kept","increments":[1]})",
        R"({"operation":"UPDATE","id":"kept","increments":{"n":"1"}})",
        R"({"operation":"UPDATE","id":"kept","increments":{"n":9223372036854775808}})",
        R"({"operation":"UPDATE","id":"kept","data":{"n":2},"mutationId":1})",
        R"({"operation":"UPDATE","id":"kept","data":{"n":2},"group":-1})",
        R"({"operation":"UPDATE","id":"kept","data":{"n":2},"nonce":{}})",
        R"({"operation":"UPDATE","id":"kept","data":{"n":2},"clientTime":"now"})",
        R"({"operation":"SKIP"})"})
    server.check_operation_fails(operation, operation, "bad_operation");
  for (const std::string data : {"1", "null", "[]", "\"text\"", "true"})
    for (const std::string kind : {"CREATE", "UPDATE"})
      server.check_operation_fails(
        joined({kind, " with ", data}),
        joined({R"({"operation":")", kind, R"(","id":"kept","data":)", data, "}"}),
        "bad_operation");
}

BOOST_AUTO_TEST_CASE(an_item_beyond_the_rules_fails_alone) {
  guarded_server server;
  for (const std::string name : {"id", "collection", "version", "lastModified", "deleted"}) {
    const auto data = "{\"" + name + "\":\"mine\"}";
    server.check_operation_fails("creates with " + name, create("a", data), "reserved_name");
    server.check_operation_fails("patches " + name,
                                 R"({"operation":"UPDATE","id":"kept","data":)" + data + "}",
                                 "reserved_name");
    server.check_operation_fails(
      "counts " + name, R"({"operation":"UPDATE","id":"kept","increments":{")" + name + "\":1}}",
      "reserved_name");
  }
  server.check_operation_fails("65 deep", create("a", nested(65)), "too_deep");
  const std::string large(std::size_t{1} << 20, 'x');
  server.check_operation_fails("over 1 MiB", create("a", R"({"t":")" + large + "\"}"), "too_large");
  const auto half = R"({"operation":"UPDATE","id":"kept","data":{"t":")" +
                    large.substr(0, large.size() - 10) + "\"}}";
  server.check_operation_fails("a patch that makes it too large", half, "too_large");
  server.check_operation_fails("adds to a text",
                               R"({"operation":"UPDATE","id":"kept","data":{"n":"x"},)"
                               R"("increments":{"n":1}})",
                               "not_a_number");
  server.check_operation_fails(
    "overflows", R"({"operation":"UPDATE","id":"kept","increments":{"n":9223372036854775807}})",
    "number_overflow");
}

BOOST_AUTO_TEST_CASE(bad_ids_fail_alone) {
  guarded_server server;
  for (const std::string id : {"/a", "a/", "/", ".", "..", "../x", "a/../b", "a/./b", "a/..",
                               "\\u0000", "a\\u0001", "a\\nb", "\\u007f", "\\u0085"})
    server.check_operation_fails("id " + id, create(id, "{}"), "bad_id");
  server.check_operation_fails("id of 201 bytes", create(std::string(201, 'a'), "{}"), "bad_id");
  server.check_operation_fails("id of 67 characters and 201 bytes",
                               create(
                                 [] {
                                   std::string id;
                                   for (int i = 0; i < 67; ++i)
                                     id += "\xE2\x82\xAC";
                                   return id;
                                 }(),
                                 "{}"),
                               "bad_id");
  for (const std::string kind : {"UPDATE", "DELETE"})
    server.check_operation_fails(kind + " of a bad id",
                                 R"({"operation":")" + kind + R"(","id":"../x","data":{"n":1}})",
                                 "bad_id");
}

BOOST_AUTO_TEST_CASE(one_bad_operation_fails_and_the_others_are_applied) {
  guarded_server server;
  const auto answer =
    server.ask(post_json("{\"operations\":[" + create("first", "{}") + "," + create("../x", "{}") +
                         "," + create("third", "{}") + "]}"));
  BOOST_REQUIRE_EQUAL(answer.status, 200);
  BOOST_TEST(answer.body["results"][0].value("status", "") == "SYNCED");
  BOOST_TEST(answer.body["results"][1]["error"].value("code", "") == "bad_id");
  BOOST_TEST(answer.body["results"][2].value("status", "") == "SYNCED");
  BOOST_TEST(server.get().get().status().items == 3U);
}

BOOST_AUTO_TEST_CASE(bad_collections_limits_and_times_are_refused) {
  std::vector<bad_request> requests;
  for (const std::string name :
       {"", "Notes", "a%20b", "a.b", "..", "%2e%2e", "%00", "%FF", "caf%C3%A9", "a%2Fb"}) {
    for (const std::string route : {"/delta", "/updates"})
      requests.push_back({joined({route, " of '", name, "'"}),
                          request_line("GET", joined({route, "?collection=", name})), 400,
                          name == "%FF" || name == "%00" ? "bad_url" : "bad_collection"});
    requests.push_back({"a batch for '" + name + "'",
                        post_bytes("/batch-sync?collection=" + name, json_type, good), 400,
                        name == "%FF" || name == "%00" ? "bad_url" : "bad_collection"});
  }
  requests.push_back({"65 bytes", request_line("GET", "/delta?collection=" + std::string(65, 'a')),
                      400, "bad_collection"});
  for (const std::string limit : {"", "0", "501", "-1", "1.5", "ten", "99999999999999999999", "1x"})
    requests.push_back(
      {"limit " + limit, request_line("GET", "/delta?limit=" + limit), 400, "bad_limit"});
  for (const std::string since : {"-1", "yesterday", "1e5", "0x10", "1700000000000000000000"})
    requests.push_back(
      {"since " + since, request_line("GET", "/updates?since=" + since), 400, "bad_since"});
  for (const std::string query : {"cursor=%", "cursor=%4", "cursor=%zz"})
    requests.push_back({query, request_line("GET", "/delta?" + query), 400, "bad_url"});
  check_all(requests);
}

BOOST_AUTO_TEST_CASE(bad_cursors_are_refused_and_foreign_ones_have_expired) {
  guarded_server server;
  const auto first = server.ask(request_line("GET", "/delta"));
  BOOST_REQUIRE_EQUAL(first.status, 200);
  const auto cursor = first.body.at("nextCursor").get<std::string>();
  for (const std::string bad : {"x", "1", "-1", "null", "AAAA", "....", "%2F..%2F"})
    server.check_refused(
      {"cursor " + bad, request_line("GET", "/delta?cursor=" + bad), 400, "bad_cursor"});
  server.check_refused({"a cursor of 10,000 bytes",
                        request_line("GET", "/delta?cursor=" + std::string(10'000, 'A')), 414,
                        "uri_too_long"});
  // Each byte changed, and each prefix: a checksum guards it.
  for (std::size_t at = 0; at < cursor.size(); ++at) {
    auto changed = cursor;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    const auto answer = server.ask(request_line("GET", "/delta?cursor=" + changed));
    BOOST_TEST((answer.status == 400 && answer.code == "bad_cursor"), changed << answer.status);
    if (at == 0)
      continue; // An empty cursor is the beginning.
    const auto cut = server.ask(request_line("GET", "/delta?cursor=" + cursor.substr(0, at)));
    BOOST_TEST((cut.status == 400 && cut.code == "bad_cursor"), at << ": " << cut.status);
  }
  for (const std::string seen : {"x", "1", "1.2", "1.2.3.4", "a.b.c", "-1.-1.-1"})
    server.check_refused(
      {"seen " + seen, request_line("GET", "/delta?seen=" + seen), 400, "bad_cursor"});
  server.check_refused({"a cursor of another collection",
                        request_line("GET", "/delta?collection=other&cursor=" + cursor), 400,
                        "bad_cursor"});
  guarded_server other;
  other.check_refused({"a cursor of another server", request_line("GET", "/delta?cursor=" + cursor),
                       410, "cursor_expired"});
}

BOOST_AUTO_TEST_CASE(unknown_routes_and_methods_are_refused) {
  std::vector<bad_request> requests;
  for (const std::string path :
       {"/", "/nothing", "/delta/", "/Delta", "/delta/x", "//delta", "/batch_sync", "/healthz/x"})
    for (const std::string method : {"GET", "POST", "DELETE"})
      requests.push_back({joined({method, " ", path}),
                          request_line(method, path, "Content-Length: 0\r\n"), 404,
                          "unknown_route"});
  for (const std::string method :
       {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "get", "BREW"})
    for (const std::string path : {"/delta", "/updates", "/healthz", "/readyz"})
      requests.push_back({joined({method, " ", path}),
                          request_line(method, path, "Content-Length: 0\r\n"), 405,
                          "method_not_allowed"});
  for (const std::string method : {"GET", "PUT", "DELETE", "PATCH"})
    requests.push_back(
      {method + " /batch-sync", request_line(method, "/batch-sync"), 405, "method_not_allowed"});
  requests.push_back({"CONNECT", "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 405,
                      "method_not_allowed"});
  for (const std::string type : {"text/plain", "text/html", "application/xml",
                                 "multipart/form-data", "application/x-www-form-urlencoded"})
    requests.push_back({type, post_bytes("/batch-sync", "Content-Type: " + type + "\r\n", good),
                        415, "unsupported_media_type"});
  check_all(requests);
}

BOOST_AUTO_TEST_CASE(bodies_that_end_early_are_told_so_and_not_served) {
  guarded_server server;
  const auto whole = post_json(good);
  const std::string chunked =
    request_line("POST", "/batch-sync",
                 "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n") +
    "3a\r\n" + std::string{good} + "\r\n0\r\n\r\n";
  const auto packed = post_bytes("/batch-sync", gzip_json, gzip(good));
  for (const auto& bytes : {whole, chunked, packed})
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      const auto answer = server.ask(bytes.substr(0, size));
      BOOST_TEST(answer.status == 400, size << " bytes: " << answer.status);
      BOOST_TEST(answer.code == "incomplete_request", size << " bytes: " << answer.code);
    }
  server.check_unharmed("cut requests");
  // The whole gzip body is there, but it is itself too short.
  const auto zipped = gzip(good);
  for (std::size_t size = 1; size < zipped.size(); ++size) {
    const auto answer = server.ask(post_bytes("/batch-sync", gzip_json, zipped.substr(0, size)));
    BOOST_TEST((answer.status == 400 && answer.code == "bad_encoding"),
               size << " bytes: " << answer.status << answer.code);
  }
  server.check_unharmed("cut gzip");
}

BOOST_AUTO_TEST_CASE(bombs_and_wrong_labels_are_refused) {
  guarded_server server;
  const auto refuse = [&](const std::string& name, std::string_view encoding, std::string_view body,
                          int status, const std::string& code) {
    server.check_refused(
      {name,
       post_bytes("/batch-sync",
                  std::string{json_type} + "Content-Encoding: " + std::string{encoding} + "\r\n",
                  body),
       status, code});
  };
  refuse("a bomb of 100 MB", "gzip", gzip(std::string(std::size_t{100} << 20, ' ')), 413,
         "too_large");
  const auto once = gzip(std::string(std::size_t{8} << 20, 'x'));
  refuse(
    "a bomb of many members", "gzip",
    [&] {
      std::string members;
      for (int i = 0; i < 64; ++i)
        members += once;
      return members;
    }(),
    413, "too_large");
  refuse("JSON labelled gzip", "gzip", good, 400, "bad_encoding");
  refuse("HTML labelled gzip", "gzip", "<html><body>no</body></html>", 400, "bad_encoding");
  refuse("zstd labelled gzip", "gzip", net::compress(net::content_coding::zstd, good).value(), 400,
         "bad_encoding");
  refuse("gzip and then something else", "gzip", gzip(good) + "tail", 400, "bad_encoding");
  auto damaged = gzip(good);
  damaged[damaged.size() - 5] = static_cast<char>(damaged[damaged.size() - 5] ^ 1);
  refuse("gzip with a wrong checksum", "gzip", damaged, 400, "bad_encoding");
  refuse("gzip labelled as nothing", "identity", gzip(good), 400, "bad_json");
  for (const std::string coding : {"br", "zstd", "deflate", "gzip, gzip", "nonsense"})
    refuse("coding " + coding, coding, good, 415, "unsupported_media_type");
  const auto answer = server.ask(post_bytes("/batch-sync", gzip_json, good));
  BOOST_TEST(answer.message.find("JSON") != std::string::npos,
             "it says what the body looks like: " << answer.message);
}

BOOST_AUTO_TEST_CASE(bodies_that_are_too_large_are_refused_before_they_are_sent) {
  check_all(
    {{"9 MB announced",
      request_line("POST", "/batch-sync",
                   "Content-Type: application/json\r\nContent-Length: 9000000\r\n"),
      413, "too_large"},
     {"2^63 bytes announced",
      request_line("POST", "/batch-sync", "Content-Length: 9223372036854775808\r\n"), 413,
      "too_large"},
     {"a length beyond 64 bits",
      request_line("POST", "/batch-sync", "Content-Length: 99999999999999999999\r\n"), 400,
      "bad_content_length"},
     {"a negative length", request_line("POST", "/batch-sync", "Content-Length: -1\r\n"), 400,
      "bad_content_length"},
     {"a chunk of 2^63 bytes",
      request_line("POST", "/batch-sync", "Transfer-Encoding: chunked\r\n") +
        "8000000000000000\r\n",
      413, "too_large"},
     {"a long head", request_line("GET", "/delta", "X-Long: " + std::string(20'000, 'x') + "\r\n"),
      431, "head_too_large"}});
}

BOOST_AUTO_TEST_SUITE_END()
