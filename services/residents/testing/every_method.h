#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "helhed/residents/v1/democracy_service.pb.h"
#include "helhed/residents/v1/statistics_service.pb.h"
#include "services/platform/contract/contract.h"
#include "services/residents/testing/people.h"

// A request of every method about people that is answered, for tests that hold for each of them.
namespace helhed::residents::testing {

// Anna lives in `ha`, was asked for a consent, and has Bo of `hb` for a guardian, who represents his household. Erik lives
// nowhere. Carl has a CPR number, and a hold keeps him from being erased. Dorte was erased.
class EveryMethodTest : public PeopleTest {
 protected:
  EveryMethodTest();

  // Every method of the service but those of the housing register; those who erase come last.
  static std::vector<contract::Method const*> Methods();
  // A request of the method in which everything that a caller sets is as it should be.
  std::unique_ptr<google::protobuf::Message> Valid(contract::Method const& method) const;
  // Calls the method through the whole pipeline.
  absl::Status Send(contract::Method const& method, google::protobuf::Message const& request, std::string const& identity);
  // Ends every protection: what is tried of one method must not keep the next one from being reached.
  void Expose();
  // Makes the person the representative of the household; the name of the mandate.
  std::string Elect(std::string const& holder, std::string_view household);

  std::string anna_;
  std::string bo_;
  std::string carl_;
  std::string erik_;
  std::string consent_;
  std::string guardianship_;
  std::string membership_;
  std::string mandate_;
  std::string hold_;
  std::string erasure_;
  std::string erased_;

 private:
  void HoldBack(std::string const& resident);
  std::string TextFor(std::string const& field, std::string const& type) const;
  std::string NameFor(std::string const& type) const;
  void Fill(google::protobuf::Message& message) const;
};

}  // namespace helhed::residents::testing
