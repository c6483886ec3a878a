#include "services/platform/storage/postgres_connection.h"

#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "services/platform/base/status.h"
#include "services/platform/base/strings.h"
#include "services/platform/storage/errors.h"

namespace helhed::storage {
namespace {

constexpr std::size_t kPreparedMax = 256;
// How long after the deadline the server's answer is awaited, since it ends the statement itself (statement_timeout).
constexpr absl::Duration kGrace = absl::Seconds(1);
// How long a cancelled statement may go on before it is cancelled again.
constexpr int kCancelAgainMilliseconds = 100;
// How long the answer to a COMMIT is awaited after the deadline before its outcome is called unknown.
constexpr absl::Duration kCommitGrace = absl::Seconds(10);
// How long connecting may take when the caller has more time.
constexpr absl::Duration kConnectTime = absl::Seconds(10);

// From PostgreSQL's catalog/pg_type.dat; they never change.
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;

Oid TypeOf(Bind const& bind) {
  constexpr std::array<Oid, 5> kTypes = {0, kBool, kInt8, kText, kBytea};
  static_assert(std::variant_size_v<Bind> == kTypes.size());
  return kTypes[bind.index()];
}

// Parameters as libpq takes them. Numbers travel as text, which is right for whatever integer type the server has inferred;
// text and bytes are the same in both forms, and only the binary one may hold zero bytes.
class Parameters {
 public:
  explicit Parameters(std::span<Bind const> binds) {
    texts_.reserve(binds.size());
    for (Bind const& bind : binds) std::visit([this](auto const& value) { Add(value); }, bind);
  }
  int size() const { return static_cast<int>(values_.size()); }
  char const* const* values() const { return values_.data(); }
  int const* lengths() const { return lengths_.data(); }
  int const* formats() const { return formats_.data(); }

 private:
  void Add(std::nullptr_t) { Add(nullptr, 0, 0); }
  void Add(bool value) { Add(value ? "t" : "f", 1, 0); }
  void Add(std::int64_t value) {
    texts_.push_back(std::to_string(value));
    Add(texts_.back().c_str(), texts_.back().size(), 0);
  }
  void Add(std::string_view text) { Add(text.empty() ? "" : text.data(), text.size(), 1); }
  void Add(Bytes bytes) { Add(bytes.empty() ? "" : reinterpret_cast<char const*>(bytes.data()), bytes.size(), 1); }
  void Add(char const* value, std::size_t length, int format) {
    values_.push_back(value);
    lengths_.push_back(static_cast<int>(length));
    formats_.push_back(format);
  }

  std::vector<std::string> texts_;
  std::vector<char const*> values_;
  std::vector<int> lengths_;
  std::vector<int> formats_;
};

absl::Status ConstraintStatus(PGresult const* result, std::string_view state, std::string_view statement) {
  auto const field = [&](int code) {
    char const* const value = ::PQresultErrorField(result, code);
    return std::string(value == nullptr ? "" : value);
  };
  if (state == "23505") return UniqueBroken(statement, field(PG_DIAG_CONSTRAINT_NAME));
  if (state == "23503") return ReferenceBroken(statement, field(PG_DIAG_CONSTRAINT_NAME));
  if (state == "23502") {
    return CheckBroken(statement, absl::StrCat(field(PG_DIAG_TABLE_NAME), ".", field(PG_DIAG_COLUMN_NAME)));
  }
  return CheckBroken(statement, field(PG_DIAG_CONSTRAINT_NAME));
}

// Whether the server has ended the session, or is about to: classes 08 and 57P, and a session that idled too long.
// 08P01 is a statement with another number of parameters.
bool EndsSession(std::string_view state) {
  return (state.starts_with("08") && state != "08P01") || state.starts_with("57P") || state == "25P03";
}

}  // namespace

PostgresConnection::PostgresConnection(PostgresOptions const& options)
    : options_(options), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

PostgresConnection::~PostgresConnection() {
  Close();
  ::close(wake_);
}

void PostgresConnection::Close() {
  if (handle_ != nullptr) ::PQfinish(handle_);
  handle_ = nullptr;
  usable_ = false;
  pending_.clear();
  by_text_.clear();
  prepared_.clear();
  session_timeout_.reset();
  local_timeout_.reset();
}

absl::Status PostgresConnection::Open(Limits const& limits) {
  may_retry_ = false;
  cancelled_ = false;
  lost_ = false;
  if (usable_) return absl::OkStatus();
  Close();
  absl::Status status = Connect(limits);
  if (!status.ok()) Close();
  return status;
}

absl::Status PostgresConnection::Connect(Limits const& limits) {
  // What stands before `dbname`, which is the whole connection string, is a default; what stands after it holds.
  std::array<char const*, 8> const keys = {"connect_timeout", "keepalives_idle", "tcp_user_timeout", "fallback_application_name",
                                           "dbname",          "client_encoding", "password",         nullptr};
  std::array<char const*, 8> const values = {"10",   "30",    "20000", "helhed", options_.connection_string.c_str(),
                                             "UTF8", nullptr, nullptr};
  auto given = values;
  if (!options_.password.empty()) given[6] = options_.password.c_str();
  handle_ = ::PQconnectStartParams(keys.data(), given.data(), 1);
  if (handle_ == nullptr) return Overloaded("no memory for a connection");
  absl::Time const end = std::min(limits.deadline, absl::Now() + kConnectTime);
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (::PQstatus(handle_) != CONNECTION_BAD && state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
    if (absl::Now() >= end)
      return absl::Now() >= limits.deadline ? DeadlineExceeded() : StoreUnavailable("connecting takes too long");
    if (limits.stop.stop_requested()) return Cancelled();
    pollfd wait{
        .fd = ::PQsocket(handle_), .events = static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), .revents = 0};
    // Short, as this wait is not woken by a stop.
    if (::poll(&wait, 1, 50) > 0) state = ::PQconnectPoll(handle_);
  }
  if (::PQstatus(handle_) != CONNECTION_OK) {
    may_retry_ = true;
    return StoreUnavailable(::PQerrorMessage(handle_));
  }
  ::PQsetNoticeProcessor(
      handle_, [](void*, char const*) {}, nullptr);
  if (::PQsetnonblocking(handle_, 1) != 0 || ::PQenterPipelineMode(handle_) != 1) return Lost("no pipeline mode");
  usable_ = true;
  // Reads run without BEGIN, to save round trips; this keeps a write from slipping in among them.
  RETURN_IF_ERROR(SendText("SET default_transaction_read_only = on"));
  RETURN_IF_ERROR(SendText("SET idle_in_transaction_session_timeout = '60s'"));
  return Round({.deadline = end, .stop = limits.stop}, AtLimit::kCancel).status();
}

absl::Status PostgresConnection::Lost(std::string_view why) {
  usable_ = false;
  lost_ = true;
  may_retry_ = true;
  return StoreUnavailable(why);
}

absl::Status PostgresConnection::SendFailed() { return Lost(handle_ == nullptr ? "not connected" : ::PQerrorMessage(handle_)); }

void PostgresConnection::Forget(std::string_view text) {
  auto const found = by_text_.find(text);
  if (found == by_text_.end()) return;
  auto const entry = found->second;
  by_text_.erase(found);
  prepared_.erase(entry);
}

absl::StatusOr<PostgresConnection::Prepared const*> PostgresConnection::Prepare(Statement const& statement,
                                                                                std::span<Bind const> binds) {
  std::string const& text = statement.text(Engine::kPostgres);
  std::vector<Oid> types(binds.size());
  std::transform(binds.begin(), binds.end(), types.begin(), TypeOf);
  if (auto const found = by_text_.find(text); found != by_text_.end()) {
    Prepared const& prepared = *found->second;
    // A statement that was prepared with another type, or with none, for a parameter is prepared anew with what is known now.
    bool fits = prepared.types.size() == types.size();
    for (std::size_t i = 0; fits && i < types.size(); ++i) {
      if (types[i] == 0) {
        types[i] = prepared.types[i];
      } else if (types[i] != prepared.types[i]) {
        fits = false;
      }
    }
    if (fits) {
      prepared_.splice(prepared_.begin(), prepared_, found->second);
      return &prepared_.front();
    }
    RETURN_IF_ERROR(SendText(absl::StrCat("DEALLOCATE ", prepared.name)));
    Forget(text);
  } else if (prepared_.size() >= kPreparedMax) {
    RETURN_IF_ERROR(SendText(absl::StrCat("DEALLOCATE ", prepared_.back().name)));
    Forget(std::string(prepared_.back().text));
  }
  prepared_.push_front({.text = text, .name = absl::StrCat("s", ++prepared_count_), .types = std::move(types)});
  Prepared const& made = prepared_.front();
  by_text_.emplace(made.text, prepared_.begin());
  if (::PQsendPrepare(handle_, made.name.c_str(), text.c_str(), static_cast<int>(made.types.size()), made.types.data()) != 1) {
    return SendFailed();
  }
  pending_.push_back({.kind = Pending::Kind::kPrepare, .statement = statement.name(), .text = text, .explain = nullptr});
  return &made;
}

absl::Status PostgresConnection::Send(Statement const& statement, std::span<Bind const> binds, Explain explain) {
  if (!usable_) return SendFailed();
  RETURN_IF_ERROR(CheckBinds(statement, binds));
  ASSIGN_OR_RETURN(Prepared const* const prepared, Prepare(statement, binds));
  Parameters const parameters(binds);
  if (::PQsendQueryPrepared(handle_, prepared->name.c_str(), parameters.size(), parameters.values(), parameters.lengths(),
                            parameters.formats(), 1) != 1) {
    return SendFailed();
  }
  pending_.push_back(
      {.kind = Pending::Kind::kStatement, .statement = statement.name(), .text = {}, .explain = std::move(explain)});
  return absl::OkStatus();
}

absl::Status PostgresConnection::SendText(std::string_view text) {
  if (!usable_) return SendFailed();
  std::string const query(text);
  if (::PQsendQueryParams(handle_, query.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 1) != 1) return SendFailed();
  pending_.push_back({.kind = Pending::Kind::kStatement, .statement = query, .text = {}, .explain = nullptr});
  return absl::OkStatus();
}

absl::Status PostgresConnection::SendTimeout(Limits const& limits, bool local) {
  std::int64_t left = 0;
  if (limits.deadline != absl::InfiniteFuture()) {
    left = std::clamp<std::int64_t>(absl::ToInt64Milliseconds(absl::Ceil(limits.deadline - absl::Now(), absl::Milliseconds(1))),
                                    1, 2'000'000'000);
  }
  std::optional<std::int64_t> const now = local_timeout_ ? local_timeout_ : session_timeout_;
  // A little too long is near enough: the client waits for the deadline as well.
  if (now && (left == 0 ? *now == 0 : *now >= left && *now <= left + left / 20 + 5)) return absl::OkStatus();
  (local ? local_timeout_ : session_timeout_) = left;
  return SendText(absl::StrCat("SET ", local ? "LOCAL " : "", "statement_timeout = ", left));
}

absl::Status PostgresConnection::SendSync() {
  if (!usable_ || ::PQpipelineSync(handle_) != 1) return SendFailed();
  pending_.push_back({.kind = Pending::Kind::kSync, .statement = {}, .text = {}, .explain = nullptr});
  return absl::OkStatus();
}

void PostgresConnection::Cancel() {
  // The request may reach the server late and hit whatever runs then, so the connection is not used again.
  cancelled_ = true;
  PGcancel* const cancel = ::PQgetCancel(handle_);
  if (cancel == nullptr) return;
  std::array<char, 256> error{};
  ::PQcancel(cancel, error.data(), static_cast<int>(error.size()));
  ::PQfreeCancel(cancel);
}

// Waits until the connection can be read or written.
absl::Status PostgresConnection::Await(Limits const& limits, AtLimit at_limit) {
  int const flushed = ::PQflush(handle_);
  if (flushed < 0) return SendFailed();
  absl::Time const end = limits.deadline + (at_limit == AtLimit::kAwait ? kCommitGrace : kGrace);
  bool const listen = at_limit == AtLimit::kCancel && limits.stop.stop_possible() && !cancelled_;
  if (listen && limits.stop.stop_requested()) Cancel();
  std::array<pollfd, 2> waits = {
      pollfd{.fd = ::PQsocket(handle_), .events = static_cast<short>(flushed == 0 ? POLLIN : POLLIN | POLLOUT), .revents = 0},
      pollfd{.fd = wake_, .events = POLLIN, .revents = 0}};
  int milliseconds = -1;
  if (end != absl::InfiniteFuture()) {
    absl::Duration const left = end - absl::Now();
    if (left <= absl::ZeroDuration()) {
      // The server does not answer. It will notice that the connection is gone and roll back, unless it got the COMMIT.
      absl::Status const lost = Lost("it does not answer");
      may_retry_ = false;
      return at_limit == AtLimit::kAwait ? lost : DeadlineExceeded();
    }
    milliseconds = static_cast<int>(std::min<std::int64_t>(absl::ToInt64Milliseconds(left) + 1, 3'600'000));
  }
  if (cancelled_ && (milliseconds < 0 || milliseconds > kCancelAgainMilliseconds)) milliseconds = kCancelAgainMilliseconds;
  int const ready = ::poll(waits.data(), listen && !cancelled_ ? 2 : 1, milliseconds);
  if (ready < 0 && errno != EINTR) return Lost(std::strerror(errno));
  // A request that reaches the server between two statements of a round is dropped there, and the next one runs on.
  if (ready == 0 && cancelled_) Cancel();
  if (waits[1].revents != 0 && !cancelled_) Cancel();
  if ((waits[0].revents & ~POLLOUT) != 0 && ::PQconsumeInput(handle_) != 1) return SendFailed();
  return absl::OkStatus();
}

absl::StatusOr<PostgresResult> PostgresConnection::Next(Limits const& limits, AtLimit at_limit) {
  while (::PQisBusy(handle_) == 1) {
    if (::PQstatus(handle_) == CONNECTION_BAD) return SendFailed();
    RETURN_IF_ERROR(Await(limits, at_limit));
  }
  return PostgresResult(::PQgetResult(handle_));
}

absl::Status PostgresConnection::ErrorOf(PGresult const* result, Pending const& pending, Limits const& limits) {
  char const* const field = ::PQresultErrorField(result, PG_DIAG_SQLSTATE);
  std::string_view const state = field == nullptr ? "" : field;
  char const* const primary = ::PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  std::string_view const message = primary == nullptr ? ::PQresultErrorMessage(result) : primary;
  if (state.empty() || EndsSession(state)) return Lost(message);
  if (state.starts_with("23")) return ConstraintStatus(result, state, pending.statement);
  if (state == "P0001") return CheckBroken(pending.statement, message);
  if (state == "40001" || state == "40P01") {
    may_retry_ = true;
    return Conflict(pending.statement);
  }
  if (state == "55P03") return Conflict(pending.statement);
  if (state == "57014") return limits.stop.stop_requested() ? Cancelled() : DeadlineExceeded();
  if (state.starts_with("53")) return Overloaded(absl::StrCat("PostgreSQL: ", Av(message)));
  if (state.starts_with("58")) return StoreUnavailable(message);
  if (state == "XX001" || state == "XX002") return StoreDamaged(message);
  // A plan or a statement of before a migration, or a server that is a standby now: a new connection has neither.
  char const* const standby = ::PQparameterStatus(handle_, "in_hot_standby");
  bool const is_standby = standby != nullptr && std::string_view(standby) == "on";
  if (state == "0A000" || state == "26000" || (state == "25006" && is_standby)) {
    usable_ = false;
    may_retry_ = true;
  }
  // Class 22 quotes the value.
  return StatementFailed(pending.statement, state.starts_with("22") ? absl::StrCat("a value does not fit (", Av(state), ")")
                                                                    : absl::StrCat(Av(message), " (", Av(state), ")"));
}

absl::StatusOr<PostgresResult> PostgresConnection::Gather(Limits const& limits, AtLimit at_limit) {
  absl::Status failed;
  PostgresResult last;
  while (!pending_.empty()) {
    Pending const pending = std::move(pending_.front());
    pending_.pop_front();
    ASSIGN_OR_RETURN(PostgresResult result, Next(limits, at_limit));
    if (result == nullptr) return SendFailed();
    ExecStatusType const code = ::PQresultStatus(result.get());
    if (pending.kind == Pending::Kind::kSync) {
      if (code != PGRES_PIPELINE_SYNC) return Lost("an answer is out of order");
      continue;
    }
    bool const succeeded = code == PGRES_COMMAND_OK || code == PGRES_TUPLES_OK;
    if (!succeeded && pending.kind == Pending::Kind::kPrepare) Forget(pending.text);
    if (!succeeded && failed.ok()) {
      absl::Status const error = ErrorOf(result.get(), pending, limits);
      if (error.code() == absl::StatusCode::kUnavailable && !usable_) return error;
      absl::Status explained = pending.explain && !may_retry_ ? pending.explain(error) : error;
      failed = explained.ok() ? error : std::move(explained);
    }
    if (succeeded && pending.kind == Pending::Kind::kStatement) last = std::move(result);
    ASSIGN_OR_RETURN(PostgresResult const end, Next(limits, at_limit));
    if (end != nullptr) return Lost("an answer has more parts than expected");
  }
  if (!failed.ok()) return failed;
  return last;
}

absl::StatusOr<PostgresResult> PostgresConnection::Round(Limits const& limits, AtLimit at_limit) {
  RETURN_IF_ERROR(SendSync());
  // Runs on whatever thread requests the stop, or here when that has happened already.
  std::stop_callback const on_stop(limits.stop, [this] { ::eventfd_write(wake_, 1); });
  auto result = Gather(limits, at_limit);
  eventfd_t ignored = 0;
  ::eventfd_read(wake_, &ignored);
  if (cancelled_) usable_ = false;
  // What a failed round set is rolled back with it.
  if (!result.ok()) {
    session_timeout_.reset();
    local_timeout_.reset();
  }
  return result;
}

absl::Status PostgresConnection::RunScript(std::string_view script) {
  std::string const text(script);
  if (::PQexitPipelineMode(handle_) != 1 || ::PQsetnonblocking(handle_, 0) != 0) return SendFailed();
  PostgresResult const result(::PQexec(handle_, text.c_str()));
  absl::Status status;
  if (ExecStatusType const code = ::PQresultStatus(result.get()); code != PGRES_COMMAND_OK && code != PGRES_TUPLES_OK) {
    status =
        ErrorOf(result.get(), {.kind = Pending::Kind::kStatement, .statement = "script", .text = {}, .explain = nullptr}, {});
  }
  if (::PQstatus(handle_) != CONNECTION_OK || ::PQsetnonblocking(handle_, 1) != 0 || ::PQenterPipelineMode(handle_) != 1) {
    return SendFailed();
  }
  return status;
}

namespace {

std::uint64_t BigEndian(char const* bytes, int length) {
  std::uint64_t value = 0;
  for (int i = 0; i < length; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::int16_t Int16At(char const* bytes) { return static_cast<std::int16_t>(BigEndian(bytes, 2)); }

// NUMERIC, which sums of BIGINT are: digits to the base of 10,000, the first with the given weight (numeric_send).
std::optional<std::int64_t> NumericToInt64(char const* bytes, int length) {
  constexpr std::uint16_t kNegative = 0x4000;
  if (length < 8) return std::nullopt;
  int const digits = Int16At(bytes);
  int const weight = Int16At(bytes + 2);
  auto const sign = static_cast<std::uint16_t>(BigEndian(bytes + 4, 2));
  if ((sign != 0 && sign != kNegative) || length < 8 + 2 * digits) return std::nullopt;
  std::int64_t value = 0;
  for (int i = 0; i < std::max(digits, weight + 1); ++i) {
    int const digit = i < digits ? Int16At(bytes + 8 + 2 * i) : 0;
    if (i > weight) {
      if (digit != 0) return std::nullopt;
      continue;
    }
    // Counted downwards, as the lowest number has no positive counterpart.
    if (__builtin_mul_overflow(value, 10'000, &value) || __builtin_sub_overflow(value, digit, &value)) return std::nullopt;
  }
  if (sign == kNegative) return value;
  if (__builtin_sub_overflow(std::int64_t{0}, value, &value)) return std::nullopt;
  return value;
}

// A value in PostgreSQL's binary form, nullopt where Rows has no type for it.
std::optional<Rows::Value> ValueOf(Oid type, char const* bytes, int length) {
  constexpr Oid kChar = 18, kName = 19, kInt2 = 21, kInt4 = 23, kOid = 26, kUnknown = 705, kBpchar = 1042, kVarchar = 1043,
                kNumeric = 1700, kVoid = 2278, kXid8 = 5069;
  switch (type) {
    case kBool:
      return bytes[0] != 0;
    case kInt2:
      return std::int64_t{Int16At(bytes)};
    case kInt4:
      return std::int64_t{static_cast<std::int32_t>(BigEndian(bytes, 4))};
    case kOid:
    case kInt8:
    case kXid8:
      return static_cast<std::int64_t>(BigEndian(bytes, length));
    case kNumeric: {
      auto const value = NumericToInt64(bytes, length);
      if (!value) return std::nullopt;
      return *value;
    }
    case kChar:
    case kName:
    case kText:
    case kUnknown:
    case kBpchar:
    case kVarchar:
      return std::string(bytes, static_cast<std::size_t>(length));
    case kBytea: {
      auto const* const begin = reinterpret_cast<std::byte const*>(bytes);
      return std::vector<std::byte>(begin, begin + length);
    }
    case kVoid:
      return nullptr;
    default:
      return std::nullopt;
  }
}

}  // namespace

absl::StatusOr<Rows> RowsOf(PGresult const* result, std::string_view statement) {
  int const width = ::PQnfields(result);
  auto columns = std::make_shared<std::vector<std::string>>();
  for (int i = 0; i < width; ++i) columns->emplace_back(::PQfname(result, i));
  std::vector<std::vector<Rows::Value>> rows(static_cast<std::size_t>(::PQntuples(result)));
  for (int row = 0; row < ::PQntuples(result); ++row) {
    auto& values = rows[static_cast<std::size_t>(row)];
    values.reserve(columns->size());
    for (int i = 0; i < width; ++i) {
      if (::PQgetisnull(result, row, i) == 1) {
        values.emplace_back(nullptr);
        continue;
      }
      auto value = ValueOf(::PQftype(result, i), ::PQgetvalue(result, row, i), ::PQgetlength(result, row, i));
      if (!value) {
        return StatementFailed(statement, absl::StrCat("column ", ::PQfname(result, i), " is of type ", ::PQftype(result, i),
                                                       ", or does not fit 64 bits"));
      }
      values.push_back(*std::move(value));
    }
  }
  return Rows(std::move(columns), std::move(rows));
}

}  // namespace helhed::storage
