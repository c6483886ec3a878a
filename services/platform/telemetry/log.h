#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace helhed::telemetry {

enum class Severity { kDebug, kInfo, kWarning, kError };

// JSON lines, one object an entry, on standard error: `time`, `severity`, `service`, `message`, then the fields given. Messages
// are literals: what changes from call to call goes into fields, and no field ever holds what the contract calls PERSONAL or
// more. Every line is valid JSON whatever bytes come in: what is not UTF-8 becomes U+FFFD, and values over 4 KiB are cut. Writing
// never blocks the caller: a bounded queue is emptied by a thread of its own, and entries that do not fit are counted and the
// count is logged.
class Log {
 public:
  struct Options {
    std::string service;
    Severity minimum = Severity::kInfo;
    // "-" is standard error; otherwise a file, for tests.
    std::string destination = "-";
  };
  explicit Log(Options options);
  ~Log();

  using Value = std::variant<std::string_view, std::int64_t, bool>;
  struct Field {
    std::string_view name;
    Value value;
  };
  void Write(Severity severity, std::string_view message, std::span<Field const> fields);
  void Write(Severity severity, std::string_view message, std::initializer_list<Field> fields = {}) {
    Write(severity, message, std::span<Field const>(fields.begin(), fields.size()));
  }
  // Whether entries of this severity are written at all: to save making what would be thrown away.
  bool Writes(Severity severity) const;
  void Debug(std::string_view message, std::initializer_list<Field> fields = {}) { Write(Severity::kDebug, message, fields); }
  void Info(std::string_view message, std::initializer_list<Field> fields = {}) { Write(Severity::kInfo, message, fields); }
  void Warning(std::string_view message, std::initializer_list<Field> fields = {}) { Write(Severity::kWarning, message, fields); }
  void Error(std::string_view message, std::initializer_list<Field> fields = {}) { Write(Severity::kError, message, fields); }

  // Waits until everything written so far is out.
  void Flush();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace helhed::telemetry
