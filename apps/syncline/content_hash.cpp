#include "content_hash.hpp"

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include <array>

namespace syncline::app {

struct content_hash::context {
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  context() = default;
  context(const context&) = delete;
  context& operator=(const context&) = delete;
  ~context() {
    EVP_MD_CTX_free(digest);
  }
};

content_hash::content_hash() : context_{std::make_unique<context>()} {
  EVP_DigestInit_ex(context_->digest, EVP_sha256(), nullptr);
}

content_hash::~content_hash() = default;

void content_hash::add(std::string_view id, std::string_view body) {
  // Members of this kind of object are kept in the order of their names.
  const std::string canonical = nlohmann::json::parse(body).dump();
  EVP_DigestUpdate(context_->digest, id.data(), id.size());
  EVP_DigestUpdate(context_->digest, "\t", 1);
  EVP_DigestUpdate(context_->digest, canonical.data(), canonical.size());
  EVP_DigestUpdate(context_->digest, "\n", 1);
}

std::string content_hash::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context_->digest, bytes.data(), &length);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

} // namespace syncline::app
