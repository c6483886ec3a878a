#pragma once

#include <set>
#include <string>

#include "gateway/openapi/openapi.h"
#include "gateway/openapi/reasons.h"
#include "gateway/openapi/tree.h"

// The parts of the document that every method shares. Not for others.
namespace helhed::gateway::openapi {

// Header fields of answers, by name.
Json Headers();
// References to those that an answer of that HTTP status has.
Json HeadersOf(int http_status, bool with_etag);
// Header fields of requests, by name: IdempotencyKey, IfMatch, IfNoneMatch, LastEventId.
Json HeaderParameters();
// How a caller says who he is.
Json SecuritySchemes(Info const& info);
// What every method that is not public asks for.
Json Security(Info const& info);
// AIP-193's error, as `Error`; and its parts.
void AddErrorSchemas(Json& schemas, std::set<std::string> const& reasons);
// The refusals of a package's methods: `residents.v1.404`, by name.
void AddRefusals(std::string const& package, Reasons const& reasons, Json& responses);
// The name of one of them.
std::string RefusalName(std::string_view package, int http_status);

}  // namespace helhed::gateway::openapi
