#include "cli/dwelling_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/platform/base/random.h"
#include "services/platform/testing/matchers.h"

namespace helhed::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kOrganisation = "organisations/9001";

DwellingFile Parsed(std::string_view text) {
  auto file = DwellingFile::Parse(text, kOrganisation);
  EXPECT_THAT(file, helhed::testing::IsOk());
  return *std::move(file);
}

residents::v1::CreateDwellingRequest Request(DwellingFile const& file, std::size_t row) {
  residents::v1::CreateDwellingRequest request;
  EXPECT_TRUE(request.ParseFromString(file.rows().at(row).request));
  return request;
}

std::string Text(RowFault const& fault) {
  return std::to_string(fault.line) + ":" + std::to_string(fault.column) + " " + fault.column_name + ": " + fault.reason;
}

TEST(DwellingFile, ReadsEnglishAndDanishColumns) {
  auto const english = Parsed(
      "dwelling_id,department,address,address_uuid,kvhx_key,building_section,area,start_date,end_date,floor,door\r\n"
      "d-1,001,\"Remisevej 14, 2. "
      "th\",0A3F50B8-1234-32b8-e044-0003ba298018,01018005__14__2__th,A,74,2020-01-31,2021-01-01,2,th\r\n");
  auto const danish = Parsed(
      "\xEF\xBB\xBF"
      "Lejemål;Afdeling;ADRESSE;Adresse-UUID;KVHX;byggeafsnit;Areal;Startdato;slutdato;Etage;DØR\n"
      "d-1;1;Remisevej 14, 2. th;0a3f50b8-1234-32b8-e044-0003ba298018;01018005__14__2__th;A;74;31-01-2020;01-01-2021;2;th\n");
  ASSERT_THAT(english.faults(), IsEmpty());
  ASSERT_THAT(danish.faults(), IsEmpty());
  auto const request = Request(english, 0);
  EXPECT_THAT(Request(danish, 0), helhed::testing::EqualsProto(request));
  EXPECT_EQ(request.dwelling_id(), "d-1");
  EXPECT_EQ(request.dwelling().department(), "organisations/9001/departments/001");
  EXPECT_EQ(request.dwelling().address_uuid(), "0a3f50b8-1234-32b8-e044-0003ba298018");
  EXPECT_EQ(request.dwelling().area_square_metres(), 74);
  EXPECT_EQ(request.dwelling().period().start_date().day(), 31);
  EXPECT_EQ(request.dwelling().period().end_date().year(), 2021);
  EXPECT_EQ(request.dwelling().floor(), "2");
  EXPECT_EQ(request.dwelling().door(), "th");
  EXPECT_EQ(request.dwelling().building_section(), "A");
}

TEST(DwellingFile, RefusesHeadersItCannotUse) {
  auto const error = [](std::string_view text) {
    return std::string(DwellingFile::Parse(text, kOrganisation).status().message());
  };
  EXPECT_THAT(error(""), HasSubstr("empty"));
  EXPECT_THAT(error("department,address,start_date,colour\n"), HasSubstr("no column 'colour'; the columns are dwelling_id,"));
  EXPECT_THAT(error("department,address,start_date,adresse\n"), HasSubstr("'adresse' is there twice"));
  EXPECT_THAT(error("department,door\n"), HasSubstr("lacks: address, start_date"));
  EXPECT_THAT(error("department,\"address\n"), HasSubstr("never closed"));
}

TEST(DwellingFile, NamesLineAndColumnOfEveryFault) {
  auto const file = Parsed(
      "department,address,start_date,Areal\n"  // 1
      "1234,A,2020-02-30,many\n"               // 2
      "\n"                                     // 3
      "001,\"B\nC\",2020-01-01\n"              // 4, 5
      "001,D,1/2-2020,50\n"                    // 6
      "001,E\"F,2020-01-01,50\n"               // 7
      "001,G,2020-01-01,99999999999\n"         // 8
      "001,H,2020-01-01,70\n");                // 9
  std::vector<std::string> faults;
  for (auto const& fault : file.faults()) faults.push_back(Text(fault));
  EXPECT_THAT(faults,
              ::testing::ElementsAre(
                  HasSubstr("2:1 department: must be the department's LBF number"),
                  HasSubstr("2:3 start_date: must be an existing date"), HasSubstr("2:4 Areal: must be whole"),
                  HasSubstr("4:0 : has 3 cells, the header has 4"), HasSubstr("6:3 start_date: must be an existing date"),
                  HasSubstr("7:2 address: character 6 of the line: a quote in a cell"), HasSubstr("8:4 Areal: must be whole")));
  EXPECT_EQ(file.refused(), 5u);
  ASSERT_EQ(file.rows().size(), 1u);
  EXPECT_EQ(file.rows()[0].line, 9u);
}

TEST(DwellingFile, TheSameDwellingTwiceIsAFault) {
  auto const uuid = UuidOf("x");
  auto const file = Parsed(
      "dwelling_id,department,address,address_uuid,start_date\n"
      "a,001,A,,2020-01-01\na,001,B,,2020-01-01\n"
      "b,001,C," +
      uuid + ",2020-01-01\nc,001,D," + uuid +
      ",2020-01-01\n"
      ",001,E,,2020-01-01\n,001,E,,2022-01-01\n");
  ASSERT_EQ(file.faults().size(), 3u);
  EXPECT_EQ(Text(file.faults()[0]), "3:1 dwelling_id: is the same dwelling as line 2");
  EXPECT_EQ(Text(file.faults()[1]), "5:4 address_uuid: is also on line 4");
  EXPECT_EQ(Text(file.faults()[2]), "7:1 dwelling_id: is the same dwelling as line 6");
}

TEST(DwellingFile, ARowWithoutAnIdHasTheSameInEveryFile) {
  auto const first = Parsed("department,address,start_date\n001,A,2020-01-01\n");
  auto const second = Parsed("adresse;startdato;afdeling;areal\nB;01-01-2020;1;50\nA;01-01-2021;1;60\n");
  EXPECT_TRUE(IsUuid(Request(first, 0).dwelling_id()));
  EXPECT_EQ(Request(first, 0).dwelling_id(), Request(second, 1).dwelling_id());
  EXPECT_NE(Request(first, 0).dwelling_id(), Request(second, 0).dwelling_id());
}

TEST(DwellingFile, BringsTheServicesPathsBackToTheFile) {
  auto const file = Parsed("afdeling;adresse;startdato;kvhx\n1;A;01-01-2020;x\n");
  auto const& row = file.rows()[0];
  EXPECT_EQ(Text(file.FaultOf(row, "dwelling.kvhx_key", "is short")), "2:4 kvhx: is short");
  EXPECT_EQ(Text(file.FaultOf(row, "dwelling.period", "is empty")), "2:3 startdato: is empty");
  EXPECT_EQ(Text(file.FaultOf(row, "dwelling.period.start_date.day", "is no day")), "2:3 startdato: is no day");
  EXPECT_EQ(Text(file.FaultOf(row, "dwelling.door", "is required")), "2:0 : dwelling.door: is required");
  EXPECT_EQ(Text(file.FaultOf(row, "dwelling", "is required")), "2:0 : dwelling: is required");
  EXPECT_EQ(Text(file.FaultOf(row, "", "exists")), "2:0 : exists");
}

}  // namespace
}  // namespace helhed::cli
