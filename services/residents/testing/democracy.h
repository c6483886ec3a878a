#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "helhed/residents/v1/democracy_service.pb.h"
#include "helhed/residents/v1/statistics_service.pb.h"
#include "services/platform/client/channel.h"
#include "services/residents/testing/fixture.h"

// People who vote and are counted. They are written to the tables as they are, so that these tests stand on nothing but the
// schema of people; how people get there is tested elsewhere.
namespace helhed::residents::testing {

class DemocracyTest : public RegisterTest {
 protected:
  // The organisation 9001 with the departments 001 and 002, and the purpose `voters-list`.
  DemocracyTest();

  template <typename Response>
  absl::StatusOr<Response> Ask(std::string_view service_method, google::protobuf::Message const& request,
                               std::string identity = "") {
    client::CallOptions options;
    options.identity = identity.empty() ? As("operator", "") : std::move(identity);
    return client::Invoke<Response>(*channel_, "/helhed.residents.v1." + std::string(service_method), request, options);
  }

  // `P(7)` is the id of a person, `residents/P(7)` the name.
  static std::string P(int number);
  static std::string Name(int number) { return "residents/" + P(number); }

  void Person(int number, std::string const& birth_date, std::string const& given_name = "Anna",
              std::string const& family_name = "Holm");
  void Member(int number, std::string const& household, std::string const& start, std::string const& end = "", int kind = 1);
  void Speaks(int number, std::string const& language);
  void Protect(int number, std::string const& start, std::string const& end);
  void Purpose(std::string const& id, std::string const& fields = "");
  // A dwelling of the department with a household of the same id that has been there since 2100.
  void Home(std::string const& id, std::string const& department);

  // How often the person stands in the access log, with that purpose.
  std::int64_t TimesLogged(int number, std::string const& purpose = "voters-list");
  void Run(std::string const& sql, std::initializer_list<storage::Bind> binds);
  std::int64_t Number(std::string const& sql, std::initializer_list<storage::Bind> binds);

 private:
  std::unique_ptr<client::Channel> channel_;
};

}  // namespace helhed::residents::testing
