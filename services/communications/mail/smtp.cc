#include "services/communications/mail/smtp.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <absl/strings/str_cat.h>
#include <curl/curl.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "services/platform/base/strings.h"

namespace helhed::communications::mail {
namespace {

// An encoded word has 75 characters at most, of which 12 are its frame, and four hold three bytes.
constexpr std::size_t kEncodedBytes = 45;

bool IsAddress(std::string_view text) {
  auto const at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         std::none_of(text.begin(), text.end(), [](char c) { return c <= ' ' || c == '<' || c == '>' || c == '\x7f'; });
}

bool IsPlainHeader(std::string_view text) {
  return text.size() < 60 && text.find("=?") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < '\x7f'; });
}

// Up to `kEncodedBytes` bytes, ending between two code points.
std::size_t WordLength(std::string_view text) {
  if (text.size() <= kEncodedBytes) return text.size();
  std::size_t length = kEncodedBytes;
  while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80U) --length;
  return length == 0 ? kEncodedBytes : length;
}

struct Freed {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};
using List = std::unique_ptr<curl_slist, Freed>;

void Append(List& list, std::string const& text) { list.reset(curl_slist_append(list.release(), text.c_str())); }

// Whether a printable character may stand in an atom (RFC 5322, 3.2.3).
bool IsAtomText(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string::npos;
}

// A name before an address: atoms as they are, other ASCII as a quoted string (RFC 5322, 3.2.4), else encoded words.
std::string EncodeName(std::string_view name) {
  if (!IsPlainHeader(name)) return EncodeHeader(name);
  if (std::all_of(name.begin(), name.end(), [](char c) { return c == ' ' || IsAtomText(c); })) return std::string(name);
  std::string quoted = "\"";
  for (char const c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

// How far a mail came: curl's own code is the same for a sender and for a recipient that is refused.
enum class Stage {
  kBefore,     // greeting, EHLO, STARTTLS, AUTH, MAIL: the server talks about us
  kRecipient,  // RCPT and DATA: it talks about whom the mail goes to, or about the mail
};

// Notes the commands that curl sends (CURLOPT_DEBUGFUNCTION).
int NoteStage(CURL* /*handle*/, curl_infotype type, char* data, std::size_t size, void* stage) {
  if (type != CURLINFO_HEADER_OUT) return 0;
  std::string_view const command(data, size);
  if (command.starts_with("MAIL FROM:")) *static_cast<Stage*>(stage) = Stage::kBefore;
  if (command.starts_with("RCPT TO:")) *static_cast<Stage*>(stage) = Stage::kRecipient;
  return 0;
}

// The last reply that the server gave decides. Who refuses us refuses nobody's mail for good.
Answer Meaning(CURLcode code, Stage stage, std::int64_t reply) {
  if (code == CURLE_OK) return Answer::kAccepted;
  bool const of_us = stage == Stage::kBefore || reply == 421 || reply == 530 || reply == 534 || reply == 535;
  if (of_us) return Answer::kAway;
  if (reply >= 400 && reply < 500) return Answer::kBusy;
  if (reply >= 500 && reply < 600) return Answer::kRefused;
  return Answer::kAway;
}

class Smtp final : public Mailer {
 public:
  Smtp(SmtpOptions options, CURL* handle) : options_(std::move(options)), handle_(handle) {}

  Answer Send(Mail const& mail) override {
    if (!IsAddress(mail.to)) return Answer::kRefused;
    auto* const curl = handle_.get();
    curl_easy_reset(curl);
    List recipients;
    Append(recipients, absl::StrCat("<", mail.to, ">"));
    List const headers = HeadersOf(mail);
    std::unique_ptr<curl_mime, Freed> const mime(BodyOf(curl, mail));
    auto const from = absl::StrCat("<", options_.from, ">");
    SetConnection(curl);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from.c_str());
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients.get());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_MIMEPOST, mime.get());
    auto stage = Stage::kBefore;
    curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L);
    curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, &NoteStage);
    curl_easy_setopt(curl, CURLOPT_DEBUGDATA, &stage);
    auto const code = curl_easy_perform(curl);
    long reply = 0;  // NOLINT(google-runtime-int): curl's type
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply);
    return Meaning(code, stage, reply);
  }

 private:
  void SetConnection(CURL* curl) const {
    curl_easy_setopt(curl, CURLOPT_URL, options_.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, static_cast<long>(options_.tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    auto const milliseconds = static_cast<long>(absl::ToInt64Milliseconds(options_.timeout));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, milliseconds);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, milliseconds / 2);
    if (options_.user.empty()) return;
    curl_easy_setopt(curl, CURLOPT_USERNAME, options_.user.c_str());
    curl_easy_setopt(curl, CURLOPT_PASSWORD, options_.password.c_str());
  }

  List HeadersOf(Mail const& mail) const {
    auto const date = absl::FormatTime("%a, %d %b %Y %H:%M:%S +0000", mail.date, absl::UTCTimeZone());
    auto const from =
        options_.from_name.empty() ? options_.from : absl::StrCat(EncodeName(options_.from_name), " <", options_.from, ">");
    List headers;
    Append(headers, "From: " + from);
    Append(headers, "To: " + mail.to);
    Append(headers, "Subject: " + EncodeHeader(mail.subject));
    Append(headers, "Date: " + date);
    Append(headers, absl::StrCat("Message-ID: <", mail.message_id, ">"));
    // What machines send is not answered by machines (RFC 3834).
    Append(headers, "Auto-Submitted: auto-generated");
    return headers;
  }

  static void AddPart(curl_mime* parts, std::string const& text, char const* type) {
    auto* const part = curl_mime_addpart(parts);
    curl_mime_data(part, text.data(), text.size());
    curl_mime_type(part, type);
    curl_mime_encoder(part, "base64");
  }

  static curl_mime* BodyOf(CURL* curl, Mail const& mail) {
    auto* const body = curl_mime_init(curl);
    auto* const alternatives = curl_mime_init(curl);
    // The plain text first: a reader takes the last that it can show (RFC 2046, 5.1.4).
    AddPart(alternatives, mail.plain_text, "text/plain; charset=utf-8");
    AddPart(alternatives, mail.html, "text/html; charset=utf-8");
    auto* const part = curl_mime_addpart(body);
    curl_mime_subparts(part, alternatives);
    curl_mime_type(part, "multipart/alternative");
    curl_slist* const headers = curl_slist_append(nullptr, "Content-Disposition: inline");
    curl_mime_headers(part, headers, 1);
    return body;
  }

  SmtpOptions options_;
  std::unique_ptr<CURL, Freed> handle_;
};

}  // namespace

std::string EncodeHeader(std::string_view text) {
  if (IsPlainHeader(text)) return std::string(text);
  std::string encoded;
  while (!text.empty()) {
    auto const length = WordLength(text);
    absl::StrAppend(&encoded, encoded.empty() ? "" : "\r\n ", "=?UTF-8?B?", absl::Base64Escape(Av(text.substr(0, length))), "?=");
    text.remove_prefix(length);
  }
  return encoded;
}

absl::StatusOr<std::unique_ptr<Mailer>> ConnectSmtp(SmtpOptions options) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
  if (!options.url.starts_with("smtp://") && !options.url.starts_with("smtps://")) {
    return absl::InvalidArgumentError("the carrier of mail must be smtp://host:port or smtps://host:port");
  }
  if (!IsAddress(options.from)) return absl::InvalidArgumentError("mail needs an address that it comes from");
  auto* const handle = curl_easy_init();
  if (handle == nullptr) return absl::InternalError("curl cannot be used");
  return std::make_unique<Smtp>(std::move(options), handle);
}

}  // namespace helhed::communications::mail
