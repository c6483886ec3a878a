#include "gateway/upstream/http_upstream.h"

#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <google/protobuf/message.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/upstream/deadlines.h"
#include "helhed/common/v1/errors.pb.h"
#include "helhed/gateway/v1/errors.pb.h"
#include "services/platform/base/status.h"

namespace helhed::gateway::upstream {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr auto kMaintainEvery = std::chrono::milliseconds(500);
// What is started again has another address in most clusters; so long the name service is left alone between two questions.
constexpr absl::Duration kResolveAgain = absl::Seconds(1);

absl::StatusOr<std::shared_ptr<ssl::context>> MakeTls(TlsFiles const& files) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  error_code error;
  auto const fault = [&](std::string const& file) {
    return absl::InvalidArgumentError(absl::StrCat("cannot use ", file, ": ", error.message()));
  };
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(ssl::verify_peer);
  if (files.ca_file.empty()) {
    context->set_default_verify_paths(error);
  } else {
    context->load_verify_file(files.ca_file, error);
  }
  if (error) return fault(files.ca_file);
  if (!files.certificate_file.empty()) context->use_certificate_chain_file(files.certificate_file, error);
  if (error) return fault(files.certificate_file);
  if (!files.key_file.empty()) context->use_private_key_file(files.key_file, ssl::context::pem, error);
  if (error) return fault(files.key_file);
  static constexpr unsigned char protocols[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context->native_handle(), protocols, sizeof(protocols));
  return context;
}

// Whether doing it twice is doing it once.
bool MayRepeat(Call const& call) {
  if (call.method->is_read()) return true;
  auto const* const prototype =
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(call.method->descriptor().input_type());
  std::unique_ptr<google::protobuf::Message> const message(prototype->New());
  return message->ParseFromString(call.request) && !call.method->RequestId(*message).empty();
}

absl::Status TimeIsOver() {
  return Error(absl::StatusCode::kDeadlineExceeded, common::v1::ERROR_REASON_DEADLINE_EXCEEDED,
               "The service did not answer in time.");
}

class HttpUpstream;

// One call with all its tries.
class HttpCall final : public Running, public Attempt, public Expiring {
 public:
  HttpCall(HttpUpstream& service, Call call, Receiver& receiver);
  ~HttpCall() override;

  void Begin();
  void Consume(std::size_t bytes) override {
    if (connection_ != nullptr) connection_->Consume(stream_, bytes);
  }
  void OnMessage(std::string message) override;
  void OnOutcome(Outcome outcome) override;
  void Expire() override;

 private:
  void Try();
  // Tries again a little later, or ends.
  void Continue(Outcome outcome);
  // How long to wait before it is tried again; nullopt when `outcome` is the last word.
  std::optional<absl::Duration> Again(Outcome const& outcome);
  void Judge(Outcome const& outcome);
  void Finish(Outcome outcome);

  HttpUpstream& service_;
  Call call_;
  Receiver& receiver_;
  std::shared_ptr<Connection> connection_;
  std::int32_t stream_ = 0;
  int attempts_ = 0;
  bool answered_ = false;
  bool is_trial_ = false;
  bool has_deadline_ = false;
  std::optional<asio::steady_timer> pause_;
  // What is posted asks it whether the call is still there.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// What is known of one address.
struct Address {
  Endpoint endpoint;
  std::shared_ptr<Connection> connection;
  int failures = 0;
  absl::Time try_at = absl::InfinitePast();
};

class HttpUpstream final : public Upstream {
 public:
  HttpUpstream(asio::io_context& its_loop, HttpOptions its_options, Clock const& its_clock, Random& its_random,
               telemetry::Metrics& metrics)
      : loop(its_loop),
        options(std::move(its_options)),
        clock(its_clock),
        random(its_random),
        breaker(options.breaker, its_random),
        deadlines(its_loop, its_clock),
        retries(metrics.CounterOf("helhed_upstream_retries_total", "Calls tried again.", {{"service", options.service}})),
        unreachable_(metrics.CounterOf("helhed_upstream_unreachable_total", "Calls that reached no service.",
                                       {{"service", options.service}})),
        opened_(metrics.CounterOf("helhed_upstream_connections_total", "Connections opened.", {{"service", options.service}})),
        resolver_(its_loop),
        timer_(its_loop) {
    Maintain();
  }
  ~HttpUpstream() override {
    for (auto& address : addresses_) Drop(address);
    for (auto const& connection : retired_) connection->Abandon();
  }
  HttpUpstream(HttpUpstream const&) = delete;
  HttpUpstream& operator=(HttpUpstream const&) = delete;

  std::unique_ptr<Running> Start(Call call, Receiver& receiver) override {
    auto running = std::make_unique<HttpCall>(*this, std::move(call), receiver);
    running->Begin();
    return running;
  }

  bool available() const override {
    bool const connected = std::any_of(addresses_.begin(), addresses_.end(), [](Address const& address) {
      return address.connection != nullptr && address.connection->open();
    });
    return connected && breaker.would_admit(clock.Now());
  }

  // A connection that takes calls, in turn; nullptr when there is none.
  std::shared_ptr<Connection> Pick() {
    Connect();
    std::shared_ptr<Connection> second;
    for (std::size_t i = 0; i < addresses_.size(); ++i) {
      auto const& connection = addresses_[next_++ % addresses_.size()].connection;
      if (connection == nullptr || !connection->takes_calls()) continue;
      if (connection->open()) return connection;
      second = connection;
    }
    return second;
  }

  // The addresses are being looked up for the first time.
  bool resolving() const { return addresses_.empty() && resolving_; }
  void WaitForAddresses(std::function<void()> then) { waiting_.push_back(std::move(then)); }

  absl::Status Unreachable() {
    unreachable_.Increment();
    auto const left = std::max(breaker.left(clock.Now()), absl::Seconds(1));
    return WithRetryDelay(Error(absl::StatusCode::kUnavailable, v1::ERROR_REASON_SERVICE_UNREACHABLE,
                                Sv(absl::StrCat("The service ", options.service, " cannot be reached. Try again later.")),
                                {{"service", options.service}}),
                          absl::ToChronoMilliseconds(left));
  }

  asio::io_context& loop;
  HttpOptions const options;
  Clock const& clock;
  Random& random;
  Breaker breaker;
  RetryBudget budget;
  Deadlines deadlines;
  telemetry::Counter retries;

 private:
  // Keeps addresses and connections as they should be, whether there are calls or not.
  void Maintain() {
    if (!resolving_ && clock.Now() >= resolve_at_) Resolve();
    Connect();
    std::erase_if(retired_, [](auto const& connection) { return connection->closed(); });
    timer_.expires_after(kMaintainEvery);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](error_code error) {
      if (!error && alive.lock() != nullptr) Maintain();
    });
  }

  void Resolve() {
    resolved_at_ = clock.Now();
    resolve_at_ = resolved_at_ + options.resolve_every;
    if (!options.target.unix_path.empty()) return Resolved({asio::local::stream_protocol::endpoint(options.target.unix_path)});
    error_code error;
    auto const address = asio::ip::make_address(options.target.host, error);
    std::uint32_t port = 0;
    if (!error && absl::SimpleAtoi(options.target.port, &port)) {
      return Resolved({asio::ip::tcp::endpoint(address, static_cast<std::uint16_t>(port))});
    }
    if (options.lookup) return LookedUp(options.lookup());
    resolving_ = true;
    resolver_.async_resolve(
        options.target.host, options.target.port,
        [this, alive = std::weak_ptr(alive_)](error_code failed, asio::ip::tcp::resolver::results_type const& found) {
          if (alive.lock() == nullptr) return;
          resolving_ = false;
          std::vector<Endpoint> endpoints;
          if (!failed) {
            for (auto const& entry : found) endpoints.emplace_back(entry.endpoint());
          }
          LookedUp(std::move(endpoints));
        });
  }

  void LookedUp(std::vector<Endpoint> endpoints) {
    if (!endpoints.empty()) return Resolved(std::move(endpoints));
    // A name service that is down does not unmake the addresses that are known.
    resolve_at_ = clock.Now() + kResolveAgain;
    Announce();
  }

  void Resolved(std::vector<Endpoint> endpoints) {
    std::sort(endpoints.begin(), endpoints.end());
    endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
    // Each loop of each gateway begins elsewhere, so that all addresses are used though one loop does not use them all.
    if (endpoints.size() > options.connections_max) {
      if (!offset_) offset_ = random.Next();
      std::rotate(endpoints.begin(), endpoints.begin() + static_cast<std::ptrdiff_t>(*offset_ % endpoints.size()),
                  endpoints.end());
      endpoints.resize(options.connections_max);
    }
    std::vector<Address> addresses;
    for (auto& endpoint : endpoints) {
      auto const known =
          std::find_if(addresses_.begin(), addresses_.end(), [&](auto const& a) { return a.endpoint == endpoint; });
      if (known != addresses_.end()) {
        addresses.push_back(std::move(*known));
        addresses_.erase(known);
      } else {
        addresses.push_back({.endpoint = std::move(endpoint)});
      }
    }
    for (auto& gone : addresses_) SetAside(gone);
    addresses_ = std::move(addresses);
    Connect();
    Announce();
  }

  void Announce() {
    for (auto const& then : std::exchange(waiting_, {})) then();
  }

  void Connect() {
    auto const now = clock.Now();
    for (auto& address : addresses_) {
      if (address.connection != nullptr && !address.connection->takes_calls()) {
        SetAside(address);
        resolve_at_ = std::min(resolve_at_, resolved_at_ + kResolveAgain);
      }
      if (address.connection != nullptr || now < address.try_at) continue;
      Open(address, now);
    }
  }

  void Open(Address& address, absl::Time now) {
    ++address.failures;
    address.try_at = now + Backoff(address.failures, options.reconnect_first, options.reconnect_max, random);
    Connection::Parts parts;
    if (options.tls.enabled()) {
      auto tls = MakeTls(options.tls);
      if (!tls.ok()) return;
      parts.tls = *std::move(tls);
    }
    parts.loop = &loop;
    parts.endpoint = address.endpoint;
    parts.tls_name = options.target.host;
    parts.authority = options.target.host.empty() ? "localhost" : absl::StrCat(options.target.host, ":", options.target.port);
    parts.options = options.connection;
    parts.random = &random;
    parts.on_change = [this] { OnChange(); };
    address.connection = std::make_shared<Connection>(std::move(parts));
    address.connection->Connect();
  }

  // A connection opened, was retired or closed. Comes from within it, so that the change is made on the next turn.
  void OnChange() {
    if (changing_) return;
    changing_ = true;
    asio::post(loop, [this, alive = std::weak_ptr(alive_)] {
      if (alive.lock() == nullptr) return;
      changing_ = false;
      for (auto& address : addresses_) {
        if (address.connection == nullptr || !address.connection->open() || address.failures == 0) continue;
        address.failures = 0;
        address.try_at = absl::InfinitePast();
        opened_.Increment();
      }
      Connect();
    });
  }

  void SetAside(Address& address) {
    if (address.connection == nullptr) return;
    auto connection = std::exchange(address.connection, nullptr);
    if (connection->closed()) return;
    connection->Retire();
    retired_.push_back(std::move(connection));
  }

  static void Drop(Address& address) {
    if (address.connection != nullptr) address.connection->Abandon();
  }

  telemetry::Counter unreachable_;
  telemetry::Counter opened_;
  asio::ip::tcp::resolver resolver_;
  asio::steady_timer timer_;
  std::vector<Address> addresses_;
  std::vector<std::shared_ptr<Connection>> retired_;
  std::vector<std::function<void()>> waiting_;
  std::optional<std::uint64_t> offset_;
  absl::Time resolved_at_ = absl::InfinitePast();
  absl::Time resolve_at_ = absl::InfinitePast();
  std::size_t next_ = 0;
  bool resolving_ = false;
  bool changing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

HttpCall::HttpCall(HttpUpstream& service, Call call, Receiver& receiver)
    : service_(service), call_(std::move(call)), receiver_(receiver) {}

HttpCall::~HttpCall() {
  if (connection_ != nullptr) connection_->Cancel(stream_);
  if (has_deadline_) service_.deadlines.Remove(call_.deadline, *this);
  if (is_trial_) service_.breaker.GaveUp();
}

void HttpCall::Begin() {
  service_.budget.OnCall();
  if (call_.deadline != absl::InfiniteFuture()) {
    has_deadline_ = true;
    service_.deadlines.Add(call_.deadline, *this);
  }
  if (service_.resolving()) {
    return service_.WaitForAddresses([this, alive = std::weak_ptr(alive_)] {
      if (alive.lock() != nullptr) Try();
    });
  }
  Try();
}

void HttpCall::Try() {
  ++attempts_;
  auto const now = service_.clock.Now();
  bool const is_closed = service_.breaker.closed();
  bool const is_admitted = service_.breaker.Admit(now);
  is_trial_ = is_admitted && !is_closed;
  connection_ = is_admitted ? service_.Pick() : nullptr;
  if (connection_ != nullptr) {
    stream_ = connection_->Start(call_, call_.deadline - now, *this);
    return;
  }
  asio::post(service_.loop, [this, is_admitted, alive = std::weak_ptr(alive_)] {
    if (alive.lock() == nullptr) return;
    Outcome outcome;
    outcome.reach = Outcome::Reach::kNotProcessed;
    if (is_admitted) return OnOutcome(std::move(outcome));
    Continue(std::move(outcome));
  });
}

void HttpCall::OnMessage(std::string message) {
  if (!answered_) {
    answered_ = true;
    is_trial_ = false;
    service_.breaker.Succeeded();
  }
  receiver_.OnMessage(std::move(message));
}

void HttpCall::Judge(Outcome const& outcome) {
  is_trial_ = false;
  if (outcome.reach == Outcome::Reach::kAnswered) return service_.breaker.Succeeded();
  // One connection that breaks takes many calls with it and says little of the service: the next tries will find out.
  if (outcome.reach == Outcome::Reach::kNotProcessed) return service_.breaker.Failed(service_.clock.Now());
  service_.breaker.GaveUp();
}

void HttpCall::OnOutcome(Outcome outcome) {
  connection_.reset();
  Judge(outcome);
  Continue(std::move(outcome));
}

void HttpCall::Continue(Outcome outcome) {
  auto const wait = Again(outcome);
  if (!wait) return Finish(std::move(outcome));
  pause_.emplace(service_.loop);
  pause_->expires_after(absl::ToChronoMicroseconds(*wait));
  pause_->async_wait([this, alive = std::weak_ptr(alive_)](error_code error) {
    if (error || alive.lock() == nullptr) return;
    service_.retries.Increment();
    Try();
  });
}

std::optional<absl::Duration> HttpCall::Again(Outcome const& outcome) {
  bool const unprocessed = outcome.reach == Outcome::Reach::kNotProcessed;
  if (answered_ || attempts_ >= service_.options.attempts_max || (!unprocessed && outcome.end.status.ok())) return std::nullopt;
  auto const left = service_.breaker.left(service_.clock.Now());
  if (left > service_.options.backoff_max) return std::nullopt;
  auto const asked = RetryDelayOf(outcome.end.status);
  bool const worth_it = unprocessed || outcome.end.status.code() == absl::StatusCode::kUnavailable ||
                        (outcome.end.status.code() == absl::StatusCode::kResourceExhausted && asked);
  if (!worth_it || (!unprocessed && !MayRepeat(call_))) return std::nullopt;
  auto wait = Backoff(attempts_, service_.options.backoff_first, service_.options.backoff_max, service_.random);
  wait = std::max({wait, left, asked ? absl::FromChrono(*asked) : absl::ZeroDuration()});
  if (service_.clock.Now() + wait >= call_.deadline || !service_.budget.Take()) return std::nullopt;
  return wait;
}

void HttpCall::Finish(Outcome outcome) {
  if (outcome.reach != Outcome::Reach::kAnswered) outcome.end = {service_.Unreachable(), ""};
  // The service's HTTP/2 says so without words when it is the first to see the time run out.
  if (outcome.end.status.code() == absl::StatusCode::kDeadlineExceeded && outcome.end.details.empty()) {
    outcome.end.status = TimeIsOver();
  }
  if (outcome.end.status.ok() && !answered_ && !call_.method->is_server_stream()) {
    outcome.end.status = Error(absl::StatusCode::kInternal, v1::ERROR_REASON_ANSWER_INVALID, "The service sent no message.",
                               {{"service", service_.options.service}});
  }
  receiver_.OnEnd(std::move(outcome.end));
}

void HttpCall::Expire() {
  has_deadline_ = false;
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->Cancel(stream_);
  alive_.reset();
  receiver_.OnEnd({TimeIsOver(), ""});
}

}  // namespace

absl::StatusOr<Target> ParseTarget(std::string_view text) {
  Target target;
  if (text.starts_with("unix:")) {
    text.remove_prefix(std::string_view("unix:").size());
    if (text.starts_with("//")) text.remove_prefix(2);
    target.unix_path = text;
    if (target.unix_path.empty()) return absl::InvalidArgumentError("unix: needs a path");
    return target;
  }
  constexpr std::string_view scheme = "dns:///";
  if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  auto const colon = text.rfind(':');
  target.host = text.substr(0, colon);
  int port = 0;
  bool const has_port =
      colon != std::string_view::npos && absl::SimpleAtoi(Av(text.substr(colon + 1)), &port) && port > 0 && port <= 65'535;
  if (target.host.starts_with('[') && target.host.ends_with(']')) {
    target.host = target.host.substr(1, target.host.size() - 2);
  } else if (target.host.find_first_of(":/") != std::string::npos) {
    target.host.clear();
  }
  if (!has_port || target.host.empty()) return absl::InvalidArgumentError("must be dns:///HOST:PORT, HOST:PORT or unix:PATH");
  target.port = absl::StrCat(port);
  return target;
}

absl::Status CheckTls(TlsFiles const& files) {
  if (!files.enabled()) return absl::OkStatus();
  return MakeTls(files).status();
}

std::unique_ptr<Upstream> ConnectHttp(asio::io_context& loop, HttpOptions options, Clock const& clock, Random& random,
                                      telemetry::Metrics& metrics) {
  return std::make_unique<HttpUpstream>(loop, std::move(options), clock, random, metrics);
}

}  // namespace helhed::gateway::upstream
