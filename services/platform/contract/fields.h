#pragma once

#include <google/api/field_behavior.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/field_mask.pb.h>

#include <string>
#include <string_view>
#include <vector>

#include "services/platform/base/status.h"

// What the options of fields say. Most will find what they need in contract.h.
namespace helhed::contract {

bool HasBehavior(google::protobuf::FieldDescriptor const& field, google::api::FieldBehavior behavior);

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
