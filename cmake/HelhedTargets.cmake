# The few kinds of targets there are. A library is a room's part with the headers beside the code; its unit tests are the
# *_test.cc beside them, gathered into one binary per part so that linking stays cheap.
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED)
find_package(GTest REQUIRED)

# What the ThreadSanitizer and fuzz runs build: tests labelled `tsan`, and all fuzz targets.
add_custom_target(tsan_tests)
add_custom_target(fuzz_targets)
# What other tools (clang-tidy) need of the build: everything that is generated.
add_custom_target(helhed_generated DEPENDS helhed_contract)

# helhed_library(NAME [DEPENDS ...]): every .cc of the current folder (or SOURCES) but tests, fuzz targets and main.
function(helhed_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS *.cc)
    list(FILTER ARG_SOURCES EXCLUDE REGEX "(_test|_fuzz|main)\\.cc$")
  endif()
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${HELHED_WARNINGS})
  target_link_libraries(${name} PUBLIC ${ARG_DEPENDS})
  helhed_precompile(${name} libraries)
endfunction()

# helhed_test(NAME [SOURCES ...] [DEPENDS ...] [LABELS ...] [TIMEOUT s]): every *_test.cc of the current folder. The label `tsan` is for tests with
# threads and without gRPC: they also run under ThreadSanitizer.
function(helhed_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT ARG_SOURCES)
    file(GLOB ARG_SOURCES CONFIGURE_DEPENDS *_test.cc)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(HELHED_SANITIZE)
    math(EXPR ARG_TIMEOUT "5 * ${ARG_TIMEOUT}")
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${HELHED_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS} GTest::gmock GTest::gtest_main)
  helhed_precompile(${name} tests)
  add_test(NAME ${name} COMMAND ${name})
  # What may take longest begins first, so that tests side by side end together.
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} COST ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  # What leaks in a library that is not ours.
  set_property(TEST ${name} PROPERTY ENVIRONMENT "LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/cmake/lsan.supp")
  if("tsan" IN_LIST ARG_LABELS)
    add_dependencies(tsan_tests ${name})
  endif()
endfunction()

# helhed_binary(NAME [SOURCES ...] [DEPENDS ...])
function(helhed_binary name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  if(NOT ARG_SOURCES)
    set(ARG_SOURCES main.cc)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_compile_options(${name} PRIVATE ${HELHED_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS})
  helhed_precompile(${name} libraries)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# helhed_fuzz(NAME SOURCES ... DEPENDS ... CORPUS dir): a fuzz target and a short run of it. With the fuzz preset libFuzzer drives it;
# everywhere else it is fed its corpus and random changes of that.
function(helhed_fuzz name)
  cmake_parse_arguments(ARG "" "CORPUS" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_options(${name} PRIVATE ${HELHED_WARNINGS})
  target_link_libraries(${name} PRIVATE ${ARG_DEPENDS})
  if(HELHED_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${name}_found)
    add_test(NAME ${name} COMMAND ${name} -runs=20000 -max_total_time=20 ${CMAKE_CURRENT_BINARY_DIR}/${name}_found ${ARG_CORPUS})
  else()
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/services/platform/testing/fuzz_main.cc)
    helhed_precompile(${name} libraries)
    add_test(NAME ${name} COMMAND ${name} ${ARG_CORPUS})
  endif()
  set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
  add_dependencies(fuzz_targets ${name})
endfunction()

# The standard library, protobuf and googletest, parsed once for all targets. clang refuses a precompiled header whose macros differ
# from the target's, so there each target has its own.
set(HELHED_PRECOMPILED
  <algorithm> <chrono> <functional> <map> <memory> <optional> <span> <string> <string_view> <variant> <vector>
  <google/protobuf/message.h> <absl/status/statusor.h> <absl/strings/str_cat.h> <absl/time/time.h>)
set(HELHED_PRECOMPILED_FOR_TESTS ${HELHED_PRECOMPILED} <gmock/gmock.h> <gtest/gtest.h>)

function(helhed_precompile target kind)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_precompile_headers(${target} REUSE_FROM helhed_precompiled_${kind})
  else()
    target_precompile_headers(${target} PRIVATE ${HELHED_PRECOMPILED})
  endif()
endfunction()

_helhed_write(${CMAKE_BINARY_DIR}/precompiled.cc "// Carries the precompiled headers.\n")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  foreach(kind IN ITEMS libraries tests)
    add_library(helhed_precompiled_${kind} STATIC ${CMAKE_BINARY_DIR}/precompiled.cc)
    target_link_libraries(helhed_precompiled_${kind} PRIVATE protobuf::libprotobuf absl::statusor)
    target_compile_options(helhed_precompiled_${kind} PRIVATE ${HELHED_WARNINGS})
  endforeach()
  target_link_libraries(helhed_precompiled_tests PRIVATE GTest::gmock)
  target_precompile_headers(helhed_precompiled_libraries PRIVATE ${HELHED_PRECOMPILED})
  target_precompile_headers(helhed_precompiled_tests PRIVATE ${HELHED_PRECOMPILED_FOR_TESTS})
endif()
