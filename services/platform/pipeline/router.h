#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/message.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/contract/contract.h"
#include "services/platform/pipeline/call_context.h"

namespace helhed {

// A server stream as its handler makes it: asked for messages when the caller can take more, and never holding a thread while
// there are none.
class ServerStream {
 public:
  enum class State {
    kMore,  // ask again as soon as these are written
    kWait,  // nothing for now: ask again when woken, or after `poll_after`
    kDone,  // the stream ends well
  };
  virtual ~ServerStream() = default;

  // Appends messages to `out`, serialized. An error ends the stream with it.
  virtual absl::StatusOr<State> Next(CallContext const& call, std::vector<std::string>& out) = 0;

  // How long to wait at most after kWait.
  virtual absl::Duration poll_after() const = 0;

  // `wake` may be called from any thread and more than once, until Unsubscribe has returned: that waits for a call under way, and
  // is never called by one.
  virtual void Subscribe(std::function<void()> wake) = 0;
  virtual void Unsubscribe() = 0;
};

// The table that a service is: method -> handler.
class Router {
 public:
  using Unary = std::function<absl::StatusOr<google::protobuf::Message*>(CallContext const&, google::protobuf::Message const&,
                                                                         google::protobuf::Arena&)>;
  using Stream =
      std::function<absl::StatusOr<std::unique_ptr<ServerStream>>(CallContext const&, google::protobuf::Message const&)>;

  struct Entry {
    contract::Method const* method = nullptr;
    google::protobuf::Message const* request = nullptr;  // the default instance to make requests from
    google::protobuf::Message const* response = nullptr;
    Unary unary;
    Stream stream;
  };

  // Declares that this process serves all methods of a service.
  void Serve(std::string_view service) { services_.emplace_back(service); }

  // Adds a handler: a member function `absl::StatusOr<Response> (CallContext const&, Request const&)` of `self`, under the name
  // of its method in `service`: On("helhed.residents.v1.HousingRegisterService", "GetDwelling", this,
  // &HousingRegister::GetDwelling).
  template <typename Self, typename Request, typename Response>
  void On(std::string_view service, std::string_view method, Self* self,
          absl::StatusOr<Response> (Self::*handler)(CallContext const&, Request const&)) {
    Add(
        service, method, &Request::default_instance(), &Response::default_instance(),
        [self, handler](CallContext const& call, google::protobuf::Message const& request,
                        google::protobuf::Arena& arena) -> absl::StatusOr<google::protobuf::Message*> {
          auto result = (self->*handler)(call, static_cast<Request const&>(request));
          if (!result.ok()) return std::move(result).status();
          auto* const response = google::protobuf::Arena::CreateMessage<Response>(&arena);
          *response = *std::move(result);
          return response;
        },
        nullptr);
  }

  template <typename Self, typename Request>
  void OnStream(std::string_view service, std::string_view method, Self* self,
                absl::StatusOr<std::unique_ptr<ServerStream>> (Self::*handler)(CallContext const&, Request const&),
                google::protobuf::Message const& response) {
    Add(service, method, &Request::default_instance(), &response, nullptr,
        [self, handler](CallContext const& call, google::protobuf::Message const& request) {
          return (self->*handler)(call, static_cast<Request const&>(request));
        });
  }

  // OK when every declared method has exactly one handler and every handler a declared method, with the types that the contract
  // says; otherwise FAILED_PRECONDITION that names them. Start-up stops on it.
  absl::Status Check() const;

  // By path (`/package.Service/Method`); nullptr when there is none.
  Entry const* Find(std::string_view path) const;
  std::vector<Entry const*> entries() const;
  std::vector<std::string> const& services() const { return services_; }

 private:
  void Add(std::string_view service, std::string_view method, google::protobuf::Message const* request,
           google::protobuf::Message const* response, Unary unary, Stream stream);

  std::vector<std::string> services_;
  std::map<std::string, Entry, std::less<>> entries_;
  std::vector<std::string> faults_;
};

}  // namespace helhed
