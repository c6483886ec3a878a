#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/http/exchange.h"
#include "gateway/http/limits.h"
#include "gateway/http/stats.h"

// What makes a head acceptable, whichever version of HTTP carries it. Strict, because whoever reads a head differently from the
// next one in the chain lets requests be smuggled between them (RFC 9112, 11.2).
namespace helhed::gateway::http {

// A refusal as it is answered.
struct Refused {
  Refusal reason = Refusal::kMalformedRequest;
  int status = 400;
  // English, for the developer who calls.
  std::string_view message;
};

// `host`, `host:port`, `192.0.2.1`, `[2001:db8::1]:443`; no user information, nothing encoded.
bool IsAuthority(std::string_view authority);
// Path and query in visible ASCII without a fragment.
bool IsTarget(std::string_view target);
// A field that may be sent: the name a token in lower case, the value without control characters.
bool IsSendable(Field const& field);
// Whether the connection has that field to itself: handlers set no framing.
bool IsHopByHop(std::string_view name);

// What is wrong with a request's head, if anything. `content-length` is read into `content_length`.
std::optional<Refused> CheckHead(RequestHead const& head, Limits const& limits, std::optional<std::uint64_t>& content_length);

enum class HeadState { kIncomplete, kComplete, kMalformed };
// Looks at an HTTP/1 head byte by byte, as it comes, from `scanned` on: lines end in CRLF, none is folded, no control character
// (RFC 9112, 2.2 and 5.2). When it is complete `scanned` is its length, the empty line included.
HeadState ScanHead(std::string_view input, std::size_t& scanned);

// The body of a refusal: an error as AIP-193 has it, in JSON.
std::string RefusalBody(Refused const& refused);

}  // namespace helhed::gateway::http
