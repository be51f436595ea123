// The decoding half of compression.hpp.

#include "core/ensure.hpp"
#include "net/compression.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace syncline::net {
namespace {

constexpr std::size_t step_bytes = std::size_t{64} << 10;
constexpr std::size_t ratio_checked_above = std::size_t{1} << 20;
constexpr std::size_t reserve_max = std::size_t{1} << 20;
constexpr int gzip_window_bits = 15 + 16; // 16 asks zlib for the gzip wrapper instead of its own.
constexpr int zstd_window_log_max = 23;   // RFC 9659: 8 MiB for the content coding.

std::array<char, step_bytes>& scratch() {
  thread_local std::array<char, step_bytes> buffer;
  return buffer;
}

} // namespace

/// One coding's decoder. `run` gives decoded bytes to `sink` in steps of at most 64 KiB, so that
/// the limits are looked at before the next step is decoded.
class streaming_decoder::backend {
public:
  backend() = default;
  backend(const backend&) = delete;
  backend& operator=(const backend&) = delete;
  virtual ~backend() = default;
  virtual core::expected<void> run(streaming_decoder& owner, std::string_view piece) = 0;
  /// Whether the input so far is whole: at least one member, none open.
  [[nodiscard]] virtual bool complete() const = 0;
};

/// gzip, member after member.
class streaming_decoder::gzip_backend final : public backend {
public:
  gzip_backend() {
    core::ensure(inflateInit2(&stream_, gzip_window_bits) == Z_OK, "zlib can be set up");
  }
  gzip_backend(const gzip_backend&) = delete;
  gzip_backend& operator=(const gzip_backend&) = delete;
  ~gzip_backend() override {
    inflateEnd(&stream_);
  }

  core::expected<void> run(streaming_decoder& owner, std::string_view piece) override {
    core::ensure(piece.size() <= std::numeric_limits<uInt>::max(), "a piece is below 4 GiB");
    auto& buffer = scratch();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      if (between_members_) {
        core::ensure(inflateReset(&stream_) == Z_OK, "zlib can start the next member");
        between_members_ = false;
      }
      stream_.next_out = reinterpret_cast<Bytef*>(buffer.data());
      stream_.avail_out = static_cast<uInt>(buffer.size());
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (auto taken = owner.accept({buffer.data(), buffer.size() - stream_.avail_out}); !taken)
        return taken;
      if (status == Z_STREAM_END) {
        between_members_ = true;
        ++members_;
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        if (members_ > 0 && stream_.total_out == 0)
          return owner.bad("bytes follow its end");
        return owner.bad(stream_.msg != nullptr ? stream_.msg : "not gzip");
      }
      // A full buffer can hide more output, unless the member just ended.
    } while (stream_.avail_in != 0 || (stream_.avail_out == 0 && !between_members_));
    return {};
  }

  [[nodiscard]] bool complete() const override {
    return between_members_ && members_ > 0;
  }

private:
  z_stream stream_{};
  bool between_members_ = false;
  std::size_t members_ = 0;
};

/// zstd, frame after frame.
class streaming_decoder::zstd_backend final : public backend {
public:
  zstd_backend() : context_{ZSTD_createDCtx()} {
    core::ensure(context_ != nullptr, "zstd can be set up");
    const auto set =
      ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, zstd_window_log_max);
    core::ensure(ZSTD_isError(set) == 0, "zstd takes a window limit");
  }

  core::expected<void> run(streaming_decoder& owner, std::string_view piece) override {
    auto& buffer = scratch();
    ZSTD_inBuffer input{piece.data(), piece.size(), 0};
    ZSTD_outBuffer output{};
    do {
      output = {buffer.data(), buffer.size(), 0};
      left_ = ZSTD_decompressStream(context_.get(), &output, &input);
      if (auto taken = owner.accept({buffer.data(), output.pos}); !taken)
        return taken;
      if (ZSTD_isError(left_) != 0)
        return owner.bad(frames_ > 0 ? "bytes follow its end" : ZSTD_getErrorName(left_));
      frames_ += left_ == 0 ? 1 : 0;
      // A full buffer can hide more output, unless the frame just ended.
    } while (input.pos < input.size || (output.pos == output.size && left_ != 0));
    return {};
  }

  [[nodiscard]] bool complete() const override {
    return left_ == 0;
  }

private:
  struct free_context {
    void operator()(ZSTD_DCtx* context) const {
      ZSTD_freeDCtx(context);
    }
  };
  std::unique_ptr<ZSTD_DCtx, free_context> context_;
  std::size_t left_ = 1; // bytes zstd would like next; 0: a frame has just ended
  std::size_t frames_ = 0;
};

streaming_decoder::streaming_decoder(content_coding coding, const decode_limits& limits)
  : coding_{coding}, limits_{limits} {
  if (coding == content_coding::gzip)
    backend_ = std::make_unique<gzip_backend>();
  else if (coding == content_coding::zstd)
    backend_ = std::make_unique<zstd_backend>();
}

streaming_decoder::~streaming_decoder() = default;
streaming_decoder::streaming_decoder(streaming_decoder&&) noexcept = default;
streaming_decoder& streaming_decoder::operator=(streaming_decoder&&) noexcept = default;

void streaming_decoder::expect_encoded_bytes(std::size_t count) {
  output_.reserve(std::min({count, limits_.encoded_max, reserve_max}));
}

core::expected<void> streaming_decoder::feed(std::string_view piece) {
  if (spent_)
    return core::fail("bad_encoding", "the body was refused before; it must not be fed further");
  if (piece.size() > limits_.encoded_max - encoded_bytes_) {
    spent_ = true;
    return core::fail("too_large", "the encoded body is larger than " +
                                     std::to_string(limits_.encoded_max) + " bytes; send less");
  }
  encoded_bytes_ += piece.size();
  if (first_bytes_.size() < 4)
    first_bytes_ += piece.substr(0, 4 - first_bytes_.size());
  if (piece.empty())
    return {};
  auto fed = backend_ ? backend_->run(*this, piece) : accept(piece);
  spent_ = !fed;
  return fed;
}

core::expected<void> streaming_decoder::finish() {
  if (spent_)
    return core::fail("bad_encoding", "the body was refused before; there is nothing to finish");
  if (backend_ && !backend_->complete()) {
    spent_ = true;
    return bad("it ends too early");
  }
  return {};
}

std::string streaming_decoder::take_output() {
  return std::move(output_);
}

core::expected<void> streaming_decoder::accept(std::string_view decoded) {
  if (decoded.size() > limits_.decoded_max - output_.size())
    return core::fail("too_large", "the decoded body is larger than " +
                                     std::to_string(limits_.decoded_max) + " bytes; send less");
  output_.append(decoded);
  const bool dense = output_.size() / limits_.ratio_max > encoded_bytes_;
  if (backend_ && output_.size() > ratio_checked_above && dense)
    return core::fail("too_large", "the body grows more than " + std::to_string(limits_.ratio_max) +
                                     " times while it is decoded; send it with less compression");
  return {};
}

core::error streaming_decoder::bad(std::string_view why) const {
  return core::fail("bad_encoding", "the body labelled " + std::string{coding_name(coding_)} +
                                      " cannot be decoded (" + std::string{why} + "); it " +
                                      describe_bytes(first_bytes_));
}

core::expected<std::string> decompress(content_coding coding, std::string_view encoded,
                                       const decode_limits& limits) {
  streaming_decoder decoder{coding, limits};
  decoder.expect_encoded_bytes(encoded.size());
  if (auto fed = decoder.feed(encoded); !fed)
    return fed.error();
  if (auto finished = decoder.finish(); !finished)
    return finished.error();
  return decoder.take_output();
}

} // namespace syncline::net
