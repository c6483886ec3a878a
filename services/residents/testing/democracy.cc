#include "services/residents/testing/democracy.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>

#include <array>
#include <cstddef>

#include "services/platform/client/channel.h"

namespace helhed::residents::testing {
DemocracyTest::DemocracyTest() : channel_(client::ConnectInProcess(instance().pipeline())) {
  Organisation("9001");
  Department("9001", "001");
  Department("9001", "002", "Hørgården");
  Purpose("voters-list");
}

std::string DemocracyTest::P(int number) { return absl::StrFormat("00000000-0000-7000-8000-%012d", number); }

void DemocracyTest::Run(std::string const& sql, std::initializer_list<storage::Bind> binds) {
  storage::Statement const statement(storage::Statement::Dynamic{"test.run", sql});
  EXPECT_THAT(database().Write({}, [&](storage::WriteTransaction& tx) { return tx.Execute(statement, binds).status(); }), IsOk());
}

std::int64_t DemocracyTest::Number(std::string const& sql, std::initializer_list<storage::Bind> binds) {
  storage::Statement const statement(storage::Statement::Dynamic{"test.number", sql});
  std::int64_t number = -1;
  EXPECT_THAT(database().Read({},
                              [&](storage::ReadTransaction& tx) -> absl::Status {
                                ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, binds));
                                number = rows.Int64(0, 0);
                                return absl::OkStatus();
                              }),
              IsOk());
  return number;
}

void DemocracyTest::Person(int number, std::string const& birth_date, std::string const& given_name,
                           std::string const& family_name) {
  std::string const id = P(number);
  Run("INSERT INTO residents (resident, given_name, family_name, birth_date, responsibility_controller, revision, create_time, "
      "update_time) VALUES ($1, $2, $3, $4, 'organisations/9001', 1, 0, 0)",
      {std::string_view(id), std::string_view(given_name), std::string_view(family_name), std::string_view(birth_date)});
}

void DemocracyTest::Member(int number, std::string const& household, std::string const& start, std::string const& end, int kind) {
  std::string const id = P(number);
  std::string const membership = absl::StrCat(household, "-", start);
  Run("INSERT INTO household_members (resident, membership, household_organisation, household, kind, period_start_date, "
      "period_end_date, revision, create_time, update_time) VALUES ($1, $2, '9001', $3, $4, $5, $6, 1, 0, 0)",
      {std::string_view(id), std::string_view(membership), std::string_view(household), std::int64_t{kind},
       std::string_view(start), storage::OrNull(end)});
  Run("INSERT INTO resident_search (organisation, resident, family_name_key, given_name_key, birth_date) "
      "SELECT '9001', resident, family_name, given_name, birth_date FROM residents WHERE resident = $1 "
      "ON CONFLICT (organisation, resident) DO NOTHING",
      {std::string_view(id)});
}

void DemocracyTest::Speaks(int number, std::string const& language) {
  std::string const id = P(number);
  Run("INSERT INTO resident_languages (resident, position, language) VALUES ($1, 0, $2)",
      {std::string_view(id), std::string_view(language)});
}

void DemocracyTest::Protect(int number, std::string const& start, std::string const& end) {
  std::string const id = P(number);
  Run("UPDATE residents SET address_protection_start_date = $2, address_protection_end_date = $3 WHERE resident = $1",
      {std::string_view(id), std::string_view(start), std::string_view(end)});
}

void DemocracyTest::Purpose(std::string const& id, std::string const& fields) {
  std::array<std::byte, 1> const sort{std::byte{1}};
  Run("INSERT INTO purposes (purpose, display_name, display_name_sort, legal_basis, period_start_date, fields, revision, "
      "create_time, update_time) VALUES ($1, 'Afdelingsmøde', $2, 3, '2100-01-01', $3, 1, 0, 0)",
      {std::string_view(id), storage::Bytes(sort), storage::OrNull(fields)});
}

void DemocracyTest::Home(std::string const& id, std::string const& department) {
  Dwelling("9001", id, department, "2100-01-01");
  Household("9001", id, id, "2100-01-01");
}

std::int64_t DemocracyTest::TimesLogged(int number, std::string const& purpose) {
  std::string const id = P(number);
  return Number("SELECT COUNT(*) AS entries FROM access_log WHERE resident = $1 AND purpose = $2",
                {std::string_view(id), std::string_view(purpose)});
}

}  // namespace helhed::residents::testing
