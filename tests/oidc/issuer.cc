#include "tests/oidc/issuer.h"

#include <absl/strings/escaping.h>
#include <boost/asio/ip/tcp.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <iostream>
#include <iterator>

namespace helhed::testing {
namespace {

[[noreturn]] void Give(std::string_view why) {
  std::cerr << "the issuer of the test: " << why << std::endl;
  std::abort();
}

// What every client says for a token (client_secret_basic).
constexpr char kSecret[] = "a-secret-of-the-test-and-of-nothing-else";

// The text of a member of flat JSON.
std::string Member(std::string const& json, std::string const& name) {
  auto const mark = "\"" + name + "\":\"";
  auto const begin = json.find(mark);
  if (begin == std::string::npos) return "";
  auto const end = json.find('"', begin + mark.size());
  return json.substr(begin + mark.size(), end - begin - mark.size());
}

}  // namespace

OidcIssuer::OidcIssuer() {
  std::array<int, 2> to{}, from{};
  if (::pipe2(to.data(), O_CLOEXEC) != 0 || ::pipe2(from.data(), O_CLOEXEC) != 0) Give("no pipe");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(to[0], STDIN_FILENO);
    ::dup2(from[1], STDOUT_FILENO);
    ::execlp("node", "node", HELHED_OIDC_ISSUER, nullptr);
    ::_exit(127);
  }
  ::close(to[0]);
  ::close(from[1]);
  input_ = to[1];
  output_ = ::fdopen(from[0], "r");
  issuer_ = Member(ReadLine("{"), "issuer");
}

OidcIssuer::~OidcIssuer() {
  ::close(input_);
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  std::fclose(output_);
}

std::string OidcIssuer::ReadLine(std::string_view begin) {
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), line.size(), output_) != nullptr) {
    if (std::string_view(line.data()).starts_with(begin)) return line.data();
  }
  Give("has ended");
}

std::string OidcIssuer::Token(std::string_view algorithm, std::string_view client) const {
  auto const colon = issuer_.rfind(':');
  boost::asio::ip::tcp::iostream stream("127.0.0.1", issuer_.substr(colon + 1));
  auto const body = "grant_type=client_credentials&scope=helhed&resource=" + std::string(kAudience) + std::string(algorithm);
  stream << "POST /token HTTP/1.0\r\nhost: " << issuer_.substr(std::string_view("http://").size()) << "\r\nauthorization: Basic "
         << absl::Base64Escape(std::string(client) + ":" + kSecret)
         << "\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: " << body.size() << "\r\n\r\n"
         << body << std::flush;
  return Member({std::istreambuf_iterator<char>(stream), {}}, "access_token");
}

void OidcIssuer::Rotate() {
  constexpr std::string_view command = "rotate\n";
  if (::write(input_, command.data(), command.size()) != static_cast<ssize_t>(command.size())) Give("takes no commands");
  ReadLine("rotate");
}

}  // namespace helhed::testing
