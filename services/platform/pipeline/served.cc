#include "services/platform/pipeline/served.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "helhed/common/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed {
namespace {

using telemetry::Severity;

// absl::StatusCode counts from OK (0) to UNAUTHENTICATED (16).
constexpr int kCodes = 17;

std::string CodeName(absl::StatusCode code) { return absl::StatusCodeToString(code); }

ServedMethod Instrumented(std::string_view service, std::string_view method, telemetry::Metrics& metrics) {
  std::vector<telemetry::Counter> calls;
  calls.reserve(kCodes);
  for (int code = 0; code < kCodes; ++code) {
    calls.push_back(
        metrics.CounterOf("helhed_calls_total", "Calls that ended, by status code.",
                          {{"service", service}, {"method", method}, {"code", CodeName(static_cast<absl::StatusCode>(code))}}));
  }
  return {nullptr, false, std::move(calls),
          metrics.HistogramOf("helhed_call_duration_seconds", "Time from a call's arrival to its end.",
                              {{"service", service}, {"method", method}})};
}

// The data class of the request's field that names the resource acted on.
policy::v1::DataClass ResourceClass(contract::Method const& method) {
  std::string_view path = method.policy().resource();
  auto const* type = method.descriptor().input_type();
  auto most = policy::v1::DATA_CLASS_UNSPECIFIED;
  while (type != nullptr && !path.empty()) {
    auto const dot = std::min(path.find('.'), path.size());
    auto const* const field = type->FindFieldByName(std::string(path.substr(0, dot)));
    if (field == nullptr) break;
    most = contract::DataClassOf(*field);
    type = field->message_type();
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return most;
}

bool IsRead(ServedMethod const& method) { return method.entry != nullptr && method.entry->method->is_read(); }

Severity SeverityOf(CallRecord const& record, absl::Status const& status) {
  if (status.code() == absl::StatusCode::kInternal) return Severity::kError;
  return status.ok() && IsRead(*record.method) ? Severity::kDebug : Severity::kInfo;
}

}  // namespace

Served::Served(std::string_view service, Router const& router, telemetry::Metrics& metrics, telemetry::Log& log)
    : log_(log), unknown_(Instrumented(service, "unknown", metrics)) {
  for (auto const* const entry : router.entries()) {
    if (entry->method == nullptr) continue;
    auto method = Instrumented(service, entry->method->name(), metrics);
    method.entry = entry;
    method.resource_is_shown = ResourceClass(*entry->method) < policy::v1::DATA_CLASS_PERSONAL;
    methods_.emplace(entry->method->path(), std::move(method));
  }
  auto const count = [&](std::string_view reason) {
    refused_.emplace(reason, metrics.CounterOf("helhed_calls_refused_total", "Calls that ended before their handler, by reason.",
                                               {{"service", service}, {"reason", reason}}));
  };
  auto const* const reasons = common::v1::ErrorReason_descriptor();
  for (int i = 1; i < reasons->value_count(); ++i) {
    count(Reason(static_cast<common::v1::ErrorReason>(reasons->value(i)->number())).name());
  }
  count("other");
}

ServedMethod const* Served::Find(std::string_view path) const {
  auto const found = methods_.find(path);
  return found == methods_.end() ? &unknown_ : &found->second;
}

void Served::Finish(CallRecord const& record, MappedError const& error) const {
  auto const duration = std::chrono::steady_clock::now() - record.arrived;
  auto const code = static_cast<std::size_t>(error.status.code());
  // Instruments are handles: copies count in the same place.
  auto calls = record.method->calls[code < kCodes ? code : static_cast<std::size_t>(absl::StatusCode::kUnknown)];
  calls.Increment();
  auto histogram = record.method->duration;
  histogram.Observe(std::chrono::duration<double>(duration).count());
  std::string const reason = error.status.ok() ? "" : ReasonOf(error.status);
  if (!record.handled && !error.status.ok()) {
    auto const found = refused_.find(reason);
    auto refused = found == refused_.end() ? refused_.at("other") : found->second;
    refused.Increment();
  }
  if (log_.Writes(SeverityOf(record, error.status))) Log(record, error, reason, duration);
}

void Served::Log(CallRecord const& record, MappedError const& error, std::string_view reason,
                 std::chrono::steady_clock::duration duration) const {
  std::array<telemetry::Log::Field, 10> fields;
  std::size_t count = 0;
  auto const add = [&](std::string_view name, telemetry::Log::Value value) { fields[count++] = {name, value}; };
  auto const add_text = [&](std::string_view name, std::string_view text) {
    if (!text.empty()) add(name, text);
  };
  auto const code = CodeName(error.status.code());
  // The path of an unknown method is whatever a stranger sent.
  add("method", record.method->entry == nullptr ? std::string_view("unknown") : record.method->entry->method->path());
  add("code", std::string_view(code));
  add_text("reason", reason);
  add("duration_us", std::int64_t{std::chrono::duration_cast<std::chrono::microseconds>(duration).count()});
  add_text("subject", record.subject);
  if (record.method->resource_is_shown) add_text("resource", record.resource);
  add_text("trace_id", record.trace.trace_id);
  add_text("request_id", record.request_id);
  add_text("reference", error.reference);
  add_text("error", error.original);
  log_.Write(SeverityOf(record, error.status), "call", std::span<telemetry::Log::Field const>(fields.data(), count));
}

}  // namespace helhed
