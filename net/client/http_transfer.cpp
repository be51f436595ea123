#include "net/client/http_transfer.hpp"

#include "net/protocol/header_field.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

namespace syncline::net {
namespace {

constexpr std::size_t response_headers_max = 200;
constexpr long read_buffer_bytes = 256L << 10; // one read takes a quarter of a 1 MiB page
// libcurl sends bodies up to this size in one write with the head and then counts them twice.
constexpr curl_off_t sent_with_head_max = curl_off_t{64} << 10;

std::optional<std::uint64_t> parse_length(std::string_view digits) {
  std::uint64_t length = 0;
  const auto* const end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, length);
  if (parsed.ec != std::errc{} || parsed.ptr != end)
    return std::nullopt;
  return length;
}

const msg::Header* find_header(const google::protobuf::RepeatedPtrField<msg::Header>& headers,
                               std::string_view name) {
  const auto found = std::ranges::find_if(headers, [name](const msg::Header& header) {
    return equals_ignoring_case(header.name(), name);
  });
  return found == headers.end() ? nullptr : &*found;
}

std::string failure_code(CURLcode result, long os_error) {
  switch (result) {
  case CURLE_OPERATION_TIMEDOUT:
    return "timeout";
  case CURLE_COULDNT_CONNECT:
    return os_error == ECONNREFUSED ? "connection_refused" : "network_unreachable";
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_INTERFACE_FAILED:
    return "network_unreachable";
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CONNECT_ERROR:
    return "tls_refused";
  case CURLE_BAD_CONTENT_ENCODING:
    return "bad_encoding";
  case CURLE_URL_MALFORMAT:
    return "not_allowed";
  default:
    // What remains happened on an open connection: cut, reset, or not HTTP/1.1.
    return "connection_cut";
  }
}

} // namespace

http_transfer::http_transfer(const http_pool::options& settings, http_destination destination,
                             msg::HttpRequest request, http_pool::callback done,
                             clock::time_point now)
  : settings_{settings}, destination_{std::move(destination)}, request_{std::move(request)},
    done_{std::move(done)}, last_progress_{now} {
  const auto own = std::chrono::milliseconds{request_.timeout_ms()};
  total_deadline_ = now + (own.count() > 0 ? own : settings_.request_timeout);
}

core::expected<void> http_transfer::start(easy_handle handle, clock::time_point now) {
  handle_ = std::move(handle);
  last_progress_ = now;
  if (auto prepared = prepare_body(); !prepared)
    return prepared;
  if (auto prepared = prepare_headers(); !prepared)
    return prepared;
  return set_options();
}

core::expected<void> http_transfer::prepare_body() {
  const bool wanted =
    settings_.compress_requests && request_.body().size() > settings_.gzip_request_above;
  if (!wanted || find_header(request_.headers(), "content-encoding") != nullptr)
    return {};
  auto encoded = compress(content_coding::gzip, request_.body());
  if (!encoded)
    return encoded.error();
  request_.set_body(std::move(*encoded));
  gzip_body_ = true;
  return {};
}

core::expected<void> http_transfer::prepare_headers() {
  const auto append = [this](const std::string& line) {
    auto* const longer = curl_slist_append(headers_.get(), line.c_str());
    if (longer == nullptr)
      return false;
    (void)headers_.release(); // `longer` begins with the old list
    headers_.reset(longer);
    return true;
  };
  bool appended = true;
  for (const auto& header : request_.headers()) {
    // libcurl reads "name:" as "leave this header out"; "name;" sends it empty.
    const bool empty = header.value().empty();
    appended = append(header.name() + (empty ? ";" : ": " + header.value())) && appended;
  }
  const auto named = [this](std::string_view name) {
    return find_header(request_.headers(), name) != nullptr;
  };
  // libcurl would add these two to a request with a body: a form's type, and a wait of one second
  // for servers that do not know 100-continue.
  if (!named("content-type"))
    appended = append("Content-Type:") && appended;
  if (!named("expect"))
    appended = append("Expect:") && appended;
  if (gzip_body_)
    appended = append("Content-Encoding: gzip") && appended;
  // Set by hand and not through libcurl, which would decode without our limits.
  if (settings_.accept_compressed && !named("accept-encoding"))
    appended = append("Accept-Encoding: zstd, gzip") && appended;
  if (!appended)
    return core::fail("not_allowed", "out of memory while a request's headers were prepared");
  return {};
}

core::expected<void> http_transfer::set_options() {
  CURL* const easy = handle_.get();
  CURLcode first_failure = CURLE_OK;
  const auto set = [easy, &first_failure](CURLoption option, auto value) {
    const auto result = curl_easy_setopt(easy, option, value);
    first_failure = first_failure == CURLE_OK ? result : first_failure;
  };
  set(CURLOPT_URL, destination_.url.c_str());
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROTOCOLS_STR, destination_.tls ? "https" : "http");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  // A proxy named in the environment must not get requests that are plain because they are local.
  if (!destination_.tls)
    set(CURLOPT_PROXY, "");
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_HTTP_VERSION, destination_.tls ? static_cast<long>(CURL_HTTP_VERSION_2TLS)
                                             : static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!settings_.ca_file.empty())
    set(CURLOPT_CAINFO, settings_.ca_file.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_BUFFERSIZE, read_buffer_bytes);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings_.connect_timeout.count()));
  set(CURLOPT_USERAGENT, settings_.user_agent.c_str());
  if (request_.method() == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request_.method() != "GET" || !request_.body().empty()) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body().size()));
    set(CURLOPT_POSTFIELDS, request_.body().data()); // not copied; `request_` outlives it
    set(CURLOPT_CUSTOMREQUEST, request_.method().c_str());
  }
  set(CURLOPT_ERRORBUFFER, error_text_.data());
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_HEADERFUNCTION, &http_transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &http_transfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_PREREQFUNCTION, &http_transfer::on_connected);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  if (first_failure != CURLE_OK)
    return core::fail("not_allowed", std::string{"libcurl refuses a setting of this request: "} +
                                       curl_easy_strerror(first_failure));
  return {};
}

// libcurl sends a request again by itself when a kept-alive connection turns out to be closed. For
// anything but a read that decision is ours: the first copy may have reached the server.
int http_transfer::on_connected(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<http_transfer*>(self);
  const auto& method = transfer.request_.method();
  ++transfer.times_connected_;
  if (transfer.times_connected_ == 1 || method == "GET" || method == "HEAD")
    return CURL_PREREQFUNC_OK;
  (void)transfer.refuse("connection_cut", "the peer closed a kept-alive connection as the request "
                                          "was sent; send it again");
  return CURL_PREREQFUNC_ABORT;
}

std::size_t http_transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  const std::string_view line{data, size * count};
  return static_cast<http_transfer*>(self)->take_header_line(line) ? line.size() : 0;
}

bool http_transfer::take_header_line(std::string_view line) {
  head_bytes_ += line.size();
  if (head_bytes_ > settings_.response_head_max ||
      static_cast<std::size_t>(reply_.headers_size()) > response_headers_max)
    return refuse("too_large", "the reply's head is larger than " +
                                 std::to_string(settings_.response_head_max) + " bytes or has " +
                                 "more than " + std::to_string(response_headers_max) + " lines");
  if (decoder_)
    return true; // A trailer: nothing of ours is in it.
  while (line.ends_with('\n') || line.ends_with('\r'))
    line.remove_suffix(1);
  if (line.empty())
    return end_of_head();
  if (line.starts_with("HTTP/")) {
    reply_.clear_headers(); // The head before this one was interim (1xx).
    return true;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos)
    return true; // A folded line; nothing that matters here may be folded.
  auto* const header = reply_.add_headers();
  header->set_name(to_lower(trim_whitespace(line.substr(0, colon))));
  header->set_value(std::string{trim_whitespace(line.substr(colon + 1))});
  return true;
}

bool http_transfer::end_of_head() {
  long status = 0;
  (void)curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 100 && status < 200)
    return true; // Interim; the real head follows.
  head_complete_ = true;
  auto coding = content_coding::identity;
  for (const auto& header : reply_.headers()) {
    if (header.name() != "content-encoding" || header.value().empty())
      continue;
    const auto named = parse_content_coding(header.value());
    if (!named || coding != content_coding::identity)
      return refuse("bad_encoding", "the reply's Content-Encoding is none of gzip, zstd, identity");
    coding = *named;
  }
  decoder_.emplace(coding,
                   decode_limits{settings_.response_encoded_max, settings_.response_decoded_max,
                                 settings_.response_ratio_max});
  const auto* const length_text = reply_header("content-length");
  if (length_text == nullptr || request_.method() == "HEAD")
    return true;
  const auto length = parse_length(*length_text);
  if (length && *length > settings_.response_encoded_max)
    return refuse("too_large", "the reply announces " + *length_text + " bytes; at most " +
                                 std::to_string(settings_.response_encoded_max) + " are taken");
  if (length && coding == content_coding::identity)
    decoder_->expect_encoded_bytes(static_cast<std::size_t>(*length));
  return true;
}

std::size_t http_transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<http_transfer*>(self);
  const std::size_t bytes = size * count;
  if (!transfer.decoder_) {
    (void)transfer.refuse("connection_cut", "the reply has a body but no head");
    return 0;
  }
  auto fed = transfer.decoder_->feed({data, bytes});
  if (!fed) {
    (void)transfer.refuse(fed.error().code, "reply: " + fed.error().message);
    return 0;
  }
  return bytes;
}

bool http_transfer::refuse(std::string code, std::string text) {
  refusal_ = core::fail(std::move(code), std::move(text));
  return false;
}

void http_transfer::note_progress(clock::time_point now) {
  curl_off_t uploaded = 0;
  curl_off_t downloaded = 0;
  long request_bytes = 0;
  long header_bytes = 0;
  (void)curl_easy_getinfo(handle_.get(), CURLINFO_SIZE_UPLOAD_T, &uploaded);
  (void)curl_easy_getinfo(handle_.get(), CURLINFO_SIZE_DOWNLOAD_T, &downloaded);
  (void)curl_easy_getinfo(handle_.get(), CURLINFO_REQUEST_SIZE, &request_bytes);
  (void)curl_easy_getinfo(handle_.get(), CURLINFO_HEADER_SIZE, &header_bytes);
  const auto progress = uploaded + downloaded + request_bytes + header_bytes;
  if (progress != progress_)
    last_progress_ = now;
  progress_ = progress;
}

http_transfer::clock::time_point http_transfer::deadline() const {
  if (!handle_ || progress_ == 0) // While connecting, libcurl watches the connect timeout.
    return total_deadline_;
  return std::min(total_deadline_, last_progress_ + settings_.idle_timeout);
}

core::expected<void> http_transfer::judge(CURLcode result) {
  if (!refusal_.code.empty())
    return refusal_;
  if (result != CURLE_OK) {
    long os_error = 0;
    (void)curl_easy_getinfo(handle_.get(), CURLINFO_OS_ERRNO, &os_error);
    const bool detailed = error_text_.front() != '\0';
    auto text = destination_.origin + ": ";
    text += detailed ? error_text_.data() : curl_easy_strerror(result);
    return core::fail(failure_code(result, os_error), std::move(text));
  }
  // libcurl takes a connection that ends inside the head for a reply without a body.
  if (!head_complete_ || !decoder_)
    return core::fail("connection_cut", destination_.origin + ": the connection ended inside the "
                                                              "reply's head");
  // A reply to HEAD, and 304, may name a coding although no body follows.
  if (decoder_->encoded_bytes() != 0)
    if (auto finished = decoder_->finish(); !finished)
      return core::fail(finished.error().code, "reply: " + finished.error().message);
  const bool framed = reply_header("content-length") != nullptr ||
                      reply_header("transfer-encoding") != nullptr || destination_.tls;
  const auto* const type = reply_header("content-type");
  // A cut cannot be told from the end of such a body, and cut protobuf may well parse.
  if (!framed && decoder_->encoded_bytes() != 0 && type != nullptr &&
      to_lower(*type).find("protobuf") != std::string::npos)
    return core::fail("connection_cut", destination_.origin + ": the reply has no length, so it "
                                                              "may have been cut");
  return {};
}

void http_transfer::complete(CURLcode result) {
  auto verdict = judge(result);
  if (!verdict) {
    fail(verdict.error().code, verdict.error().message);
    return;
  }
  long status = 0;
  (void)curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  reply_.set_status(static_cast<std::uint32_t>(status));
  reply_.set_body(decoder_->take_output());
  count_bytes(reply_);
  std::exchange(done_, nullptr)(std::move(reply_));
}

void http_transfer::fail(std::string code, std::string text) {
  msg::HttpReply reply;
  reply.set_failure(std::move(code));
  reply.set_failure_text(std::move(text));
  if (handle_)
    count_bytes(reply);
  std::exchange(done_, nullptr)(std::move(reply));
}

// Heads and bodies as they crossed the wire; TLS, HTTP/2 and chunk framing are not counted.
void http_transfer::count_bytes(msg::HttpReply& reply) const {
  curl_off_t uploaded = 0;
  curl_off_t downloaded = 0;
  long request_bytes = 0;
  (void)curl_easy_getinfo(handle_.get(), CURLINFO_SIZE_UPLOAD_T, &uploaded);
  (void)curl_easy_getinfo(handle_.get(), CURLINFO_SIZE_DOWNLOAD_T, &downloaded);
  (void)curl_easy_getinfo(handle_.get(), CURLINFO_REQUEST_SIZE, &request_bytes);
  const auto body_apart = uploaded >= sent_with_head_max ? uploaded : 0;
  reply.set_bytes_sent(static_cast<std::uint64_t>(request_bytes + body_apart));
  reply.set_bytes_received(static_cast<std::uint64_t>(downloaded) + head_bytes_);
}

const std::string* http_transfer::reply_header(std::string_view name) const {
  const auto* const header = find_header(reply_.headers(), name);
  return header == nullptr ? nullptr : &header->value();
}

} // namespace syncline::net
