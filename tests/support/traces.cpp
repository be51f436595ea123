#include "tests/support/traces.hpp"

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <zlib.h>

#include <array>
#include <stdexcept>

namespace syncline::test {

namespace {

std::string gunzip(const std::filesystem::path& path) {
  gzFile file = ::gzopen(path.c_str(), "rb");
  if (file == nullptr)
    throw std::runtime_error{"cannot read " + path.string()};
  std::string out;
  std::array<char, 65'536> part{};
  for (int size = 0; (size = ::gzread(file, part.data(), part.size())) > 0;)
    out.append(part.data(), static_cast<std::size_t>(size));
  ::gzclose(file);
  return out;
}

recorded_edit edit_of(const nlohmann::json& from) {
  return {from.at(0), from.at(1), from.at(2)};
}

} // namespace

trace read_trace_file(const std::filesystem::path& path) {
  const auto json = nlohmann::json::parse(gunzip(path));
  trace read;
  for (const auto& each : json.value("edits", nlohmann::json::array()))
    read.edits.push_back(edit_of(each));
  read.agents = json.value("agents", 0U);
  for (const auto& each : json.value("txns", nlohmann::json::array())) {
    auto& transaction = read.transactions.emplace_back();
    transaction.agent = each.at(0);
    transaction.seen = each.at(1);
    for (const auto& edit : each.at(2))
      transaction.edits.push_back(edit_of(edit));
  }
  read.end_sha256 = json.at("end_sha256");
  read.committed_sha256 = json.value("committed_sha256", "");
  return read;
}

std::string sha256_hex(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4U];
    hex += digits[digest[i] & 15U];
  }
  return hex;
}

} // namespace syncline::test
