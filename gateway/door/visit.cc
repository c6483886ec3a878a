#include "gateway/door/visit.h"

#include <absl/status/status.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::door {
namespace {

constexpr std::string_view kTransports[] = {"grpc", "rest", "page"};
constexpr std::size_t kRequestIdMax = 64;
// For load balancers to have noticed that this gateway ends.
constexpr auto kComeBackAfter = std::chrono::seconds(1);

// What callers may look up in a log. Anything else could be made to look like something there.
bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= kRequestIdMax && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

bool Has(http::Fields const& fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(), [&](auto const& field) { return field.name == name; });
}

void AddUnlessThere(http::Fields& fields, std::string_view name, std::string_view value) {
  if (!Has(fields, name)) fields.push_back({std::string(name), std::string(value)});
}

}  // namespace

void Meters::Count(contract::Method const* method, Transport transport, absl::StatusCode code,
                   std::chrono::steady_clock::duration time) {
  auto const transport_name = kTransports[static_cast<std::size_t>(transport)];
  auto const name = method == nullptr ? std::string_view("unknown") : std::string_view(method->path());
  auto& entry = methods_[static_cast<std::size_t>(transport)][method];
  if (entry == nullptr) entry = std::make_unique<OfMethod>();
  auto& counter = entry->codes[static_cast<std::size_t>(std::clamp(static_cast<int>(code), 0, kCodes - 1))];
  if (!counter) {
    auto const code_name = absl::StatusCodeToString(code);
    counter = metrics_.CounterOf("helhed_gateway_requests_total", "Requests answered.",
                                 {{"method", name}, {"transport", transport_name}, {"code", code_name}});
  }
  if (!entry->duration) {
    entry->duration = metrics_.HistogramOf("helhed_gateway_request_duration_seconds", "From a request's head to its answer.",
                                           {{"method", name}, {"transport", transport_name}});
  }
  counter->Increment();
  entry->duration->Observe(std::chrono::duration<double>(time).count());
}

absl::Status Draining() {
  return WithRetryDelay(Error(absl::StatusCode::kUnavailable, common::v1::ERROR_REASON_DRAINING,
                              "The gateway is shutting down. Go on from the last cursor: another instance will answer."),
                        kComeBackAfter);
}

Origin OriginOf(Options const& options, http::RequestHead const& head) {
  auto const origin = http::Find(head.fields, "origin");
  if (origin.empty()) return Origin::kNone;
  auto const has = [&](std::string_view known) {
    return std::find(options.cors_origins.begin(), options.cors_origins.end(), known) != options.cors_origins.end();
  };
  if (has(origin)) return Origin::kNamed;
  return has("*") ? Origin::kAny : Origin::kOther;
}

bool IsOfAStranger(Options const& options, http::RequestHead const& head) {
  auto const kind = OriginOf(options, head);
  if (kind == Origin::kNone || kind == Origin::kNamed) return false;
  return http::Find(head.fields, "origin") != absl::StrCat("https://", head.authority);
}

Visit::Visit(Desk& desk, http::RequestHead head, http::Exchange& exchange, Transport transport)
    : desk_(desk), head_(std::move(head)), exchange_(exchange), transport_(transport) {
  auto const given = http::Find(head_.fields, "x-request-id");
  request_id_ = IsRequestId(given) ? std::string(given) : NewUuid(desk_.parts.clock->Now(), *desk_.parts.random);
  trace_ = telemetry::ContinueTrace(http::Find(head_.fields, "traceparent"), *desk_.parts.random);
}

void Visit::Respond(int status, http::Fields fields) {
  http_status_ = status;
  fields.push_back({"x-request-id", request_id_});
  if (demonstration_) fields.push_back({"x-helhed-demonstration", "true"});
  if (transport_ != Transport::kGrpc) AddForBrowsers(fields);
  AddOrigin(fields);
  exchange_.Respond(status, std::move(fields));
}

void Visit::AddForBrowsers(http::Fields& fields) const {
  AddUnlessThere(fields, "cache-control", "no-store");
  AddUnlessThere(fields, "x-content-type-options", "nosniff");
  AddUnlessThere(fields, "referrer-policy", "no-referrer");
  AddUnlessThere(fields, "content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  if (head_.peer != nullptr && head_.peer->tls) AddUnlessThere(fields, "strict-transport-security", "max-age=31536000");
}

void Visit::AddOrigin(http::Fields& fields) const {
  auto const& options = desk_.parts.options;
  if (options.cors_origins.empty()) return;
  fields.push_back({"vary", "origin"});
  auto const kind = OriginOf(options, head_);
  if (!MaySee(kind)) return;
  fields.push_back({"access-control-allow-origin", std::string(http::Find(head_.fields, "origin"))});
  fields.push_back({"access-control-expose-headers",
                    "etag, grpc-message, grpc-status, grpc-status-details-bin, ratelimit, ratelimit-policy, retry-after, "
                    "x-helhed-demonstration, x-request-id"});
  // With its client certificate (Fetch, "CORS protocol and credentials"). Any page at all may only bring a token.
  if (kind == Origin::kNamed) fields.push_back({"access-control-allow-credentials", "true"});
}

void Visit::Close(absl::Status const& status) {
  if (std::exchange(closed_, true)) return;
  auto const time = std::chrono::steady_clock::now() - arrived_;
  desk_.meters.Count(method_, transport_, status.code(), time);
  Log(status, time);
}

void Visit::Log(absl::Status const& status, std::chrono::steady_clock::duration time) const {
  bool const is_fault = status.code() == absl::StatusCode::kInternal || status.code() == absl::StatusCode::kUnknown ||
                        status.code() == absl::StatusCode::kDataLoss;
  auto const severity = is_fault ? telemetry::Severity::kError : telemetry::Severity::kInfo;
  bool const is_read = method_ == nullptr || method_->is_read();
  if (!desk_.parts.log->Writes(severity) || (is_read && status.ok() && !desk_.parts.options.log_reads)) return;
  auto const code = absl::StatusCodeToString(status.code());
  auto const reason = ReasonOf(status);
  std::array<telemetry::Log::Field, 9> fields;
  std::size_t count = 0;
  auto const add = [&](std::string_view name, telemetry::Log::Value value) { fields[count++] = {name, value}; };
  add("method", method_ == nullptr ? std::string_view("unknown") : std::string_view(method_->path()));
  add("transport", kTransports[static_cast<std::size_t>(transport_)]);
  add("code", std::string_view(code));
  if (!reason.empty()) add("reason", std::string_view(reason));
  add("status", std::int64_t{http_status_});
  add("duration_us", std::int64_t{std::chrono::duration_cast<std::chrono::microseconds>(time).count()});
  add("trace_id", std::string_view(trace_.trace_id));
  add("request_id", std::string_view(request_id_));
  if (demonstration_) add("demonstration", true);
  desk_.parts.log->Write(severity, "request", std::span<telemetry::Log::Field const>(fields.data(), count));
}

std::string_view PathOf(std::string_view target) { return target.substr(0, target.find('?')); }

}  // namespace helhed::gateway::door
