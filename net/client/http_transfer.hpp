#pragma once
// One HTTP exchange on a libcurl easy handle; private to the pool.

#include "core/expected.hpp"
#include "http.pb.h"
#include "net/client/http_destination.hpp"
#include "net/client/http_pool.hpp"
#include "net/compression.hpp"

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace syncline::net {

/// Frees what libcurl gave out.
struct curl_deleter {
  void operator()(CURL* handle) const {
    curl_easy_cleanup(handle);
  }
  void operator()(curl_slist* list) const {
    curl_slist_free_all(list);
  }
};
using easy_handle = std::unique_ptr<CURL, curl_deleter>;
using header_list = std::unique_ptr<curl_slist, curl_deleter>;

/// A request from submission to reply. Belongs to the pool's thread once it has been queued.
class http_transfer {
public:
  using clock = std::chrono::steady_clock;

  http_transfer(const http_pool::options& settings, http_destination destination,
                msg::HttpRequest request, http_pool::callback done, clock::time_point now);
  http_transfer(const http_transfer&) = delete;
  http_transfer& operator=(const http_transfer&) = delete;
  ~http_transfer() = default;

  /// Sets up `handle` for this request. Error: `compression_failed`, `not_allowed` (libcurl
  /// refuses an option; the text names it).
  [[nodiscard]] core::expected<void> start(easy_handle handle, clock::time_point now);

  /// Reads the byte counters and remembers when they last moved. Only while started.
  void note_progress(clock::time_point now);

  /// When the next timeout is due: the request's own, or once started also the idle one.
  [[nodiscard]] clock::time_point deadline() const;

  /// Ends the exchange with libcurl's verdict and calls back.
  void complete(CURLcode result);

  /// Ends the exchange with a failure and calls back.
  void fail(std::string code, std::string text);

  [[nodiscard]] const http_destination& destination() const {
    return destination_;
  }
  [[nodiscard]] CURL* handle() const {
    return handle_.get();
  }
  /// Gives the handle back for reuse; it must have left its multi handle.
  [[nodiscard]] easy_handle release_handle() {
    return std::move(handle_);
  }

private:
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  static int on_connected(void* self, char* peer, char* local, int peer_port, int local_port);

  [[nodiscard]] core::expected<void> prepare_body();
  [[nodiscard]] core::expected<void> prepare_headers();
  [[nodiscard]] core::expected<void> set_options();
  [[nodiscard]] bool take_header_line(std::string_view line);
  [[nodiscard]] bool end_of_head();
  [[nodiscard]] core::expected<void> judge(CURLcode result);
  [[nodiscard]] bool refuse(std::string code, std::string text);
  void count_bytes(msg::HttpReply& reply) const;
  [[nodiscard]] const std::string* reply_header(std::string_view name) const;

  const http_pool::options& settings_;
  http_destination destination_;
  msg::HttpRequest request_;
  http_pool::callback done_;
  clock::time_point total_deadline_;
  clock::time_point last_progress_;
  curl_off_t progress_ = 0;
  easy_handle handle_;
  header_list headers_;
  std::optional<streaming_decoder> decoder_;
  msg::HttpReply reply_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  core::error refusal_; // set where a callback stopped the transfer
  std::size_t head_bytes_ = 0;
  int times_connected_ = 0;
  bool head_complete_ = false;
  bool gzip_body_ = false;
};

} // namespace syncline::net
