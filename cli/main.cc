#include <absl/synchronization/mutex.h>
#include <pthread.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>

#include "cli/commands.h"

namespace {

// Turns SIGINT and SIGTERM into a stop token, so that a call is cancelled properly; the second one ends the process.
class StopOnSignal {
 public:
  StopOnSignal() {
    sigemptyset(&signals_);
    for (int const signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&signals_, signal);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    thread_ = std::thread([this] {
      for (int signal = 0; sigwait(&signals_, &signal) == 0 && signal != SIGUSR1;) {
        if (!source_.request_stop()) ::_exit(128 + signal);
      }
    });
  }
  ~StopOnSignal() {
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }
  std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_;
  std::stop_source source_;
  std::thread thread_;
};

void Sleep(absl::Duration duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, absl::ToChronoNanoseconds(duration), [] { return false; });
}

}  // namespace

int main(int argc, char** argv) {
  using namespace helhed;
  // Debian builds Abseil with the detection on: it costs every lock of gRPC.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::ios::sync_with_stdio(false);
  StopOnSignal const signals;
  SystemClock const clock;
  SystemRandom random;
  cli::World world{std::cin,
                   std::cout,
                   std::cerr,
                   ::isatty(STDERR_FILENO) == 1,
                   [](std::string const& name) -> std::optional<std::string> {
                     char const* const value = std::getenv(name.c_str());
                     return value == nullptr ? std::nullopt : std::optional<std::string>(value);
                   },
                   client::ConnectGrpc,
                   Sleep,
                   clock,
                   random,
                   signals.token()};
  return cli::Run(cli::Arguments(argv + 1, argv + argc), world);
}
