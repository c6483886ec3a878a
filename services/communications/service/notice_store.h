#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>
#include <google/protobuf/repeated_ptr_field.h>

#include <string_view>

#include "helhed/communications/v1/notice.pb.h"
#include "services/communications/service/names.h"
#include "services/platform/service/store.h"

// A notice and what lies below it.
namespace helhed::communications {

// With its texts, pictures, audiences and corrections, or NOT_FOUND.
absl::StatusOr<v1::Notice> LoadNotice(ReadTransaction& tx, std::string_view name);
// Sets what does not stand in the notices' own rows. `plan` is the last part of its name.
absl::Status CompleteNotices(ReadTransaction& tx, std::string_view plan, ById<v1::Notice> const& notices);

// Stores audiences, pictures and texts of a notice that was never published in place of those that are there.
absl::Status StoreNoticeParts(WriteTransaction& tx, v1::Notice const& notice);

// Adds the texts that hold from now on. What was there before stays.
struct Correction {
  google::protobuf::RepeatedPtrField<v1::NoticeText> const& texts;
  google::protobuf::RepeatedPtrField<v1::CorrectionNote> const& notes;
};
absl::Status StoreCorrection(WriteTransaction& tx, std::string_view name, Correction const& correction);

// Says that a notice that everybody can see is another now.
absl::Status AppendNoticeChanged(WriteTransaction& tx, v1::Notice const& notice);

// Stores a changed notice, and says so where anybody could see it.
absl::Status SaveNotice(WriteTransaction& tx, v1::Notice& notice);

}  // namespace helhed::communications
