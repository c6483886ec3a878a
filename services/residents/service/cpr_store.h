#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <optional>
#include <string>
#include <string_view>

#include "services/platform/crypto/key_ring.h"
#include "services/platform/service/store.h"
#include "services/residents/domain/cpr_number.h"

// CPR numbers as they are kept: sealed for who is shown one, and by a keyed hash for who looks one up. `keys` may be nullptr,
// which is CPR_NUMBERS_NOT_KEPT.
namespace helhed::residents {

// Stores the person's number in the place of the one that was there. CPR_NUMBER_TAKEN when another person has it.
absl::Status StoreCprNumber(WriteTransaction& tx, crypto::KeyRing const* keys, std::string_view resident,
                            CprNumber const& number);
absl::Status RemoveCprNumber(WriteTransaction& tx, std::string_view resident);

// Ten digits; nullopt when the person has none.
absl::StatusOr<std::optional<std::string>> OpenCprNumber(ReadTransaction& tx, crypto::KeyRing const* keys,
                                                         std::string_view resident);
// The name of the person who has the number, if any.
absl::StatusOr<std::optional<std::string>> FindByCprNumber(ReadTransaction& tx, crypto::KeyRing const* keys,
                                                           CprNumber const& number);

// Seals anew what was not sealed with the active key, at most `limit` numbers, and returns how many.
absl::StatusOr<int> RotateCprNumbers(WriteTransaction& tx, crypto::KeyRing const& keys, int limit);

}  // namespace helhed::residents
