#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>

#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/contract/contract.h"
#include "services/platform/contract/fields.h"

namespace helhed::contract {
namespace {

constexpr std::string_view kService = "helhed.residents.v1.HousingRegisterService";

Method const& Find(std::string_view name) {
  auto const* const method = FindMethod("/" + std::string(kService) + "/" + std::string(name));
  EXPECT_NE(method, nullptr) << name;
  return *method;
}

TEST(FindMethod, KnowsTheContract) {
  auto const& get = Find("GetDwelling");
  EXPECT_EQ(get.path(), "/helhed.residents.v1.HousingRegisterService/GetDwelling");
  EXPECT_EQ(get.name(), "GetDwelling");
  EXPECT_EQ(get.policy().permission(), "residents.dwellings.get");
  EXPECT_TRUE(get.is_read());
  EXPECT_FALSE(get.is_server_stream());
  EXPECT_FALSE(Find("MergeDepartments").is_read());
}

TEST(FindMethod, DoesNotKnowOthers) {
  EXPECT_EQ(FindMethod(""), nullptr);
  EXPECT_EQ(FindMethod("/helhed.residents.v1.HousingRegisterService/"), nullptr);
  EXPECT_EQ(FindMethod("helhed.residents.v1.HousingRegisterService/GetDwelling"), nullptr);
}

TEST(FindMethod, FindsServicesThatNoCodeOfTheProcessMentions) {
  auto const* const watch = FindMethod("/helhed.events.v1.EventService/WatchEvents");
  ASSERT_NE(watch, nullptr);
  EXPECT_TRUE(watch->is_server_stream());
}

TEST(MethodsOf, KeepsTheOrderOfTheContract) {
  auto const* const service = google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(std::string(kService));
  auto const methods = MethodsOf(kService);
  ASSERT_EQ(methods.size(), service->method_count());
  for (int i = 0; i < service->method_count(); ++i) EXPECT_EQ(&methods[i]->descriptor(), service->method(i));
  EXPECT_TRUE(MethodsOf("helhed.residents.v1.Nothing").empty());
}

TEST(AllMethods, AreThoseOfEveryService) {
  auto const all = AllMethods();
  EXPECT_GT(all.size(), MethodsOf(kService).size());
  EXPECT_THAT(all, ::testing::Contains(FindMethod("/helhed.events.v1.EventService/ReadEvents")));
}

TEST(Method, HasItsLimitsOrThePlatforms) {
  EXPECT_EQ(Find("GetDwelling").timeout(), absl::Seconds(10));
  EXPECT_EQ(Find("GetDwelling").request_bytes_max(), 256 * 1024);
  EXPECT_EQ(Find("BatchCreateDwellings").timeout(), absl::Seconds(60));
  EXPECT_EQ(Find("BatchCreateDwellings").request_bytes_max(), 2 * 1024 * 1024);
}

TEST(Method, ReadsTheRequest) {
  residents::v1::UpdateDwellingRequest update;
  update.set_request_id("0190f3a5-5b7e-7c3a-9d5e-0123456789ab");
  EXPECT_EQ(Find("UpdateDwelling").Resource(update), "");
  update.mutable_dwelling()->set_name("organisations/9001/dwellings/a");
  EXPECT_EQ(Find("UpdateDwelling").Resource(update), "organisations/9001/dwellings/a");
  EXPECT_EQ(Find("UpdateDwelling").RequestId(update), update.request_id());
  EXPECT_FALSE(Find("UpdateDwelling").ValidateOnly(update));
  update.set_validate_only(true);
  EXPECT_TRUE(Find("UpdateDwelling").ValidateOnly(update));

  residents::v1::GetDwellingRequest get;
  get.set_name("organisations/9001/dwellings/b");
  EXPECT_EQ(Find("GetDwelling").Resource(get), "organisations/9001/dwellings/b");
  EXPECT_EQ(Find("GetDwelling").RequestId(get), "");
  EXPECT_FALSE(Find("GetDwelling").ValidateOnly(get));
  EXPECT_EQ(Find("ListOrganisations").Resource(residents::v1::ListOrganisationsRequest()), "");
}

TEST(EnumText, IsTheNameWithoutThePrefixOfItsEnum) {
  EXPECT_EQ(EnumText(policy::v1::EFFECT_READ), "READ");
  EXPECT_EQ(EnumText(policy::v1::EFFECT_UNSPECIFIED), "UNSPECIFIED");
  EXPECT_EQ(EnumText(static_cast<policy::v1::Effect>(999)), "") << "a value of a newer contract";
}

TEST(EnumPrefix, IsEmptyWhereTheFirstValueDoesNotTellIt) {
  EXPECT_EQ(EnumPrefix(*policy::v1::Effect_descriptor()), "EFFECT_");
  EXPECT_EQ(EnumPrefix(*google::protobuf::FieldDescriptorProto::Type_descriptor()), "");
}

TEST(MethodDeathTest, NeedsAPolicy) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("bare.proto");
  file.add_message_type()->set_name("Nothing");
  auto* const service = file.add_service();
  service->set_name("Bare");
  auto* const method = service->add_method();
  method->set_name("Do");
  method->set_input_type("Nothing");
  method->set_output_type("Nothing");
  google::protobuf::DescriptorPool pool;
  auto const* const built = pool.BuildFile(file);
  ASSERT_NE(built, nullptr);
  EXPECT_DEATH(Method(built->service(0)->method(0)), "Bare.Do: has no policy");
  method->mutable_options()->MutableExtension(policy::v1::method)->set_resource("name");
  google::protobuf::DescriptorPool other;
  EXPECT_DEATH(Method(other.BuildFile(file)->service(0)->method(0)), "resource name is not a field");
}

}  // namespace
}  // namespace helhed::contract
