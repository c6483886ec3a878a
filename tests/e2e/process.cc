#include "tests/e2e/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX declares it in no header

namespace helhed::testing {
namespace {

template <typename Condition, typename Hope>
void AwaitOrEnd(Condition const& condition, Hope const& hope, std::string const& log, std::string const& what) {
  for (int i = 0; i < 800; ++i) {
    if (condition()) return;
    if (!hope()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  }
  std::cerr << what << " did not come: " << ReadWhole(log) << std::endl;
  std::abort();
}

}  // namespace

std::string Binary(std::string const& name) { return std::string(HELHED_BIN_DIR) + "/" + name; }

Process::Process(std::vector<std::string> const& arguments, std::string const& output_file) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (auto const& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  int const error = posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    std::cerr << "cannot start " << arguments.front() << ": error " << error << "\n";
    std::abort();
  }
}

Process::~Process() {
  if (reaped_) return;
  Signal(SIGKILL);
  Wait();
}

void Process::Signal(int signal) {
  if (!reaped_) kill(pid_, signal);
}

int Process::Wait() {
  while (!reaped_) {
    if (waitpid(pid_, &status_, 0) == pid_ || errno != EINTR) reaped_ = true;
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -WTERMSIG(status_);
}

bool Process::Running() {
  if (!reaped_ && waitpid(pid_, &status_, WNOHANG) == pid_) reaped_ = true;
  return !reaped_;
}

Outcome RunProgram(std::vector<std::string> const& arguments) {
  std::string pattern = "/tmp/helhed-e2e-XXXXXX";
  int const file = mkstemp(pattern.data());
  close(file);
  Process process(arguments, pattern);
  Outcome outcome{process.Wait(), ""};
  outcome.output = ReadWhole(pattern);
  unlink(pattern.c_str());
  return outcome;
}

int FreePort() {
  int const listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address));
  socklen_t length = sizeof(address);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
  close(listener);
  return ntohs(address.sin_port);
}

std::string ReadWhole(std::string const& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

void Await(std::vector<std::string> const& probe, Process& process, std::string const& log) {
  AwaitOrEnd([&] { return RunProgram(probe).exit_code == 0; }, [&] { return process.Running(); }, log,
             "what " + probe.front() + " asks for");
}

std::string AwaitIn(std::string const& path, std::string const& text) {
  std::string content;
  AwaitOrEnd([&] { return (content = ReadWhole(path)).find(text) != std::string::npos; }, [] { return true; }, path, text);
  return content;
}

}  // namespace helhed::testing
