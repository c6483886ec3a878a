#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/platform/base/status.h"
#include "services/platform/client/channel.h"
#include "services/platform/contract/contract.h"

// A service that is not there, for the unit tests of those who ask it.
//
// Who asks another service does so through a small interface of his own, in his own words, made of a peer (peer.h):
//
//   // What funding asks the housing register.
//   class HousingRegister {
//    public:
//     explicit HousingRegister(client::Peer residents) : residents_(std::move(residents)) {}
//     absl::StatusOr<std::int64_t> DwellingsOn(std::string const& department, absl::CivilDay date, CallContext const& call) {
//       ListDwellingsRequest request;
//       ...
//       ASSIGN_OR_RETURN(auto const page, residents_.Ask<ListDwellingsResponse>(kListDwellings, request, call, Unavailable));
//       ...
//     }
//   };
//
// Its unit tests give it a FakeChannel. So that the fake cannot lie, one contract test is written against the interface and run
// twice, as a typed test over what makes the channel:
//
//   using Makers = ::testing::Types<FakeRegister, RealRegister>;   // a FakeChannel; ConnectInProcess to a suite on a SQLite file
//   TYPED_TEST_SUITE(HousingRegisterContract, Makers);
//   TYPED_TEST(HousingRegisterContract, CountsTheDwellingsOfADate) { ... }
namespace helhed::client {

// Answers by functions, one a method. Requests are validated by the contract first, as the real pipeline does. Safe from any
// thread once it is set up.
class FakeChannel final : public Channel {
 public:
  // Who asked what, in order.
  struct Asked {
    std::string path;
    std::string request;
    CallOptions options;
  };

  // Sets what answers a method. Aborts when the contract has no such method or it takes or returns other messages: a test that
  // fakes what is not there proves nothing.
  template <typename Request, typename Response>
  void On(std::string_view path, std::function<absl::StatusOr<Response>(Request const&, CallOptions const&)> answer) {
    CheckTypes(path, Request::descriptor(), Response::descriptor());
    unary_[std::string(path)] = [answer = std::move(answer)](google::protobuf::Message const& request,
                                                             CallOptions const& options) -> absl::StatusOr<std::string> {
      ASSIGN_OR_RETURN(auto const response, answer(static_cast<Request const&>(request), options));
      return response.SerializeAsString();
    };
  }

  // Sets what a server stream sends, and how it ends.
  template <typename Request, typename Response>
  void OnStream(std::string_view path,
                std::function<absl::Status(Request const&, std::function<bool(Response const&)> const& send)> answer) {
    CheckTypes(path, Request::descriptor(), Response::descriptor());
    streams_[std::string(path)] = [answer = std::move(answer)](google::protobuf::Message const& request,
                                                               std::function<bool(std::string_view)> const& on_message) {
      bool stopped = false;
      auto status = answer(static_cast<Request const&>(request), [&](Response const& message) {
        stopped = stopped || !on_message(message.SerializeAsString());
        return !stopped;
      });
      return stopped ? absl::OkStatus() : status;
    };
  }

  absl::StatusOr<std::string> Call(contract::Method const& method, std::string_view request,
                                   CallOptions const& options) override {
    ASSIGN_OR_RETURN(auto const message, Take(method, request, options));
    auto const found = unary_.find(method.path());
    if (found == unary_.end()) return absl::UnimplementedError("the fake has no answer for " + method.path());
    return found->second(*message, options);
  }

  absl::Status Stream(contract::Method const& method, std::string_view request, CallOptions const& options,
                      std::function<bool(std::string_view)> const& on_message) override {
    ASSIGN_OR_RETURN(auto const message, Take(method, request, options));
    auto const found = streams_.find(method.path());
    if (found == streams_.end()) return absl::UnimplementedError("the fake has no stream for " + method.path());
    return found->second(*message, on_message);
  }

  std::vector<Asked> asked() const {
    std::lock_guard const lock(mutex_);
    return asked_;
  }

 private:
  using Unary = std::function<absl::StatusOr<std::string>(google::protobuf::Message const&, CallOptions const&)>;
  using Streaming = std::function<absl::Status(google::protobuf::Message const&, std::function<bool(std::string_view)> const&)>;

  static void CheckTypes(std::string_view path, google::protobuf::Descriptor const* request,
                         google::protobuf::Descriptor const* response) {
    auto const* const method = contract::FindMethod(path);
    if (method != nullptr && method->descriptor().input_type() == request && method->descriptor().output_type() == response)
      return;
    std::cerr << "fake: " << path << " is no method of the contract with these messages" << std::endl;
    std::abort();
  }

  absl::StatusOr<std::unique_ptr<google::protobuf::Message>> Take(contract::Method const& method, std::string_view request,
                                                                  CallOptions const& options) {
    {
      std::lock_guard const lock(mutex_);
      asked_.push_back({method.path(), std::string(request), options});
    }
    auto const* const prototype =
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(method.descriptor().input_type());
    std::unique_ptr<google::protobuf::Message> message(prototype->New());
    if (!message->ParseFromArray(request.data(), static_cast<int>(request.size()))) {
      return absl::InvalidArgumentError("not a " + message->GetTypeName());
    }
    contract::ClearOutputOnly(*message);
    RETURN_IF_ERROR(contract::Validate(*message));
    return message;
  }

  std::map<std::string, Unary> unary_;
  std::map<std::string, Streaming> streams_;
  mutable std::mutex mutex_;
  std::vector<Asked> asked_;
};

}  // namespace helhed::client
