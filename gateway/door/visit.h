#pragma once

#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>
#include <boost/asio/io_context.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "gateway/door/door.h"
#include "services/platform/telemetry/trace.h"

// One request at the door: what it is called in logs and answers, however it is served. Not for others.
namespace helhed::gateway::door {

enum class Transport { kGrpc, kRest, kPage };

// The instruments of one loop, found when they are first needed: there are as many as methods, transports and codes that occur.
class Meters {
 public:
  explicit Meters(telemetry::Metrics& metrics) : metrics_(metrics) {}
  void Count(contract::Method const* method, Transport transport, absl::StatusCode code,
             std::chrono::steady_clock::duration time);

 private:
  static constexpr int kCodes = 17;
  struct OfMethod {
    std::array<std::optional<telemetry::Counter>, kCodes> codes;
    std::optional<telemetry::Histogram> duration;
  };
  telemetry::Metrics& metrics_;
  std::array<absl::flat_hash_map<contract::Method const*, std::unique_ptr<OfMethod>>, 3> methods_;
};

// An answer that does not end by itself, and has to be told when the gateway ends.
class Lasting {
 public:
  virtual void EndForDrain() = 0;

 protected:
  ~Lasting() = default;
};

// What the handlers of one loop share.
struct Desk {
  Parts const& parts;
  Upstreams const& upstreams;
  boost::asio::io_context& loop;
  Meters meters;
  // Those under way. After the drain there are no more.
  std::set<Lasting*> lasting = {};
  bool drained = false;
};
// UNAVAILABLE DRAINING: what they end with.
absl::Status Draining();

// Where a browser's script comes from, and whether it may see the answer.
enum class Origin { kNone, kNamed, kAny, kOther };
Origin OriginOf(Options const& options, http::RequestHead const& head);
inline bool MaySee(Origin origin) { return origin == Origin::kNamed || origin == Origin::kAny; }
// Whether a page asks that is neither the gateway's own nor of an origin that is named.
bool IsOfAStranger(Options const& options, http::RequestHead const& head);

class Visit {
 public:
  Visit(Desk& desk, http::RequestHead head, http::Exchange& exchange, Transport transport);
  ~Visit() = default;
  Visit(Visit const&) = delete;
  Visit& operator=(Visit const&) = delete;

  http::RequestHead const& head() const { return head_; }
  http::Exchange& exchange() { return exchange_; }
  std::string const& request_id() const { return request_id_; }
  telemetry::TraceContext const& trace() const { return trace_; }

  void MeansMethod(contract::Method const* method) { method_ = method; }
  contract::Method const* method() const { return method_; }
  void IsDemonstration() { demonstration_ = true; }

  // Sends the head with what every answer has besides.
  void Respond(int status, http::Fields fields);
  bool responded() const { return http_status_ != 0; }

  // Counts and logs, once: the request has been answered, or its caller has gone.
  void Close(absl::Status const& status);
  bool closed() const { return closed_; }

 private:
  void AddForBrowsers(http::Fields& fields) const;
  void AddOrigin(http::Fields& fields) const;
  void Log(absl::Status const& status, std::chrono::steady_clock::duration time) const;

  Desk& desk_;
  http::RequestHead head_;
  http::Exchange& exchange_;
  Transport const transport_;
  std::string request_id_;
  telemetry::TraceContext trace_;
  contract::Method const* method_ = nullptr;
  std::chrono::steady_clock::time_point const arrived_ = std::chrono::steady_clock::now();
  int http_status_ = 0;
  bool demonstration_ = false;
  bool closed_ = false;
};

// The path of a target, without its query.
std::string_view PathOf(std::string_view target);

}  // namespace helhed::gateway::door
