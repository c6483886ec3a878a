#include "services/platform/server/main.h"

#include "services/activities/activities.h"

int main(int argc, char** argv) { return helhed::server::Main(helhed::activities::ActivitiesDefinition(), argc, argv); }
