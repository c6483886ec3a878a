#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "services/platform/testing/engines.h"
#include "services/platform/testing/folder.h"
#include "tests/e2e/process.h"
#include "tests/oidc/issuer.h"

// Services, the gateway before them and the issuer that callers sign in at, as processes; callers have one TLS port.
namespace helhed::testing {

class House {
 public:
  // Every service a process, or all of them and the gateway in one (`helhed-suite`), which then is what is called the gateway
  // here.
  enum class Shape { kProcesses, kOneProcess };

  // The port at which `from` (a service, or `gateway`) reaches the service `to`, which listens at `port`.
  using Way = std::function<int(std::string const& from, std::string const& to, int port)>;

  // Makes certificates, keys and stores in a folder of its own, and starts all. In one process there always are all services.
  explicit House(
      std::vector<std::string> const& services = {"residents"}, storage::Engine engine = storage::Engine::kSqlite,
      Shape shape = Shape::kProcesses, Way way = [](auto const&, auto const&, int port) { return port; });
  ~House();
  House(House const&) = delete;
  House& operator=(House const&) = delete;

  void StartService(std::string const& name = "residents");
  void StartGateway();
  // Ends it at once, as a crash would.
  void KillService(std::string const& name = "residents");
  void KillGateway();
  // Holds a service, which then answers nobody and is still there, and lets it go on.
  void HoldService(std::string const& name);
  void FreeService(std::string const& name);
  void StopGateway();

  // The store of a service that does not run.
  std::unique_ptr<storage::Database> OpenStore(std::string const& name) const { return services_.at(name).database->Open(); }

  // An access token of the issuer for one of its clients (OidcIssuer::kOperations: an operator).
  std::string SignIn(std::string_view client = OidcIssuer::kOperations) const { return issuer_.Token("ES256", client); }
  // A bearer token of `helhed token` with any grants (`operator`, `portal@organisations/9001`): there are more roles and scopes
  // to be tried than clients of an issuer.
  std::string DemonstrationToken(std::vector<std::string> const& grants, std::string const& subject = "tester");

  int port() const { return port_; }
  std::string const& folder() const { return folder_; }
  // The key that DemonstrationToken signs with, as `helhed token` takes it.
  std::string demonstration_key_file() const { return folder_ + "/demonstration"; }
  std::string ca_file() const { return folder_ + "/ca.pem"; }
  // Who shows this certificate instead of a token is the system `portal`, an operator.
  std::vector<std::string> ClientCertificate() const {
    return {"--cert", folder_ + "/portal.pem", "--key", folder_ + "/portal.key"};
  }
  // `https://localhost:1234`
  std::string url() const;
  std::string Logs() const;

  // Runs curl with these arguments after those that every call has; the body and, after a line feed, the HTTP status.
  Outcome Curl(std::string const& token, std::vector<std::string> const& arguments) const;

 private:
  std::string AccessFile() const { return folder_ + "/access.textproto"; }
  std::string DataKeyFile() const { return folder_ + "/data.key"; }
  struct Service {
    int port = 0;
    std::unique_ptr<FreshDatabase> database;
    std::unique_ptr<Process> process;
  };
  std::vector<std::string> ServiceArguments(std::string const& name, std::string const& command,
                                            FreshDatabase const& database) const;
  // What is particular to the gateway's process.
  std::vector<std::string> UpstreamArguments() const;
  std::vector<std::string> SuiteArguments() const;

  Shape shape_;
  Way way_;
  OidcIssuer issuer_;
  Folder const temporary_;
  std::string const folder_ = temporary_.path();
  int port_ = 0;
  std::map<std::string, Service> services_;
  std::unique_ptr<Process> gateway_;
};

}  // namespace helhed::testing
