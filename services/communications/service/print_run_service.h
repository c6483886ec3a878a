#pragma once

#include <absl/status/statusor.h>

#include <memory>

#include "helhed/communications/v1/print_run_service.pb.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/pipeline/router.h"
#include "services/platform/service/store.h"

namespace helhed::communications {

// The handlers of PrintRunService, one for each method of the contract, which says what they do and refuse.
class PrintRunService {
 public:
  explicit PrintRunService(Store& store) : store_(store) {}

  // Enters every handler under its method.
  void Register(Router& router);

  absl::StatusOr<v1::PrintRun> GetPrintRun(CallContext const& call, v1::GetPrintRunRequest const& request);
  absl::StatusOr<v1::ListPrintRunsResponse> ListPrintRuns(CallContext const& call, v1::ListPrintRunsRequest const& request);
  absl::StatusOr<v1::PrintRun> CreatePrintRun(CallContext const& call, v1::CreatePrintRunRequest const& request);
  absl::StatusOr<v1::PrintRun> ConfirmPrintRun(CallContext const& call, v1::ConfirmPrintRunRequest const& request);

  // print_run_file.cc
  absl::StatusOr<std::unique_ptr<ServerStream>> DownloadPrintRun(CallContext const& call,
                                                                 v1::DownloadPrintRunRequest const& request);
  absl::StatusOr<std::unique_ptr<ServerStream>> DownloadPrintRunFile(CallContext const& call,
                                                                     v1::DownloadPrintRunFileRequest const& request);

 private:
  // Makes a message of the stream from bytes of the PDF.
  using MakePart = std::string (*)(std::string bytes);
  absl::StatusOr<std::unique_ptr<ServerStream>> Print(CallContext const& call, std::string const& name, v1::PrintRunFile file,
                                                      MakePart make_part);

  Store& store_;
};

// With its sender, or NOT_FOUND.
absl::StatusOr<v1::PrintRun> LoadPrintRun(ReadTransaction& tx, std::string_view name);

}  // namespace helhed::communications
