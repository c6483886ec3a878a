#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "cli/dwelling_file.h"
#include "helhed/residents/v1/housing_register_service.pb.h"

// Enters the dwellings of a file, batch by batch.
//
// First every batch is checked (validate_only, row by row). When no row of the whole file is bad, or when only good rows are
// wanted, what is not there yet is written, each batch all-or-nothing. An import that was interrupted is carried on by running it
// again: rows that are there are unchanged and are not sent, because a row's name is the same in every run; and a batch that the
// service is still writing is not written twice, because its request_id is made of the file, the organisation and its rows.
namespace helhed::cli {

struct ImportOptions {
  std::string organisation;
  // Check, write nothing.
  bool dry_run = false;
  // Store the good rows although there are bad ones.
  bool per_row = false;
  std::size_t batch_rows = 500;
};

struct ImportSummary {
  std::size_t created = 0;
  std::size_t unchanged = 0;
  std::size_t refused = 0;
  // Whether writing began: then `created` rows are stored, before they only could be.
  bool stored = false;
};

class Importer {
 public:
  using Batch = residents::v1::BatchCreateDwellingsRequest;
  using Answer = residents::v1::BatchCreateDwellingsResponse;
  // One call of BatchCreateDwellings.
  using Send = std::function<absl::StatusOr<Answer>(Batch const&)>;
  enum class Phase { kChecking, kWriting };
  struct Report {
    // A row that the service refused, in order of lines within a phase.
    std::function<void(RowFault const&)> fault;
    std::function<void(Phase, std::size_t done, std::size_t all)> progress;
  };

  // `content` is the file's; `fresh_id` makes request ids that were never used.
  Importer(DwellingFile const& file, std::string_view content, ImportOptions options, Send send,
           std::function<std::string()> fresh_id, Report report);

  // An error is one of the call and not of a row; rows that were stored before it stay, and summary() counts them.
  absl::Status Run();
  ImportSummary const& summary() const { return summary_; }

 private:
  using Rows = std::vector<DwellingRow const*>;

  absl::Status Check(Rows rows);
  absl::Status Write(Rows rows);
  absl::StatusOr<Answer> SendRows(Rows const& rows, bool validate_only, std::string request_id) const;
  // Reports the rows that `status` names and takes them out of `rows`; `status` itself when it names none.
  absl::Status Refuse(absl::Status const& status, Rows& rows);
  void RefuseRow(DwellingRow const& row, absl::Status const& status);
  std::string RequestId(Rows const& rows) const;
  bool IsOld(Answer const& answer) const;

  DwellingFile const& file_;
  std::string content_hash_;
  ImportOptions options_;
  Send send_;
  std::function<std::string()> fresh_id_;
  Report report_;
  ImportSummary summary_;
  // What is not there yet, and when the service would have entered it had it not only checked.
  Rows absent_;
  google::protobuf::Timestamp checked_;
};

}  // namespace helhed::cli
