#include "net/compression.hpp"

#include "net/protocol/header_field.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <utility>

namespace syncline::net {
namespace {

constexpr int gzip_window_bits = 15 + 16; // 16 asks zlib for the gzip wrapper instead of zlib's.

std::string_view take_until(std::string_view& text, char separator) {
  const auto end = text.find(separator);
  const auto part = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return trim_whitespace(part);
}

// A weight in thousandths (RFC 9110 section 12.4.2); what cannot be read counts as "not wanted".
int weight_of(std::string_view parameters) {
  const auto parameter = take_until(parameters, ';');
  if (parameter.empty())
    return 1000;
  if (parameter.size() < 3 || (parameter[0] != 'q' && parameter[0] != 'Q') || parameter[1] != '=')
    return 0;
  auto number = parameter.substr(2);
  int weight = number.front() == '1' ? 1000 : 0;
  if ((number.front() != '0' && number.front() != '1') || number.size() > 5)
    return 0;
  number.remove_prefix(1);
  if (!number.empty() && number.front() != '.')
    return 0;
  int unit = 100;
  for (const char digit : number.substr(std::min<std::size_t>(number.size(), 1))) {
    if (digit < '0' || digit > '9')
      return 0;
    weight += (digit - '0') * unit;
    unit /= 10;
  }
  return std::min(weight, 1000);
}

/// A zlib stream that compresses; kept per thread because its tables are 256 KiB.
class deflater {
public:
  deflater() = default;
  deflater(const deflater&) = delete;
  deflater& operator=(const deflater&) = delete;
  ~deflater() {
    if (level_ != 0)
      deflateEnd(&stream_);
  }

  core::expected<std::string> run(std::string_view plain, int level) {
    if (level < 1 || level > 9 || plain.size() > std::numeric_limits<uInt>::max() || !ready(level))
      return core::fail("compression_failed", "gzip cannot be set up: level " +
                                                std::to_string(level) + " for a body of " +
                                                std::to_string(plain.size()) + " bytes");
    std::string encoded(deflateBound(&stream_, static_cast<uLong>(plain.size())), '\0');
    // zlib takes a pointer to non-const input that it only reads.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    stream_.avail_in = static_cast<uInt>(plain.size());
    stream_.next_out = reinterpret_cast<Bytef*>(encoded.data());
    stream_.avail_out = static_cast<uInt>(encoded.size());
    if (deflate(&stream_, Z_FINISH) != Z_STREAM_END)
      return core::fail("compression_failed", "gzip did not finish within its own bound");
    encoded.resize(encoded.size() - stream_.avail_out);
    return encoded;
  }

private:
  bool ready(int level) {
    if (level_ == level)
      return deflateReset(&stream_) == Z_OK;
    if (level_ != 0)
      deflateEnd(&stream_);
    stream_ = z_stream{};
    level_ = 0;
    constexpr int memory_level = 8;
    if (deflateInit2(&stream_, level, Z_DEFLATED, gzip_window_bits, memory_level,
                     Z_DEFAULT_STRATEGY) != Z_OK)
      return false;
    level_ = level;
    return true;
  }

  z_stream stream_{};
  int level_ = 0; // 0: not set up
};

core::expected<std::string> compress_zstd(std::string_view plain, int level) {
  struct free_context {
    void operator()(ZSTD_CCtx* context) const {
      ZSTD_freeCCtx(context);
    }
  };
  thread_local const std::unique_ptr<ZSTD_CCtx, free_context> context{ZSTD_createCCtx()};
  if (!context || level < 1 || level > 19)
    return core::fail("compression_failed", "zstd cannot be set up: level " +
                                              std::to_string(level) + ", or out of memory");
  std::string encoded(ZSTD_compressBound(plain.size()), '\0');
  const auto size = ZSTD_compressCCtx(context.get(), encoded.data(), encoded.size(), plain.data(),
                                      plain.size(), level);
  if (ZSTD_isError(size) != 0)
    return core::fail("compression_failed", std::string{"zstd: "} + ZSTD_getErrorName(size));
  encoded.resize(size);
  return encoded;
}

} // namespace

std::optional<content_coding> parse_content_coding(std::string_view header_value) {
  const auto name = trim_whitespace(header_value);
  if (name.empty() || equals_ignoring_case(name, "identity"))
    return content_coding::identity;
  if (equals_ignoring_case(name, "gzip") || equals_ignoring_case(name, "x-gzip"))
    return content_coding::gzip;
  if (equals_ignoring_case(name, "zstd"))
    return content_coding::zstd;
  return std::nullopt;
}

std::string_view coding_name(content_coding coding) {
  switch (coding) {
  case content_coding::gzip:
    return "gzip";
  case content_coding::zstd:
    return "zstd";
  case content_coding::identity:
    break;
  }
  return "identity";
}

content_coding choose_coding(std::string_view accept_encoding) {
  // -1: not named, so that `*` can speak for it.
  int gzip = -1;
  int zstd = -1;
  int any = 0;
  while (!accept_encoding.empty()) {
    auto entry = take_until(accept_encoding, ',');
    const auto name = take_until(entry, ';');
    const int weight = weight_of(entry);
    if (equals_ignoring_case(name, "gzip") || equals_ignoring_case(name, "x-gzip"))
      gzip = weight;
    else if (equals_ignoring_case(name, "zstd"))
      zstd = weight;
    else if (name == "*")
      any = weight;
  }
  gzip = gzip < 0 ? any : gzip;
  zstd = zstd < 0 ? any : zstd;
  if (zstd > 0 && zstd >= gzip)
    return content_coding::zstd;
  return gzip > 0 ? content_coding::gzip : content_coding::identity;
}

std::string describe_bytes(std::string_view bytes) {
  if (bytes.empty())
    return "is empty";
  if (bytes.starts_with("\x1f\x8b"))
    return "begins like gzip";
  if (bytes.starts_with("\x28\xb5\x2f\xfd"))
    return "begins like zstd";
  if (bytes.starts_with("\x78\x01") || bytes.starts_with("\x78\x9c") ||
      bytes.starts_with("\x78\xda"))
    return "begins like zlib (the coding `deflate`)";
  const char first = bytes.front();
  if (first == '{' || first == '[')
    return std::string{"begins with '"} + first + "', looks like JSON";
  if (first == '<')
    return "begins with '<', looks like HTML or XML";
  if (first > ' ' && first <= '~')
    return std::string{"begins with '"} + first + "'";
  std::array<char, 8> hex{};
  (void)std::snprintf(hex.data(), hex.size(), "0x%02x", static_cast<unsigned char>(first));
  return std::string{"begins with byte "} + hex.data();
}

core::expected<std::string> compress(content_coding coding, std::string_view plain, int level) {
  constexpr int gzip_level = 4;
  constexpr int zstd_level = 3;
  const bool by_default = level == default_compression_level;
  switch (coding) {
  case content_coding::gzip: {
    thread_local deflater encoder;
    return encoder.run(plain, by_default ? gzip_level : level);
  }
  case content_coding::zstd:
    return compress_zstd(plain, by_default ? zstd_level : level);
  case content_coding::identity:
    break;
  }
  return std::string{plain};
}

} // namespace syncline::net
