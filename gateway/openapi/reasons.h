#pragma once

#include <map>
#include <string>
#include <string_view>

#include "gateway/openapi/comments.h"
#include "gateway/openapi/tree.h"

// Why a service may refuse, by HTTP status: the values of its package's ErrorReason, the platform's and the gateway's, whose
// comments begin with their canonical code. Not for others.
namespace helhed::gateway::openapi {

struct Reasons {
  // The text of a response: `PATH_UNKNOWN` and what it means, a line each; by HTTP status.
  std::map<int, std::string> lines;
  // Their names, for the schema.
  Json names = Json::Array();
};

// Of the package `helhed.residents.v1`, or of one that has no ErrorReason of its own.
Reasons ReasonsOf(std::string_view package, Comments const& comments);

}  // namespace helhed::gateway::openapi
