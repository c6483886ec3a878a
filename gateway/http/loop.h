#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <list>
#include <memory>
#include <string>

#include "gateway/http/admission.h"
#include "gateway/http/connection.h"
#include "gateway/http/server.h"

namespace helhed::gateway::http {

// One event loop: its acceptor, its connections, and the clock that looks at their times. Everything but Run happens on the
// thread that runs it.
class Loop {
 public:
  // `contexts` may be null: cleartext.
  Loop(Limits const& limits, Stats& stats, Admission& admission, TlsContexts const* contexts);
  ~Loop();

  boost::asio::io_context& io() { return io_; }
  void set_make(MakeHandler make) { make_ = std::move(make); }

  // Before Run. Every loop listens on the same port; the kernel spreads the connections.
  boost::system::error_code Listen(boost::asio::ip::tcp::endpoint const& endpoint);
  boost::asio::ip::tcp::endpoint endpoint() const;

  void Run();
  void Drain();
  void Stop();

 private:
  void Accept();
  void Welcome(boost::asio::ip::tcp::socket socket);
  void Tick();
  template <typename Do>
  void ForEach(Do const& what);

  Limits const& limits_;
  Stats& stats_;
  Admission& admission_;
  TlsContexts const* contexts_;
  // One thread runs it, others post to it.
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer tick_{io_};
  boost::asio::steady_timer pause_{io_};
  MakeHandler make_;
  LoopParts parts_;
  std::list<std::shared_ptr<Connection>> connections_;
  bool draining_ = false;
};

}  // namespace helhed::gateway::http
