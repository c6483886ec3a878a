#pragma once

#include <absl/status/statusor.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/http/exchange.h"
#include "services/platform/contract/contract.h"

// REST and JSON in front of the contract's methods, by their google.api.http rules and proto3's JSON mapping. Pure: no socket, no
// clock. What is said of a method in the contract is all there is to say: a new method needs no line here.
namespace helhed::gateway::rest {

// An answer that is complete. `content-length` is left to whoever sends it, but where the body is left out because of HEAD: there
// it stands in `fields` and says what GET would send.
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
  kRaw,               // the bytes of google.api.HttpBody, of the media type that it names
};

// What a request's head came to: the method that it means, and how to answer it.
struct Matched {
  contract::Method const* method = nullptr;
  Form form = Form::kJson;
  // HEAD: everything but the body.
  bool head_only = false;
  // The values of path variables, decoded and still as text, in the order of the rule.
  std::vector<std::pair<std::string, std::string>> path_values;
  // As sent.
  std::string query;
  // Index of the rule among the method's bindings.
  int binding = 0;
  // What the body may weigh: four times the size on the wire that the method's policy allows, for names and numbers are longer in
  // JSON; just that size where the body is bytes. What it comes to on the wire is for the pipeline to check.
  std::size_t body_bytes_max = 0;
  // As sent: `If-Match`, `If-None-Match`, `Idempotency-Key`, `Last-Event-ID`, `Content-Type`.
  std::string if_match, if_none_match, idempotency_key, last_event_id, content_type;
};

// A comment that keeps a stream of Server-Sent Events alive through proxies while nothing happens.
inline constexpr std::string_view kPing = ": ping\n\n";

class Transcoder {
 public:
  // Errors: FAILED_PRECONDITION that names two methods whose rules match the same request, or a rule that cannot be served.
  static absl::StatusOr<std::unique_ptr<Transcoder>> Make(std::vector<contract::Method const*> methods);
  ~Transcoder();
  Transcoder(Transcoder const&) = delete;
  Transcoder& operator=(Transcoder const&) = delete;

  // Which method a request means, from its head alone. `refused` is the whole answer when it means none: 400 where the path
  // cannot be decoded, 404, 405 with Allow, 406, 413 where `content-length` says so, 415, 204 to OPTIONS.
  struct Match {
    std::optional<Matched> matched;
    Answer refused;
  };
  Match Resolve(http::RequestHead const& head) const;

  // The method's request, serialized: bindings of path, query, body and header fields; unknown ones are refused by name, all at
  // once (INVALID_ARGUMENT BAD_REQUEST). The rules of the fields are not looked at: the pipeline does.
  absl::StatusOr<std::string> Request(Matched const& matched, std::string_view body) const;

  // The answer to a unary call: JSON or bytes, ETag, 304.
  Answer Response(Matched const& matched, std::string_view message) const;

  // The head of the answer to a stream: status and fields, without a body. The media type of bytes is that of the first message.
  Answer StreamHead(Matched const& matched, std::string_view first = {}) const;
  // A piece of a stream: a line, an event or bytes. nullopt where bytes should be and are not: such an answer can only be broken
  // off.
  std::optional<std::string> StreamPiece(Matched const& matched, std::string_view message) const;
  // How a stream ends badly, but one of bytes, in which nothing can be said; `reference` as in ErrorAnswer.
  std::string StreamError(Matched const& matched, absl::Status const& status, std::string_view reference = {}) const;

 private:
  struct State;
  explicit Transcoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// An error as AIP-193 asks, with the HTTP status of its code, Retry-After from its RetryInfo and WWW-Authenticate with 401. What
// is INTERNAL, UNKNOWN or DATA_LOSS is replaced by `reference`, which the log has too; details that are not meant for callers
// (DebugInfo, types that google.rpc does not have) are left out. A request that is too large (REQUEST_TOO_LARGE) is 413.
Answer ErrorAnswer(absl::Status const& status, std::string_view reference);

// 413: the body weighs more than matched.body_bytes_max.
Answer TooLarge(Matched const& matched);

}  // namespace helhed::gateway::rest
