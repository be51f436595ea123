# How a folder becomes a target. Everything of ours shares one precompiled header, which holds
# headers of the standard library only.

add_library(syncline_precompiled OBJECT ${PROJECT_SOURCE_DIR}/cmake/precompiled.cpp)
target_link_libraries(syncline_precompiled PRIVATE syncline_options)
# By its name on the include path: with a path of this checkout in it, the header would be another
# one for ccache in every checkout.
target_precompile_headers(syncline_precompiled PRIVATE <cmake/precompiled.hpp>)

# Every C++ source below the given folders, which are relative to the calling list file.
function(syncline_sources result)
  set(found "")
  foreach(folder IN LISTS ARGN)
    file(GLOB_RECURSE here CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
    list(APPEND found ${here})
  endforeach()
  list(REMOVE_DUPLICATES found)
  set(${result} ${found} PARENT_SCOPE)
endfunction()

# syncline_library(NAME [SOURCES file...] [PUBLIC target...] [PRIVATE target...])
# A static library; without a source yet, an interface that only passes its dependencies on.
function(syncline_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  if(arg_SOURCES)
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC syncline_options ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
    target_precompile_headers(${name} REUSE_FROM syncline_precompiled)
    # Clang then compiles only what the fuzzers link.
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ${SYNCLINE_FUZZERS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE syncline_options ${arg_PUBLIC} ${arg_PRIVATE})
  endif()
endfunction()

# syncline_program(NAME SOURCES file... [LIBRARIES target...])
function(syncline_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE syncline_options ${arg_LIBRARIES})
  target_precompile_headers(${name} REUSE_FROM syncline_precompiled)
endfunction()
