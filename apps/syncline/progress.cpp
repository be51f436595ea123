#include "progress.hpp"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace syncline::app {

progress::progress(std::string what)
  : what_{std::move(what)}, shown_{::isatty(STDERR_FILENO) == 1}, colored_{
                                                                    std::getenv("NO_COLOR") ==
                                                                    nullptr} {}

progress::~progress() {
  if (shown_)
    std::fputs("\r\x1b[K", stderr);
}

void progress::show(const std::string& how_far) {
  if (shown_)
    std::fprintf(stderr, "\r\x1b[K%s: %s", what_.c_str(), how_far.c_str());
}

void progress::show(std::uint64_t done, std::uint64_t of) {
  constexpr std::uint64_t width = 30;
  const std::uint64_t filled = of == 0 ? width : done * width / of;
  std::string bar(filled, '#');
  bar.resize(width, '.');
  if (colored_)
    bar = "\x1b[32m" + bar + "\x1b[0m";
  show(bar + " " + std::to_string(done) + "/" + std::to_string(of));
}

} // namespace syncline::app
