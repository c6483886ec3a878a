#pragma once

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "services/platform/events/event_log.h"
#include "services/platform/pipeline/call_context.h"
#include "services/platform/service/chain.h"
#include "services/platform/storage/list_query.h"
#include "services/platform/storage/table.h"

// What a handler stands on: load, ask the domain, save, in one transaction.
namespace helhed {

class Store;

// Reads by resource. Valid during the unit it was passed to.
class ReadTransaction {
 public:
  ReadTransaction(Store const& store, CallContext const& call, storage::ReadTransaction& tx)
      : store_(store), call_(call), tx_(tx) {}

  // The resource of that name, or NOT_FOUND.
  template <typename M>
  absl::StatusOr<M> Get(std::string_view name);
  template <typename M>
  absl::StatusOr<bool> Exists(std::string_view name);

  // A page of resources; `Request` has AIP-158's fields. Returns the response with `items` filled and `next_page_token` set:
  // tx.List<ListDwellingsResponse>(request, options), where the response has one repeated field of a resource.
  template <typename Response, typename Request>
  absl::StatusOr<Response> List(Request const& request, storage::ListOptions const& options);

  absl::StatusOr<storage::Rows> Query(storage::Statement const& statement, std::initializer_list<storage::Bind> binds) {
    return tx_.Query(statement, binds);
  }
  CallContext const& call() const { return call_; }
  storage::Engine engine() const { return tx_.engine(); }
  // The resources of the service, for statements that are made of a table's columns.
  storage::Schema const& schema() const;

 protected:
  Store const& store_;
  CallContext const& call_;

 private:
  storage::ReadTransaction& tx_;
};

class WriteTransaction : public ReadTransaction {
 public:
  WriteTransaction(Store const& store, CallContext const& call, storage::WriteTransaction& tx)
      : ReadTransaction(store, call, tx), write_(tx) {}

  // Enters a resource; sets its times and etag. ALREADY_EXISTS when its name is taken.
  template <typename M>
  absl::Status Insert(M& message);
  template <typename M>
  absl::Status InsertMany(std::vector<M>& messages);

  // Writes a resource that was read in this transaction (its `etag` is as read). Sets update_time and the new etag.
  template <typename M>
  absl::Status Update(M& message);

  template <typename M>
  absl::Status Delete(std::string_view name, std::string_view etag = "");

  absl::StatusOr<std::int64_t> Execute(storage::Statement const& statement, std::initializer_list<storage::Bind> binds) {
    return write_.Execute(statement, binds);
  }
  absl::Status Enqueue(storage::Statement const& statement, std::initializer_list<storage::Bind> binds,
                       storage::WriteTransaction::Explain explain = nullptr) {
    return write_.Enqueue(statement, {binds.begin(), binds.size()}, std::move(explain));
  }
  absl::Status Lock(std::string_view key) { return write_.Lock(key); }

  // Hands a row that this transaction writes to the chain of its log; see service/chain.h.
  absl::Status Chain(chain::Log const& log, std::string_view scope, std::string_view entry,
                     std::span<storage::Rows::Value const> values) {
    return chain::Add(write_, log, scope, entry, values);
  }

  // The answer to this call is kept for its request_id as one about `resource`, so that it can be forgotten with it.
  void AnswerIsAbout(std::string_view resource) { answer_is_about_ = std::string(resource); }
  std::string const& answer_is_about() const { return answer_is_about_; }
  // Empties every kept answer about `resource`: a call that is tried again is still not run twice, but is answered with nothing.
  absl::Status ForgetAnswers(std::string_view resource);

  // Appends what happened to the service's event log, when the unit has ended and every lock is held. `subject` is the resource
  // it is about, `plan` the plan if it belongs to one. INTERNAL when the message may hold what is PERSONAL or more private:
  // events carry references to people, never their data.
  absl::Status Append(google::protobuf::Message const& data, std::string_view subject, std::string_view plan = "");
  std::span<events::v1::Event const> appended() const { return appended_; }

 private:
  storage::WriteTransaction& write_;
  std::vector<events::v1::Event> appended_;
  std::string answer_is_about_;
};

// The audit log as a chain: what Store::Write adds to it is linked by a job of the server.
chain::Log const& AuditLog();

class Store {
 public:
  struct Parts {
    std::string service;
    storage::Database* database = nullptr;
    storage::Schema const* schema = nullptr;
    storage::TokenSealer const* sealer = nullptr;
    events::EventLog* events = nullptr;
    Clock const* clock = nullptr;
    Random* random = nullptr;
    // How long the first answer to a request_id is given again: longer than any caller retries, also over a weekend.
    absl::Duration request_ids_kept = absl::Hours(72);
  };
  explicit Store(Parts parts) : parts_(std::move(parts)) {}

  // Runs `unit(ReadTransaction&)`, which returns absl::StatusOr<T>.
  template <typename Unit>
  std::invoke_result_t<Unit, ReadTransaction&> Read(CallContext const& call, Unit&& unit) {
    std::optional<std::invoke_result_t<Unit, ReadTransaction&>> result;
    absl::Status const status = parts_.database->Read(call.limits(), [&](storage::ReadTransaction& tx) {
      ReadTransaction wrapped(*this, call, tx);
      result.emplace(unit(wrapped));
      return result->ok() ? absl::OkStatus() : result->status();
    });
    if (!status.ok()) return status;
    return *std::move(result);
  }

  // Runs `unit(WriteTransaction&)`, which returns absl::StatusOr<Response>, in one transaction with the idempotency record, the
  // audit row and the events it appends. A repeated request_id gives the first answer without running `unit`; another request
  // under the same id is INVALID_ARGUMENT REQUEST_ID_REUSED. With validate_only everything is run and nothing is kept. A call
  // that is refused leaves nothing behind, so that its request_id may be used again once the cause is gone.
  template <typename Unit>
  std::invoke_result_t<Unit, WriteTransaction&> Write(CallContext const& call, Unit&& unit) {
    using Result = std::invoke_result_t<Unit, WriteTransaction&>;
    using Response = typename Result::value_type;
    Response response;
    absl::Status const status = WriteErased(call, response, [&](WriteTransaction& tx) -> absl::Status {
      Result result = unit(tx);
      if (!result.ok()) return std::move(result).status();
      response = *std::move(result);
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    return response;
  }

  // Runs `unit(WriteTransaction&)`, which returns absl::Status, in one transaction with the events it appends: for what no caller
  // asked for (an event of another service, a job of this one). No idempotency record, no audit row; `call` needs no method.
  absl::Status Apply(CallContext const& call, absl::FunctionRef<absl::Status(WriteTransaction&)> unit);

  // Removes at most `limit` answers that are no longer kept and returns how many: call it until it returns less.
  absl::StatusOr<std::int64_t> CleanUp(storage::Limits const& limits, absl::Time now, int limit);

  Parts const& parts() const { return parts_; }

 private:
  // One run of a write within its transaction, and what it came to.
  struct Attempt;
  absl::Status Run(CallContext const& call, google::protobuf::Message& response, storage::WriteTransaction& tx,
                   absl::FunctionRef<absl::Status(WriteTransaction&)> unit, Attempt& attempt) const;
  absl::StatusOr<bool> Replay(CallContext const& call, google::protobuf::Message& response, storage::WriteTransaction& tx) const;
  absl::Status Record(CallContext const& call, google::protobuf::Message const& response, storage::WriteTransaction& tx,
                      std::string const& answer_is_about) const;
  absl::Status Audit(CallContext const& call, storage::WriteTransaction& tx) const;
  // Sets `appended` to whether there was anything.
  absl::Status AppendAll(storage::WriteTransaction& tx, std::span<events::v1::Event const> events, bool& appended) const;
  absl::Status WriteErased(CallContext const& call, google::protobuf::Message& response,
                           absl::FunctionRef<absl::Status(WriteTransaction&)> unit);
  Parts parts_;
};

inline storage::Schema const& ReadTransaction::schema() const { return *store_.parts().schema; }

template <typename M>
absl::StatusOr<M> ReadTransaction::Get(std::string_view name) {
  M message;
  RETURN_IF_ERROR(store_.parts().schema->Of<M>().Get(tx_, name, message));
  return message;
}

template <typename M>
absl::StatusOr<bool> ReadTransaction::Exists(std::string_view name) {
  return store_.parts().schema->Of<M>().Exists(tx_, name);
}

template <typename Response, typename Request>
absl::StatusOr<Response> ReadTransaction::List(Request const& request, storage::ListOptions const& options) {
  Response response;
  // The one repeated field of the response says which resource is listed.
  google::protobuf::FieldDescriptor const* items = nullptr;
  for (int i = 0; i < Response::descriptor()->field_count(); ++i) {
    if (Response::descriptor()->field(i)->is_repeated()) items = Response::descriptor()->field(i);
  }
  auto const& table = store_.parts().schema->Of(*items->message_type());
  ASSIGN_OR_RETURN(auto token,
                   storage::List(tx_, table, *store_.parts().sealer, request, options, [&](google::protobuf::Message& item) {
                     auto* const added = response.GetReflection()->AddMessage(&response, items);
                     added->GetReflection()->Swap(added, &item);
                   }));
  response.set_next_page_token(std::move(token));
  return response;
}

template <typename M>
absl::Status WriteTransaction::Insert(M& message) {
  return store_.parts().schema->Of<M>().Insert(write_, message, call_.Now());
}

template <typename M>
absl::Status WriteTransaction::InsertMany(std::vector<M>& messages) {
  std::vector<google::protobuf::Message*> pointers;
  pointers.reserve(messages.size());
  for (auto& message : messages) pointers.push_back(&message);
  return store_.parts().schema->Of<M>().InsertMany(write_, pointers, call_.Now());
}

template <typename M>
absl::Status WriteTransaction::Update(M& message) {
  return store_.parts().schema->Of<M>().Update(write_, message, message.etag(), call_.Now());
}

template <typename M>
absl::Status WriteTransaction::Delete(std::string_view name, std::string_view etag) {
  return store_.parts().schema->Of<M>().Delete(write_, name, etag);
}

}  // namespace helhed
