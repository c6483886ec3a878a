#include "services/platform/service/store.h"

#include <google/protobuf/dynamic_message.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "helhed/residents/v1/events.pb.h"
#include "helhed/residents/v1/housing_register_service.pb.h"
#include "services/platform/testing/engines.h"
#include "services/platform/testing/explain.h"
#include "services/platform/testing/matchers.h"
#include "services/platform/testing/store.h"

namespace helhed {
namespace {

using residents::v1::DepartmentsMerged;
using residents::v1::Organisation;
using testing::IsOk;
using testing::StatusIs;

constexpr char kCreate[] = "/helhed.residents.v1.HousingRegisterService/CreateOrganisation";
constexpr char kUpdate[] = "/helhed.residents.v1.HousingRegisterService/UpdateOrganisation";
constexpr char kBatch[] = "/helhed.residents.v1.HousingRegisterService/BatchCreateDwellings";
constexpr char kGet[] = "/helhed.residents.v1.HousingRegisterService/GetOrganisation";
constexpr char kRequestId[] = "9b2d5f60-5d3b-4c1e-8a56-0d5f0a9c1f10";

constexpr char kThings[] = "CREATE TABLE things (thing TEXT NOT NULL PRIMARY KEY, made BIGINT NOT NULL CHECK (made > 0))";
constexpr storage::Migration kOwn[] = {{"test", 1, "things", kThings, kThings}};

storage::Statement const kMake("test.make", "INSERT INTO things (thing, made) VALUES ($1, $2)");
storage::Statement Count(std::string const& table) {
  return storage::Statement(storage::Statement::Dynamic{"test.count_" + table, "SELECT count(*) FROM " + table});
}

class StoreTest : public testing::ForBothEngines {
 protected:
  void SetUp() override {
    ForBothEngines::SetUp();
    Build();
  }
  void TearDown() override { parts_.reset(); }
  void Build() { parts_.emplace(database(), kOwn, clock_, random_); }
  void Restart() {
    parts_.reset();
    Reopen();
    Build();
  }

  Store& store() { return parts_->store(); }
  events::EventLog& log() { return parts_->log(); }

  CallContext::Parts Call(std::string_view path = kCreate, std::string_view subject = "anna") {
    auto parts = testing::CallParts(path, clock_, random_, subject);
    parts.request_id = kRequestId;
    parts.request_hash = std::string("h\0sh", 4);
    parts.resource = "organisations/9001";
    parts.audit_request = "\x01redacted";
    return parts;
  }

  // A handler: makes a row and an event, and answers with how often it ran.
  absl::StatusOr<Organisation> Make(CallContext const& call, std::string thing = "a") {
    return store().Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<Organisation> {
      int const run = ++runs_;
      RETURN_IF_ERROR(tx.Enqueue(kMake, {std::string_view(thing), std::int64_t{1}}));
      DepartmentsMerged merged;
      merged.set_successor("organisations/9001/departments/" + thing);
      RETURN_IF_ERROR(tx.Append(merged, merged.successor(), "plans/p"));
      Organisation answer;
      answer.set_name("organisations/9001");
      answer.set_display_name("run " + std::to_string(run));
      return answer;
    });
  }

  std::int64_t CountOf(std::string const& table) {
    std::int64_t count = -1;
    storage::Statement const statement = Count(table);
    absl::Status const status = database().Read({}, [&](storage::ReadTransaction& tx) -> absl::Status {
      ASSIGN_OR_RETURN(auto const rows, tx.Query(statement, {}));
      count = rows.Int64(0, 0);
      return absl::OkStatus();
    });
    EXPECT_THAT(status, IsOk());
    return count;
  }
  // Rows of things, idempotency, audit and events.
  std::vector<std::int64_t> Counts() { return {CountOf("things"), CountOf("idempotency"), CountOf("audit"), CountOf("events")}; }

  FakeClock clock_{testing::kTestStart};
  testing::TestRandom random_;
  std::optional<testing::TestStore> parts_;
  std::atomic<int> runs_{0};
};

using Rows = std::vector<std::int64_t>;

TEST_P(StoreTest, AWriteKeepsItsRowsItsAnswerItsAuditRowAndItsEventTogether) {
  ASSERT_THAT(Make(CallContext(Call())), IsOk());
  EXPECT_EQ(Counts(), (Rows{1, 1, 1, 1}));
}

TEST_P(StoreTest, ARepeatedRequestGetsTheFirstAnswerAndRunsNothing) {
  auto const first = Make(CallContext(Call()));
  auto const second = Make(CallContext(Call()));
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(*second, testing::EqualsProto(*first));
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(Counts(), (Rows{1, 1, 1, 1}));
}

// The handler that would ask for the scope again is not run, and the pipeline fails a call for which nobody asked.
TEST_P(StoreTest, ARepeatedRequestWasGrantedItsScopeTheFirstTime) {
  CallContext const first(Call());
  CallContext const second(Call());
  ASSERT_THAT(Make(first), IsOk());
  EXPECT_FALSE(first.scope_was_granted());
  ASSERT_THAT(Make(second), IsOk());
  EXPECT_TRUE(second.scope_was_granted());
}

TEST_P(StoreTest, TheFirstAnswerOutlivesTheProcess) {
  auto const first = Make(CallContext(Call()));
  Restart();
  auto const second = Make(CallContext(Call()));
  ASSERT_THAT(second, IsOk());
  EXPECT_THAT(*second, testing::EqualsProto(*first));
  EXPECT_EQ(runs_, 1);
}

TEST_P(StoreTest, AnotherRequestUnderTheSameIdIsRefused) {
  ASSERT_THAT(Make(CallContext(Call())), IsOk());
  auto other = Call();
  other.request_hash = "other";
  auto const second = Make(CallContext(std::move(other)));
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kInvalidArgument, "REQUEST_ID_REUSED"));
  EXPECT_EQ(MetadataOf(second.status()).at("request_id"), kRequestId);
  EXPECT_EQ(runs_, 1);
}

TEST_P(StoreTest, PrincipalsAndMethodsDoNotCollide) {
  ASSERT_THAT(Make(CallContext(Call()), "a"), IsOk());
  ASSERT_THAT(Make(CallContext(Call(kCreate, "bent")), "b"), IsOk());
  ASSERT_THAT(Make(CallContext(Call(kUpdate)), "c"), IsOk());
  EXPECT_EQ(runs_, 3);
  EXPECT_EQ(Counts(), (Rows{3, 3, 3, 3}));
}

// The first to run gives the others time to run beside it, if nothing kept them out.
TEST_P(StoreTest, OfManyCallsAtOnceWithOneIdOneRuns) {
  constexpr int kThreads = 4;
  constexpr auto kPatience = std::chrono::milliseconds(300);
  std::vector<std::string> answers(kThreads);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      CallContext const call(Call());
      auto const answer = store().Write(call, [&](WriteTransaction&) -> absl::StatusOr<Organisation> {
        Organisation made;
        made.set_display_name("run " + std::to_string(++runs_));
        auto const until = std::chrono::steady_clock::now() + kPatience;
        while (runs_ < 2 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
        return made;
      });
      answers[static_cast<std::size_t>(i)] = answer.ok() ? answer->display_name() : answer.status().ToString();
    });
  }
  for (auto& thread : threads) thread.join();
  for (auto const& answer : answers) EXPECT_EQ(answer, "run 1");
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(Counts(), (Rows{0, 1, 1, 0}));
}

TEST_P(StoreTest, WithoutAnIdEveryCallRuns) {
  auto call = Call();
  call.request_id.clear();
  ASSERT_THAT(Make(CallContext(call), "a"), IsOk());
  ASSERT_THAT(Make(CallContext(call), "b"), IsOk());
  EXPECT_EQ(Counts(), (Rows{2, 0, 2, 2}));
}

TEST_P(StoreTest, ValidateOnlyRunsEverythingAndKeepsNothing) {
  auto call = Call();
  call.validate_only = true;
  auto const generation = log().generation();
  auto const answer = Make(CallContext(call));
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->display_name().substr(0, 4), "run ");
  EXPECT_GE(runs_, 1);
  EXPECT_EQ(Counts(), (Rows{0, 0, 0, 0}));
  EXPECT_EQ(log().generation(), generation);

  // What only the database can find out belongs to the answer, too.
  ASSERT_THAT(Make(CallContext(Call())), IsOk());
  EXPECT_EQ(Make(CallContext(call)).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST_P(StoreTest, ARefusedWriteLeavesNothingAndItsIdCanBeUsedAgain) {
  bool refuse = true;
  auto const write = [&] {
    CallContext const call(Call());
    return store().Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<Organisation> {
      RETURN_IF_ERROR(tx.Enqueue(kMake, {std::string_view("a"), std::int64_t{1}}));
      RETURN_IF_ERROR(tx.Append(DepartmentsMerged(), "s"));
      if (refuse) return absl::FailedPreconditionError("not now");
      return Organisation();
    });
  };
  EXPECT_EQ(write().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Counts(), (Rows{0, 0, 0, 0}));
  refuse = false;
  EXPECT_THAT(write(), IsOk());
  EXPECT_EQ(Counts(), (Rows{1, 1, 1, 1}));
}

TEST_P(StoreTest, WhatTheDatabaseRefusesLeavesNothing) {
  ASSERT_THAT(Make(CallContext(Call())), IsOk());
  auto call = Call();
  call.request_id = "0192f3a0-0000-7000-8000-000000000001";
  EXPECT_EQ(Make(CallContext(call)).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Counts(), (Rows{1, 1, 1, 1}));
}

TEST_P(StoreTest, AnExpiredIdIsNewAgain) {
  ASSERT_THAT(Make(CallContext(Call()), "a"), IsOk());
  clock_.Advance(store().parts().request_ids_kept - absl::Seconds(1));
  ASSERT_THAT(Make(CallContext(Call()), "b"), IsOk());
  EXPECT_EQ(runs_, 1);
  clock_.Advance(absl::Seconds(1));
  ASSERT_THAT(Make(CallContext(Call()), "b"), IsOk());
  EXPECT_EQ(runs_, 2);
  EXPECT_EQ(Counts(), (Rows{2, 1, 2, 2}));
}

TEST_P(StoreTest, CleanUpRemovesWhatHasExpiredInPortions) {
  for (int i = 0; i < 5; ++i) {
    auto call = Call();
    call.request_id = "id " + std::to_string(i);
    ASSERT_THAT(Make(CallContext(call), std::to_string(i)), IsOk());
    clock_.Advance(absl::Hours(1));
  }
  auto const now = clock_.Now() + store().parts().request_ids_kept - absl::Hours(2);
  EXPECT_EQ(*store().CleanUp({}, now, 3), 3);
  EXPECT_EQ(*store().CleanUp({}, now, 3), 1);
  EXPECT_EQ(*store().CleanUp({}, now, 3), 0);
  EXPECT_EQ(CountOf("idempotency"), 1);
}

TEST_P(StoreTest, TheAuditRowSaysWhoDidWhatWhenByWhichCall) {
  CallContext const call(Call());
  ASSERT_THAT(Make(call), IsOk());
  storage::Statement const all(storage::Statement::Dynamic{
      "test.audit", "SELECT subject, id, time, method, resource, outcome, request_id, trace_id, request FROM audit"});
  auto const status = database().Read({}, [&](storage::ReadTransaction& tx) -> absl::Status {
    ASSIGN_OR_RETURN(auto const rows, tx.Query(all, {}));
    EXPECT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows.Text(0, 0), "anna");
    EXPECT_TRUE(IsUuid(rows.Text(0, 1)));
    EXPECT_EQ(rows.Int64(0, 2), absl::ToUnixMicros(clock_.Now()));
    EXPECT_EQ(rows.Text(0, 3), kCreate);
    EXPECT_EQ(rows.Text(0, 4), "organisations/9001");
    EXPECT_EQ(rows.Text(0, 5), "OK");
    EXPECT_EQ(rows.Text(0, 6), kRequestId);
    EXPECT_EQ(rows.Text(0, 7), "0af7651916cd43dd8448eb211c80319c");
    auto const request = rows.Blob(0, 8);
    EXPECT_EQ(std::string(reinterpret_cast<char const*>(request.data()), request.size()), call.audit_request());
    return absl::OkStatus();
  });
  EXPECT_THAT(status, IsOk());
}

TEST_P(StoreTest, TheMethodsAuditLevelDecides) {
  ASSERT_THAT(Make(CallContext(Call(kBatch)), "a"), IsOk());
  EXPECT_EQ(CountOf("audit"), 1);
  ASSERT_THAT(Make(CallContext(Call(kGet)), "b"), IsOk());
  EXPECT_EQ(CountOf("audit"), 1);
}

TEST_P(StoreTest, TheEnvelopeSaysWhatHappenedToWhatWhoseAndByWhom) {
  CallContext const call(Call());
  ASSERT_THAT(Make(call), IsOk());
  auto const batch = log().Read({}, "", 10, {});
  ASSERT_THAT(batch, IsOk());
  ASSERT_EQ(batch->events.size(), 1u);
  auto const& event = batch->events.front();
  EXPECT_TRUE(IsUuid(event.id()));
  EXPECT_EQ(event.source(), "//residents.helhed.dk");
  EXPECT_EQ(event.type(), "helhed.residents.v1.DepartmentsMerged");
  EXPECT_EQ(event.subject(), "organisations/9001/departments/a");
  EXPECT_EQ(event.time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(event.plan(), "plans/p");
  EXPECT_EQ(event.data_class(), policy::v1::DATA_CLASS_PUBLIC);
  EXPECT_EQ(event.sender(), "anna");
  EXPECT_EQ(event.traceparent(), call.trace().ToHeader());
  DepartmentsMerged merged;
  ASSERT_TRUE(event.data().UnpackTo(&merged));
  EXPECT_EQ(merged.successor(), event.subject());
  EXPECT_EQ(event.cursor(), batch->next_cursor);
}

// A message with a field that is PERSONAL, made at run time: the contract has none that is meant for events.
TEST_P(StoreTest, AnEventThatMayHoldPersonalDataIsRefused) {
  google::protobuf::FileDescriptorProto file;
  file.set_name("test/personal.proto");
  file.set_package("test");
  file.add_dependency("helhed/policy/v1/policy.proto");
  auto* const type = file.add_message_type();
  type->set_name("Personal");
  auto* const field = type->add_field();
  field->set_name("given_name");
  field->set_number(1);
  field->set_type(google::protobuf::FieldDescriptorProto::TYPE_STRING);
  field->mutable_options()->MutableExtension(policy::v1::field)->set_data_class(policy::v1::DATA_CLASS_PERSONAL);
  google::protobuf::DescriptorPool pool(google::protobuf::DescriptorPool::generated_pool());
  auto const* const built = pool.BuildFile(file);
  ASSERT_NE(built, nullptr);
  google::protobuf::DynamicMessageFactory factory;
  auto const* const personal = factory.GetPrototype(built->message_type(0));

  CallContext const call(Call());
  auto const answer = store().Write(call, [&](WriteTransaction& tx) -> absl::StatusOr<Organisation> {
    RETURN_IF_ERROR(tx.Append(*personal, "s"));
    return Organisation();
  });
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kInternal, "INTERNAL"));
  EXPECT_EQ(Counts(), (Rows{0, 0, 0, 0}));
}

TEST_P(StoreTest, ReadersOfTheLogAreWokenAfterACommitOnly) {
  int woken = 0;
  auto const id = log().Subscribe([&] { ++woken; });
  ASSERT_THAT(Make(CallContext(Call())), IsOk());
  EXPECT_EQ(woken, 1);
  ASSERT_THAT(Make(CallContext(Call())), IsOk());  // the first answer again
  EXPECT_EQ(woken, 1);
  auto other = Call();
  other.request_id = "0192f3a0-0000-7000-8000-000000000001";
  other.validate_only = true;
  ASSERT_THAT(Make(CallContext(other), "b"), IsOk());
  EXPECT_EQ(woken, 1);
  log().Unsubscribe(id);
}

TEST_P(StoreTest, ApplyKeepsTheEventAndNeedsNoMethod) {
  auto parts = Call();
  parts.method = nullptr;
  CallContext const call(std::move(parts));
  EXPECT_THAT(store().Apply(call, [](WriteTransaction& tx) { return tx.Append(DepartmentsMerged(), "s"); }), IsOk());
  EXPECT_EQ(Counts(), (Rows{0, 0, 0, 1}));
}

TEST_P(StoreTest, TheSealersKeyIsMadeOnceAndKept) {
  std::string const sealed = parts_->sealer().Seal("p", "content");
  Restart();
  EXPECT_EQ(parts_->sealer().Open("p", sealed), "content");
}

TEST(Installation, ReplicasThatStartTogetherAgreeOnOneKey) {
  testing::FreshDatabase const fresh(storage::Engine::kPostgres);
  auto const first = fresh.Open();
  testing::AbortUnlessOk(storage::Migrate(*first, StoreMigrations()).status(), "Migrate");
  constexpr int kReplicas = 4;
  std::vector<std::unique_ptr<storage::Database>> databases;
  for (int i = 0; i < kReplicas; ++i) databases.push_back(fresh.Open(1));
  std::vector<std::string> sealed(kReplicas);
  std::vector<std::thread> threads;
  for (int i = 0; i < kReplicas; ++i) {
    threads.emplace_back([&, i] {
      auto const sealer = OpenSealer(*databases[i]);
      if (sealer.ok()) sealed[i] = sealer->Seal("p", "content");
    });
  }
  for (auto& thread : threads) thread.join();
  auto const sealer = OpenSealer(*first);
  ASSERT_THAT(sealer, IsOk());
  for (auto const& token : sealed) EXPECT_EQ(sealer->Open("p", token), "content");
}

TEST_P(StoreTest, NoStatementScansATable) {
  std::vector<storage::Statement const*> own;
  for (auto const* const statement : storage::RegisteredStatements()) {
    if (!statement->name().starts_with("test.")) own.push_back(statement);
  }
  EXPECT_GT(own.size(), 10u);
  EXPECT_THAT(testing::FullScans(database(), own, {"sqlite_schema"}), ::testing::IsEmpty());
}

HELHED_BOTH_ENGINES(StoreTest);

// On SQLite nobody can come in between.
class PostgresStoreTest : public StoreTest {};

// A handler may append before it has every lock: what another does meanwhile was there first.
TEST_P(PostgresStoreTest, EventsStandInTheOrderInWhichUnitsEnd) {
  storage::Statement const flush(storage::Statement::Dynamic{"test.flush", "SELECT pg_current_xact_id()::text"});
  auto call = Call();
  call.request_id = "0c6f2d0e-4f3c-4f5e-9a3b-7f9d3f1f7e11";
  CallContext const slow(std::move(call));
  auto const answer = store().Write(slow, [&](WriteTransaction& tx) -> absl::StatusOr<Organisation> {
    DepartmentsMerged merged;
    merged.set_successor("organisations/9001/departments/slow");
    RETURN_IF_ERROR(tx.Append(merged, merged.successor()));
    RETURN_IF_ERROR(tx.Query(flush, {}).status());
    RETURN_IF_ERROR(Make(CallContext(Call()), "quick").status());
    return Organisation();
  });
  ASSERT_THAT(answer, IsOk());
  auto const batch = log().Read({}, "", 10, {});
  ASSERT_THAT(batch, IsOk());
  ASSERT_EQ(batch->events.size(), 2U);
  EXPECT_EQ(batch->events[0].subject(), "organisations/9001/departments/quick");
  EXPECT_EQ(batch->events[1].subject(), "organisations/9001/departments/slow");
}

INSTANTIATE_TEST_SUITE_P(Engines, PostgresStoreTest, ::testing::Values(storage::Engine::kPostgres), testing::EngineName);

}  // namespace
}  // namespace helhed
