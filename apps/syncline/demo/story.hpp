#pragma once
// What happens in the demo: two devices and a server, with real data.

#include "actors/server/server.hpp"
#include "apps/syncline/demo/three_sides.hpp"
#include "syncline/runtime.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace syncline::app {

/// How a side is made to differ at the end, to show that it is noticed.
enum class spoiling { none, edit, byte };

class story {
public:
  /// `directory` is empty or missing.
  [[nodiscard]] static result<std::unique_ptr<story>> begin(std::filesystem::path directory);

  /// All data into device A, up to the server, down to device B.
  [[nodiscard]] result<void> first_sync();
  /// Both edit while apart: the same field, different fields, a delete against an edit, counts.
  [[nodiscard]] result<void> edit_apart();
  /// Both sync until neither has anything left.
  [[nodiscard]] result<void> meet();
  /// Closes the devices, makes one differ where it is asked for, and reads the three sides. True
  /// where they are equal.
  [[nodiscard]] result<bool> compare(spoiling how);

  [[nodiscard]] std::string url() const {
    return server_->url();
  }
  [[nodiscard]] const std::filesystem::path& directory() const {
    return directory_;
  }

private:
  story() = default;
  [[nodiscard]] result<std::unique_ptr<runtime>> open_device(const std::string& name) const;
  [[nodiscard]] result<void> spoil(spoiling how);

  std::filesystem::path directory_;
  std::unique_ptr<actors::server::server> server_;
  std::unique_ptr<runtime> a_;
  std::unique_ptr<runtime> b_;
};

} // namespace syncline::app
