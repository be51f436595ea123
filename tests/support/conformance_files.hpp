#pragma once
// Conformance data written by others: where it lies and how its files are read.

#include "core/data/base64url.hpp"
#include "core/data/json.hpp"
#include "tests/support/traces.hpp"

#include <boost/test/unit_test.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncline::test {

/// The path below the root, or nothing (and a line that says so) where it is not there.
inline std::optional<std::filesystem::path> find_test_data(std::string_view below) {
  auto path = test_data_root() / below;
  if (std::filesystem::exists(path))
    return path;
  const std::string line = "SKIPPED: " + std::string{below} + " is not below SYNCLINE_TEST_DATA";
  BOOST_TEST_MESSAGE(line);
  std::cout << line << std::endl;
  return std::nullopt;
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  BOOST_REQUIRE_MESSAGE(file.is_open(), "cannot read " << path);
  return {std::istreambuf_iterator<char>{file}, {}};
}

/// All files of a folder by name.
inline std::map<std::string, std::string> read_folder(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator{folder})
    files.emplace(entry.path().filename().string(), read_bytes(entry.path()));
  return files;
}

inline core::json_value read_json(const std::filesystem::path& path) {
  core::json_limits limits;
  limits.bytes_max = std::size_t{64} << 20;
  auto parsed = core::parse_json(read_bytes(path), limits);
  BOOST_REQUIRE_MESSAGE(parsed.has_value(), "cannot parse " << path);
  return *std::move(parsed);
}

/// Plain base64, as the data has it, by way of our base64url.
inline std::string from_base64(std::string text) {
  while (text.ends_with('='))
    text.pop_back();
  for (char& digit : text)
    digit = digit == '+' ? '-' : digit == '/' ? '_' : digit;
  const auto bytes = core::from_base64url(text);
  BOOST_REQUIRE(bytes.has_value());
  return *bytes;
}

/// The entries as they stand. Strings above 57 bytes were cut there (the line length of base64
/// text) into several entries, some of them in the middle of a character.
inline std::vector<std::string> read_naughty_strings(const std::filesystem::path& path) {
  std::vector<std::string> pieces;
  const core::json_value list = read_json(path);
  for (const auto& item : list.items())
    pieces.push_back(from_base64(item.as_string()));
  return pieces;
}

/// The strings before they were cut (and, where one of exactly 57 bytes stood among them, that one
/// with its successor).
inline std::vector<std::string> join_naughty_pieces(const std::vector<std::string>& pieces) {
  constexpr std::size_t cut_bytes = 57;
  std::vector<std::string> strings;
  bool goes_on = false;
  for (const std::string& piece : pieces) {
    if (goes_on)
      strings.back() += piece;
    else
      strings.push_back(piece);
    goes_on = piece.size() == cut_bytes;
  }
  return strings;
}

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    bytes += static_cast<char>(std::stoi(std::string{hex.substr(at, 2)}, nullptr, 16));
  return bytes;
}

} // namespace syncline::test
