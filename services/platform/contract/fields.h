#pragma once

#include <google/api/field_behavior.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/generated_enum_reflection.h>

#include <string>
#include <string_view>
#include <vector>

#include "services/platform/base/status.h"

// What the options of fields say. Most will find what they need in contract.h.
namespace helhed::contract {

bool HasBehavior(google::protobuf::FieldDescriptor const& field, google::api::FieldBehavior behavior);

// What the names of an enum's values begin with (AIP-126: its first is X_UNSPECIFIED); empty when that is not so.
std::string EnumPrefix(google::protobuf::EnumDescriptor const& type);
// A value's name without that: ACTIVITY_STATE_OPEN -> `OPEN`, as filters, errors and documents say it. An
// unknown number gives the empty text.
std::string EnumText(google::protobuf::EnumDescriptor const& type, int number);
template <typename Enum>
std::string EnumText(Enum value) {
  return EnumText(*google::protobuf::GetEnumDescriptor<Enum>(), static_cast<int>(value));
}

// True for what an update never changes: OUTPUT_ONLY, IMMUTABLE and IDENTIFIER fields, and a resource's `etag`.
bool IsProtected(google::protobuf::FieldDescriptor const& field);

// The fields on the way along a path of a mask (`period.end_date`); empty when `type` has no such path. Only singular messages
// can be gone through.
std::vector<google::protobuf::FieldDescriptor const*> FieldsAlong(google::protobuf::Descriptor const& type,
                                                                  std::string_view path);

// A violation for every path of `mask` that does not name a field of `resource`. `field` is the mask's own path.
std::vector<FieldViolation> MaskFaults(google::protobuf::FieldMask const& mask, google::protobuf::Descriptor const& resource,
                                       std::string_view field);

}  // namespace helhed::contract
