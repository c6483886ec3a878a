#include "services/platform/server/main.h"

// A service with nothing but what the platform gives each one, for the tests of Main.
int main(int argc, char** argv) {
  helhed::server::Definition definition;
  definition.name = "sample";
  definition.handlers = [](helhed::server::Environment const&, helhed::Router&) { return nullptr; };
  return helhed::server::Main(definition, argc, argv);
}
