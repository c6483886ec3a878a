#include <absl/strings/str_cat.h>
#include <absl/time/clock.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "services/communications/paper/print_run.h"
#include "tests/bench/bench.h"

// A print run of one-page letters, one for each household of the reference case.
namespace helhed::bench {
namespace {

namespace paper = communications::paper;

constexpr int kHouseholds = 4135;
constexpr double kPagesPerSecond = 200;
// What the process may grow by over the run, whatever its length.
constexpr double kGrowthMebibytes = 16;

paper::Body Works() {
  paper::Body body;
  auto& danish = body.sections.emplace_back(paper::Section{"da", "Vandet lukkes den 4. april", {}});
  for (int i = 0; i < 6; ++i) {
    danish.paragraphs.emplace_back().text =
        "Vi skifter de lodrette vandrør i opgangen. Imens er der ikke vand i køkken og bad fra klokken 9 til klokken 12. "
        "Tap vand til kaffen om morgenen, og lad ingen haner stå åbne, når I går hjemmefra.";
  }
  body.sections.push_back({"ar", "سيتم إغلاق المياه", {{.text = "سيتم إغلاق المياه في المبنى من الساعة 9 حتى الساعة 12."}}});
  return body;
}

paper::Letter LetterTo(int household, paper::BodyId body) {
  auto const stairwell = absl::StrCat("Remisevej ", 1 + household / 24);
  auto const floor = absl::StrCat(1 + household / 3 % 8);
  auto const door = absl::StrCat(household % 3 + 1);
  return {.stop = {"9003-004", stairwell, floor, door, ""},
          .department_name = "Remiseparken",
          .address = {absl::StrCat(stairwell, ", ", floor, ". ", door), "2300 København S"},
          .body = body};
}

}  // namespace

void BenchPaper() {
  Folder folder;
  std::ofstream letters(folder.path() + "/letters.pdf", std::ios::binary);
  std::ofstream list(folder.path() + "/route.pdf", std::ios::binary);
  auto const into = [](std::ofstream& file) {
    return [&file](std::string_view bytes) {
      file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
      return file.good() ? absl::OkStatus() : absl::UnavailableError("the disk does not take it");
    };
  };
  auto const begin = absl::Now();
  paper::PrintRun run({.title = "Vandet lukkes", .date = "28. marts 2022", .created = begin}, into(letters), into(list));
  auto const body = Must("body", run.AddBody(Works()));
  double early = 0;
  for (int i = 0; i < kHouseholds; ++i) {
    Must("letter", run.AddLetter(LetterTo(i, body)));
    if (i == kHouseholds / 10) early = ResidentMebibytes(::getpid());
  }
  Must("finish", run.Finish());
  auto const seconds = absl::ToDoubleSeconds(absl::Now() - begin);
  Report(absl::StrCat("print run of ", kHouseholds, " one-page letters"), kHouseholds / seconds, kPagesPerSecond, "pages/s", 1);
  // Half a mebibyte is what an allocator's noise comes to.
  ReportAtMost("memory that a print run takes from its first tenth to its end",
               std::max(0.5, ResidentMebibytes(::getpid()) - early), "MiB", kGrowthMebibytes);
}

}  // namespace helhed::bench
