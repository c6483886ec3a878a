#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/process.h"

namespace helhed::communications::testing {

// A real SMTP server, as a process of its own (smtp_server.py says what it does with which address). It takes mail when the
// constructor returns.
class SmtpServer {
 public:
  // `further` are arguments: `--shut`.
  explicit SmtpServer(std::vector<std::string> const& further = {});
  ~SmtpServer();
  SmtpServer(SmtpServer const&) = delete;
  SmtpServer& operator=(SmtpServer const&) = delete;

  // `smtp://127.0.0.1:1234`
  std::string url() const;
  // The mails that it took, as they came, in order.
  std::vector<std::string> Mails() const;
  // Ends it: nobody answers any more.
  void Stop() { process_.reset(); }

 private:
  std::string folder_;
  int port_;
  std::unique_ptr<helhed::testing::Process> process_;
};

// The value of a header of a mail, unfolded; empty where there is none.
std::string HeaderOf(std::string const& mail, std::string const& name);

}  // namespace helhed::communications::testing
