# How everything is compiled: C++20, warnings are errors, hardened where it ships, sanitized where it is tested.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# Every library is static and ends in an executable; one flag for all, so that all can share precompiled headers.
add_compile_options(-fPIE -pthread)
add_link_options(-pie)

set(HELHED_SANITIZE "" CACHE STRING "Sanitizers to compile with, as -fsanitize takes them")
option(HELHED_FUZZ "Build the libFuzzer targets (needs clang)" OFF)

find_program(HELHED_CCACHE ccache)
if(HELHED_CCACHE)
  # Paths are hashed relative to the checkout, so that build trees side by side share what they compile.
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${HELHED_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()
find_program(HELHED_MOLD mold)
if(HELHED_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# Without optimisation a file under the sanitizers takes 6 s to compile, with -O1 16 s; the tests wait for disks and processes more
# than for code. Line tables are all that a stack trace needs.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1 -D_GLIBCXX_ASSERTIONS")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS")
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-fstack-protector-strong -fcf-protection -fstack-clash-protection)
  add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
if(HELHED_SANITIZE)
  add_compile_options(-fsanitize=${HELHED_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HELHED_SANITIZE})
endif()
if(HELHED_SANITIZE MATCHES "thread")
  # protobuf's headers lay out a map differently when they see this, and the library was built without it.
  add_compile_options(-U__SANITIZE_THREAD__)
endif()
if(HELHED_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Headers take most of a compiler's time: where nothing is built twice, several files are read as one.
option(HELHED_TOGETHER "Compile the files of a target in batches" OFF)
if(HELHED_TOGETHER)
  set(CMAKE_UNITY_BUILD ON)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 8)
endif()

# Our own code only: what protoc makes is compiled without them.
set(HELHED_WARNINGS
  -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-align -Woverloaded-virtual
  -Wconversion -Wno-sign-conversion
  # C++20's designated initializers name what differs from the defaults; the rest is left out on purpose.
  -Wno-missing-field-initializers
  -Wnull-dereference -Wformat=2 -Wimplicit-fallthrough -Wundef)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc 12 reports these inside inlined library code that is correct (std::string, std::variant, absl::StatusOr).
  list(APPEND HELHED_WARNINGS -Wduplicated-cond -Wlogical-op -Wno-null-dereference -Wno-maybe-uninitialized -Wno-restrict)
  if(HELHED_TOGETHER)
    # Of classes in files that gcc takes for headers here.
    list(APPEND HELHED_WARNINGS -Wno-subobject-linkage)
  endif()
endif()
