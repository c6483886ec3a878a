#include "services/platform/telemetry/log.h"

#include <absl/time/clock.h>
#include <absl/time/time.h>
#include <fcntl.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "services/platform/base/strings.h"

namespace helhed::telemetry {
namespace {

// Entries that may wait for the writer, and bytes of one value that are kept. Together they bound the memory of a log whose
// reader has stopped.
constexpr std::size_t kQueueMax = 8192;
constexpr std::size_t kValueBytesMax = 4096;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

std::string_view NameOf(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "DEBUG";
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      return "ERROR";
  }
  return "ERROR";
}

// The length of the well-formed UTF-8 sequence that `text` begins with (table 3-7 of the Unicode standard), or 0.
std::size_t SequenceLength(std::string_view text) {
  auto const at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  auto const in = [](unsigned value, unsigned low, unsigned high) { return value >= low && value <= high; };
  unsigned const first = at(0);
  if (first < 0x80) return 1;
  if (in(first, 0xC2, 0xDF)) return in(at(1), 0x80, 0xBF) ? 2 : 0;
  if (in(first, 0xE0, 0xEF)) {
    unsigned const low = first == 0xE0 ? 0xA0 : 0x80;
    unsigned const high = first == 0xED ? 0x9F : 0xBF;
    return in(at(1), low, high) && in(at(2), 0x80, 0xBF) ? 3 : 0;
  }
  if (in(first, 0xF0, 0xF4)) {
    unsigned const low = first == 0xF0 ? 0x90 : 0x80;
    unsigned const high = first == 0xF4 ? 0x8F : 0xBF;
    return in(at(1), low, high) && in(at(2), 0x80, 0xBF) && in(at(3), 0x80, 0xBF) ? 4 : 0;
  }
  return 0;
}

// `text` as valid UTF-8 of bounded length, in `buffer` only where it is not that already.
std::string_view Clean(std::string_view text, std::string& buffer) {
  bool const cut = text.size() > kValueBytesMax;
  std::size_t good = 0;
  std::size_t const limit = cut ? kValueBytesMax : text.size();
  while (good < limit) {
    std::size_t const length = SequenceLength(text.substr(good));
    if (length == 0) break;
    good += length;
  }
  if (good >= limit && !cut) return text;
  buffer.assign(text.substr(0, good));
  for (std::size_t i = good; i < limit;) {
    std::size_t const length = SequenceLength(text.substr(i));
    buffer.append(length == 0 ? kReplacement : text.substr(i, length));
    i += length == 0 ? 1 : length;
  }
  if (cut) buffer.append("...");
  return buffer;
}

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void WriteString(Writer& writer, std::string_view text, std::string& buffer) {
  auto const clean = Clean(text, buffer);
  writer.String(clean.data(), static_cast<rapidjson::SizeType>(clean.size()));
}

void WriteEntry(Writer& writer, std::string_view service, Severity severity, std::string_view message,
                std::span<Log::Field const> fields) {
  static absl::TimeZone const utc = absl::UTCTimeZone();
  std::string buffer;
  writer.StartObject();
  writer.Key("time");
  WriteString(writer, absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::Now(), utc), buffer);
  writer.Key("severity");
  WriteString(writer, NameOf(severity), buffer);
  writer.Key("service");
  WriteString(writer, service, buffer);
  writer.Key("message");
  WriteString(writer, message, buffer);
  for (auto const& field : fields) {
    WriteString(writer, field.name, buffer);
    if (auto const* const text = std::get_if<std::string_view>(&field.value)) {
      WriteString(writer, *text, buffer);
    } else if (auto const* const number = std::get_if<std::int64_t>(&field.value)) {
      writer.Int64(*number);
    } else {
      writer.Bool(std::get<bool>(field.value));
    }
  }
  writer.EndObject();
}

std::string Format(std::string_view service, Severity severity, std::string_view message, std::span<Log::Field const> fields) {
  rapidjson::StringBuffer out;
  Writer writer(out);
  WriteEntry(writer, service, severity, message, fields);
  out.Put('\n');
  return {out.GetString(), out.GetSize()};
}

// False when the destination takes no more (a full disk).
bool WriteAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    ssize_t const written = ::write(descriptor, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

struct Log::State {
  explicit State(Options given) : options(std::move(given)) {}

  void Put(std::string entry) {
    bool wake = false;
    {
      std::lock_guard const lock(mutex);
      if (queue.size() >= kQueueMax) {
        ++dropped;
        return;
      }
      wake = queue.empty();
      queue.push_back(std::move(entry));
      ++put;
    }
    if (wake) ready.notify_one();
  }

  void Work() {
    std::vector<std::string> batch;
    std::unique_lock lock(mutex);
    while (true) {
      ready.wait(lock, [this] { return ending || !queue.empty(); });
      if (queue.empty()) return;
      batch.swap(queue);
      auto const lost = std::exchange(dropped, 0);
      lock.unlock();
      std::string text;
      for (auto const& entry : batch) text += entry;
      if (lost > 0) {
        Field const count{"count", lost};
        text += Format(options.service, Severity::kWarning, "log entries were dropped", {&count, 1});
      }
      bool const ok = WriteAll(descriptor, text);
      lock.lock();
      if (!ok) dropped += lost + static_cast<std::int64_t>(batch.size());
      out += batch.size();
      batch.clear();
      flushed.notify_all();
    }
  }

  Options const options;
  int descriptor = STDERR_FILENO;
  std::mutex mutex;
  std::condition_variable ready;
  std::condition_variable flushed;
  std::vector<std::string> queue;
  std::uint64_t put = 0;  // entries taken, and of those written, since the start
  std::uint64_t out = 0;
  std::int64_t dropped = 0;
  bool ending = false;
  std::thread writer;
};

Log::Log(Options options) : state_(std::make_unique<State>(std::move(options))) {
  auto const& destination = state_->options.destination;
  if (destination != "-") {
    int const opened = ::open(destination.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (opened >= 0) {
      state_->descriptor = opened;
    } else {
      Error("the log's file cannot be opened; the log goes to standard error", {{"path", destination}, {"errno", errno}});
    }
  }
  state_->writer = std::thread([state = state_.get()] { state->Work(); });
}

Log::~Log() {
  {
    std::lock_guard const lock(state_->mutex);
    state_->ending = true;
  }
  state_->ready.notify_one();
  state_->writer.join();
  if (state_->descriptor != STDERR_FILENO) ::close(state_->descriptor);
}

bool Log::Writes(Severity severity) const { return severity >= state_->options.minimum; }

void Log::Write(Severity severity, std::string_view message, std::span<Field const> fields) {
  if (!Writes(severity)) return;
  state_->Put(Format(state_->options.service, severity, message, fields));
}

void Log::Flush() {
  std::unique_lock lock(state_->mutex);
  auto const until = state_->put;
  state_->flushed.wait(lock, [&] { return state_->out >= until; });
}

}  // namespace helhed::telemetry
