# Finds LMDB and gives the imported target LMDB::lmdb. Sets LMDB_FOUND and LMDB_VERSION.

find_path(LMDB_INCLUDE_DIR lmdb.h)
find_library(LMDB_LIBRARY lmdb)
mark_as_advanced(LMDB_INCLUDE_DIR LMDB_LIBRARY)

if(LMDB_INCLUDE_DIR)
  file(STRINGS ${LMDB_INCLUDE_DIR}/lmdb.h LMDB_VERSION_LINES
       REGEX "^#define MDB_VERSION_(MAJOR|MINOR|PATCH)[ \t]+[0-9]+")
  set(LMDB_VERSION "")
  foreach(line IN LISTS LMDB_VERSION_LINES)
    string(REGEX MATCH "[0-9]+$" number "${line}")
    string(APPEND LMDB_VERSION ".${number}")
  endforeach()
  string(REGEX REPLACE "^\\." "" LMDB_VERSION "${LMDB_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LMDB
  REQUIRED_VARS LMDB_LIBRARY LMDB_INCLUDE_DIR
  VERSION_VAR LMDB_VERSION)

if(LMDB_FOUND AND NOT TARGET LMDB::lmdb)
  add_library(LMDB::lmdb UNKNOWN IMPORTED)
  set_target_properties(LMDB::lmdb PROPERTIES
    IMPORTED_LOCATION ${LMDB_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${LMDB_INCLUDE_DIR})
endif()
