# The contract's tools and googleapis' protos come from npm, pinned by proto/package-lock.json, and are never committed.
set(HELHED_NODE_MODULES ${CMAKE_SOURCE_DIR}/proto/node_modules)
set(HELHED_GOOGLEAPIS ${HELHED_NODE_MODULES}/google-gax/build/protos)
if(NOT EXISTS ${HELHED_GOOGLEAPIS}/google/api/annotations.proto)
  message(STATUS "Fetching the contract's tools (npm ci in proto/)")
  execute_process(
    COMMAND npm ci --ignore-scripts --no-audit --no-fund
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/proto
    COMMAND_ERROR_IS_FATAL ANY)
endif()
set_property(DIRECTORY ${CMAKE_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS proto/package-lock.json)
