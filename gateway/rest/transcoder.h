#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/exchange.h"
#include "services/platform/contract/contract.h"

// REST and JSON in front of the contract's methods, by their google.api.http rules and proto3's JSON mapping. Pure: no socket, no
// clock. What is said of a method in the contract is all there is to say: a new method needs no line here.
namespace helhed::gateway::rest {

// An answer that is complete.
struct Answer {
  int status = 200;
  http::Fields fields;
  std::string body;
};

// How a stream of messages is written.
enum class Form {
  kJson,              // one message, one JSON value
  kNdjson,            // application/x-ndjson, a line {"result": ...} each, and {"error": ...} when it ends badly
  kServerSentEvents,  // text/event-stream
};

// What a request's head came to: the method that it means, and how to answer it.
struct Matched {
  contract::Method const* method = nullptr;
  Form form = Form::kJson;
  // HEAD: everything but the body.
  bool head_only = false;
  // The values of path variables and of the query, still as text, in the order of the contract.
  std::vector<std::pair<std::string, std::string>> path_values;
  std::string query;
  // Index of the rule among the method's bindings.
  int binding = 0;
  // What the body may weigh, by the method's policy.
  std::size_t body_bytes_max = 0;
  // As sent: `If-None-Match`, `Idempotency-Key`, `Last-Event-ID`.
  std::string if_none_match, idempotency_key, last_event_id;
};

class Transcoder {
 public:
  // Errors: FAILED_PRECONDITION that names two methods whose rules match the same request, or a rule that cannot be served.
  static absl::StatusOr<std::unique_ptr<Transcoder>> Make(std::vector<contract::Method const*> methods);
  ~Transcoder();

  // Which method a request means, from its head alone. `refused` is the whole answer when it means none: 404, 405 with Allow,
  // 406, 415, 204 to OPTIONS.
  struct Match {
    std::optional<Matched> matched;
    Answer refused;
  };
  Match Resolve(http::RequestHead const& head) const;

  // The method's request, serialized: bindings of path, query and body; unknown ones are refused by name, all at once
  // (INVALID_ARGUMENT BAD_REQUEST).
  absl::StatusOr<std::string> Request(Matched const& matched, std::string_view body) const;

  // The answer to a unary call: JSON, ETag, 304.
  Answer Response(Matched const& matched, std::string_view message) const;

  // A piece of a stream: a line or an event.
  std::string StreamPiece(Matched const& matched, std::string_view message) const;
  std::string StreamError(Matched const& matched, absl::Status const& status) const;

 private:
  struct State;
  explicit Transcoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// An error as AIP-193 asks, with the HTTP status of its code, Retry-After from its RetryInfo and WWW-Authenticate with 401. What
// is INTERNAL, UNKNOWN or DATA_LOSS is replaced by `reference`, which the log has too.
Answer ErrorAnswer(absl::Status const& status, std::string_view reference);

}  // namespace helhed::gateway::rest
