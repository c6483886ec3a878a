#include "gateway/rest/transcoder.h"

#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>
#include <google/api/httpbody.pb.h>
#include <google/protobuf/arena.h>

#include <algorithm>
#include <map>

#include "gateway/rest/binding.h"
#include "gateway/rest/etag.h"
#include "gateway/rest/router.h"
#include "gateway/rest/text.h"
#include "helhed/gateway/v1/errors.pb.h"
#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/json/error.h"
#include "services/platform/json/json.h"

namespace helhed::gateway::rest {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view kJson = "application/json";
constexpr std::string_view kNdjson = "application/x-ndjson";
constexpr std::string_view kEvents = "text/event-stream";
constexpr std::string_view kBytes = "application/octet-stream";
// No path of the contract comes near it; a longer one is not looked up.
constexpr std::size_t kSegmentsMax = 64;
// How much longer a message may be in JSON than on the wire.
constexpr std::size_t kJsonPerWire = 4;

// An error whose HTTP status says more than its code.
Answer Refused(int http_status, absl::Status const& status) {
  auto answer = ErrorAnswer(status, "");
  answer.status = http_status;
  answer.body = json::ErrorJson(status, http_status);
  return answer;
}

Answer PathUnknown() {
  return Refused(404, Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_PATH_UNKNOWN,
                            "no method has this path; /openapi.json lists those that there are"));
}

Answer MethodNotAllowed(std::vector<std::string> const& allowed) {
  auto const list = absl::StrJoin(allowed, ", ");
  auto answer = Refused(405, Error(absl::StatusCode::kUnimplemented, v1::ERROR_REASON_HTTP_METHOD_NOT_ALLOWED,
                                   "this path does not take this HTTP method", {{"allowed", list}}));
  answer.fields.push_back({"allow", list});
  return answer;
}

Answer NotAcceptable(std::vector<std::string_view> const& offered) {
  std::string list;
  for (auto const form : offered) absl::StrAppend(&list, list.empty() ? "" : ", ", Av(form));
  return Refused(406, Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_FORM_NOT_ACCEPTABLE,
                            "the answer has none of the forms that Accept takes", {{"offered", list}}));
}

Answer UnsupportedType(std::string_view field, std::string_view taken) {
  auto answer =
      Refused(415, Error(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_MEDIA_TYPE_UNSUPPORTED,
                         "the body is of a media type, or an encoding, that is not read here", {{"taken", std::string(taken)}}));
  // RFC 9110, 15.5.16: what would be taken.
  answer.fields.push_back({std::string(field), std::string(taken)});
  return answer;
}

Answer Options(std::vector<std::string> const& allowed) {
  Answer answer;
  answer.status = 204;
  answer.fields = {{"allow", absl::StrJoin(allowed, ", ")}};
  if (std::find(allowed.begin(), allowed.end(), "PATCH") != allowed.end()) {
    answer.fields.push_back({"accept-patch", std::string(kJson)});
  }
  return answer;
}

// RFC 9110, 8.6: the length in an answer to HEAD is that of GET's.
void DropBody(Answer& answer) {
  answer.fields.push_back({"content-length", absl::StrCat(answer.body.size())});
  answer.body.clear();
}

// The bytes of an answer that is bytes.
google::api::HttpBody const& RawOf(Route const& route, pb::Message const& message) {
  auto const& raw =
      route.response_field == nullptr ? message : message.GetReflection()->GetMessage(message, route.response_field);
  return *pb::DynamicCastToGenerated<google::api::HttpBody const>(&raw);
}
std::string MediaTypeOf(google::api::HttpBody const& raw) {
  return raw.content_type().empty() ? std::string(kBytes) : raw.content_type();
}

std::string AnswerInvalid(std::string_view what) { return absl::StrCat("what the service sent is no ", Av(what)); }

}  // namespace

struct Transcoder::State {
  std::vector<std::unique_ptr<Route const>> routes;
  Router router;
  std::map<std::pair<contract::Method const*, int>, Route const*> by_method;

  Route const& RouteOf(Matched const& matched) const { return *by_method.at({matched.method, matched.binding}); }

  // nullptr when the bytes are no message of that type.
  static pb::Message const* Parse(Route const& route, std::string_view bytes, pb::Arena& arena) {
    auto* const message = route.response->New(&arena);
    return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ? message : nullptr;
  }

  static std::string Json(Route const& route, pb::Message const& message) {
    return route.response_field == nullptr ? json::Write(message) : json::WriteField(message, *route.response_field);
  }
};

Transcoder::Transcoder(std::unique_ptr<State> state) : state_(std::move(state)) {}
Transcoder::~Transcoder() = default;

absl::StatusOr<std::unique_ptr<Transcoder>> Transcoder::Make(std::vector<contract::Method const*> methods) {
  auto state = std::make_unique<State>();
  for (auto const* const method : methods) {
    ASSIGN_OR_RETURN(auto routes, RoutesOf(*method));
    for (auto& route : routes) {
      auto const& kept = *state->routes.emplace_back(std::make_unique<Route const>(std::move(route)));
      RETURN_IF_ERROR(state->router.Add(kept));
      state->by_method[{method, kept.binding}] = &kept;
    }
  }
  return std::unique_ptr<Transcoder>(new Transcoder(std::move(state)));
}

namespace {

// The values of the variables, or the answer to a path that cannot be decoded.
std::optional<Answer> ReadPath(Route const& route, std::vector<std::string_view> const& segments, Matched& matched) {
  std::vector<FieldViolation> violations;
  for (auto const& variable : route.path.variables) {
    auto value = ValueOf(variable, route.path, segments);
    if (!value) {
      violations.push_back({variable.field, "must be percent-encoded UTF-8 in the path, without U+0000 and escaped slashes"});
    } else {
      matched.path_values.emplace_back(variable.field, *std::move(value));
    }
  }
  if (violations.empty()) return std::nullopt;
  return ErrorAnswer(BadRequest(std::move(violations)), "");
}

std::optional<Answer> ChooseForm(Route const& route, http::Fields const& fields, Matched& matched) {
  // Bytes have one form, which is known with the answer only (RFC 9110, 12.4.1).
  if (route.raw_answer) {
    matched.form = Form::kRaw;
    return std::nullopt;
  }
  auto const offered = route.is_stream() ? std::vector{kNdjson, kEvents} : std::vector{kJson};
  int const chosen = Negotiate(Joined(fields, "accept"), offered);
  if (chosen < 0) return NotAcceptable(offered);
  matched.form = !route.is_stream() ? Form::kJson : chosen == 0 ? Form::kNdjson : Form::kServerSentEvents;
  return std::nullopt;
}

// What the head says of the body.
std::optional<Answer> CheckBody(Route const& route, http::Fields const& fields, Matched const& matched) {
  std::uint64_t length = 0;
  if (absl::SimpleAtoi(Joined(fields, "content-length"), &length) && length > matched.body_bytes_max) return TooLarge(matched);
  if (route.body == Route::Body::kNone) return std::nullopt;
  auto const type = Joined(fields, "content-type");
  if (!route.raw_body && !type.empty() && !IsJson(type))
    return UnsupportedType(route.http_method == "PATCH" ? "accept-patch" : "accept-post", kJson);
  // A compressed body can be a bomb; a request of this size needs no compression.
  auto const encoding = Joined(fields, "content-encoding");
  if (!encoding.empty() && !absl::EqualsIgnoreCase(encoding, "identity")) return UnsupportedType("accept-encoding", "identity");
  return std::nullopt;
}

// The last verb's characters are no part of the last variable's value.
std::vector<std::string_view> WithoutVerb(Route const& route, std::vector<std::string_view> segments) {
  if (!route.path.verb.empty()) segments.back().remove_suffix(route.path.verb.size() + 1);
  return segments;
}

Transcoder::Match RefuseMatch(Answer answer, bool head_only) {
  if (head_only) DropBody(answer);
  return {std::nullopt, std::move(answer)};
}

}  // namespace

Transcoder::Match Transcoder::Resolve(http::RequestHead const& head) const {
  bool const head_only = head.method == "HEAD";
  std::string_view const target = head.target;
  auto const question = std::min(target.find('?'), target.size());
  auto const segments = SplitPath(target.substr(0, question));
  if (head.method == "OPTIONS" && target == "*") {
    return {std::nullopt, Options({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST"})};
  }
  if (!segments || segments->size() > kSegmentsMax) return RefuseMatch(PathUnknown(), head_only);
  auto const found = state_->router.Find(head.method, *segments);
  if (found.allowed.empty()) return RefuseMatch(PathUnknown(), head_only);
  if (head.method == "OPTIONS") return {std::nullopt, Options(found.allowed)};
  if (found.route == nullptr) return RefuseMatch(MethodNotAllowed(found.allowed), head_only);

  auto const& route = *found.route;
  Matched matched;
  matched.method = route.method;
  matched.binding = route.binding;
  matched.head_only = head_only;
  matched.query = target.substr(std::min(question + 1, target.size()));
  matched.body_bytes_max = (route.raw_body ? 1 : kJsonPerWire) * route.method->request_bytes_max();
  matched.if_match = Joined(head.fields, "if-match");
  matched.if_none_match = Joined(head.fields, "if-none-match");
  matched.idempotency_key = Joined(head.fields, "idempotency-key");
  matched.last_event_id = Joined(head.fields, "last-event-id");
  matched.content_type = Joined(head.fields, "content-type");
  if (auto answer = ReadPath(route, WithoutVerb(route, *segments), matched)) return RefuseMatch(*std::move(answer), head_only);
  if (auto answer = ChooseForm(route, head.fields, matched)) return RefuseMatch(*std::move(answer), head_only);
  if (auto answer = CheckBody(route, head.fields, matched)) return RefuseMatch(*std::move(answer), head_only);
  return {std::move(matched), {}};
}

absl::StatusOr<std::string> Transcoder::Request(Matched const& matched, std::string_view body) const {
  return Bind(state_->RouteOf(matched), matched, body);
}

Answer Transcoder::Response(Matched const& matched, std::string_view message) const {
  auto const& route = state_->RouteOf(matched);
  pb::Arena arena;
  auto const* const parsed = State::Parse(route, message, arena);
  if (parsed == nullptr) {
    return ErrorAnswer(Error(absl::StatusCode::kInternal, v1::ERROR_REASON_ANSWER_INVALID,
                             AnswerInvalid(route.response->GetDescriptor()->full_name())),
                       "");
  }
  Answer answer;
  answer.body = route.raw_answer ? RawOf(route, *parsed).data() : State::Json(route, *parsed);
  // Kept by nobody but the caller, and not shown by him again before he has asked.
  answer.fields = {{"cache-control", "private, no-cache"}};
  std::string scratch;
  auto const& etag = route.response_etag == nullptr
                         ? scratch
                         : parsed->GetReflection()->GetStringReference(*parsed, route.response_etag, &scratch);
  if (route.is_get() || !etag.empty()) {
    auto tag = TagOf(etag, answer.body);
    bool const unchanged = route.is_get() && !matched.if_none_match.empty() && NamesTag(matched.if_none_match, tag);
    answer.fields.push_back({"etag", std::move(tag)});
    if (unchanged) return {304, std::move(answer.fields), ""};
  }
  answer.fields.push_back({"content-type", route.raw_answer ? MediaTypeOf(RawOf(route, *parsed)) : std::string(kJson)});
  answer.fields.push_back({"x-content-type-options", "nosniff"});
  if (matched.head_only) DropBody(answer);
  return answer;
}

Answer Transcoder::StreamHead(Matched const& matched, std::string_view first) const {
  std::string type(matched.form == Form::kServerSentEvents ? kEvents : kNdjson);
  if (matched.form == Form::kRaw) {
    auto const& route = state_->RouteOf(matched);
    pb::Arena arena;
    auto const* const parsed = State::Parse(route, first, arena);
    type = parsed == nullptr ? std::string(kBytes) : MediaTypeOf(RawOf(route, *parsed));
  }
  Answer answer;
  answer.fields = {{"content-type", std::move(type)},
                   {"cache-control", "no-store"},
                   {"vary", "accept"},
                   {"x-content-type-options", "nosniff"},
                   // nginx would hold the stream back until a buffer is full.
                   {"x-accel-buffering", "no"}};
  return answer;
}

std::optional<std::string> Transcoder::StreamPiece(Matched const& matched, std::string_view message) const {
  auto const& route = state_->RouteOf(matched);
  pb::Arena arena;
  auto const* const parsed = State::Parse(route, message, arena);
  if (matched.form == Form::kRaw) return parsed == nullptr ? std::nullopt : std::optional(RawOf(route, *parsed).data());
  if (parsed == nullptr) {
    return StreamError(matched, Error(absl::StatusCode::kInternal, v1::ERROR_REASON_ANSWER_INVALID,
                                      AnswerInvalid(route.response->GetDescriptor()->full_name())));
  }
  auto const json = State::Json(route, *parsed);
  if (matched.form != Form::kServerSentEvents) return absl::StrCat("{\"result\":", json, "}\n");
  std::string id;
  if (route.response_cursor != nullptr) id = parsed->GetReflection()->GetString(*parsed, route.response_cursor);
  // An id with a line break would be two fields; one with a NUL is ignored (WHATWG HTML, 9.2.6).
  bool const has_id = !id.empty() && id.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
  return absl::StrCat(has_id ? absl::StrCat("id: ", id, "\n") : "", "data: ", json, "\n\n");
}

std::string Transcoder::StreamError(Matched const& matched, absl::Status const& status, std::string_view reference) const {
  auto const answer = ErrorAnswer(status, reference);
  if (matched.form != Form::kServerSentEvents) return absl::StrCat(answer.body, "\n");
  auto const delay = RetryDelayOf(status);
  auto const retry = delay ? absl::StrCat("retry: ", delay->count(), "\n") : std::string();
  return absl::StrCat("event: error\n", retry, "data: ", answer.body, "\n\n");
}

}  // namespace helhed::gateway::rest
