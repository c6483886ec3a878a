#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "services/platform/storage/database.h"
#include "services/platform/testing/matchers.h"

namespace helhed::communications::testing {

// How many of the answers that are kept for whoever tries a call again hold the text.
inline int AnswersThatHold(storage::Database& database, std::string_view text) {
  static storage::Statement const answers(storage::Statement::Dynamic{"test.answers", "SELECT response FROM idempotency"});
  int found = 0;
  auto const look = [&](storage::ReadTransaction& tx) -> absl::Status {
    found = 0;
    ASSIGN_OR_RETURN(auto const rows, tx.Query(answers, {}));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      auto const bytes = rows.Blob(i, 0);
      std::string_view const answer(reinterpret_cast<char const*>(bytes.data()), bytes.size());
      found += answer.find(text) == std::string_view::npos ? 0 : 1;
    }
    return absl::OkStatus();
  };
  EXPECT_THAT(database.Read({}, look), helhed::testing::IsOk());
  return found;
}

}  // namespace helhed::communications::testing
