#include <absl/strings/ascii.h>
#include <absl/strings/match.h>
#include <absl/strings/numbers.h>
#include <absl/strings/str_cat.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <functional>
#include <limits>
#include <optional>
#include <utility>

#include "gateway/http/byte_queue.h"
#include "gateway/http/head.h"
#include "gateway/http/session.h"
#include "services/platform/base/strings.h"

namespace helhed::gateway::http {
namespace {

namespace beast = boost::beast::http;
using boost::beast::error_code;
using boost::beast::string_view;

std::string_view View(string_view text) { return {text.data(), text.size()}; }

// What Beast finds in a request.
class Parser final : public beast::basic_parser<true> {
 public:
  using OnBody = std::function<bool(std::string_view)>;

  // The body goes to `on_body`, which says no when it is too much.
  explicit Parser(OnBody on_body) : on_body_(std::move(on_body)) {
    // The limits are ours, because each is answered differently. (Beast 1.74 takes no limit of a body for one of zero.)
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  RequestHead& head() { return head_; }
  bool one_zero() const { return one_zero_; }
  std::size_t field_count() const { return field_count_; }

 private:
  void on_request_impl(beast::verb /*verb*/, string_view method, string_view target, int version,
                       error_code& /*error*/) override {
    head_.version = Version::kHttp1;
    head_.method = View(method);
    head_.target = View(target);
    one_zero_ = version == 10;
  }
  void on_response_impl(int /*code*/, string_view /*reason*/, int /*version*/, error_code& /*error*/) override {}
  void on_field_impl(beast::field /*field*/, string_view name, string_view value, error_code& /*error*/) override {
    // Trailers come here as well: nobody asks for them.
    if (complete_) return;
    ++field_count_;
    head_.fields.push_back({absl::AsciiStrToLower(Av(View(name))), std::string(View(value))});
  }
  void on_header_impl(error_code& /*error*/) override { complete_ = true; }
  void on_body_init_impl(boost::optional<std::uint64_t> const& /*length*/, error_code& /*error*/) override {}
  std::size_t on_body_impl(string_view body, error_code& error) override {
    if (!on_body_(View(body))) error = beast::error::body_limit;
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t /*size*/, string_view /*extensions*/, error_code& /*error*/) override {}
  std::size_t on_chunk_body_impl(std::uint64_t /*left*/, string_view body, error_code& error) override {
    return on_body_impl(body, error);
  }
  void on_finish_impl(error_code& /*error*/) override {}

  OnBody on_body_;
  RequestHead head_;
  bool one_zero_ = false;
  bool complete_ = false;
  std::size_t field_count_ = 0;
};

class Http1Session final : public Session, private Exchange {
 public:
  explicit Http1Session(SessionParts parts) : parts_(std::move(parts)), since_(Now()) {}
  ~Http1Session() override { EndHandler(/*gone=*/true); }

  void Receive(std::string_view bytes) override;
  bool wants_bytes() const override;
  void Send(std::string& out, std::size_t enough) override;
  void Tick() override;
  void Drain() override;
  bool done() const override { return state_ == State::kClosing && output_.size() == 0; }

 private:
  // A request's head is awaited; its body; the rest of its answer; nothing any more.
  enum class State { kHead, kBody, kAnswer, kClosing };
  // A line of a chunk, or trailers.
  static constexpr std::size_t kChunkLineMax = 16 * 1024;
  // What may wait behind the request that is being answered.
  static constexpr std::size_t kPipelineMax = 64 * 1024;

  // Exchange
  void Respond(int status, Fields fields) override;
  void Write(std::string bytes) override;
  void Finish(Fields trailers) override;
  void Abort() override;
  std::size_t queued() const override { return output_.size(); }
  void Consume(std::size_t bytes) override;
  boost::asio::io_context& loop() override { return parts_.host->loop(); }

  TimePoint Now() const { return parts_.host->now(); }
  Limits const& limits() const { return *parts_.limits; }

  void Advance();
  bool TakeHead();
  bool TakeBody();
  bool TakeBytes(std::string_view bytes);
  std::optional<Refused> ReadHead(std::string_view bytes);
  static bool TakeAbsoluteForm(RequestHead& head);
  std::optional<Refused> CheckTransferCoding(RequestHead const& head) const;
  void Start();
  void PutHead(bool more);
  void EndRequest();
  void EndHandler(bool gone);
  // Answers in the handler's place and closes; only closes when an answer has begun.
  void Refuse(Refused const& refused);
  void Close();

  SessionParts parts_;
  State state_ = State::kHead;
  std::string input_;
  std::size_t scanned_ = 0;
  // Before the parser of a body is asked again.
  std::size_t needed_ = 0;
  // When the connection, its pause, or the head that is coming began.
  TimePoint since_;
  bool first_ = true;
  bool head_begun_ = false;

  std::optional<Parser> parser_;
  std::optional<std::uint64_t> content_length_;
  std::unique_ptr<Handler> handler_;
  bool running_ = false;
  bool expects_ = false;
  bool head_only_ = false;
  std::size_t unconsumed_ = 0;
  std::uint64_t received_ = 0;
  Pace body_pace_;

  int status_ = 0;
  Fields fields_;
  bool head_put_ = false;
  bool no_body_ = false;
  bool chunked_ = false;
  std::optional<std::uint64_t> left_;  // of a body whose length was announced
  bool finished_ = false;
  bool close_ = false;
  bool draining_ = false;
  bool stopped_ = false;
  bool overflowed_ = false;
  ByteQueue output_;
};

// ---- What comes ----

void Http1Session::Receive(std::string_view bytes) {
  if (state_ == State::kClosing) return;
  if (state_ == State::kHead && !std::exchange(head_begun_, true)) since_ = Now();
  input_.append(bytes);
  Advance();
  parts_.host->Wake();
}

bool Http1Session::wants_bytes() const {
  switch (state_) {
    case State::kHead:
      return true;
    case State::kBody:
      return unconsumed_ < limits().stream_window && input_.size() < kPipelineMax;
    case State::kAnswer:
      return input_.size() < kPipelineMax;
    case State::kClosing:
      return false;
  }
  return false;
}

void Http1Session::Advance() {
  while ((state_ == State::kHead && TakeHead()) || (state_ == State::kBody && TakeBody())) {
  }
}

// True when the state has changed.
bool Http1Session::TakeHead() {
  // RFC 9112, 2.2: an empty line before a request is to be passed over.
  while (scanned_ == 0 && absl::StartsWith(input_, "\r\n")) input_.erase(0, 2);
  if (input_.empty() || input_ == "\r") return false;
  switch (ScanHead(input_, scanned_)) {
    case HeadState::kMalformed:
      Refuse({Refusal::kMalformedRequest, 400, "the head is malformed"});
      return true;
    case HeadState::kIncomplete: {
      // The longest request line: a method of at most 32, the target, the version.
      auto const line = input_.find("\r\n");
      if (line == std::string::npos && input_.size() > limits().target_bytes + 64) {
        Refuse({Refusal::kTargetTooLong, 414, "path and query are too long"});
      } else if (line != std::string::npos && input_.size() - line > limits().header_bytes) {
        Refuse({Refusal::kHeadersTooLarge, 431, "the header fields are too large or too many"});
      } else {
        return false;
      }
      return true;
    }
    case HeadState::kComplete:
      break;
  }
  auto const refused = ReadHead(std::string_view(input_).substr(0, scanned_));
  input_.erase(0, std::exchange(scanned_, 0));
  if (refused) {
    Refuse(*refused);
  } else {
    Start();
  }
  return true;
}

std::optional<Refused> Http1Session::ReadHead(std::string_view bytes) {
  auto const line = bytes.find("\r\n");
  if (line > limits().target_bytes + 64) return Refused{Refusal::kTargetTooLong, 414, "path and query are too long"};
  parser_.emplace([this](std::string_view body) { return TakeBytes(body); });
  error_code error;
  parser_->put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error == beast::error::bad_version) return Refused{Refusal::kVersionUnsupported, 505, "this is not HTTP/1.1"};
  if (error) return Refused{Refusal::kMalformedRequest, 400, "the head is malformed"};
  auto& head = parser_->head();
  if (bytes.size() - line + 30 * parser_->field_count() > limits().header_bytes ||
      parser_->field_count() > limits().header_count) {
    return Refused{Refusal::kHeadersTooLarge, 431, "the header fields are too large or too many"};
  }
  auto const hosts =
      std::count_if(head.fields.begin(), head.fields.end(), [](Field const& field) { return field.name == "host"; });
  if (hosts != 1) return Refused{Refusal::kMalformedRequest, 400, "exactly one host is needed"};
  head.authority = Find(head.fields, "host");
  if (!TakeAbsoluteForm(head)) return Refused{Refusal::kMalformedRequest, 400, "host differs from the target"};
  std::erase_if(head.fields, [](Field const& field) { return field.name == "host"; });
  content_length_.reset();
  if (auto refused = CheckHead(head, limits(), content_length_)) return refused;
  return CheckTransferCoding(head);
}

// RFC 9112, 3.2.2: a target may name the host itself. False when that is another than the field says.
bool Http1Session::TakeAbsoluteForm(RequestHead& head) {
  for (std::string_view const scheme : {"http://", "https://"}) {
    if (!absl::StartsWithIgnoreCase(head.target, Av(scheme))) continue;
    auto const rest = head.target.substr(scheme.size());
    auto const path = rest.find_first_of("/?");
    if (rest.substr(0, path) != head.authority) return false;
    head.target = path == std::string::npos ? "/" : absl::StrCat(rest[path] == '?' ? "/" : "", rest.substr(path));
    break;
  }
  return true;
}

// RFC 9112, 6.1 and 6.3: of two lengths one would be believed by this reader and the other by the next.
std::optional<Refused> Http1Session::CheckTransferCoding(RequestHead const& head) const {
  std::size_t codings = 0;
  for (auto const& field : head.fields) {
    if (field.name != "transfer-encoding") continue;
    if (content_length_) return Refused{Refusal::kMalformedRequest, 400, "content-length with transfer-encoding"};
    if (parser_->one_zero() || ++codings > 1) return Refused{Refusal::kMalformedRequest, 400, "transfer-encoding is ambiguous"};
    if (!absl::EqualsIgnoreCase(field.value, "chunked")) {
      return Refused{Refusal::kTransferCodingUnsupported, 501, "transfer-encoding may only be chunked"};
    }
  }
  return std::nullopt;
}

void Http1Session::Start() {
  auto& head = parser_->head();
  first_ = false;
  head_only_ = head.method == "HEAD";
  close_ = draining_ || parser_->one_zero() || !parser_->keep_alive();
  bool const complete = parser_->is_done();
  expects_ = !complete && !parser_->one_zero() && !Find(head.fields, "expect").empty();
  head.peer = parts_.peer;
  state_ = complete ? State::kAnswer : State::kBody;
  running_ = true;
  parts_.stats->RequestStarted(Version::kHttp1);
  parser_->eager(true);
  if (!complete) body_pace_.Start(Now());
  handler_ = (*parts_.make)(std::move(head), *this);
  if (!handler_) return Abort();
  if (state_ == State::kClosing) return;
  // Who has answered already does not want the body.
  if (expects_ && status_ == 0 && input_.empty()) output_.Put("HTTP/1.1 100 Continue\r\n\r\n");
  if (complete && !finished_) handler_->OnBodyEnd();
}

bool Http1Session::TakeBody() {
  while (input_.size() >= std::max<std::size_t>(1, needed_) && !parser_->is_done()) {
    if (unconsumed_ >= limits().stream_window) return false;
    error_code error;
    auto const taken = parser_->put(boost::asio::buffer(input_), error);
    input_.erase(0, taken);
    needed_ = 0;
    // Refused from within.
    if (state_ != State::kBody) return true;
    if (error == beast::error::need_more) {
      // Beast 1.74 asserts that it is asked again with more than before, and with all five bytes of the shortest last chunk.
      needed_ = std::max<std::size_t>(input_.size() + 1, 5);
      if (input_.size() <= kChunkLineMax) return false;
      error = beast::error::bad_chunk;
    }
    if (error == beast::error::body_limit) {
      Refuse({Refusal::kBodyTooLarge, 413, "the body is too large"});
      return true;
    }
    if (error) {
      Refuse({Refusal::kMalformedRequest, 400, "the body is malformed"});
      return true;
    }
  }
  if (!parser_->is_done()) return false;
  body_pace_.Stop();
  state_ = State::kAnswer;
  if (handler_ && !finished_) handler_->OnBodyEnd();
  return true;
}

bool Http1Session::TakeBytes(std::string_view bytes) {
  received_ += bytes.size();
  if (received_ > limits().body_bytes) return false;
  unconsumed_ += bytes.size();
  body_pace_.Moved(Now(), bytes.size());
  // Until it is consumed the peer may not send: its time does not run.
  if (unconsumed_ >= limits().stream_window) body_pace_.Stop();
  if (handler_ && !finished_) {
    handler_->OnBody(bytes);
  } else {
    Consume(bytes.size());
  }
  return true;
}

void Http1Session::Consume(std::size_t bytes) {
  unconsumed_ -= std::min(bytes, unconsumed_);
  if (state_ != State::kBody || unconsumed_ >= limits().stream_window) return;
  body_pace_.Start(Now());
  parts_.host->Wake();
}

// ---- What goes ----

void Http1Session::Respond(int status, Fields fields) {
  if (status_ != 0 || state_ == State::kClosing) return;
  status_ = status;
  std::erase_if(fields, [](Field const& field) { return IsHopByHop(field.name); });
  if (!std::all_of(fields.begin(), fields.end(), IsSendable)) {
    status_ = 500;
    fields = {{"content-length", "0"}};
    close_ = true;
  }
  // The rest of the body would have to be read before the next request could be.
  if (state_ == State::kBody) close_ = true;
  fields_ = std::move(fields);
  parts_.host->Wake();
}

// `more`: a body follows, or may.
void Http1Session::PutHead(bool more) {
  if (std::exchange(head_put_, true)) return;
  no_body_ = head_only_ || status_ == 204 || status_ == 304;
  if (draining_) close_ = true;
  std::string head = absl::StrCat("HTTP/1.1 ", status_, " ");
  auto const reason = beast::obsolete_reason(beast::int_to_status(static_cast<unsigned>(status_)));
  head.append(reason.data(), reason.size()).append("\r\n");
  for (auto const& field : fields_) absl::StrAppend(&head, field.name, ": ", field.value, "\r\n");
  if (Find(fields_, "date").empty()) absl::StrAppend(&head, "date: ", parts_.host->date(), "\r\n");
  std::uint64_t length = 0;
  if (auto const text = Find(fields_, "content-length"); !text.empty() && absl::SimpleAtoi(Av(text), &length)) {
    left_ = length;
  } else if (!more && !no_body_) {
    head.append("content-length: 0\r\n");
    left_ = 0;
  } else if (!no_body_) {
    chunked_ = !parser_ || !parser_->one_zero();
    if (chunked_) head.append("transfer-encoding: chunked\r\n");
  }
  if (close_) head.append("connection: close\r\n");
  head.append("\r\n");
  output_.Put(std::move(head));
}

void Http1Session::Write(std::string bytes) {
  if (status_ == 0 || finished_ || overflowed_ || state_ == State::kClosing || bytes.empty()) return;
  PutHead(/*more=*/true);
  if (no_body_) return;
  if (left_) {
    // More than was announced would be read as the next answer.
    if (bytes.size() > *left_) return Abort();
    *left_ -= bytes.size();
  }
  if (chunked_) {
    output_.Put(absl::StrCat(absl::Hex(bytes.size()), "\r\n"));
    bytes.append("\r\n");
  }
  output_.Put(std::move(bytes));
  if (output_.size() > kHighWater) stopped_ = true;
  if (output_.size() > limits().output_bytes) overflowed_ = true;
  parts_.host->Wake();
}

void Http1Session::Finish(Fields /*trailers*/) {
  if (status_ == 0 || finished_ || state_ == State::kClosing) return;
  PutHead(/*more=*/false);
  finished_ = true;
  if (chunked_) output_.Put("0\r\n\r\n");
  // Less than was announced: the peer must not wait for the rest, nor take the next answer for it.
  if (!no_body_ && left_.value_or(0) > 0) close_ = true;
  parts_.host->Wake();
}

void Http1Session::Abort() {
  if (state_ == State::kClosing) return;
  Close();
  output_.Clear();
  parts_.host->Wake();
}

void Http1Session::Send(std::string& out, std::size_t enough) {
  if (std::exchange(overflowed_, false)) {
    parts_.stats->Refused(Refusal::kOutputTooLarge);
    EndHandler(/*gone=*/true);
    Abort();
  }
  Advance();
  while (out.size() < enough) {
    if (status_ != 0 && state_ != State::kClosing) PutHead(/*more=*/true);
    auto const before = out.size();
    out.resize(before + std::min(output_.size(), enough - before));
    output_.Take(out.data() + before, out.size() - before);
    if (output_.size() > 0) break;
    if (state_ == State::kClosing) {
      EndHandler(/*gone=*/false);
      break;
    }
    if (!finished_) break;
    EndRequest();
    Advance();
    if (output_.size() == 0 && status_ == 0) break;
  }
  if (stopped_ && output_.size() <= kHighWater / 2) {
    stopped_ = false;
    if (handler_ && !finished_ && state_ != State::kClosing) handler_->OnWritable();
  }
}

void Http1Session::EndRequest() {
  EndHandler(/*gone=*/false);
  if (close_) {
    Close();
    return;
  }
  state_ = State::kHead;
  since_ = Now();
  head_begun_ = !input_.empty();
  parser_.reset();
  body_pace_.Stop();
  unconsumed_ = needed_ = 0;
  received_ = 0;
  status_ = 0;
  fields_ = {};
  left_.reset();
  head_only_ = head_put_ = no_body_ = chunked_ = finished_ = stopped_ = false;
  if (draining_ && input_.empty()) Close();
}

void Http1Session::EndHandler(bool gone) {
  if (std::exchange(running_, false)) parts_.stats->RequestEnded();
  auto const handler = std::move(handler_);
  if (handler && gone && !finished_ && state_ != State::kClosing) handler->OnGone();
}

void Http1Session::Refuse(Refused const& refused) {
  parts_.stats->Refused(refused.reason);
  EndHandler(/*gone=*/true);
  if (status_ != 0) return Abort();
  close_ = true;
  auto body = RefusalBody(refused);
  Respond(refused.status, {{"content-type", "application/json"}, {"content-length", absl::StrCat(body.size())}});
  Write(std::move(body));
  Finish({});
  Close();
}

void Http1Session::Close() {
  state_ = State::kClosing;
  body_pace_.Stop();
}

// ---- Time ----

void Http1Session::Tick() {
  auto const now = Now();
  if (state_ == State::kHead) {
    if (now - since_ < (head_begun_ || first_ ? limits().head_time : limits().idle_time)) return;
    if (head_begun_) return Refuse({Refusal::kHeadTooSlow, 408, "the head comes too slowly"});
    if (first_) parts_.stats->Refused(Refusal::kHeadTooSlow);
    Close();
    parts_.host->Wake();
  } else if (body_pace_.TooSlow(now, {limits().body_time, limits().rate_min, limits().rate_grace})) {
    Refuse({Refusal::kBodyTooSlow, 408, "the body comes too slowly"});
  }
}

void Http1Session::Drain() {
  draining_ = true;
  if (state_ == State::kHead && !head_begun_) Close();
  parts_.host->Wake();
}

}  // namespace

std::unique_ptr<Session> MakeHttp1Session(SessionParts parts) { return std::make_unique<Http1Session>(std::move(parts)); }

}  // namespace helhed::gateway::http
