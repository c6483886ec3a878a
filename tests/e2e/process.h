#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

// Running the house's own binaries as a user does: as processes.
namespace helhed::testing {

// Where the build put a binary: `helhed`, `helhed-residents`.
std::string Binary(std::string const& name);

// A process of the test, ended with it.
class Process {
 public:
  // Starts `arguments` (the program first, looked for in PATH when it is a mere name); standard output and error go to
  // `output_file`.
  Process(std::vector<std::string> const& arguments, std::string const& output_file);
  // Kills it if it still runs.
  ~Process();
  Process(Process const&) = delete;
  Process& operator=(Process const&) = delete;

  void Signal(int signal);
  // Waits for the end and returns the exit code, or minus the signal that ended it.
  int Wait();
  pid_t pid() const { return pid_; }
  bool Running();

 private:
  pid_t pid_;
  int status_ = 0;
  bool reaped_ = false;
};

struct Outcome {
  int exit_code;
  std::string output;  // standard output and error together
};
// Runs a program to its end.
Outcome RunProgram(std::vector<std::string> const& arguments);

// A port of 127.0.0.1 that is free now.
int FreePort();

std::string ReadWhole(std::string const& path);

// Both wait for 20 s, and then say why and end the test's process.
//
// Until a program, which asks about `process`, succeeds; not longer than `process` runs, which writes to `log`.
void Await(std::vector<std::string> const& probe, Process& process, std::string const& log);
// Until a file holds a text. Returns all that it holds then.
std::string AwaitIn(std::string const& path, std::string const& text);

}  // namespace helhed::testing
