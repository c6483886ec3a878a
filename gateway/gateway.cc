#include "gateway/gateway.h"

#include <absl/strings/str_cat.h>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "gateway/door/feed_hub.h"
#include "gateway/door/own_calls.h"
#include "gateway/identity/gateway_authenticator.h"
#include "gateway/limits/limiter.h"
#include "gateway/pages.h"
#include "gateway/rest/transcoder.h"
#include "services/platform/base/status.h"

namespace helhed::gateway {
namespace {

namespace asio = boost::asio;

constexpr auto kReadinessInterval = std::chrono::milliseconds(250);

// What belongs to one event loop.
struct Desk {
  door::Upstreams upstreams;
  std::unique_ptr<door::Door> door;
};

std::set<std::string, std::less<>> NamesOf(helhed::identity::Roles const& roles) {
  auto const names = roles.names();
  return {names.begin(), names.end()};
}

}  // namespace

// A loop of the gateway's own, beside those that serve: the feed's streams and the fetching of keys run on it.
class Backstage {
 public:
  Backstage() : guard_(context_.get_executor()) {}
  ~Backstage() { Stop(); }
  Backstage(Backstage const&) = delete;
  Backstage& operator=(Backstage const&) = delete;

  void Run() {
    thread_ = std::thread([this] { context_.run(); });
  }
  void Stop() {
    if (!thread_.joinable()) return;
    context_.stop();
    thread_.join();
  }
  asio::io_context& context() { return context_; }

 private:
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_;
  std::thread thread_;
};

struct Gateway::State {
  State(std::map<std::string, MakeUpstream> its_services, Clock const& its_clock, Random& its_random,
        telemetry::Metrics& its_metrics, telemetry::Log& its_log)
      : services(std::move(its_services)), clock(its_clock), random(its_random), metrics(its_metrics), log(its_log) {}
  ~State() {
    server.reset();
    backstage.Stop();
    if (hub) hub->Stop();
  }
  State(State const&) = delete;
  State& operator=(State const&) = delete;

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (auto const& [name, make] : services) names.push_back(name);
    return names;
  }

  door::Upstreams Connect(asio::io_context& loop) const {
    door::Upstreams upstreams;
    for (auto const& [name, make] : services) upstreams.emplace(name, make(loop));
    return upstreams;
  }

  absl::Status MakeParts(Options const& options) {
    ASSIGN_OR_RETURN(roles, helhed::identity::Roles::FromFile(options.roles_file));
    auto signer_or = options.signer ? *options.signer : helhed::identity::Signer::FromFile(options.identity_key_file);
    ASSIGN_OR_RETURN(auto signer, std::move(signer_or));
    catalogue.emplace(Names());
    ASSIGN_OR_RETURN(transcoder, rest::Transcoder::Make(catalogue->methods()));
    own_identity.emplace(signer, clock);
    ASSIGN_OR_RETURN(
        authenticator,
        identity::GatewayAuthenticator::Make(
            {.config = options.config.identity(), .roles = NamesOf(*roles), .signer = std::move(signer)}, clock, metrics, log));
    limiter.emplace(limits::Options::Of(options.config.limits()), clock, metrics);
    parts.catalogue = &*catalogue;
    parts.transcoder = transcoder.get();
    parts.authenticator = authenticator.get();
    parts.limiter = &*limiter;
    parts.roles = &*roles;
    parts.draining = &draining;
    parts.clock = &clock;
    parts.random = &random;
    parts.metrics = &metrics;
    parts.log = &log;
    parts.options = options.door;
    auto const& issuers = options.config.identity().issuers();
    ASSIGN_OR_RETURN(parts.pages, MakePages(*catalogue, issuers.empty() ? "" : issuers.begin()->issuer()));
    return absl::OkStatus();
  }

  void StartBackstage() {
    own_upstreams = Connect(backstage.context());
    hub.emplace(Names(), own_upstreams, backstage.context(), *own_identity, door::FeedHub::Options{});
    authenticator->Start(backstage.context());
    hub->Start();
    watch.emplace(backstage.context());
    LookAtReadiness();
    backstage.Run();
  }

  // On the backstage loop, whose ways to the services are asked.
  void LookAtReadiness() {
    {
      auto status = door::Readiness(parts, own_upstreams);
      std::lock_guard const lock(readiness_mutex);
      readiness = std::move(status);
    }
    watch->expires_after(kReadinessInterval);
    watch->async_wait([this](boost::system::error_code error) {
      if (!error) LookAtReadiness();
    });
  }

  http::MakeHandler MakeForLoop(asio::io_context& loop) {
    auto desk = std::make_shared<Desk>();
    desk->upstreams = Connect(loop);
    desk->upstreams.emplace(door::kGateway, std::make_unique<door::OwnUpstream>(*roles, clock, desk->upstreams, loop, *hub));
    desk->door = std::make_unique<door::Door>(parts, desk->upstreams, loop);
    desks.emplace_back(&loop, desk);
    return [desk](http::RequestHead head, http::Exchange& exchange) { return desk->door->Handle(std::move(head), exchange); };
  }

  // On every loop; the loops run until the server's drain.
  void DrainStreams() {
    for (auto const& [loop, weak] : desks) {
      asio::post(*loop, [weak = weak] {
        if (auto const desk = weak.lock()) desk->door->DrainStreams();
      });
    }
  }

  std::map<std::string, MakeUpstream> const services;
  Clock const& clock;
  Random& random;
  telemetry::Metrics& metrics;
  telemetry::Log& log;
  std::atomic<bool> draining{false};
  std::optional<helhed::identity::Roles> roles;
  std::optional<door::Catalogue> catalogue;
  std::unique_ptr<rest::Transcoder> transcoder;
  std::optional<door::OwnIdentity> own_identity;
  std::unique_ptr<identity::GatewayAuthenticator> authenticator;
  std::optional<limits::Limiter> limiter;
  door::Parts parts;
  Backstage backstage;
  std::optional<asio::steady_timer> watch;
  door::Upstreams own_upstreams;
  std::optional<door::FeedHub> hub;
  // Filled before the loops run.
  std::vector<std::pair<asio::io_context*, std::weak_ptr<Desk>>> desks;
  mutable std::mutex readiness_mutex;
  absl::Status readiness = absl::UnavailableError("starting");
  std::unique_ptr<http::Server> server;
};

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Start(Options options, std::map<std::string, MakeUpstream> services,
                                                        Clock const& clock, Random& random, telemetry::Metrics& metrics,
                                                        telemetry::Log& log) {
  auto state = std::make_unique<State>(std::move(services), clock, random, metrics, log);
  RETURN_IF_ERROR(state->MakeParts(options));
  state->StartBackstage();
  options.server.metrics = &metrics;
  options.server.log = &log;
  ASSIGN_OR_RETURN(state->server, http::Server::Start(std::move(options.server), [&state = *state](asio::io_context& loop) {
                     return state.MakeForLoop(loop);
                   }));
  return std::unique_ptr<Gateway>(new Gateway(std::move(state)));
}

Gateway::Gateway(std::unique_ptr<State> state) : state_(std::move(state)) {}

Gateway::~Gateway() = default;

int Gateway::port() const { return state_->server->port(); }

absl::Status Gateway::Readiness() const {
  if (state_->draining.load()) return absl::UnavailableError("draining");
  std::lock_guard const lock(state_->readiness_mutex);
  return state_->readiness;
}

void Gateway::BeginDrain() { state_->draining = true; }

void Gateway::Drain(absl::Time deadline) {
  state_->draining = true;
  state_->DrainStreams();
  state_->server->Drain(deadline);
}

MakeUpstream ByHttp(upstream::HttpOptions options, Clock const& clock, Random& random, telemetry::Metrics& metrics) {
  return [options = std::move(options), &clock, &random, &metrics](asio::io_context& loop) {
    return upstream::ConnectHttp(loop, options, clock, random, metrics);
  };
}

}  // namespace helhed::gateway
