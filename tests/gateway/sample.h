#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <string>

#include "services/platform/contract/contract.h"

// A call of any method, made from the contract alone.
namespace helhed::testing {

// What a sample names: departments of organisations, and plans. All else is below one of these or names something that cannot be.
inline constexpr char kOrganisation[] = "organisations/9001";
inline constexpr char kDepartment[] = "organisations/9001/departments/001";
inline constexpr char kPlan[] = "plans/inde";

// A request that breaks the contract's rules wherever it can, so that whoever is let in is told so (INVALID_ARGUMENT), and
// whoever is not is denied it or told that there is nothing: the two cannot be taken for each other, and nothing is ever changed.
// What has a name only, and a name that exists, is there to be read.
struct Sample {
  contract::Method const* method = nullptr;
  std::unique_ptr<google::protobuf::Message> request;
  std::string resource;  // that the policy's `resource` names
  // The same by REST: the path with its query, and the body, empty where there is none.
  std::string verb;
  std::string path;
  std::string body;
};

Sample MakeSample(contract::Method const& method);

// Sets the text at a path of singular fields.
void SetText(google::protobuf::Message& message, std::string const& path, std::string const& value);

}  // namespace helhed::testing
