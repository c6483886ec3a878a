#include "services/platform/server/main.h"

#include "services/communications/communications.h"

int main(int argc, char** argv) { return helhed::server::Main(helhed::communications::CommunicationsDefinition(), argc, argv); }
