#pragma once
// Recorded typing: what stands in the test data's folder `traces`, and its README explains.

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace syncline::test {

/// One replacement; positions and lengths are UTF-16 code units.
struct recorded_edit {
  std::uint32_t position = 0;
  std::uint32_t removed = 0;
  std::string inserted;
};

/// What one author typed before the server heard of it.
struct recorded_transaction {
  std::size_t agent = 0;
  std::size_t seen = 0; ///< operations of the others that the author had read, in all
  std::vector<recorded_edit> edits;
};

struct trace {
  std::vector<recorded_edit> edits;               ///< of a sequential one
  std::size_t agents = 0;                         ///< of a concurrent one, as the next
  std::vector<recorded_transaction> transactions; ///< in the order in which a server commits them
  std::string end_sha256;
  std::string committed_sha256;
};

/// $SYNCLINE_TEST_DATA, by default ../shared/data beside the source tree.
inline std::filesystem::path test_data_root() {
  if (const char* set = std::getenv("SYNCLINE_TEST_DATA"); set != nullptr && *set != '\0')
    return set;
  const std::filesystem::path here = std::filesystem::absolute(__FILE__);
  const auto source_root = here.parent_path().parent_path().parent_path();
  return source_root.parent_path() / "shared" / "data";
}

/// Reads one `.json.gz`. Throws std::runtime_error where it cannot.
trace read_trace_file(const std::filesystem::path& path);

/// SHA-256 in hexadecimal digits.
std::string sha256_hex(const std::string& bytes);

} // namespace syncline::test
