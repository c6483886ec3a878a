#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/platform/storage/database.h"

namespace helhed::testing {

// Remembers every statement that queries run, those of lists with their filters and orders among them, and counts what is
// written.
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
    ++write_count_;
    return real_.Write(limits, [&](storage::WriteTransaction& tx) {
      WriteRecorder recorder(tx, statements_, meanwhile);
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
  // How many transactions there were that may write.
  int write_count() const { return write_count_; }

  // Called after each query of a transaction that may write, with that transaction: what somebody else does meanwhile, as the
  // next query sees it.
  std::function<void(storage::Statement const&, storage::WriteTransaction&)> meanwhile;

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
    using Meanwhile = std::function<void(storage::Statement const&, storage::WriteTransaction&)>;
    WriteRecorder(storage::WriteTransaction& real, Statements& statements, Meanwhile const& meanwhile)
        : RecorderOf(real, statements), meanwhile_(meanwhile) {}
    using RecorderOf::Query;
    using storage::WriteTransaction::Execute;
    absl::StatusOr<storage::Rows> Query(storage::Statement const& statement, std::span<storage::Bind const> binds) override {
      auto rows = RecorderOf::Query(statement, binds);
      if (meanwhile_) meanwhile_(statement, real());
      return rows;
    }
    absl::StatusOr<std::int64_t> Execute(storage::Statement const& statement, std::span<storage::Bind const> binds) override {
      return real().Execute(statement, binds);
    }
    absl::Status Enqueue(storage::Statement const& statement, std::span<storage::Bind const> binds, Explain explain) override {
      return real().Enqueue(statement, binds, std::move(explain));
    }
    absl::Status Lock(std::string_view key) override { return real().Lock(key); }

   private:
    Meanwhile const& meanwhile_;
  };

  storage::Database& real_;
  Statements statements_;
  int write_count_ = 0;
};

}  // namespace helhed::testing
