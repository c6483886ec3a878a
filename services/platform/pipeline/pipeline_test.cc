#include "services/platform/pipeline/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <stdexcept>

#include "services/platform/pipeline/testing/probe.h"

namespace helhed {
namespace {

using ::testing::AnyOf;
using testing::AskFor;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::Not;
using testing::ProbePath;
using ::testing::SizeIs;
using testing::StatusIs;
using Code = absl::StatusCode;
using namespace helhed::probe::v1;  // NOLINT(google-build-using-namespace): the messages of the test's contract

constexpr char kRequestId[] = "0190a8f0-0000-7000-8000-000000000001";

UpdateThingRequest Update(std::string const& name, std::string const& title) {
  UpdateThingRequest request;
  request.mutable_thing()->set_name(name);
  request.mutable_thing()->set_title(title);
  request.set_request_id(kRequestId);
  return request;
}

class PipelineTest : public ::testing::Test {
 protected:
  IncomingCall Get(std::string const& request) const {
    IncomingCall call;
    call.path = path_;
    call.request = request;
    call.identity = probe_.Identity("");
    return call;
  }
  // Handlers of SCOPE_RESOLVED that find the thing in `house`.
  void Resolve(std::string house) {
    probe_.handlers.act = [house = std::move(house)](CallContext const& call, google::protobuf::Message const&) {
      return call.RequireAny({house}, call.resource());
    };
  }

  testing::Probe probe_{1, 1};
  std::string const path_ = ProbePath("GetThing");
  std::string const thing_ = AskFor("houses/a/things/1").SerializeAsString();
};

TEST_F(PipelineTest, RunsTheHandlerAndAnswersWithItsMessage) {
  auto const answer = probe_.Run("GetThing", AskFor("houses/a/things/1"), probe_.Identity("houses/a"));
  ASSERT_THAT(answer, IsOk());
  Thing thing;
  ASSERT_TRUE(thing.ParseFromString(*answer));
  EXPECT_EQ(thing.name(), "houses/a/things/1");
}

TEST_F(PipelineTest, KnowsOnlyItsMethods) {
  EXPECT_THAT(probe_.Run("GetNothing", "", probe_.Identity("")), StatusIs(Code::kUnimplemented, "METHOD_UNKNOWN"));
  EXPECT_THAT(probe_.Run("WatchThings", "", probe_.Identity("")), StatusIs(Code::kUnimplemented, "METHOD_UNKNOWN"));
  EXPECT_THAT(probe_.pipeline->Open(Get(thing_)).status(), StatusIs(Code::kUnimplemented, "METHOD_UNKNOWN"));
  EXPECT_THAT(probe_.metrics.Expose(),
              HasSubstr("helhed_calls_total{code=\"UNIMPLEMENTED\",method=\"unknown\",service=\"probe\"} 1"));
}

// Order

TEST_F(PipelineTest, TheSizeComesFirst) {
  auto const status = probe_.Run("GetThing", std::string(1001, 'x'), "").status();
  EXPECT_THAT(status, StatusIs(Code::kResourceExhausted, "REQUEST_TOO_LARGE"));
  EXPECT_EQ(MetadataOf(status), (ErrorMetadata{{"bytes", "1001"}, {"bytes_max", "1000"}}));
  EXPECT_EQ(RetryDelayOf(status), std::nullopt);
}

TEST_F(PipelineTest, WhoIsNobodyLearnsNothingElse) {
  for (auto const& request : {std::string("\xff not a message"), AskFor("Not a name").SerializeAsString(), thing_}) {
    EXPECT_THAT(probe_.Run("GetThing", request, ""), StatusIs(Code::kUnauthenticated, "IDENTITY_MISSING"));
    EXPECT_THAT(probe_.Run("GetThing", request, "forged"), StatusIs(Code::kUnauthenticated, "IDENTITY_INVALID"));
  }
}

TEST_F(PipelineTest, ParsingComesBeforeAuthorisation) {
  EXPECT_THAT(probe_.Run("GetThing", "\xff not a message", probe_.Identity("", "nobody")),
              StatusIs(Code::kInvalidArgument, "BAD_REQUEST"));
}

TEST_F(PipelineTest, AuthorisationComesBeforeValidation) {
  EXPECT_THAT(probe_.Run("GetThing", AskFor("Not a name"), probe_.Identity("", "nobody")),
              StatusIs(Code::kPermissionDenied, "PERMISSION_MISSING"));
  EXPECT_THAT(probe_.Run("GetThing", AskFor("Not a name"), probe_.Identity("houses/a")),
              StatusIs(Code::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(probe_.Run("GetThing", AskFor("Not a name"), probe_.Identity("")), StatusIs(Code::kInvalidArgument, "BAD_REQUEST"));
}

TEST_F(PipelineTest, ValidationComesBeforeTheHandler) {
  probe_.handlers.act = [](auto const&, auto const&) -> absl::Status { throw std::logic_error("was called"); };
  auto const status = probe_.Run("UpdateThing", Update("houses/a", "far too long"), probe_.Identity("")).status();
  EXPECT_THAT(status, StatusIs(Code::kInvalidArgument, "BAD_REQUEST"));
  ASSERT_THAT(ViolationsOf(status), SizeIs(1));
  EXPECT_EQ(ViolationsOf(status)[0].field, "thing.title");
}

// Authorisation

TEST_F(PipelineTest, AReadOutOfScopeIsAsAbsent) {
  EXPECT_THAT(probe_.Run("GetThing", AskFor("houses/a"), probe_.Identity("houses/a")), IsOk());
  EXPECT_THAT(probe_.Run("GetThing", AskFor("houses/ab"), probe_.Identity("houses/a")),
              StatusIs(Code::kNotFound, "RESOURCE_NOT_FOUND"));
}

TEST_F(PipelineTest, AWriteOutOfScopeIsDenied) {
  EXPECT_THAT(probe_.Run("UpdateThing", Update("houses/a/things/1", "x"), probe_.Identity("houses/a")), IsOk());
  auto const status = probe_.Run("UpdateThing", Update("houses/b", "x"), probe_.Identity("houses/a")).status();
  EXPECT_THAT(status, StatusIs(Code::kPermissionDenied, "PERMISSION_MISSING"));
  EXPECT_EQ(MetadataOf(status), (ErrorMetadata{{"permission", "probe.things.update"}, {"resource", "houses/b"}}));
}

TEST_F(PipelineTest, WithoutThePermissionEverythingIsDenied) {
  auto const reader = probe_.Identity("", "reader");
  EXPECT_THAT(probe_.Run("UpdateThing", Update("houses/a", "x"), reader),
              StatusIs(Code::kPermissionDenied, "PERMISSION_MISSING"));
  EXPECT_THAT(probe_.Run("PurgeThings", PurgeThingsRequest(), reader), StatusIs(Code::kPermissionDenied, "PERMISSION_MISSING"));
  auto const nobody = probe_.Identity("", "nobody");
  for (auto const* method : {"GetThing", "FindThing"}) {
    EXPECT_THAT(probe_.Run(method, AskFor("houses/a"), nobody), StatusIs(Code::kPermissionDenied, "PERMISSION_MISSING"));
  }
  EXPECT_THAT(probe_.Run("ListThings", ListThingsRequest(), nobody), StatusIs(Code::kPermissionDenied, "PERMISSION_MISSING"));
}

TEST_F(PipelineTest, WhoForgotTheNameIsToldSo) {
  auto const status = probe_.Run("GetThing", GetThingRequest(), probe_.Identity("houses/a")).status();
  EXPECT_THAT(status, StatusIs(Code::kInvalidArgument, "BAD_REQUEST"));
}

TEST_F(PipelineTest, FilteredTakesAnyGrantAndTellsTheHandlerWhere) {
  std::vector<std::string> scopes;
  probe_.handlers.act = [&](CallContext const& call, auto const&) {
    scopes = call.scopes();
    return absl::OkStatus();
  };
  EXPECT_THAT(probe_.Run("ListThings", ListThingsRequest(), probe_.Identity("houses/a")), IsOk());
  EXPECT_EQ(scopes, std::vector<std::string>{"houses/a"});
}

TEST_F(PipelineTest, GlobalTakesOnlyAGrantEverywhere) {
  EXPECT_THAT(probe_.Run("PurgeThings", PurgeThingsRequest(), probe_.Identity("")), IsOk());
  EXPECT_THAT(probe_.Run("PurgeThings", PurgeThingsRequest(), probe_.Identity("houses/a")),
              StatusIs(Code::kPermissionDenied, "PERMISSION_MISSING"));
}

TEST_F(PipelineTest, ResolvedIsDecidedByWhatTheHandlerAsks) {
  Resolve("houses/b");
  EXPECT_THAT(probe_.Run("FindThing", AskFor("houses/a/things/1"), probe_.Identity("houses/b")), IsOk());
  EXPECT_THAT(probe_.Run("FindThing", AskFor("houses/a/things/1"), probe_.Identity("houses/a")),
              StatusIs(Code::kNotFound, "RESOURCE_NOT_FOUND"));
}

TEST_F(PipelineTest, ResolvedFailsWhenTheHandlerAsksNothingOrDoesNotListen) {
  EXPECT_THAT(probe_.Run("FindThing", AskFor("houses/a/things/1"), probe_.Identity("")), StatusIs(Code::kInternal, "INTERNAL"));
  probe_.handlers.act = [](CallContext const& call, auto const&) {
    EXPECT_FALSE(call.RequireAny({"houses/b"}, "houses/b").ok());
    return absl::OkStatus();
  };
  EXPECT_THAT(probe_.Run("FindThing", AskFor("houses/a/things/1"), probe_.Identity("houses/a")),
              StatusIs(Code::kInternal, "INTERNAL"));
  probe_.handlers.act = [](CallContext const& call, auto const&) {
    call.AnsweredFromRecord();
    return absl::OkStatus();
  };
  EXPECT_THAT(probe_.Run("FindThing", AskFor("houses/a/things/1"), probe_.Identity("houses/a")), IsOk());
}

TEST_F(PipelineTest, PublicNeedsNoIdentityButChecksOneThatComes) {
  std::string subject = "?";
  probe_.handlers.act = [&](CallContext const& call, auto const&) {
    subject = call.identity().subject();
    return absl::OkStatus();
  };
  EXPECT_THAT(probe_.Run("GetWeather", GetWeatherRequest(), ""), IsOk());
  EXPECT_EQ(subject, "");
  EXPECT_THAT(probe_.Run("GetWeather", GetWeatherRequest(), probe_.Identity("")), IsOk());
  EXPECT_EQ(subject, "subject-1");
  EXPECT_THAT(probe_.Run("GetWeather", GetWeatherRequest(), "forged"), StatusIs(Code::kUnauthenticated, "IDENTITY_INVALID"));
}

// What the handler is told

TEST_F(PipelineTest, TellsTheHandlerWhatItNeeds) {
  std::string hash;
  std::string audit;
  probe_.handlers.act = [&](CallContext const& call, google::protobuf::Message const& message) {
    auto const& request = static_cast<UpdateThingRequest const&>(message);
    EXPECT_EQ(request.thing().state(), "") << "OUTPUT_ONLY";
    EXPECT_EQ(request.thing().owner(), "Karen");
    EXPECT_EQ(call.resource(), "houses/a");
    EXPECT_EQ(call.request_id(), kRequestId);
    EXPECT_TRUE(call.validate_only());
    EXPECT_EQ(call.deadline(), probe_.clock.Now() + absl::Seconds(10));
    hash = call.request_hash();
    audit = call.audit_request();
    return absl::OkStatus();
  };
  auto request = Update("houses/a", "x");
  request.mutable_thing()->set_owner("Karen");
  request.set_validate_only(true);
  ASSERT_THAT(probe_.Run("UpdateThing", request, probe_.Identity("")), IsOk());
  EXPECT_THAT(hash, SizeIs(64));
  UpdateThingRequest kept;
  ASSERT_TRUE(kept.ParseFromString(audit));
  EXPECT_EQ(kept.thing().name(), "houses/a");
  EXPECT_THAT(audit, Not(HasSubstr("Karen")));

  // What the caller may not set makes no other request of it; what he may set does.
  auto const first = hash;
  request.mutable_thing()->set_state("mine");
  ASSERT_THAT(probe_.Run("UpdateThing", request, probe_.Identity("")), IsOk());
  EXPECT_EQ(hash, first);
  request.mutable_thing()->set_title("y");
  ASSERT_THAT(probe_.Run("UpdateThing", request, probe_.Identity("")), IsOk());
  EXPECT_NE(hash, first);
}

TEST_F(PipelineTest, ContinuesTheCallersTrace) {
  std::string trace;
  probe_.handlers.act = [&](CallContext const& call, auto const&) {
    trace = call.trace().ToHeader();
    return absl::OkStatus();
  };
  auto call = Get(thing_);
  call.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  ASSERT_THAT(probe_.pipeline->Run(call), IsOk());
  EXPECT_THAT(trace, HasSubstr("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
  EXPECT_THAT(trace, Not(HasSubstr("00f067aa0ba902b7")));
}

// Deadline and cancellation

TEST_F(PipelineTest, TheEarlierDeadlineCounts) {
  absl::Time deadline;
  probe_.handlers.act = [&](CallContext const& call, auto const&) {
    deadline = call.deadline();
    return absl::OkStatus();
  };
  auto call = Get(thing_);
  ASSERT_THAT(probe_.pipeline->Run(call), IsOk());
  EXPECT_EQ(deadline, probe_.clock.Now() + absl::Seconds(2));
  call.deadline = probe_.clock.Now() + absl::Hours(1);
  ASSERT_THAT(probe_.pipeline->Run(call), IsOk());
  EXPECT_EQ(deadline, probe_.clock.Now() + absl::Seconds(2));
  call.deadline = probe_.clock.Now() + absl::Seconds(1);
  ASSERT_THAT(probe_.pipeline->Run(call), IsOk());
  EXPECT_EQ(deadline, call.deadline);
}

TEST_F(PipelineTest, DoesNotRunWhatNobodyWaitsFor) {
  probe_.handlers.act = [](auto const&, auto const&) -> absl::Status { throw std::logic_error("was called"); };
  auto late = Get(thing_);
  late.deadline = probe_.clock.Now();
  EXPECT_THAT(probe_.pipeline->Run(late), StatusIs(Code::kDeadlineExceeded, "DEADLINE_EXCEEDED"));
  std::stop_source stop;
  auto gone = Get(thing_);
  gone.stop = stop.get_token();
  stop.request_stop();
  EXPECT_THAT(probe_.pipeline->Run(gone), StatusIs(Code::kCancelled, "CANCELLED"));
}

TEST_F(PipelineTest, AHandlerSeesTheCallerGo) {
  std::stop_source stop;
  probe_.handlers.act = [&](CallContext const& call, auto const&) {
    EXPECT_THAT(call.Check(), IsOk());
    stop.request_stop();
    EXPECT_TRUE(call.limits().stop.stop_requested());
    return call.Check();
  };
  auto call = Get(thing_);
  call.stop = stop.get_token();
  EXPECT_THAT(probe_.pipeline->Run(call), StatusIs(Code::kCancelled, "CANCELLED"));
}

// Errors, log and metrics

TEST_F(PipelineTest, FaultsAndExceptionsAreOpaqueAndCanBeFoundInTheLog) {
  std::vector<testing::ProbeHandlers::Act> const acts = {
      [](auto const&, auto const&) { return absl::InternalError("the secret cause"); },
      [](auto const&, auto const&) -> absl::Status { throw std::runtime_error("the secret cause"); },
      [](auto const&, auto const&) -> absl::Status { throw 7; },
  };
  for (auto const& act : acts) {
    probe_.handlers.act = act;
    auto const status = probe_.pipeline->Run(Get(thing_)).status();
    EXPECT_THAT(status, StatusIs(Code::kInternal, "INTERNAL"));
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
    auto const lines = probe_.Lines();
    ASSERT_FALSE(lines.empty());
    EXPECT_STREQ(lines.back()["severity"].GetString(), "ERROR");
    EXPECT_EQ(lines.back()["reference"].GetString(), MetadataOf(status).at("reference"));
    EXPECT_THAT(lines.back()["error"].GetString(), AnyOf(HasSubstr("the secret cause"), HasSubstr("exception")));
  }
}

TEST_F(PipelineTest, LogsALineACall) {
  ASSERT_THAT(probe_.Run("UpdateThing", Update("houses/a", "x"), probe_.Identity("")), IsOk());
  ASSERT_THAT(probe_.Run("GetThing", AskFor("houses/a"), probe_.Identity("")), IsOk());
  ASSERT_THAT(probe_.Run("GetThing", AskFor("houses/b"), probe_.Identity("houses/a")), Not(IsOk()));
  auto const lines = probe_.Lines();
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_STREQ(lines[0]["severity"].GetString(), "INFO");
  EXPECT_EQ(lines[0]["method"].GetString(), ProbePath("UpdateThing"));
  EXPECT_STREQ(lines[0]["code"].GetString(), "OK");
  EXPECT_STREQ(lines[0]["subject"].GetString(), "subject-1");
  EXPECT_STREQ(lines[0]["resource"].GetString(), "houses/a");
  EXPECT_STREQ(lines[0]["request_id"].GetString(), kRequestId);
  EXPECT_EQ(lines[0]["trace_id"].GetStringLength(), 32U);
  EXPECT_GE(lines[0]["duration_us"].GetInt64(), 0);
  EXPECT_FALSE(lines[0].HasMember("reason"));
  EXPECT_STREQ(lines[1]["severity"].GetString(), "DEBUG");
  EXPECT_STREQ(lines[2]["severity"].GetString(), "INFO");
  EXPECT_STREQ(lines[2]["code"].GetString(), "NOT_FOUND");
  EXPECT_STREQ(lines[2]["reason"].GetString(), "RESOURCE_NOT_FOUND");
}

TEST_F(PipelineTest, LogsNothingPersonalAndNothingUnchecked) {
  std::string const cpr = "010190-1234";
  GetPersonRequest person;
  person.set_name("persons/" + cpr);
  EXPECT_THAT(probe_.Run("GetPerson", person, probe_.Identity("")), IsOk());
  auto const denied = probe_.Run("GetPerson", person, probe_.Identity("", "nobody")).status();
  EXPECT_THAT(denied.ToString(), Not(HasSubstr(cpr))) << "in an error";
  auto const absent = probe_.Run("GetPerson", person, probe_.Identity("houses/a")).status();
  EXPECT_THAT(absent, StatusIs(Code::kNotFound, "RESOURCE_NOT_FOUND"));
  EXPECT_THAT(absent.ToString(), Not(HasSubstr(cpr))) << "in an error";
  auto update = Update("houses/a", "x");
  update.mutable_thing()->set_owner(cpr);
  EXPECT_THAT(probe_.Run("UpdateThing", update, probe_.Identity("")), IsOk());
  update.set_request_id(cpr);
  EXPECT_THAT(probe_.Run("UpdateThing", update, probe_.Identity("")), StatusIs(Code::kInvalidArgument, "BAD_REQUEST"));
  EXPECT_THAT(probe_.Run("GetThing", AskFor(cpr), probe_.Identity("")), StatusIs(Code::kInvalidArgument, "BAD_REQUEST"));
  EXPECT_THAT(probe_.Run(cpr, "", ""), StatusIs(Code::kUnimplemented, "METHOD_UNKNOWN"));
  auto const text = probe_.LogText();
  EXPECT_THAT(text, Not(HasSubstr(cpr)));
  EXPECT_THAT(probe_.metrics.Expose(), Not(HasSubstr(cpr)));
  EXPECT_THAT(probe_.Lines(), SizeIs(7));
}

TEST_F(PipelineTest, CountsCallsAndRefusals) {
  ASSERT_THAT(probe_.Run("GetThing", AskFor("houses/a"), probe_.Identity("")), IsOk());
  ASSERT_THAT(probe_.Run("GetThing", AskFor("houses/a"), ""), Not(IsOk()));
  probe_.handlers.act = [](auto const&, auto const&) { return NotFound("houses/a"); };
  ASSERT_THAT(probe_.Run("GetThing", AskFor("houses/a"), probe_.Identity("")), Not(IsOk()));
  auto const text = probe_.metrics.Expose();
  EXPECT_THAT(text, HasSubstr("helhed_calls_total{code=\"OK\",method=\"GetThing\",service=\"probe\"} 1"));
  EXPECT_THAT(text, HasSubstr("helhed_calls_total{code=\"UNAUTHENTICATED\",method=\"GetThing\",service=\"probe\"} 1"));
  EXPECT_THAT(text, HasSubstr("helhed_call_duration_seconds_count{method=\"GetThing\",service=\"probe\"} 3"));
  EXPECT_THAT(text, HasSubstr("helhed_calls_refused_total{reason=\"IDENTITY_MISSING\",service=\"probe\"} 1"));
  EXPECT_THAT(text, HasSubstr("helhed_calls_refused_total{reason=\"RESOURCE_NOT_FOUND\",service=\"probe\"} 0"));
  EXPECT_THAT(text, HasSubstr("helhed_executor_queue{service=\"probe\"} 0"));
}

TEST_F(PipelineTest, MetricsOutliveThePipeline) {
  probe_.pipeline.reset();
  EXPECT_THAT(probe_.metrics.Expose(), HasSubstr("helhed_executor_queue"));
}

// The executor

// Keeps the one thread of the executor busy until it is let go.
class Blocker {
 public:
  explicit Blocker(testing::Probe& probe) {
    EXPECT_TRUE(probe.executor->Submit([this] {
      started_.count_down();
      go_.wait();
    }));
    started_.wait();
  }
  void LetGo() { go_.count_down(); }

 private:
  std::latch started_{1};
  std::latch go_{1};
};

TEST_F(PipelineTest, StartsOnTheExecutorAndAnswersOnce) {
  std::latch ended(1);
  absl::Status got = absl::UnknownError("");
  std::string response;
  probe_.pipeline->Start(Get(thing_), [&](absl::Status status, std::string bytes) {
    got = std::move(status);
    response = std::move(bytes);
    ended.count_down();
  });
  ended.wait();
  EXPECT_THAT(got, IsOk());
  EXPECT_THAT(response, Not(IsEmpty()));
}

TEST_F(PipelineTest, RefusesAtOnceWhatDoesNotFit) {
  Blocker blocker(probe_);
  std::latch ended(1);
  probe_.pipeline->Start(Get(thing_), [&](absl::Status const& status, std::string const&) {
    EXPECT_THAT(status, IsOk());
    ended.count_down();
  });
  absl::Status refused;
  probe_.pipeline->Start(Get(thing_), [&](absl::Status status, std::string const&) { refused = std::move(status); });
  EXPECT_THAT(refused, StatusIs(Code::kResourceExhausted, "OVERLOADED"));
  EXPECT_TRUE(RetryDelayOf(refused).has_value());
  EXPECT_THAT(probe_.metrics.Expose(), HasSubstr("helhed_executor_queue{service=\"probe\"} 1"));
  EXPECT_THAT(probe_.metrics.Expose(), HasSubstr("helhed_calls_refused_total{reason=\"OVERLOADED\",service=\"probe\"} 1"));
  blocker.LetGo();
  ended.wait();
}

TEST_F(PipelineTest, DoesNotRunACallWhoseTimePassedInTheQueue) {
  probe_.handlers.act = [](auto const&, auto const&) -> absl::Status { throw std::logic_error("was called"); };
  Blocker blocker(probe_);
  std::latch ended(1);
  absl::Status got;
  probe_.pipeline->Start(Get(thing_), [&](absl::Status status, std::string const&) {
    got = std::move(status);
    ended.count_down();
  });
  probe_.clock.Advance(absl::Seconds(2));
  blocker.LetGo();
  ended.wait();
  EXPECT_THAT(got, StatusIs(Code::kDeadlineExceeded, "DEADLINE_EXCEEDED"));
}

TEST_F(PipelineTest, DrainingRefusesNewCallsAndWaitsForThoseItTook) {
  Blocker blocker(probe_);
  std::atomic<bool> ended = false;
  probe_.pipeline->Start(Get(thing_), [&](absl::Status const& status, std::string const&) {
    EXPECT_THAT(status, IsOk());
    ended = true;
  });
  std::thread drain([&] {
    probe_.pipeline->Drain();
    EXPECT_TRUE(ended);
  });
  absl::Status refused;
  while (refused.ok()) refused = probe_.pipeline->Run(Get(thing_)).status();
  EXPECT_THAT(refused, StatusIs(Code::kUnavailable, "DRAINING"));
  EXPECT_TRUE(RetryDelayOf(refused).has_value());
  EXPECT_FALSE(ended);
  absl::Status started;
  probe_.pipeline->Start(Get(thing_), [&](absl::Status status, std::string const&) { started = std::move(status); });
  EXPECT_THAT(started, StatusIs(Code::kUnavailable, "DRAINING"));
  EXPECT_THAT(probe_.pipeline->Open(Get(thing_)).status(), StatusIs(Code::kUnavailable, "DRAINING"));
  blocker.LetGo();
  drain.join();
}

TEST(Pipeline, ServesManyThreadsByBothDoors) {
  testing::Probe probe(2, 10'000);
  auto const request = AskFor("houses/a").SerializeAsString();
  auto const path = ProbePath("GetThing");
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) {
        IncomingCall call;
        call.path = path;
        call.request = request;
        call.identity = probe.Identity(n % 2 == 0 ? "" : "houses/b");
        auto const expect_ok = n % 2 == 0;
        EXPECT_EQ(probe.pipeline->Run(call).ok(), expect_ok);
        probe.pipeline->Start(std::move(call), [&answered, expect_ok](absl::Status const& status, std::string const&) {
          EXPECT_EQ(status.ok(), expect_ok);
          ++answered;
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  probe.pipeline->Drain();
  EXPECT_EQ(answered.load(), 600);
}

// Streams

class StreamTest : public PipelineTest {
 protected:
  absl::StatusOr<Pipeline::OpenStream> Open(std::string identity) {
    IncomingCall call;
    call.path = watch_;
    call.identity = std::move(identity);
    call.stop = stop_.get_token();
    return probe_.pipeline->Open(call);
  }
  absl::StatusOr<ServerStream::State> Next(Pipeline::OpenStream& open) {
    messages_.clear();
    return open.stream->Next(*open.context, messages_);
  }
  std::string const watch_ = ProbePath("WatchThings");
  std::stop_source stop_;
  std::vector<std::string> messages_;
};

TEST_F(StreamTest, PassesTheSameStages) {
  EXPECT_THAT(Open("").status(), StatusIs(Code::kUnauthenticated, "IDENTITY_MISSING"));
  EXPECT_THAT(Open(probe_.Identity("", "nobody")).status(), StatusIs(Code::kPermissionDenied, "PERMISSION_MISSING"));
}

TEST_F(StreamTest, GivesMessagesUntilItsEndAndIsCountedOnce) {
  {
    auto open = Open(probe_.Identity(""));
    ASSERT_THAT(open, IsOk());
    EXPECT_EQ(open->context->deadline(), absl::InfiniteFuture());
    probe_.handlers.stream->Push({{"a", "b"}, ServerStream::State::kMore});
    probe_.handlers.stream->Push({{"c"}, ServerStream::State::kDone});
    EXPECT_EQ(*Next(*open), ServerStream::State::kMore);
    EXPECT_THAT(messages_, SizeIs(2));
    EXPECT_THAT(probe_.Lines(), IsEmpty());
    EXPECT_EQ(*Next(*open), ServerStream::State::kDone);
  }
  EXPECT_THAT(probe_.Lines(), SizeIs(1));
  EXPECT_TRUE(probe_.handlers.stream->gone);
  EXPECT_THAT(probe_.metrics.Expose(), HasSubstr("helhed_calls_total{code=\"OK\",method=\"WatchThings\",service=\"probe\"} 1"));
}

TEST_F(StreamTest, MapsItsErrors) {
  auto open = Open(probe_.Identity(""));
  ASSERT_THAT(open, IsOk());
  probe_.handlers.stream->Push({{}, absl::InternalError("the secret cause")});
  EXPECT_THAT(Next(*open), StatusIs(Code::kInternal, "INTERNAL"));
  EXPECT_THAT(probe_.LogText(), HasSubstr("the secret cause"));
}

TEST_F(StreamTest, EndsWhenTheCallerGoes) {
  auto open = Open(probe_.Identity(""));
  ASSERT_THAT(open, IsOk());
  EXPECT_EQ(*Next(*open), ServerStream::State::kWait);
  stop_.request_stop();
  EXPECT_THAT(Next(*open), StatusIs(Code::kCancelled, "CANCELLED"));
}

TEST_F(StreamTest, EndsWhenItIsDrainedAndDoesNotHoldTheDrainUp) {
  auto open = Open(probe_.Identity(""));
  ASSERT_THAT(open, IsOk());
  probe_.pipeline->Drain();
  EXPECT_THAT(Next(*open), StatusIs(Code::kUnavailable, "DRAINING"));
}

TEST_F(StreamTest, ClosedByItsDoorCountsAsCancelled) {
  {
    auto open = Open(probe_.Identity(""));
    ASSERT_THAT(open, IsOk());
  }
  EXPECT_THAT(probe_.metrics.Expose(),
              HasSubstr("helhed_calls_total{code=\"CANCELLED\",method=\"WatchThings\",service=\"probe\"} 1"));
}

}  // namespace
}  // namespace helhed
