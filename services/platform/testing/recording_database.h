#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/platform/storage/database.h"

namespace helhed::testing {

// Remembers every statement that queries run, those of lists with their filters and orders among them.
class RecordingDatabase final : public storage::Database {
 public:
  explicit RecordingDatabase(storage::Database& real) : real_(real) {}
  storage::Engine engine() const override { return real_.engine(); }
  absl::Status Read(storage::Limits const& limits, absl::FunctionRef<absl::Status(storage::ReadTransaction&)> unit) override {
    return real_.Read(limits, [&](storage::ReadTransaction& tx) {
      Recorder recorder(tx, statements_);
      return unit(recorder);
    });
  }
  absl::Status Write(storage::Limits const& limits, absl::FunctionRef<absl::Status(storage::WriteTransaction&)> unit) override {
    return real_.Write(limits, [&](storage::WriteTransaction& tx) {
      WriteRecorder recorder(tx, statements_);
      return unit(recorder);
    });
  }
  absl::Status RunScript(std::string_view script, storage::Statement const& then, std::span<storage::Bind const> binds) override {
    return real_.RunScript(script, then, binds);
  }
  absl::StatusOr<std::string> Explain(storage::Statement const& statement) override { return real_.Explain(statement); }
  absl::Status Ping(storage::Limits const& limits) override { return real_.Ping(limits); }

  std::vector<storage::Statement const*> statements() const {
    std::vector<storage::Statement const*> all;
    for (auto const& [_, statement] : statements_) all.push_back(&statement);
    return all;
  }
  void Forget() { statements_.clear(); }

 private:
  using Statements = std::map<std::string, storage::Statement>;
  template <typename Transaction>
  class RecorderOf : public Transaction {
   public:
    RecorderOf(Transaction& real, Statements& statements) : real_(real), statements_(statements) {}
    using Transaction::Query;
    absl::StatusOr<storage::Rows> Query(storage::Statement const& statement, std::span<storage::Bind const> binds) override {
      statements_.try_emplace(statement.text(engine()), storage::Statement::Dynamic{statement.name(), statement.text(engine())});
      return real_.Query(statement, binds);
    }
    storage::Engine engine() const override { return real_.engine(); }

   protected:
    Transaction& real() { return real_; }

   private:
    Transaction& real_;
    Statements& statements_;
  };
  using Recorder = RecorderOf<storage::ReadTransaction>;
  class WriteRecorder final : public RecorderOf<storage::WriteTransaction> {
   public:
    using RecorderOf::RecorderOf;
    using storage::WriteTransaction::Execute;
    absl::StatusOr<std::int64_t> Execute(storage::Statement const& statement, std::span<storage::Bind const> binds) override {
      return real().Execute(statement, binds);
    }
    absl::Status Enqueue(storage::Statement const& statement, std::span<storage::Bind const> binds, Explain explain) override {
      return real().Enqueue(statement, binds, std::move(explain));
    }
    absl::Status Lock(std::string_view key) override { return real().Lock(key); }
  };

  storage::Database& real_;
  Statements statements_;
};

}  // namespace helhed::testing
