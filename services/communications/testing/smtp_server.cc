#include "services/communications/testing/smtp_server.h"

#include <absl/strings/str_cat.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace helhed::communications::testing {
namespace {

std::string MakeFolder() {
  std::string path = "/tmp/helhed-smtp-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) std::abort();
  return path;
}

bool Answers(int port) {
  int const socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how sockets take addresses
  bool const connected = ::connect(socket, reinterpret_cast<sockaddr const*>(&address), sizeof(address)) == 0;
  ::close(socket);
  return connected;
}

}  // namespace

SmtpServer::SmtpServer(std::vector<std::string> const& further) : folder_(MakeFolder()), port_(helhed::testing::FreePort()) {
  std::vector<std::string> arguments = {"/usr/bin/python3", HELHED_SMTP_SERVER, folder_, absl::StrCat(port_)};
  arguments.insert(arguments.end(), further.begin(), further.end());
  process_ = std::make_unique<helhed::testing::Process>(arguments, folder_ + "/log");
  auto const given_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!Answers(port_)) {
    if (!process_->Running() || std::chrono::steady_clock::now() > given_up) {
      std::fprintf(stderr, "the SMTP server of the test does not run: %s\n",
                   helhed::testing::ReadWhole(folder_ + "/log").c_str());
      std::abort();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

SmtpServer::~SmtpServer() {
  process_.reset();
  std::filesystem::remove_all(folder_);
}

std::string SmtpServer::url() const { return absl::StrCat("smtp://127.0.0.1:", port_); }

std::vector<std::string> SmtpServer::Mails() const {
  std::vector<std::string> files;
  for (auto const& file : std::filesystem::directory_iterator(folder_)) {
    if (file.path().extension() == ".eml") files.push_back(file.path().string());
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> mails;
  for (auto const& file : files) mails.push_back(helhed::testing::ReadWhole(file));
  return mails;
}

std::string HeaderOf(std::string const& mail, std::string const& name) {
  auto const headers = "\r\n" + mail.substr(0, mail.find("\r\n\r\n")) + "\r\n";
  auto const begin = headers.find("\r\n" + name + ": ");
  if (begin == std::string::npos) return "";
  std::string value;
  auto at = begin + name.size() + 4;
  for (;;) {
    auto const end = headers.find("\r\n", at);
    value += headers.substr(at, end - at);
    if (end + 2 >= headers.size() || headers[end + 2] != ' ') return value;
    at = end + 3;
  }
}

}  // namespace helhed::communications::testing
