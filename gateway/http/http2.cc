#include <absl/strings/str_cat.h>
#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gateway/http/byte_queue.h"
#include "gateway/http/frame_meter.h"
#include "gateway/http/head.h"
#include "gateway/http/session.h"

namespace helhed::gateway::http {
namespace {

// How many frames of nghttp2's own (acknowledgements, resets) may wait before the peer has to take some.
constexpr std::size_t kControlFramesWaiting = 1'000;
// What may come of a body after its answer is complete, before the peer is told to stop.
constexpr std::size_t kUnwantedMax = 64 * 1024;

std::string_view View(std::uint8_t const* data, std::size_t size) { return {reinterpret_cast<char const*>(data), size}; }

// nghttp2 copies both while it is called, and takes them as not const for the callers who want no copy.
nghttp2_nv Pair(std::string_view name, std::string_view value) {
  auto const bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<std::uint8_t const*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

std::vector<nghttp2_nv> Pairs(Fields const& fields) {
  std::vector<nghttp2_nv> pairs;
  pairs.reserve(fields.size() + 2);
  for (auto const& field : fields) pairs.push_back(Pair(field.name, field.value));
  return pairs;
}

class Http2Session;

class Stream final : public Exchange {
 public:
  Stream(Http2Session& session, std::int32_t id) : session_(session), id_(id) {}

  void Respond(int status, Fields fields) override;
  void Write(std::string bytes) override;
  void Finish(Fields trailers) override;
  void Abort() override;
  std::size_t queued() const override;
  void Consume(std::size_t bytes) override;
  boost::asio::io_context& loop() override;

  // The request's head, as it comes.
  bool AddField(std::string_view name, std::string_view value);
  void Start(bool body_ended);
  void TakeBody(std::string_view bytes);
  void EndBody();
  // Ends the handler's part and answers in its place, or resets the stream when an answer has begun.
  void Refuse(Refused const& refused);
  void Reset(std::uint32_t code);
  // The handler hears that the caller has gone, unless it has ended its part itself.
  void Gone();
  void SubmitHead();
  ssize_t Read(std::uint8_t* to, std::size_t room, std::uint32_t& flags);
  void NotifyWritable();
  void Tick(TimePoint now);
  void OnSent(nghttp2_frame const& frame);
  void StopBody();

  std::size_t unconsumed() const { return unconsumed_; }

 private:
  void Resume();
  void DropOutput();

  Http2Session& session_;
  std::int32_t id_;
  // Until the handler has it.
  RequestHead head_;
  std::string host_;
  std::size_t header_bytes_ = 0;
  std::size_t header_count_ = 0;
  std::optional<Refused> refused_;

  std::unique_ptr<Handler> handler_;
  bool running_ = false;
  std::size_t unconsumed_ = 0;
  std::uint64_t received_ = 0;
  bool body_ended_ = false;
  Pace body_pace_;

  int status_ = 0;
  Fields fields_;
  Fields trailers_;
  ByteQueue queue_;
  bool no_body_ = false;
  bool submitted_ = false;
  bool deferred_ = false;
  bool finished_ = false;
  bool sent_ = false;
  // When the answer was complete before the body was, and how much has come since.
  std::optional<TimePoint> sent_at_;
  std::size_t unwanted_ = 0;
  bool reset_ = false;
  bool stopped_ = false;
  // Has written more than the connection may hold: to be reset when it is off the stack.
  bool doomed_ = false;
  Pace output_pace_;
};

class Http2Session final : public Session {
 public:
  explicit Http2Session(SessionParts parts);
  ~Http2Session() override;

  void Receive(std::string_view bytes) override;
  bool wants_bytes() const override {
    return !failed_ && nghttp2_session_get_outbound_queue_size(nghttp2_) < kControlFramesWaiting;
  }
  void Send(std::string& out, std::size_t enough) override;
  void Tick() override;
  void Drain() override;
  bool done() const override {
    return broken_ || (nghttp2_session_want_write(nghttp2_) == 0 && (failed_ || nghttp2_session_want_read(nghttp2_) == 0));
  }

 private:
  friend class Stream;
  static nghttp2_session_callbacks const* Callbacks();
  static Http2Session& From(void* user_data) { return *static_cast<Http2Session*>(user_data); }
  static int OnBeginHeaders(nghttp2_session* nghttp2, nghttp2_frame const* frame, void* user_data);
  static int OnHeader(nghttp2_session* nghttp2, nghttp2_frame const* frame, std::uint8_t const* name, std::size_t name_size,
                      std::uint8_t const* value, std::size_t value_size, std::uint8_t flags, void* user_data);
  static int OnInvalidHeader(nghttp2_session* nghttp2, nghttp2_frame const* frame, std::uint8_t const* name,
                             std::size_t name_size, std::uint8_t const* value, std::size_t value_size, std::uint8_t flags,
                             void* user_data);
  static int OnFrame(nghttp2_session* nghttp2, nghttp2_frame const* frame, void* user_data);
  static int OnInvalidFrame(nghttp2_session* nghttp2, nghttp2_frame const* frame, int error, void* user_data);
  static int OnData(nghttp2_session* nghttp2, std::uint8_t flags, std::int32_t id, std::uint8_t const* data, std::size_t size,
                    void* user_data);
  static int OnSent(nghttp2_session* nghttp2, nghttp2_frame const* frame, void* user_data);
  static int OnClose(nghttp2_session* nghttp2, std::int32_t id, std::uint32_t code, void* user_data);

  Stream* Find(std::int32_t id) {
    auto const found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second.get();
  }
  TimePoint Now() const { return parts_.host->now(); }
  Limits const& limits() const { return *parts_.limits; }
  // Tells the peer why and takes nothing more from it.
  void Fail(std::uint32_t code, Refusal reason);
  void FinishDrain();
  bool crowded() const { return queued_ > limits().output_bytes / 2; }
  Pace::Rule OutputRule() const { return {limits().output_time, limits().rate_min, limits().rate_grace}; }

  SessionParts parts_;
  nghttp2_session* nghttp2_ = nullptr;
  std::unordered_map<std::int32_t, std::unique_ptr<Stream>> streams_;
  FrameMeter meter_;
  TokenBucket controls_;
  TokenBucket resets_;
  // Streams with an answer's head to submit, and those that have written too much.
  std::vector<std::int32_t> heads_;
  std::vector<std::int32_t> doomed_;
  // Of all streams together.
  std::size_t queued_ = 0;
  bool any_stopped_ = false;
  TimePoint started_at_;
  TimePoint busy_at_;
  std::optional<TimePoint> head_since_;
  std::optional<TimePoint> drain_since_;
  bool drained_ = false;
  bool failed_ = false;
  bool broken_ = false;
};

// ---- One stream ----

void Stream::Respond(int status, Fields fields) {
  if (status_ != 0 || reset_) return;
  status_ = status;
  std::erase_if(fields, [](Field const& field) { return IsHopByHop(field.name); });
  if (!std::all_of(fields.begin(), fields.end(), IsSendable)) {
    status_ = 500;
    fields.clear();
    no_body_ = true;
  }
  if (status_ == 204 || status_ == 304) no_body_ = true;
  if (http::Find(fields, "date").empty()) fields.push_back({"date", session_.parts_.host->date()});
  fields_ = std::move(fields);
  session_.heads_.push_back(id_);
  session_.parts_.host->Wake();
}

void Stream::Write(std::string bytes) {
  if (status_ == 0 || finished_ || reset_ || doomed_ || no_body_ || bytes.empty()) return;
  session_.queued_ += bytes.size();
  queue_.Put(std::move(bytes));
  output_pace_.Start(session_.Now());
  if (session_.queued_ > session_.limits().output_bytes) {
    doomed_ = true;
    session_.doomed_.push_back(id_);
  }
  if (queued() > kHighWater) stopped_ = session_.any_stopped_ = true;
  Resume();
}

void Stream::Finish(Fields trailers) {
  if (status_ == 0 || finished_ || reset_) return;
  finished_ = true;
  std::erase_if(trailers, [](Field const& field) { return !IsSendable(field) || IsHopByHop(field.name); });
  if (!no_body_) trailers_ = std::move(trailers);
  Resume();
}

void Stream::Abort() { Reset(NGHTTP2_INTERNAL_ERROR); }

std::size_t Stream::queued() const { return session_.crowded() ? std::max(queue_.size(), kHighWater + 1) : queue_.size(); }

void Stream::Consume(std::size_t bytes) {
  bytes = std::min(bytes, unconsumed_);
  if (bytes == 0) return;
  unconsumed_ -= bytes;
  if (body_ended_) {
    nghttp2_session_consume_connection(session_.nghttp2_, bytes);
  } else {
    nghttp2_session_consume(session_.nghttp2_, id_, bytes);
  }
  session_.parts_.host->Wake();
}

boost::asio::io_context& Stream::loop() { return session_.parts_.host->loop(); }

// False when the peer sends so much more than is allowed that the connection is better ended.
bool Stream::AddField(std::string_view name, std::string_view value) {
  auto const& limits = session_.limits();
  header_bytes_ += name.size() + value.size() + 32;
  ++header_count_;
  if (header_bytes_ > 4 * limits.header_bytes) return false;
  if (running_ || refused_) return true;
  if (name == ":path" && value.size() > limits.target_bytes) {
    refused_ = Refused{Refusal::kTargetTooLong, 414, "path and query are too long"};
  } else if (header_bytes_ > limits.header_bytes || header_count_ > limits.header_count) {
    refused_ = Refused{Refusal::kHeadersTooLarge, 431, "the header fields are too large or too many"};
  }
  if (refused_) {
    head_.fields = {};
    return true;
  }
  if (name == ":method") {
    head_.method = value;
  } else if (name == ":path") {
    head_.target = value;
  } else if (name == ":authority") {
    head_.authority = value;
  } else if (name == "host") {
    host_ = value;
  } else if (name.front() != ':') {
    head_.fields.push_back({std::string(name), std::string(value)});
  }
  return true;
}

void Stream::Start(bool body_ended) {
  auto const& parts = session_.parts_;
  body_ended_ = body_ended;
  no_body_ = head_.method == "HEAD";
  if (head_.authority.empty()) head_.authority = host_;
  std::optional<std::uint64_t> content_length;
  if (!refused_) refused_ = CheckHead(head_, session_.limits(), content_length);
  // RFC 9113, 8.3.1: whoever looks at the one must not see another host than who looks at the other.
  if (!refused_ && !host_.empty() && host_ != head_.authority) {
    refused_ = Refused{Refusal::kMalformedRequest, 400, "host differs from :authority"};
  }
  if (refused_) return Refuse(*refused_);
  bool const expects = !body_ended && !http::Find(head_.fields, "expect").empty();
  head_.version = Version::kHttp2;
  head_.peer = parts.peer;
  running_ = true;
  parts.stats->RequestStarted(Version::kHttp2);
  if (!body_ended) body_pace_.Start(session_.Now());
  handler_ = (*parts.make)(std::move(head_), *this);
  head_ = {};
  if (!handler_) return Abort();
  if (expects && status_ == 0) {
    auto const pair = Pair(":status", "100");
    nghttp2_submit_headers(session_.nghttp2_, NGHTTP2_FLAG_NONE, id_, nullptr, &pair, 1, nullptr);
  }
  if (body_ended && !finished_ && !reset_) handler_->OnBodyEnd();
}

void Stream::TakeBody(std::string_view bytes) {
  received_ += bytes.size();
  unconsumed_ += bytes.size();
  auto const now = session_.Now();
  body_pace_.Moved(now, bytes.size());
  if (!handler_ || finished_) {
    Consume(bytes.size());
    if (sent_at_ && (unwanted_ += bytes.size()) > kUnwantedMax) StopBody();
    return;
  }
  if (received_ > session_.limits().body_bytes) return Refuse({Refusal::kBodyTooLarge, 413, "the body is too large"});
  handler_->OnBody(bytes);
}

void Stream::EndBody() {
  if (body_ended_) return;
  body_ended_ = true;
  body_pace_.Stop();
  if (handler_ && !finished_) handler_->OnBodyEnd();
}

void Stream::Refuse(Refused const& refused) {
  session_.parts_.stats->Refused(refused.reason);
  Gone();
  body_pace_.Stop();
  if (status_ != 0) return Reset(NGHTTP2_CANCEL);
  auto body = RefusalBody(refused);
  Respond(refused.status, {{"content-type", "application/json"}, {"content-length", absl::StrCat(body.size())}});
  Write(std::move(body));
  Finish({});
}

void Stream::Reset(std::uint32_t code) {
  if (reset_ || sent_) return;
  reset_ = true;
  DropOutput();
  nghttp2_submit_rst_stream(session_.nghttp2_, NGHTTP2_FLAG_NONE, id_, code);
  session_.parts_.host->Wake();
}

void Stream::Gone() {
  DropOutput();
  if (std::exchange(running_, false)) session_.parts_.stats->RequestEnded();
  auto const handler = std::move(handler_);
  if (handler && !finished_ && !reset_) handler->OnGone();
}

void Stream::DropOutput() {
  session_.queued_ -= queue_.size();
  queue_.Clear();
  output_pace_.Stop();
}

void Stream::Resume() {
  if (submitted_ && std::exchange(deferred_, false)) nghttp2_session_resume_data(session_.nghttp2_, id_);
  session_.parts_.host->Wake();
}

// Late, when the loop's turn is over: by then it is known whether anything follows, and a head alone ends the stream itself.
void Stream::SubmitHead() {
  if (submitted_ || reset_) return;
  submitted_ = true;
  auto const status = std::to_string(status_);
  auto pairs = Pairs(fields_);
  pairs.insert(pairs.begin(), Pair(":status", status));
  nghttp2_data_provider provider{};
  provider.source.ptr = this;
  provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* to, std::size_t room, std::uint32_t* flags,
                              nghttp2_data_source* source,
                              void*) { return static_cast<Stream*>(source->ptr)->Read(to, room, *flags); };
  bool const alone = no_body_ || (finished_ && queue_.size() == 0 && trailers_.empty());
  nghttp2_submit_response(session_.nghttp2_, id_, pairs.data(), pairs.size(), alone ? nullptr : &provider);
  fields_ = {};
}

ssize_t Stream::Read(std::uint8_t* to, std::size_t room, std::uint32_t& flags) {
  auto const taken = queue_.Take(reinterpret_cast<char*>(to), room);
  session_.queued_ -= taken;
  if (taken > 0) output_pace_.Moved(session_.Now(), taken);
  if (queue_.size() > 0) return static_cast<ssize_t>(taken);
  output_pace_.Stop();
  if (finished_) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (trailers_.empty()) return static_cast<ssize_t>(taken);
    flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    auto const pairs = Pairs(trailers_);
    nghttp2_submit_trailer(session_.nghttp2_, id_, pairs.data(), pairs.size());
    return static_cast<ssize_t>(taken);
  }
  if (taken > 0) return static_cast<ssize_t>(taken);
  deferred_ = true;
  return NGHTTP2_ERR_DEFERRED;
}

void Stream::NotifyWritable() {
  if (!stopped_) return;
  if (queued() > kHighWater / 2) {
    session_.any_stopped_ = true;
    return;
  }
  stopped_ = false;
  if (handler_ && !finished_ && !reset_) handler_->OnWritable();
}

void Stream::Tick(TimePoint now) {
  auto const& limits = session_.limits();
  // Who may not send is not slow: until what came is consumed, of this stream or of all together.
  if (body_pace_.running() && (nghttp2_session_get_stream_local_window_size(session_.nghttp2_, id_) <= 0 ||
                               nghttp2_session_get_local_window_size(session_.nghttp2_) <= 0)) {
    body_pace_.Stop();
    body_pace_.Start(now);
  }
  if (body_pace_.TooSlow(now, {limits.body_time, limits.rate_min, limits.rate_grace})) {
    return Refuse({Refusal::kBodyTooSlow, 408, "the body comes too slowly"});
  }
  if (sent_at_ && now - *sent_at_ >= limits.linger_time) StopBody();
  if (output_pace_.TooSlow(now, session_.OutputRule())) {
    session_.parts_.stats->Refused(Refusal::kReaderTooSlow);
    Gone();
    Reset(NGHTTP2_CANCEL);
  }
}

void Stream::OnSent(nghttp2_frame const& frame) {
  if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
  sent_ = true;
  if (!body_ended_) sent_at_ = session_.Now();
}

// The answer is complete: the rest of the body is not wanted (RFC 9113, 8.1). Not said at once, because clients that are still
// sending, curl 7.88 among them, then throw the answer away: a body that is about to end anyway may do so.
void Stream::StopBody() {
  if (body_ended_ || !sent_at_) return;
  sent_at_.reset();
  nghttp2_submit_rst_stream(session_.nghttp2_, NGHTTP2_FLAG_NONE, id_, NGHTTP2_NO_ERROR);
  session_.parts_.host->Wake();
}

// ---- The connection ----

Http2Session::Http2Session(SessionParts parts)
    : parts_(std::move(parts)),
      controls_(limits().controls_burst, limits().controls_per_second, Now()),
      resets_(limits().resets_burst, limits().resets_per_second, Now()),
      started_at_(Now()),
      busy_at_(Now()) {
  nghttp2_option* option = nullptr;
  nghttp2_option_new(&option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  // Ours counts more and answers before nghttp2's does.
  nghttp2_option_set_stream_reset_rate_limit(option, static_cast<std::uint64_t>(limits().resets_burst) * 2,
                                             static_cast<std::uint64_t>(limits().resets_per_second) * 2);
  nghttp2_session_server_new2(&nghttp2_, Callbacks(), this, option);
  nghttp2_option_del(option);
  nghttp2_settings_entry const settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits().streams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits().stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits().header_bytes)},
  };
  nghttp2_submit_settings(nghttp2_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(nghttp2_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(limits().connection_window));
}

Http2Session::~Http2Session() {
  // nghttp2_session_del tells nothing of the streams that it ends.
  for (auto const& [id, stream] : streams_) stream->Gone();
  nghttp2_session_del(nghttp2_);
}

nghttp2_session_callbacks const* Http2Session::Callbacks() {
  static nghttp2_session_callbacks const* const callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    nghttp2_session_callbacks_new(&made);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, OnBeginHeaders);
    nghttp2_session_callbacks_set_on_header_callback(made, OnHeader);
    nghttp2_session_callbacks_set_on_invalid_header_callback(made, OnInvalidHeader);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, OnFrame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, OnInvalidFrame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, OnData);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, OnSent);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, OnClose);
    return made;
  }();
  return callbacks;
}

void Http2Session::Receive(std::string_view bytes) {
  if (failed_) return;
  auto const now = Now();
  auto const cheap = meter_.Take(bytes);
  if (!meter_.in_head()) {
    head_since_.reset();
  } else if (!head_since_) {
    head_since_ = now;
  }
  if (cheap > 0 && !controls_.Take(now, static_cast<double>(cheap))) {
    return Fail(NGHTTP2_ENHANCE_YOUR_CALM, Refusal::kTooManyControlFrames);
  }
  auto const taken = nghttp2_session_mem_recv(nghttp2_, reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
  parts_.host->Wake();
  if (taken >= 0 || failed_) return;
  bool const flood = taken == NGHTTP2_ERR_FLOODED || taken == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
  Fail(flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR,
       flood ? Refusal::kTooManyControlFrames : Refusal::kProtocolError);
}

void Http2Session::Send(std::string& out, std::size_t enough) {
  for (auto const id : std::exchange(heads_, {})) {
    if (auto* const stream = Find(id)) stream->SubmitHead();
  }
  for (auto const id : std::exchange(doomed_, {})) {
    auto* const stream = Find(id);
    if (stream == nullptr) continue;
    parts_.stats->Refused(Refusal::kOutputTooLarge);
    stream->Gone();
    stream->Reset(NGHTTP2_ENHANCE_YOUR_CALM);
  }
  while (out.size() < enough) {
    std::uint8_t const* data = nullptr;
    auto const size = nghttp2_session_mem_send(nghttp2_, &data);
    if (size < 0) failed_ = broken_ = true;
    if (size <= 0) break;
    out.append(View(data, static_cast<std::size_t>(size)));
  }
  if (!std::exchange(any_stopped_, false)) return;
  for (auto const& [id, stream] : streams_) stream->NotifyWritable();
}

void Http2Session::Tick() {
  if (failed_) return;
  auto const now = Now();
  bool const silent = !meter_.begun() && now - started_at_ >= limits().head_time;
  if (silent || (head_since_ && now - *head_since_ >= limits().head_time)) {
    return Fail(NGHTTP2_ENHANCE_YOUR_CALM, Refusal::kHeadTooSlow);
  }
  for (auto const& [id, stream] : streams_) stream->Tick(now);
  if (streams_.empty() && now - busy_at_ >= limits().idle_time) Drain();
  if (drain_since_ && now - *drain_since_ >= limits().drain_notice) FinishDrain();
}

// Twice, as RFC 9113, 6.8 advises: what the peer sends before it has read the notice is still served.
void Http2Session::Drain() {
  if (drain_since_ || failed_) return;
  drain_since_ = Now();
  nghttp2_submit_shutdown_notice(nghttp2_);
  nghttp2_submit_ping(nghttp2_, NGHTTP2_FLAG_NONE, nullptr);
  parts_.host->Wake();
}

void Http2Session::FinishDrain() {
  if (std::exchange(drained_, true)) return;
  nghttp2_submit_goaway(nghttp2_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(nghttp2_), NGHTTP2_NO_ERROR, nullptr,
                        0);
  parts_.host->Wake();
}

void Http2Session::Fail(std::uint32_t code, Refusal reason) {
  if (std::exchange(failed_, true)) return;
  parts_.stats->Refused(reason);
  nghttp2_session_terminate_session(nghttp2_, code);
  parts_.host->Wake();
}

int Http2Session::OnBeginHeaders(nghttp2_session* /*nghttp2*/, nghttp2_frame const* frame, void* user_data) {
  auto& session = From(user_data);
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  session.streams_.emplace(frame->hd.stream_id, std::make_unique<Stream>(session, frame->hd.stream_id));
  return 0;
}

int Http2Session::OnHeader(nghttp2_session* /*nghttp2*/, nghttp2_frame const* frame, std::uint8_t const* name,
                           std::size_t name_size, std::uint8_t const* value, std::size_t value_size, std::uint8_t /*flags*/,
                           void* user_data) {
  auto& session = From(user_data);
  auto* const stream = session.Find(frame->hd.stream_id);
  if (stream == nullptr || stream->AddField(View(name, name_size), View(value, value_size))) return 0;
  session.Fail(NGHTTP2_ENHANCE_YOUR_CALM, Refusal::kHeadersTooLarge);
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

// Without this nghttp2 would leave such a field out and go on.
int Http2Session::OnInvalidHeader(nghttp2_session* /*nghttp2*/, nghttp2_frame const* /*frame*/, std::uint8_t const* /*name*/,
                                  std::size_t /*name_size*/, std::uint8_t const* /*value*/, std::size_t /*value_size*/,
                                  std::uint8_t /*flags*/, void* user_data) {
  From(user_data).parts_.stats->Refused(Refusal::kMalformedRequest);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int Http2Session::OnFrame(nghttp2_session* /*nghttp2*/, nghttp2_frame const* frame, void* user_data) {
  auto& session = From(user_data);
  auto* const stream = session.Find(frame->hd.stream_id);
  bool const ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      if (stream == nullptr) break;
      if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        stream->Start(ends);
      } else if (ends) {
        stream->EndBody();
      }
      break;
    case NGHTTP2_DATA:
      if (stream != nullptr && ends) stream->EndBody();
      break;
    case NGHTTP2_RST_STREAM:
      if (!session.resets_.Take(session.Now())) session.Fail(NGHTTP2_ENHANCE_YOUR_CALM, Refusal::kTooManyResets);
      break;
    case NGHTTP2_PING:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && session.drain_since_) session.FinishDrain();
      break;
    default:
      break;
  }
  return session.failed_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

int Http2Session::OnInvalidFrame(nghttp2_session* /*nghttp2*/, nghttp2_frame const* /*frame*/, int /*error*/, void* user_data) {
  From(user_data).parts_.stats->Refused(Refusal::kMalformedRequest);
  return 0;
}

int Http2Session::OnData(nghttp2_session* nghttp2, std::uint8_t /*flags*/, std::int32_t id, std::uint8_t const* data,
                         std::size_t size, void* user_data) {
  auto& session = From(user_data);
  session.controls_.Earn(static_cast<double>(size) / 64);
  if (auto* const stream = session.Find(id)) {
    stream->TakeBody(View(data, size));
  } else {
    nghttp2_session_consume(nghttp2, id, size);
  }
  return 0;
}

int Http2Session::OnSent(nghttp2_session* /*nghttp2*/, nghttp2_frame const* frame, void* user_data) {
  auto& session = From(user_data);
  auto* const stream = session.Find(frame->hd.stream_id);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
      session.controls_.Earn(4);
      if (stream != nullptr) stream->OnSent(*frame);
      break;
    case NGHTTP2_DATA:
      session.controls_.Earn(static_cast<double>(frame->hd.length) / 64);
      if (stream != nullptr) stream->OnSent(*frame);
      break;
    case NGHTTP2_RST_STREAM: {
      // Resets that the peer provokes by breaking the protocol cost as much as its own ("made you reset").
      auto const code = frame->rst_stream.error_code;
      bool const provoked = code == NGHTTP2_PROTOCOL_ERROR || code == NGHTTP2_FLOW_CONTROL_ERROR ||
                            code == NGHTTP2_STREAM_CLOSED || code == NGHTTP2_FRAME_SIZE_ERROR || code == NGHTTP2_REFUSED_STREAM;
      if (provoked && !session.resets_.Take(session.Now())) session.Fail(NGHTTP2_ENHANCE_YOUR_CALM, Refusal::kTooManyResets);
      break;
    }
    case NGHTTP2_GOAWAY:
      if (frame->goaway.error_code != NGHTTP2_NO_ERROR && !session.failed_)
        session.parts_.stats->Refused(Refusal::kProtocolError);
      break;
    default:
      break;
  }
  return 0;
}

int Http2Session::OnClose(nghttp2_session* nghttp2, std::int32_t id, std::uint32_t /*code*/, void* user_data) {
  auto& session = From(user_data);
  auto const found = session.streams_.find(id);
  if (found == session.streams_.end()) return 0;
  auto const stream = std::move(found->second);
  session.streams_.erase(found);
  session.busy_at_ = session.Now();
  if (stream->unconsumed() > 0) nghttp2_session_consume_connection(nghttp2, stream->unconsumed());
  stream->Gone();
  return 0;
}

}  // namespace

std::unique_ptr<Session> MakeHttp2Session(SessionParts parts) { return std::make_unique<Http2Session>(std::move(parts)); }

}  // namespace helhed::gateway::http
