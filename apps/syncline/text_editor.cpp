#include "text_editor.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace syncline::app {

namespace {

/// A directory that nobody else may look into, for as long as this lives.
class private_directory {
public:
  private_directory() {
    std::string name = (std::filesystem::temp_directory_path() / "syncline-edit-XXXXXX").string();
    if (::mkdtemp(name.data()))
      path_ = name;
  }
  ~private_directory() {
    std::error_code ignored;
    if (!path_.empty())
      std::filesystem::remove_all(path_, ignored);
  }
  private_directory(const private_directory&) = delete;
  private_directory& operator=(const private_directory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const {
    return path_;
  }

private:
  std::filesystem::path path_;
};

} // namespace

std::string keep_for_user(const std::string& text) {
  std::string name = (std::filesystem::temp_directory_path() / "syncline-kept-XXXXXX").string();
  const int file = ::mkstemp(name.data());
  if (file < 0)
    return {};
  std::ofstream out{name, std::ios::binary};
  out << text;
  out.close();
  ::close(file);
  return out ? name : std::string{};
}

result<std::string> edit_in_editor(const std::string& text) {
  const char* editor = std::getenv("VISUAL");
  if (!editor || !*editor)
    editor = std::getenv("EDITOR");
  if (!editor || !*editor)
    return error{"usage", "set $EDITOR to the editor to use, or give --from, --append or --at"};
  const private_directory directory;
  const auto file = directory.path() / "text.txt";
  std::ofstream out{file, std::ios::binary};
  out << text;
  out.close();
  if (directory.path().empty() || !out)
    return error{"store_io", "the text could not be written to a file for the editor (a full disk, "
                             "or a temporary directory that cannot be written?)"};
  // The shell reads $EDITOR, which may have arguments; the path is of our own making.
  if (std::system((std::string{editor} + " '" + file.string() + "'").c_str()) != 0)
    return error{"editor_failed", std::string{"the editor '"} + editor +
                                    "' ended with an error; the text is as it was"};
  std::ifstream in{file, std::ios::binary};
  std::string edited{std::istreambuf_iterator<char>{in}, {}};
  if (!in.is_open() || in.bad())
    return error{"store_io", "what the editor left could not be read; the text is as it was"};
  return edited;
}

} // namespace syncline::app
