#include "services/platform/server/main.h"

#include "services/residents/residents.h"

int main(int argc, char** argv) { return helhed::server::Main(helhed::residents::ResidentsDefinition(), argc, argv); }
