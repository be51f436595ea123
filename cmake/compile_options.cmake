# `syncline_options`: the flags of every target of ours. Generated code does not link it.

add_library(syncline_options INTERFACE)
target_include_directories(syncline_options INTERFACE ${PROJECT_SOURCE_DIR})
target_link_libraries(syncline_options INTERFACE Threads::Threads)

# One flag for libraries and programs alike. CMake would give -fPIC to the ones and -fPIE to the
# others, and then they could not share one precompiled header.
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
add_compile_options(-fPIC)

# Paths in messages, in `ensure()` and in debug information start at the source directory, also
# where ccache has made them relative to the build directory.
file(RELATIVE_PATH source_from_build ${PROJECT_BINARY_DIR} ${PROJECT_SOURCE_DIR})
string(REGEX REPLACE "/+$" "" source_from_build "${source_from_build}")
add_compile_options(-ffile-prefix-map=${source_from_build}/=)

target_compile_options(syncline_options INTERFACE -Wall -Wextra -Wconversion)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(syncline_options INTERFACE -Werror)
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 sees overlaps and overflows in its own std::string, for as little as
    # "literal" + string (its bugs 105329 and 105651). The sanitizers look for the real ones.
    target_compile_options(syncline_options INTERFACE
                           -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow
                           -Wno-stringop-overread)
  endif()
  if(SYNCLINE_SANITIZE)
    # The checks that sanitizers insert confuse this one.
    target_compile_options(syncline_options INTERFACE -Wno-maybe-uninitialized)
  endif()
else()
  # Clang builds the fuzzers only, and its -Wconversion asks for more than GCC's.
  target_compile_options(syncline_options INTERFACE -Wno-sign-conversion)
endif()

# Sanitizers have to see generated code too. CAF 0.17.6 binds null references in its headers.
if(SYNCLINE_SANITIZE)
  add_compile_options(-fsanitize=${SYNCLINE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SYNCLINE_SANITIZE})
  if(SYNCLINE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=null -fno-sanitize-recover=all)
  endif()
endif()
if(SYNCLINE_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# ccache can only serve files that use a precompiled header when it is told not to look at times
# and at the macros inside; CCACHE_BASEDIR lets one clone use what another one compiled.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
      ${CCACHE_PROGRAM})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  endif()
endif()
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # ccache makes all paths relative; without it this is needed as well. It names the checkout, which
  # would keep ccache from finding what another one has compiled.
  add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)
endif()
