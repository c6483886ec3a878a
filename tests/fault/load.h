#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/reflection.h>

#include <atomic>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/events/v1/event.pb.h"
#include "services/platform/base/random.h"
#include "services/platform/client/channel.h"

// What callers do while things break, and what must be true of it afterwards.
namespace helhed::testing {

// A caller behind the gateway, who tries again until he is answered.
class Caller {
 public:
  struct Door {
    std::string address;
    std::string ca_file;
    // Bearer tokens of two people: who enters a payment may not post it.
    std::string anna, bo;
  };
  // `name` makes the ids of his requests; each caller of a run has another one.
  Caller(Door door, std::string name);

  // Asks until it is answered, each time with the same request_id, if the request has one that is empty. An answer that is no
  // error of the way fails the test, but for the codes of `also`, which are returned. Gives up, and fails the test, after minutes
  // without an answer.
  template <typename Response, typename Request>
  absl::StatusOr<Response> Insist(std::string_view path, Request request, std::initializer_list<absl::StatusCode> also = {},
                                  std::string const& token = "") {
    if constexpr (requires { request.set_request_id(std::string()); }) {
      if (request.request_id().empty()) request.set_request_id(NextRequestId());
    }
    Response response;
    auto const status = InsistErased(path, request, response, also, token);
    if (!status.ok()) return status;
    return response;
  }

  // Every item of a list, page by page.
  template <typename Item, typename Response, typename Request>
  std::vector<Item> All(std::string_view path, Request request) {
    std::vector<Item> all;
    request.set_page_size(500);
    do {
      auto const page = Insist<Response>(path, request);
      if (!page.ok()) break;
      auto const* const items = Response::descriptor()->field(0);
      for (auto const& item : page->GetReflection()->template GetRepeatedFieldRef<Item>(*page, items)) all.push_back(item);
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return all;
  }

  std::string const& name() const { return name_; }
  std::string const& bo() const { return door_.bo; }

 private:
  std::string NextRequestId();
  absl::Status InsistErased(std::string_view path, google::protobuf::Message const& request, google::protobuf::Message& response,
                            std::initializer_list<absl::StatusCode> also, std::string const& token) const;

  Door door_;
  std::string name_;
  std::unique_ptr<client::Channel> channel_;
  int requests_ = 0;
};

// The events of every service in the order of its log.
using Feed = std::vector<events::v1::Event>;

// What some callers do to one service.
class Part {
 public:
  Part() = default;
  virtual ~Part() = default;
  Part(Part const&) = delete;
  Part& operator=(Part const&) = delete;

  // What has to be there first. Nothing breaks yet.
  virtual void Prepare(Caller& caller) = 0;
  virtual int callers() const = 0;
  // Goes on until `running` ends, and then until the last call is answered.
  virtual void Run(Caller& caller, SeededRandom& random, std::atomic<bool> const& running) = 0;
  // How much was answered so far.
  virtual std::size_t answered() const = 0;
  // Everything that was answered is there, once, and the feed says so too. Nothing breaks any more.
  virtual void Check(Caller& caller, Feed const& feed) = 0;
};

// Payments in the books of `plans/p`, which is there and runs.
std::unique_ptr<Part> Payments();
// Seats of an activity, of which there are fewer than people.
std::unique_ptr<Part> Seats();
// Dwellings and households of the housing register.
std::unique_ptr<Part> Households();
// Campaigns to households of that register, started and printed by two at once.
std::unique_ptr<Part> Letters();

}  // namespace helhed::testing
