#pragma once

#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/http/session.h"
#include "services/platform/telemetry/metrics.h"

// A session without a socket, for the fuzz targets: time stands still unless it is moved.
namespace helhed::gateway::http {

// Answers every request when it is complete, and keeps what it was asked.
class Recorder {
 public:
  struct Request {
    RequestHead head;
    std::string body;
    bool complete = false;
  };
  std::vector<std::shared_ptr<Request>> requests;
  int running = 0;

  std::unique_ptr<Handler> Make(RequestHead head, Exchange& exchange) {
    requests.push_back(std::make_shared<Request>(Request{std::move(head), {}, false}));
    return std::make_unique<Recording>(*this, requests.back(), exchange);
  }

 private:
  class Recording final : public Handler {
   public:
    Recording(Recorder& recorder, std::shared_ptr<Request> request, Exchange& exchange)
        : recorder_(recorder), request_(std::move(request)), exchange_(exchange) {
      ++recorder_.running;
      if (request_->head.target == "/early") Answer("early");
    }
    ~Recording() override { --recorder_.running; }
    void OnBody(std::string_view bytes) override {
      request_->body.append(bytes);
      exchange_.Consume(bytes.size());
    }
    void OnBodyEnd() override {
      request_->complete = true;
      Answer(request_->body);
    }
    void OnGone() override {}

   private:
    void Answer(std::string body) {
      exchange_.Respond(200, {});
      exchange_.Write(std::move(body));
      exchange_.Finish({{"x-trailer", "1"}});
    }

    Recorder& recorder_;
    std::shared_ptr<Request> request_;
    Exchange& exchange_;
  };
};

class TestHost final : public Host {
 public:
  TimePoint now() const override { return now_; }
  std::string const& date() override { return date_; }
  void Wake() override {}
  boost::asio::io_context& loop() override { return io_; }
  void Advance(std::chrono::milliseconds by) { now_ += by; }

 private:
  TimePoint now_{};
  std::string date_ = "Thu, 01 Jan 1970 00:00:00 GMT";
  boost::asio::io_context io_;
};

// Feeds a session in pieces of `piece` bytes, takes what it sends, and lets its times run out. Returns what it sent.
inline std::string Drive(std::unique_ptr<Session> (*make)(SessionParts), Recorder& recorder, std::string_view bytes,
                         std::size_t piece) {
  static telemetry::Metrics metrics;
  static Stats stats(metrics);
  Limits const limits;
  TestHost host;
  MakeHandler const handler = [&recorder](RequestHead head, Exchange& exchange) {
    return recorder.Make(std::move(head), exchange);
  };
  auto const session =
      make({.host = &host, .limits = &limits, .stats = &stats, .make = &handler, .peer = std::make_shared<Peer>()});
  std::string sent;
  auto const send = [&] {
    for (auto before = std::string::npos; before != sent.size();) {
      before = sent.size();
      session->Send(sent, before + 4096);
    }
  };
  while (!bytes.empty() && session->wants_bytes() && !session->done()) {
    session->Receive(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    send();
  }
  for (int i = 0; i < 3; ++i) {
    host.Advance(std::chrono::seconds(40));
    session->Tick();
    send();
  }
  session->Drain();
  send();
  return sent;
}

}  // namespace helhed::gateway::http
