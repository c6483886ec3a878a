#pragma once

#include <map>
#include <string>
#include <utility>

#include "gateway/openapi/comments.h"
#include "gateway/openapi/examples.h"
#include "gateway/openapi/schemas.h"
#include "gateway/openapi/tree.h"
#include "gateway/rest/route.h"

// One method behind one of its paths. Not for others.
namespace helhed::gateway::openapi {

struct World {
  Comments const& comments;
  Examples const& examples;
  Schemas& schemas;
  // How services are called in tags and operationIds, by their full names.
  std::map<std::string, std::string> const& service_names;
};

// `/v1/organisations/{organisation}:merge`, and what its variables stand for in order: the collection before each.
std::pair<std::string, std::vector<std::pair<std::string, std::string>>> PathOf(rest::Template const& path,
                                                                                Comments const& comments);

Json Operation(rest::Route const& route, World const& world);

}  // namespace helhed::gateway::openapi
