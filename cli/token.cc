#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "cli/commands.h"
#include "cli/connection.h"
#include "services/platform/identity/identity.h"

namespace helhed::cli {
namespace {

constexpr std::string_view kTokenHelp =
    "Usage: helhed token --new-key PRIVATE_FILE PUBLIC_FILE --key-id ID\n"
    "       helhed token --identity-key FILE --subject NAME --grant ROLE[@SCOPE] ... [--audience NAME] [--lifetime 10m]\n"
    "                    [--bearer]\n\n"
    "Makes a key pair, or prints a signed identity for `helhed call --token` and other clients: base64 of the bytes that go\n"
    "into the gRPC metadata helhed-identity-bin. The services must know the public key. Who holds the private key can be\n"
    "anyone: keep it as you keep a password. Files are never overwritten.\n\n"
    "With --bearer it is printed as a bearer token for the gateway (base64url). The gateway accepts such tokens for\n"
    "demonstrations only, when its configuration names the public key in demonstration_key_files.\n\n";
constexpr std::string_view kTokenExamples =
    "\nExamples:\n"
    "  helhed token --new-key cli.key cli.pub --key-id cli-2026\n"
    "  helhed token --identity-key cli.key --subject kim --grant reader@organisations/9001 --lifetime 1h > my.token\n"
    "  curl -H \"Authorization: Bearer $(helhed token --bearer --identity-key demo.key --subject kim --grant portal)\" \\\n"
    "      https://localhost:8443/v1/organisations\n";
// Services refuse identities that live longer.
constexpr absl::Duration kLifetimeMax = absl::Hours(1);

// Makes a file that was not there. Nothing is left of it when writing fails.
absl::Status WriteNewFile(std::string const& path, std::string const& content, mode_t mode) {
  int const file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0) {
    auto const why = errno == EEXIST ? "is there already and is not overwritten" : std::strerror(errno);
    return absl::FailedPreconditionError(absl::StrCat(path, ": ", why));
  }
  std::size_t written = 0;
  while (written < content.size()) {
    auto const bytes = ::write(file, content.data() + written, content.size() - written);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) break;
    written += static_cast<std::size_t>(bytes);
  }
  bool const whole = written == content.size() && ::fsync(file) == 0;
  int const failure = errno;
  ::close(file);
  if (whole) return absl::OkStatus();
  ::unlink(path.c_str());
  return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(failure)));
}

std::string WithNewline(std::string text) { return text.ends_with('\n') ? text : text + "\n"; }

int NewKey(po::variables_map const& values, World& world) {
  auto const private_file = Get<std::string>(values, "private-file");
  auto const public_file = Get<std::string>(values, "public-file");
  auto const key_id = Get<std::string>(values, "key-id");
  if (public_file.empty()) return UsageError(world, "token", "--new-key takes two files: PRIVATE_FILE PUBLIC_FILE");
  if (key_id.empty() || key_id.find_first_of(" \t\r\n") != std::string::npos) {
    return UsageError(world, "token", "name the key: --key-id ID, without spaces (cli-2026)");
  }
  auto const signer = identity::Signer::Generate(key_id);
  auto status = WriteNewFile(private_file, WithNewline(signer.PrivateKeyText()), 0600);
  if (status.ok()) {
    status = WriteNewFile(public_file, WithNewline(signer.PublicKeyText()), 0644);
    if (!status.ok()) ::unlink(private_file.c_str());
  }
  if (!status.ok()) {
    world.err << "helhed token: " << status.message() << "\n";
    return kFailed;
  }
  world.err << "key " << key_id << ": " << private_file << " (keep it secret), " << public_file << " (for the services)\n";
  return kDone;
}

int PrintToken(po::variables_map const& values, World& world) {
  if (values.count("private-file")) return UsageError(world, "token", "files are only named with --new-key");
  if (!values.count("identity-key")) return UsageError(world, "token", "say what to sign with: --identity-key FILE");
  if (!values.count("subject")) return UsageError(world, "token", "say who it is for: --subject NAME");
  auto const lifetime = ToDuration(values["lifetime"].as<std::string>(), "lifetime");
  if (!lifetime.ok()) return UsageError(world, "token", Sv(lifetime.status().message()));
  if (*lifetime > kLifetimeMax) return UsageError(world, "token", "services refuse identities that live longer than 1h");
  auto const identity = IdentityOf(values);
  if (!identity.ok()) return UsageError(world, "token", Sv(identity.status().message()));
  auto const signer = identity::Signer::FromFile(values["identity-key"].as<std::string>());
  if (!signer.ok()) {
    world.err << "helhed token: " << signer.status().message() << "\n";
    return kFailed;
  }
  auto const token = SignFor(*signer, *identity, world.clock.Now(), *lifetime);
  world.out << (values["bearer"].as<bool>() ? absl::WebSafeBase64Escape(token) : absl::Base64Escape(token)) << "\n";
  return kDone;
}

}  // namespace

po::options_description TokenOptionsDescription() {
  po::options_description options("Options");
  options.add_options()                                                                                               //
      ("new-key", po::bool_switch(), "make a key pair in two new files")                                              //
      ("key-id", po::value<std::string>()->value_name("ID"), "the name of the new key")                               //
      ("lifetime", po::value<std::string>()->value_name("10m")->default_value("10m"), "of the identity; 1h at most")  //
      ("bearer", po::bool_switch(), "print it as a bearer token for the gateway, for demonstrations");
  options.add(IdentityOptions());
  return options;
}

int RunToken(Arguments const& arguments, World& world) {
  auto const visible = TokenOptionsDescription();
  auto const values = ParseOptions({visible, {"private-file", "public-file"}, {"identity-key", "subject", "audience", "grant"}},
                                   arguments, world);
  if (!values.ok()) return UsageError(world, "token", Sv(values.status().message()));
  if (values->count("help")) {
    world.out << kTokenHelp << visible << kTokenExamples;
    return kDone;
  }
  return (*values)["new-key"].as<bool>() ? NewKey(*values, world) : PrintToken(*values, world);
}

}  // namespace helhed::cli
