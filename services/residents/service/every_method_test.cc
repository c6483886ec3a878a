#include "services/residents/testing/every_method.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <set>

// What holds for every call about people, whatever it is: P1 and P5 of domain.md. A method that is new is tried without being
// named here, or makes these tests fail until it is said why it is different.
namespace helhed::residents::testing {
namespace {

using ::testing::IsEmpty;

// Who must have opened a protected person.
constexpr std::array kOpened = {"GetResident",        "LookupResident",     "UpdateResident",   "RevealCprNumber",
                                "ListMemberships",    "CreateMembership",   "UpdateMembership", "ListGuardianships",
                                "CreateGuardianship", "UpdateGuardianship", "GetConsent",       "ListConsents",
                                "CreateConsent",      "GiveConsent",        "ListErasureHolds", "GetMandate",
                                "CreateMandate",      "UpdateMandate",      "CheckEligibility"};
// Who needs not: lists leave the person out; the others show nothing of the person.
constexpr std::array kNotOpened = {"BatchGetResidents",     "ListResidents",         "SearchResidents",  "ListMandates",
                                   "FetchEligibleVoters",   "CreateResident",        "ProtectResident",  "UnprotectResident",
                                   "CreateProtectedAccess", "ListProtectedAccesses", "CheckConsent",     "WithdrawConsent",
                                   "EraseResident",         "CreateErasureHold",     "UpdateErasureHold"};

class EveryMethodAboutPeopleTest : public EveryMethodTest {
 protected:
  // Those that show or change people: all whose request says why, in itself or in the consent that it is about.
  static std::vector<contract::Method const*> AboutPeople() {
    auto methods = Methods();
    methods.erase(std::remove_if(methods.begin(), methods.end(),
                                 [](auto const* method) {
                                   return !NamesPurpose(*method) && method->name() != "CreateConsent" &&
                                          method->name() != "GiveConsent" && method->name() != "WithdrawConsent";
                                 }),
                  methods.end());
    return methods;
  }
  static bool NamesPurpose(contract::Method const& method) {
    auto const* const field = method.descriptor().input_type()->FindFieldByName("purpose");
    return field != nullptr && field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING;
  }
  template <typename Names>
  static bool IsIn(Names const& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  void ProtectEverybody() {
    for (auto const& resident : {anna_, bo_, carl_, erik_}) Protect(resident);
  }
};
HELHED_BOTH_ENGINES(EveryMethodAboutPeopleTest);

TEST_P(EveryMethodAboutPeopleTest, NeedsAConfiguredPurpose) {
  int tried = 0;
  for (auto const* method : AboutPeople()) {
    if (!NamesPurpose(*method)) continue;
    auto const request = Valid(*method);
    auto const* const field = request->GetDescriptor()->FindFieldByName("purpose");
    request->GetReflection()->SetString(request.get(), field, "purposes/curiosity");
    auto const before = Content();
    EXPECT_THAT(Send(*method, *request, As("operator", "")), StatusIs(kPrecondition, "PURPOSE_NOT_CONFIGURED")) << method->name();
    EXPECT_EQ(Content(), before) << method->name();
    ++tried;
  }
  EXPECT_GE(tried, 30);
}

TEST_P(EveryMethodAboutPeopleTest, ReachesOnlyWhomAGrantCovers) {
  auto const stranger = As({{"operator", "organisations/9002"}});
  for (auto const* method : AboutPeople()) {
    if (method->name() == "BatchGetResidents") continue;  // leaves out whom it does not reach
    auto const before = Content();
    auto const status = Send(*method, *Valid(*method), stranger);
    EXPECT_EQ(status.code(), kAbsent) << method->name() << ": " << status;
    EXPECT_EQ(Content(), before) << method->name();
  }
}

TEST_P(EveryMethodAboutPeopleTest, IsInTheAccessLog) {
  for (auto const* method : AboutPeople()) {
    Expose();
    if (method->name() == "UnprotectResident" || method->name() == "CreateProtectedAccess") {
      Protect(anna_, "2126-01-01", "2126-12-31");
    }
    auto const count = "SELECT count(*) AS n FROM access_log WHERE method = '" + std::string(method->path()) + "'";
    auto const before = Count(count);
    EXPECT_THAT(Send(*method, *Valid(*method), As("operator", "")), IsOk()) << method->name();
    EXPECT_GT(Count(count), before) << method->name();
  }
}

TEST_P(EveryMethodAboutPeopleTest, NeedsAProtectedPersonToBeOpened) {
  ProtectEverybody();
  std::set<std::string> unsaid;
  for (auto const* method : AboutPeople()) {
    if (!IsIn(kOpened, method->name())) {
      if (!IsIn(kNotOpened, method->name())) unsaid.insert(std::string(method->name()));
      continue;
    }
    auto const before = Content();
    EXPECT_THAT(Send(*method, *Valid(*method), As("operator", "")),
                StatusIs(absl::StatusCode::kPermissionDenied, "RESIDENT_PROTECTED"))
        << method->name();
    EXPECT_EQ(Content(), before) << method->name();
  }
  EXPECT_THAT(unsaid, IsEmpty()) << "say of each whether it needs a protected person to be opened";
}

}  // namespace
}  // namespace helhed::residents::testing
