#pragma once
// A digest of a collection's content: two sides with the same items have the same one.

#include <memory>
#include <string>
#include <string_view>

namespace syncline::app {

/// SHA-256 over the items in the order of their ids: the id, and the body with its members in the
/// order of their names. Versions and times are no content.
class content_hash {
public:
  content_hash();
  ~content_hash();
  content_hash(const content_hash&) = delete;
  content_hash& operator=(const content_hash&) = delete;

  /// Ids rise. `body` is one JSON object.
  void add(std::string_view id, std::string_view body);
  /// 64 hexadecimal digits. Nothing is added afterwards.
  [[nodiscard]] std::string finish();

private:
  struct context;
  std::unique_ptr<context> context_;
};

} // namespace syncline::app
