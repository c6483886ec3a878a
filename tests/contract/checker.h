#pragma once

#include <absl/strings/str_cat.h>
#include <google/protobuf/descriptor.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "services/platform/base/strings.h"
#include "tests/contract/check_contract.h"

// What the checks of messages and of methods share.
namespace helhed::tests {

class Checker {
 public:
  Checker(std::vector<google::protobuf::FileDescriptor const*> const& files, policy::v1::RolePolicy const& roles);

  void CheckMessages(google::protobuf::FileDescriptor const& file);
  void CheckServices(google::protobuf::FileDescriptor const& file);
  std::vector<Fault> Finish() && { return std::move(faults_); }

 private:
  template <typename Descriptor>
  void Add(Descriptor const& at, std::string_view text) {
    google::protobuf::SourceLocation location;
    int const line = at.GetSourceLocation(&location) ? location.start_line + 1 : 0;
    faults_.push_back({absl::StrCat("proto/", FileOf(at).name()), line, at.full_name(), std::string(text)});
  }
  template <typename Descriptor>
  void CheckComment(Descriptor const& at) {
    if (Comment(at).empty()) Add(at, "has no comment");
  }
  // The comment before it, without space at its ends.
  template <typename Descriptor>
  static std::string Comment(Descriptor const& at) {
    google::protobuf::SourceLocation location;
    return at.GetSourceLocation(&location) ? Stripped(location.leading_comments) : "";
  }
  template <typename Descriptor>
  static google::protobuf::FileDescriptor const& FileOf(Descriptor const& at) {
    return *at.file();
  }
  static google::protobuf::FileDescriptor const& FileOf(google::protobuf::MethodDescriptor const& at) {
    return *at.service()->file();
  }
  static google::protobuf::FileDescriptor const& FileOf(google::protobuf::EnumValueDescriptor const& at) {
    return *at.type()->file();
  }
  static std::string Stripped(std::string const& text);

  void CheckMessage(google::protobuf::Descriptor const& message);
  void CheckResource(google::protobuf::Descriptor const& message);
  void CheckField(google::protobuf::FieldDescriptor const& field);
  void CheckEnum(google::protobuf::EnumDescriptor const& type);

  void CheckMethod(google::protobuf::MethodDescriptor const& method);
  void CheckPolicy(google::protobuf::MethodDescriptor const& method);
  void CheckPermission(google::protobuf::MethodDescriptor const& method, std::string const& permission);
  void CheckHttp(google::protobuf::MethodDescriptor const& method);
  void CheckQuery(google::protobuf::MethodDescriptor const& method, std::string const& body,
                  std::set<google::protobuf::FieldDescriptor const*> elsewhere);
  void CheckMutation(google::protobuf::MethodDescriptor const& method);
  void CheckList(google::protobuf::MethodDescriptor const& method);
  void CheckUpdate(google::protobuf::MethodDescriptor const& method);

  policy::v1::RolePolicy const& roles_;
  std::set<std::string> resource_types_;
  // `GET /v1/organisations/*` -> the method that has it.
  std::map<std::string, std::string> bindings_;
  std::vector<Fault> faults_;
};

}  // namespace helhed::tests
