#include "gateway/rest/transcoder.h"

#include <absl/strings/str_cat.h>
#include <gmock/gmock.h>
#include <google/api/httpbody.pb.h>
#include <google/protobuf/util/json_util.h>
#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include "helhed/common/v1/errors.pb.h"
#include "helhed/desk/v1/desk.pb.h"
#include "services/platform/testing/matchers.h"

// The traps of the REST mapping, each by its number in the list that the gateway was built from.
namespace helhed::gateway::rest {
namespace {

using helhed::testing::IsOk;
using helhed::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

constexpr char kUuid[] = "0190a000-0000-7000-8000-000000000001";

Transcoder const& TheTranscoder() {
  static auto const* const transcoder = [] {
    auto made = Transcoder::Make(contract::AllMethods());
    EXPECT_THAT(made, IsOk());
    return made->release();
  }();
  return *transcoder;
}

Transcoder::Match Resolve(std::string_view line, http::Fields fields = {}) {
  auto const space = line.find(' ');
  http::RequestHead head;
  head.method = line.substr(0, space);
  head.target = line.substr(space + 1);
  head.fields = std::move(fields);
  return TheTranscoder().Resolve(head);
}

Matched Hit(std::string_view line, http::Fields fields = {}) {
  auto match = Resolve(line, std::move(fields));
  EXPECT_TRUE(match.matched.has_value()) << line << " " << match.refused.status << match.refused.body;
  return match.matched.value_or(Matched());
}

std::string NameOf(std::string_view line) { return Hit(line).method->name(); }
int StatusOf(std::string_view line, http::Fields fields = {}) { return Resolve(line, std::move(fields)).refused.status; }

template <typename Request>
Request Bound(std::string_view line, std::string_view body = "", http::Fields fields = {}) {
  Request request;
  auto const bytes = TheTranscoder().Request(Hit(line, std::move(fields)), body);
  EXPECT_THAT(bytes, IsOk()) << line;
  EXPECT_TRUE(request.ParseFromString(bytes.value_or("\xff")));
  return request;
}

// The fields that are refused.
std::vector<std::string> Refused(std::string_view line, std::string_view body = "", http::Fields fields = {}) {
  auto const status = TheTranscoder().Request(Hit(line, std::move(fields)), body).status();
  std::vector<std::string> names;
  for (auto const& violation : ViolationsOf(status)) {
    names.push_back(violation.field);
    EXPECT_THAT(violation.description, Not(HasSubstr("2101741234"))) << "a caller's text is not repeated";
  }
  return names;
}

std::string FieldOf(http::Fields const& fields, std::string_view name) {
  for (auto const& field : fields) {
    if (field.name == name) return field.value;
  }
  return "";
}

desk::v1::Desk ADesk() {
  desk::v1::Desk desk;
  desk.set_name("rooms/1/desks/2");
  desk.set_title("by the window");
  desk.set_inventory(7);
  desk.set_etag("v1");
  return desk;
}

TEST(Transcoder, TheWholeContractCanBeServed) {
  EXPECT_EQ(NameOf("GET /v1/organisations/9001"), "GetOrganisation");
  EXPECT_EQ(NameOf("POST /v1/organisations/9001/departments/001:merge"), "MergeDepartments");
}

TEST(Transcoder, Trap5And6UnknownNamesOfBodyAndQueryAreRefusedAllAtOnce) {
  EXPECT_THAT(Refused("POST /v1/rooms/1/desks?nothing=1&deskId=a&access_token=x&%3Cscript%3E=1",
                      R"({"title": "a", "title": "b", "colour": 1, "inventory": 1.5, "2101741234": 1})"),
              UnorderedElementsAre("nothing", "access_token", "query", "desk.title", "desk.colour", "desk.inventory", "desk"));
  EXPECT_THAT(TheTranscoder().Request(Hit("GET /v1/rooms/1/desks?x=1"), ""),
              StatusIs(absl::StatusCode::kInvalidArgument, "BAD_REQUEST"));
}

TEST(Transcoder, Trap7AMaskIsMadeOfWhatTheBodySpeaksOf) {
  auto const request = Bound<desk::v1::UpdateDeskRequest>(
      "PATCH /v1/rooms/1/desks/2",
      R"({"title": "new", "wood": null, "size": {"widthMm": 5, "areaMm2": 9}, "tags": ["a"], "notes": {"k": "v"}, "origin": "here",
          "name": "rooms/1/desks/2", "etag": "v1", "createTime": "2026-01-01T00:00:00Z"})");
  EXPECT_THAT(request.update_mask().paths(), UnorderedElementsAre("title", "wood", "size.width_mm", "tags", "notes", "origin"))
      << "what only the server says is passed over; what may not change is named, so that changing it is refused";
  EXPECT_EQ(request.desk().name(), "rooms/1/desks/2");
  EXPECT_EQ(request.desk().etag(), "v1");
}

TEST(Transcoder, Trap7AMaskThatTheCallerGivesStays) {
  auto const request =
      Bound<desk::v1::UpdateDeskRequest>("PATCH /v1/rooms/1/desks/2?updateMask=title,size.depthMm", R"({"wood": "WOOD_OAK"})");
  EXPECT_THAT(request.update_mask().paths(), ElementsAre("title", "size.depth_mm"));
  EXPECT_FALSE(Bound<desk::v1::UpdateDeskRequest>("PATCH /v1/rooms/1/desks/2", "{}").has_update_mask());
}

TEST(Transcoder, Trap8DefaultsArePrinted) {
  auto const answer = TheTranscoder().Response(Hit("GET /v1/rooms/1/desks/2"), ADesk().SerializeAsString());
  EXPECT_EQ(answer.body,
            R"({"name":"rooms/1/desks/2","title":"by the window","owner":"","wood":"WOOD_UNSPECIFIED","tags":[],"notes":{},)"
            R"("inventory":"7","origin":"","etag":"v1","code":""})");
  EXPECT_EQ(FieldOf(answer.fields, "content-type"), "application/json");
}

TEST(Transcoder, Trap11ABodyOfEverythingLeavesNothingToTheQuery) {
  EXPECT_THAT(Refused("POST /v1/rooms/1/desks/2:move?room=rooms/2", R"({"room": "rooms/3"})"), ElementsAre("room"));
  auto const request = Bound<desk::v1::MoveDeskRequest>("POST /v1/rooms/1/desks/2:move", R"({"room": "rooms/3"})");
  EXPECT_EQ(request.name(), "rooms/1/desks/2");
  EXPECT_EQ(request.room(), "rooms/3");
}

TEST(Transcoder, Trap11ABodyOfOneFieldLeavesTheOthersToPathAndQuery) {
  auto const request = Bound<desk::v1::CreateDeskRequest>("POST /v1/rooms/1/desks?desk_id=d", R"({"title": "t"})");
  EXPECT_EQ(request.parent(), "rooms/1");
  EXPECT_EQ(request.desk_id(), "d");
  EXPECT_EQ(request.desk().title(), "t");
  EXPECT_THAT(Refused("POST /v1/rooms/1/desks?desk.title=a&parent=rooms/1", "{}"), UnorderedElementsAre("desk.title", "parent"));
}

TEST(Transcoder, Trap11APathGoesBeforeTheBodyAndDifferingIsRefused) {
  EXPECT_THAT(Refused("PATCH /v1/rooms/1/desks/2", R"({"name": "rooms/1/desks/3"})"), ElementsAre("desk.name"));
  EXPECT_THAT(Refused("POST /v1/rooms/1/desks/2:move", R"({"name": "rooms/1/desks/3"})"), ElementsAre("name"));
  EXPECT_EQ(Bound<desk::v1::MoveDeskRequest>("POST /v1/rooms/1/desks/2:move", R"({"name": "rooms/1/desks/2"})").name(),
            "rooms/1/desks/2");
}

TEST(Transcoder, Trap11AMethodWithoutABodyRefusesOneAndAnEmptyBodyIsNone) {
  EXPECT_THAT(Refused("GET /v1/rooms/1/desks/2", "{}"), ElementsAre("body"));
  EXPECT_EQ(Bound<desk::v1::MoveDeskRequest>("POST /v1/rooms/1/desks/2:move").name(), "rooms/1/desks/2");
}

TEST(Transcoder, Trap12ResponseBodyIsOneField) {
  desk::v1::ListDesksResponse response;
  response.add_desks()->set_title("a");
  auto const answer = TheTranscoder().Response(Hit("GET /v1/rooms/1/desks:show"), response.SerializeAsString());
  EXPECT_THAT(answer.body, StartsWith(R"([{"name":"","title":"a",)"));
}

TEST(Transcoder, Trap13AdditionalBindingsLeadToTheSameMethod) {
  auto const matched = Hit("GET /v1/halls/h/rooms/1/desks/2");
  EXPECT_EQ(matched.method->name(), "GetDesk");
  EXPECT_EQ(matched.binding, 1);
  EXPECT_EQ(Bound<desk::v1::GetDeskRequest>("GET /v1/halls/h/rooms/1/desks/2").name(), "halls/h/rooms/1/desks/2");
}

TEST(Transcoder, Trap14EscapesInThePathAreDecodedOnceAndSlashesAmongThemRefused) {
  EXPECT_EQ(Bound<desk::v1::GetDeskRequest>("GET /v1/rooms/%C3%A6%2520/desks/2").name(), "rooms/æ%20/desks/2");
  for (auto const* const path :
       {"GET /v1/rooms/a%2Fb/desks/2", "GET /v1/rooms/%zz/desks/2", "GET /v1/rooms/%00/desks/2", "GET /v1/rooms/%ff/desks/2"}) {
    auto const match = Resolve(path);
    EXPECT_EQ(match.refused.status, 400) << path;
    EXPECT_THAT(match.refused.body, HasSubstr(R"("field":"name")"));
  }
  EXPECT_EQ(StatusOf("GET /v1/%72ooms/1/desks/2"), 404) << "a literal is written as it is";
  EXPECT_EQ(Bound<desk::v1::GetFileRequest>("GET /v1/deskFiles/a/b/c").path(), "deskFiles/a/b/c");
}

TEST(Transcoder, Trap15OnlyRegisteredVerbsSplitAPath) {
  EXPECT_EQ(NameOf("POST /v1/rooms/1/desks/2:move"), "MoveDesk");
  EXPECT_EQ(Bound<desk::v1::MoveDeskRequest>("POST /v1/rooms/1/desks/a:b:move").name(), "rooms/1/desks/a:b");
  EXPECT_EQ(Bound<desk::v1::GetDeskRequest>("GET /v1/rooms/1/desks/a:b").name(), "rooms/1/desks/a:b");
  EXPECT_EQ(Bound<desk::v1::GetDeskRequest>("GET /v1/rooms/1/desks/a:").name(), "rooms/1/desks/a:");
  EXPECT_EQ(Bound<desk::v1::GetDeskRequest>("GET /v1/rooms/1/desks/2%3Amove").name(), "rooms/1/desks/2:move");
  EXPECT_EQ(StatusOf("GET /v1/rooms/1/desks/2:move"), 405);
}

TEST(Transcoder, Trap16SlashesAreNotCollapsed) {
  for (auto const* const path :
       {"GET /v1/rooms/1/desks/", "GET /v1//rooms/1/desks", "GET //v1/rooms/1/desks", "GET /v1/rooms//desks",
        "GET /v1/rooms/1/desks//", "GET /v1/deskFiles/", "GET /v1/deskFiles//a", "GET v1/rooms/1/desks", "GET /"}) {
    EXPECT_EQ(StatusOf(path), 404) << path;
  }
  EXPECT_EQ(StatusOf(absl::StrCat("GET /v1/deskFiles", std::string(10'000, '/').replace(1, 5000, 5000, 'a'))), 404);
}

TEST(Transcoder, Trap17TheSameRuleTwiceStopsTheStart) {
  auto methods = contract::MethodsOf("helhed.desk.v1.DeskService");
  methods.push_back(methods.front());
  auto const made = Transcoder::Make(methods);
  EXPECT_EQ(made.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(made.status().message()), HasSubstr("/helhed.desk.v1.DeskService/GetDesk"));
}

TEST(Transcoder, Trap18MethodsThatAPathDoesNotHave) {
  auto const match = Resolve("PUT /v1/rooms/1/desks/2");
  EXPECT_EQ(match.refused.status, 405);
  EXPECT_EQ(FieldOf(match.refused.fields, "allow"), "DELETE, GET, HEAD, OPTIONS, PATCH");
  EXPECT_THAT(match.refused.body, HasSubstr(R"("code":405)"));
  EXPECT_THAT(match.refused.body, HasSubstr("HTTP_METHOD_NOT_ALLOWED"));
  auto const options = Resolve("OPTIONS /v1/rooms/1/desks/2");
  EXPECT_EQ(options.refused.status, 204);
  EXPECT_EQ(FieldOf(options.refused.fields, "allow"), "DELETE, GET, HEAD, OPTIONS, PATCH");
  EXPECT_EQ(StatusOf("OPTIONS /v1/nothing"), 404);
  EXPECT_EQ(StatusOf("OPTIONS *"), 204);
  EXPECT_EQ(StatusOf("HEAD /v1/desks:watch"), 405) << "nothing would end it";
}

TEST(Transcoder, Trap18HeadIsGetWithoutTheBody) {
  auto const matched = Hit("HEAD /v1/rooms/1/desks/2");
  EXPECT_TRUE(matched.head_only);
  auto const bytes = ADesk().SerializeAsString();
  auto const head = TheTranscoder().Response(matched, bytes);
  auto const get = TheTranscoder().Response(Hit("GET /v1/rooms/1/desks/2"), bytes);
  EXPECT_EQ(head.body, "");
  EXPECT_EQ(FieldOf(head.fields, "content-length"), absl::StrCat(get.body.size()));
  EXPECT_EQ(FieldOf(head.fields, "etag"), FieldOf(get.fields, "etag"));
  EXPECT_EQ(Resolve("HEAD /v1/nothing").refused.body, "");
}

TEST(Transcoder, Trap18And24MediaTypesAndSizes) {
  EXPECT_EQ(StatusOf("GET /v1/rooms/1/desks/2", {{"accept", "text/html"}}), 406);
  Hit("GET /v1/rooms/1/desks/2", {{"accept", "text/html, */*;q=0.1"}});
  auto const match = Resolve("POST /v1/rooms/1/desks", {{"content-type", "application/x-www-form-urlencoded"}});
  EXPECT_EQ(match.refused.status, 415);
  EXPECT_EQ(FieldOf(match.refused.fields, "accept-post"), "application/json");
  EXPECT_EQ(StatusOf("POST /v1/rooms/1/desks", {{"content-type", "application/json"}, {"content-encoding", "gzip"}}), 415);
  EXPECT_EQ(StatusOf("POST /v1/rooms/1/desks", {{"content-length", "4001"}}), 413);
  auto const matched = Hit("POST /v1/rooms/1/desks", {{"content-length", "4000"}, {"content-type", "application/json"}});
  EXPECT_EQ(matched.body_bytes_max, 4000U);
  EXPECT_EQ(TooLarge(matched).status, 413);
  EXPECT_THAT(TooLarge(matched).body, HasSubstr(R"("bytes_max":"4000")"));
}

TEST(Transcoder, Trap19QueriesOfEveryKind) {
  auto const request = Bound<desk::v1::ListDesksRequest>(
      "GET /v1/rooms/1/desks?pageSize=5&filter=a%20b+c%26d&as_of_date=2026-01-31&woods=WOOD_OAK&woods=2&notes%5Ba%5D=1&notes[b]=2"
      "&size.widthMm=3&size.depth_mm=4&thatOne=9007199254740993&since=2026-01-01T00:00:00Z&hidden=true");
  EXPECT_EQ(request.page_size(), 5);
  EXPECT_EQ(request.filter(), "a b c&d");
  EXPECT_EQ(request.as_of_date().day(), 31);
  EXPECT_THAT(request.woods(), ElementsAre(desk::v1::WOOD_OAK, desk::v1::WOOD_BEECH));
  EXPECT_EQ(request.notes().at("b"), 2);
  EXPECT_EQ(request.size().width_mm(), 3);
  EXPECT_EQ(request.size().depth_mm(), 4);
  EXPECT_EQ(request.that_one(), 9007199254740993);
  EXPECT_EQ(request.since().seconds(), 1767225600);
  EXPECT_TRUE(request.hidden());
  EXPECT_EQ(Bound<desk::v1::ListDesksRequest>("GET /v1/rooms/1/desks?as_of_date.year=2026&asOfDate.month=1").as_of_date().month(),
            1);
}

TEST(Transcoder, Trap19QueriesThatAreRefused) {
  EXPECT_THAT(Refused("GET /v1/rooms/1/desks?pageSize=1&page_size=1"), ElementsAre("page_size"));
  EXPECT_THAT(Refused("GET /v1/rooms/1/desks?thisOne=a&thatOne=1"), ElementsAre("that_one"));
  EXPECT_THAT(Refused("GET /v1/rooms/1/desks?sizes=1&sizes.widthMm=1&size=1"),
              UnorderedElementsAre("sizes", "sizes.widthMm", "size"));
  EXPECT_THAT(Refused("GET /v1/rooms/1/desks?notes=1&notes[]=1&notes[a=1&notes[a]=x&filter[a]=1"),
              UnorderedElementsAre("notes", "notes", "notes", "notes", "filter"));
  EXPECT_THAT(Refused("GET /v1/rooms/1/desks?notes[a]=1&notes[a]=2"), ElementsAre("notes"));
  EXPECT_THAT(Refused("GET /v1/rooms/1/desks?as_of_date=2026-01-31&as_of_date.year=2026"), ElementsAre("as_of_date.year"));
  EXPECT_THAT(Refused("GET /v1/rooms/1/desks?as_of_date.year=2026&as_of_date=2026-01-31"), ElementsAre("as_of_date"));
  EXPECT_THAT(Refused("GET /v1/rooms/1/desks?filter=%ff&hidden=1&pageSize=&woods=OAK&=1&since=today&parent=rooms/1"),
              UnorderedElementsAre("filter", "hidden", "page_size", "woods", "query", "since", "parent"));
  EXPECT_THAT(Refused("GET /v1/rooms/1/desks?since.seconds=1&filter.x=1"), UnorderedElementsAre("since.seconds", "filter.x"));
}

TEST(Transcoder, Trap22IfMatchIsTheEtagOfTheRequest) {
  auto const tag = FieldOf(TheTranscoder().Response(Hit("GET /v1/rooms/1/desks/2"), ADesk().SerializeAsString()).fields, "etag");
  EXPECT_THAT(tag, StartsWith("\"v1;"));
  EXPECT_EQ(Bound<desk::v1::DeleteDeskRequest>("DELETE /v1/rooms/1/desks/2", "", {{"if-match", tag}}).etag(), "v1");
  EXPECT_EQ(Bound<desk::v1::DeleteDeskRequest>("DELETE /v1/rooms/1/desks/2", "", {{"if-match", "*"}}).etag(), "");
  EXPECT_EQ(Bound<desk::v1::UpdateDeskRequest>("PATCH /v1/rooms/1/desks/2", "{}", {{"if-match", "\"v1\""}}).desk().etag(), "v1");
  EXPECT_THAT(Refused("PATCH /v1/rooms/1/desks/2", R"({"etag": "v2"})", {{"if-match", tag}}), ElementsAre("If-Match"));
  EXPECT_THAT(Refused("DELETE /v1/rooms/1/desks/2", "", {{"if-match", "W/\"v1\""}}), ElementsAre("If-Match"));
  EXPECT_THAT(Refused("POST /v1/rooms/1/desks", "{}", {{"if-match", tag}}), ElementsAre("If-Match")) << "nothing would heed it";
}

TEST(Transcoder, ETagsAndIfNoneMatch) {
  auto const bytes = ADesk().SerializeAsString();
  auto const first = TheTranscoder().Response(Hit("GET /v1/rooms/1/desks/2"), bytes);
  auto const again =
      TheTranscoder().Response(Hit("GET /v1/rooms/1/desks/2", {{"if-none-match", FieldOf(first.fields, "etag")}}), bytes);
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(FieldOf(again.fields, "etag"), FieldOf(first.fields, "etag"));
  auto changed = ADesk();
  changed.set_title("shown differently on another day");
  auto const later = TheTranscoder().Response(Hit("GET /v1/rooms/1/desks/2", {{"if-none-match", FieldOf(first.fields, "etag")}}),
                                              changed.SerializeAsString());
  EXPECT_EQ(later.status, 200);
  auto const list = TheTranscoder().Response(Hit("GET /v1/rooms/1/desks"), "");
  EXPECT_THAT(FieldOf(list.fields, "etag"), StartsWith("W/\""));
  auto const write = TheTranscoder().Response(Hit("PATCH /v1/rooms/1/desks/2", {{"if-none-match", "*"}}), bytes);
  EXPECT_EQ(write.status, 200);
  EXPECT_EQ(FieldOf(write.fields, "etag"), FieldOf(first.fields, "etag"));
}

TEST(Transcoder, IdempotencyKeyIsTheRequestId) {
  auto const quoted = absl::StrCat("\"", kUuid, "\"");
  EXPECT_EQ(Bound<desk::v1::CreateDeskRequest>("POST /v1/rooms/1/desks", "{}", {{"idempotency-key", quoted}}).request_id(),
            kUuid);
  EXPECT_EQ(Bound<desk::v1::MoveDeskRequest>("POST /v1/rooms/1/desks/2:move", absl::StrCat(R"({"requestId": ")", kUuid, R"("})"),
                                             {{"idempotency-key", kUuid}})
                .request_id(),
            kUuid);
  EXPECT_THAT(
      Refused("POST /v1/rooms/1/desks?request_id=0190a000-0000-7000-8000-000000000002", "{}", {{"idempotency-key", kUuid}}),
      ElementsAre("Idempotency-Key"));
  EXPECT_THAT(Refused("POST /v1/rooms/1/desks", "{}", {{"idempotency-key", "again"}}), ElementsAre("Idempotency-Key"));
  Bound<desk::v1::ListDesksRequest>("GET /v1/rooms/1/desks", "", {{"idempotency-key", "again"}});
}

google::api::HttpBody Bytes(std::string_view media_type, std::string_view data) {
  google::api::HttpBody body;
  body.set_content_type(std::string(media_type));
  body.set_data(std::string(data));
  return body;
}

TEST(Transcoder, Trap23BytesAreSentAsTheyAre) {
  auto const drawing = Hit("GET /v1/rooms/1/desks/2:drawing", {{"accept", "image/svg+xml"}});
  auto const message = Bytes("image/svg+xml", "<svg/>").SerializeAsString();
  auto const answer = TheTranscoder().Response(drawing, message);
  EXPECT_EQ(answer.body, "<svg/>");
  EXPECT_EQ(FieldOf(answer.fields, "content-type"), "image/svg+xml");
  EXPECT_EQ(FieldOf(answer.fields, "x-content-type-options"), "nosniff");
  auto const tag = FieldOf(answer.fields, "etag");
  EXPECT_EQ(TheTranscoder().Response(Hit("GET /v1/rooms/1/desks/2:drawing", {{"if-none-match", tag}}), message).status, 304);
  EXPECT_EQ(FieldOf(TheTranscoder().Response(drawing, Bytes("", "x").SerializeAsString()).fields, "content-type"),
            "application/octet-stream");
}

TEST(Transcoder, Trap23BytesComeInPiecesOfTheFirstOnesMediaType) {
  auto const pieces = Hit("GET /v1/rooms/1/desks:export");
  auto const first = Bytes("text/csv", "a;b\n").SerializeAsString();
  EXPECT_EQ(FieldOf(TheTranscoder().StreamHead(pieces, first).fields, "content-type"), "text/csv");
  EXPECT_EQ(TheTranscoder().StreamPiece(pieces, first), "a;b\n");
  EXPECT_EQ(TheTranscoder().StreamPiece(pieces, Bytes("", "1;2\n").SerializeAsString()), "1;2\n");
  EXPECT_EQ(TheTranscoder().StreamPiece(pieces, "\xff"), std::nullopt);
}

TEST(Transcoder, Trap23BytesAreTakenAsTheyAre) {
  auto const line = "POST /v1/rooms/1/desks/2:picture?title=a";
  std::string const picture("\x89PNG\0\xff", 6);
  auto const request = Bound<desk::v1::UploadPictureRequest>(line, picture, {{"content-type", "image/png"}});
  EXPECT_EQ(request.picture().data(), picture);
  EXPECT_EQ(request.picture().content_type(), "image/png");
  EXPECT_EQ(request.name(), "rooms/1/desks/2");
  EXPECT_EQ(request.title(), "a");
  EXPECT_EQ(Hit(line).body_bytes_max, 1000U) << "bytes weigh what they weigh";
  EXPECT_THAT(Refused(line, picture, {{"content-type", "\xff"}}), ElementsAre("Content-Type"));
  EXPECT_EQ(StatusOf("POST /v1/rooms/1/desks/2:picture", {{"content-encoding", "gzip"}}), 415);
}

TEST(Transcoder, Trap25StreamsAsLinesAndAsEvents) {
  desk::v1::WatchDesksResponse message;
  message.mutable_desk()->set_title("a\nb");
  message.set_next_cursor("c1");
  auto const bytes = message.SerializeAsString();
  auto const lines = Hit("GET /v1/desks:watch");
  EXPECT_EQ(lines.form, Form::kNdjson);
  auto const line = TheTranscoder().StreamPiece(lines, bytes).value();
  EXPECT_THAT(line, StartsWith(R"({"result":{"desk":{"name":"","title":"a\nb",)"));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(FieldOf(TheTranscoder().StreamHead(lines).fields, "content-type"), "application/x-ndjson");

  auto const events = Hit("GET /v1/desks:watch", {{"accept", "text/event-stream"}});
  EXPECT_EQ(events.form, Form::kServerSentEvents);
  EXPECT_THAT(TheTranscoder().StreamPiece(events, bytes).value(), StartsWith("id: c1\ndata: {\"desk\":"));
  EXPECT_EQ(FieldOf(TheTranscoder().StreamHead(events).fields, "x-accel-buffering"), "no");
  message.set_next_cursor("c1\ndata: forged");
  EXPECT_THAT(TheTranscoder().StreamPiece(events, message.SerializeAsString()).value(), StartsWith("data: "));
  EXPECT_EQ(StatusOf("GET /v1/desks:watch", {{"accept", "application/json"}}), 406);

  auto const status = Error(absl::StatusCode::kOutOfRange, common::v1::ERROR_REASON_CURSOR_TOO_OLD, "too old");
  EXPECT_THAT(TheTranscoder().StreamError(lines, status), StartsWith(R"({"error":{"code":400,)"));
  EXPECT_THAT(TheTranscoder().StreamError(events, status), StartsWith("event: error\ndata: {\"error\":{\"code\":400,"));
}

TEST(Transcoder, Trap25LastEventIdIsNewerThanTheCursorOfTheUrl) {
  EXPECT_EQ(Bound<desk::v1::WatchDesksRequest>("GET /v1/desks:watch?cursor=old", "", {{"last-event-id", "new"}}).cursor(), "new");
  EXPECT_THAT(Refused("GET /v1/desks:watch", "", {{"last-event-id", "\xff"}}), ElementsAre("Last-Event-ID"));
}

TEST(ErrorAnswer, Trap26IsAip193WithItsStatus) {
  auto const answer = ErrorAnswer(NotFound("rooms/1"), "r-1");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(answer.body,
              StartsWith(R"({"error":{"code":404,"message":"rooms/1 was not found","status":"NOT_FOUND","details":[{"@type":)"));
  EXPECT_EQ(FieldOf(answer.fields, "retry-after"), "");
}

TEST(ErrorAnswer, Trap26OurFaultsAreAReference) {
  for (auto const code : {absl::StatusCode::kInternal, absl::StatusCode::kUnknown, absl::StatusCode::kDataLoss}) {
    absl::Status status(code, "SELECT * FROM secrets");
    google::rpc::DebugInfo debug;
    debug.set_detail("stack");
    status.SetPayload("type.googleapis.com/google.rpc.DebugInfo", absl::Cord(debug.SerializeAsString()));
    auto const answer = ErrorAnswer(status, "r-1");
    EXPECT_EQ(answer.status, 500);
    EXPECT_THAT(answer.body, Not(HasSubstr("secrets")));
    EXPECT_THAT(answer.body, Not(HasSubstr("DebugInfo")));
    EXPECT_THAT(answer.body, HasSubstr(R"("reference":"r-1")"));
  }
  auto const kept = Error(absl::StatusCode::kAborted, common::v1::ERROR_REASON_CONFLICT, "again");
  auto with_debug = kept;
  with_debug.SetPayload("type.googleapis.com/google.rpc.DebugInfo", absl::Cord("x"));
  EXPECT_EQ(ErrorAnswer(with_debug, "").body, ErrorAnswer(kept, "").body);
}

TEST(ErrorAnswer, Trap26RetryAfterAndTheChallenge) {
  auto const overloaded = WithRetryDelay(
      Error(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_OVERLOADED, "later"), std::chrono::milliseconds(1200));
  EXPECT_EQ(ErrorAnswer(overloaded, "").status, 429);
  EXPECT_EQ(FieldOf(ErrorAnswer(overloaded, "").fields, "retry-after"), "2");
  auto const at_once = WithRetryDelay(absl::UnavailableError("now"), std::chrono::milliseconds(0));
  EXPECT_EQ(FieldOf(ErrorAnswer(at_once, "").fields, "retry-after"), "1");
  auto const missing = Error(absl::StatusCode::kUnauthenticated, common::v1::ERROR_REASON_IDENTITY_MISSING, "who?");
  EXPECT_EQ(FieldOf(ErrorAnswer(missing, "").fields, "www-authenticate"), "Bearer realm=\"helhed\"");
  auto const expired = Error(absl::StatusCode::kUnauthenticated, common::v1::ERROR_REASON_IDENTITY_EXPIRED, "too late");
  EXPECT_EQ(FieldOf(ErrorAnswer(expired, "").fields, "www-authenticate"), "Bearer realm=\"helhed\", error=\"invalid_token\"");
  auto const large = Error(absl::StatusCode::kResourceExhausted, common::v1::ERROR_REASON_REQUEST_TOO_LARGE, "large");
  EXPECT_EQ(ErrorAnswer(large, "").status, 413);
}

TEST(Transcoder, WhatIsNoAnswerIsOurFault) {
  EXPECT_EQ(TheTranscoder().Response(Hit("GET /v1/rooms/1/desks/2"), "\xff").status, 500);
  EXPECT_THAT(TheTranscoder().StreamPiece(Hit("GET /v1/desks:watch"), "\xff").value(), StartsWith(R"({"error":)"));
}

}  // namespace
}  // namespace helhed::gateway::rest
