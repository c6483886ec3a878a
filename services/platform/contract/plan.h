#pragma once

#include <google/protobuf/descriptor.h>
#include <re2/re2.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "services/platform/contract/resource_name.h"

// What there is to check in a message, worked out once for each type. Not for others.
namespace helhed::contract {

// A string without a length rule, and a repeated field without an items rule, are limited to these (policy.proto).
inline constexpr std::uint32_t kCharactersMax = 10'000;
inline constexpr std::uint32_t kItemsMax = 1'000;
// Bytes are limited by the size of the request alone.
inline constexpr std::uint32_t kBytesMax = std::numeric_limits<std::uint32_t>::max();
// How deep messages may lie in each other.
inline constexpr int kDepthMax = 64;

struct MessagePlan;

struct FieldPlan {
  google::protobuf::FieldDescriptor const* field = nullptr;
  bool required = false;
  bool identifier = false;
  bool uuid = false;
  bool items_unique = false;
  bool elements_by_handler = false;
  std::uint32_t length_min = 0;
  std::uint32_t length_max = kCharactersMax;
  std::uint32_t items_min = 0;
  std::uint32_t items_max = kItemsMax;
  std::optional<std::int64_t> minimum;
  std::optional<std::int64_t> maximum;
  std::unique_ptr<re2::RE2 const> pattern;
  // What a resource name must fit.
  NamePattern const* name = nullptr;
  // What there is to check below; nullptr when nothing is.
  MessagePlan const* message = nullptr;
};

// Types that have a meaning of their own.
enum class WellKnown { kNone, kDate, kDateRange, kTimestamp, kDuration, kFieldMask };

struct MessagePlan {
  // Only the fields that can be wrong.
  std::vector<FieldPlan> fields;
  WellKnown well_known = WellKnown::kNone;
  // Of an Update request (AIP-134): its mask, and the resource that the mask is about.
  google::protobuf::FieldDescriptor const* update_mask = nullptr;
  google::protobuf::FieldDescriptor const* updated = nullptr;

  bool empty() const { return fields.empty() && well_known == WellKnown::kNone; }
};

// Made at first use and kept as long as the process, so `type` must live as long. Safe from any thread. Aborts on a pattern that
// RE2 does not take: the contract test should have stopped that.
MessagePlan const& PlanOf(google::protobuf::Descriptor const& type);

}  // namespace helhed::contract
