#include "services/platform/server/main.h"

#include "services/funding/funding.h"

int main(int argc, char** argv) { return helhed::server::Main(helhed::funding::FundingDefinition(), argc, argv); }
