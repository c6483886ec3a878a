#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

namespace helhed::gateway::identity::testing {

// A certificate for a host, and its key, in PEM. It vouches for itself.
struct Certificate {
  std::string certificate;
  std::string key;
};
Certificate MakeCertificate(std::string const& subject_alternative_name);

// Answers whatever it is asked with the same bytes, on a port of 127.0.0.1.
class HttpServer {
 public:
  // Without a certificate there is no TLS. An empty `answer` is none: the connection is held open.
  explicit HttpServer(std::string answer, Certificate const* certificate = nullptr);
  ~HttpServer();
  HttpServer(HttpServer const&) = delete;
  HttpServer& operator=(HttpServer const&) = delete;

  int port() const { return port_; }
  // What was asked last, and how often.
  int requests() const { return requests_; }
  std::string last_request() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
  std::atomic<int> requests_ = 0;
  int port_ = 0;
  std::thread thread_;
};

// `HTTP/1.1 200 OK` with this body.
std::string Ok(std::string_view body);

}  // namespace helhed::gateway::identity::testing
