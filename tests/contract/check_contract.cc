#include "tests/contract/check_contract.h"

#include <absl/strings/ascii.h>
#include <google/api/resource.pb.h>

#include "tests/contract/checker.h"

namespace helhed::tests {

std::string Fault::ToString() const { return absl::StrCat(file, ":", line, ": ", name, ": ", text); }

std::string Checker::Stripped(std::string const& text) { return std::string(absl::StripAsciiWhitespace(text)); }

Checker::Checker(std::vector<google::protobuf::FileDescriptor const*> const& files, policy::v1::RolePolicy const& roles)
    : roles_(roles) {
  for (auto const* const file : files) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      auto const& options = file->message_type(i)->options();
      if (options.HasExtension(google::api::resource)) resource_types_.insert(options.GetExtension(google::api::resource).type());
    }
  }
}

std::vector<Fault> CheckContract(std::vector<google::protobuf::FileDescriptor const*> const& files,
                                 policy::v1::RolePolicy const& roles) {
  Checker checker(files, roles);
  for (auto const* const file : files) {
    checker.CheckMessages(*file);
    checker.CheckServices(*file);
  }
  return std::move(checker).Finish();
}

}  // namespace helhed::tests
