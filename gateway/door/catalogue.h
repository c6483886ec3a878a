#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/contract/contract.h"

// What is offered to other systems, and who answers it.
namespace helhed::gateway::door {

// The service of the gateway's own methods.
inline constexpr std::string_view kGateway = "gateway";

// The service that a method belongs to: the second word of its package, `residents`.
std::string ServiceOf(contract::Method const& method);

class Catalogue {
 public:
  // Offers every method of the contract that one of `services` answers, and the gateway's own. The services' own logs of events
  // (helhed.events.v1) stay inside the house: outside there is one feed of them all.
  explicit Catalogue(std::span<std::string const> services);

  // By path; nullptr when it is not offered.
  contract::Method const* Find(std::string_view path) const;
  // Who answers it; only for methods that are offered.
  std::string const& Answers(contract::Method const& method) const { return answers_.at(&method); }

  std::vector<contract::Method const*> const& methods() const { return methods_; }
  // Full names: `helhed.residents.v1.HousingRegisterService`, in order, each once.
  std::vector<std::string> const& service_names() const { return service_names_; }
  // Who answers the methods of a service by its full name; empty when it is not offered.
  std::string AnswersService(std::string_view full_name) const;

 private:
  std::vector<contract::Method const*> methods_;
  std::map<contract::Method const*, std::string> answers_;
  std::vector<std::string> service_names_;
};

}  // namespace helhed::gateway::door
