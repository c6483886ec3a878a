#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/process.h"

// The housing register and the gateway before it, as processes, on one TLS port.
namespace helhed::testing {

class House {
 public:
  // Makes certificates, keys and stores in a folder of its own, and starts both.
  House();
  ~House();
  House(House const&) = delete;
  House& operator=(House const&) = delete;

  void StartService();
  void StartGateway();
  // Ends it at once, as a crash would.
  void KillService();
  void KillGateway();
  void StopGateway();

  // A bearer token with grants (`operator`, `portal@organisations/9001`).
  std::string Token(std::vector<std::string> const& grants, std::string const& subject = "tester");

  int port() const { return port_; }
  std::string const& folder() const { return folder_; }
  std::string ca_file() const { return folder_ + "/ca.pem"; }
  // `https://localhost:1234`
  std::string url() const;
  std::string Logs() const;

  // Runs curl with these arguments after those that every call has; the body and, after a line feed, the HTTP status.
  Outcome Curl(std::string const& token, std::vector<std::string> const& arguments) const;

 private:
  std::vector<std::string> ServiceArguments(std::string const& command) const;

  std::string folder_;
  int port_ = 0;
  int service_port_ = 0;
  std::unique_ptr<Process> service_;
  std::unique_ptr<Process> gateway_;
};

}  // namespace helhed::testing
