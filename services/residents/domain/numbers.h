#pragma once

#include <string_view>

// The numbers that the field knows its organisations by. All are text: leading zeros count.
namespace helhed::residents {

// The number of a housing organisation in Landsbyggefonden's master data: four digits.
bool IsOrganisationNumber(std::string_view text);

// The number of a department within its organisation: three digits, from 001.
bool IsDepartmentNumber(std::string_view text);

// A number of the central business register (CVR): eight digits, the first not 0, whose sum weighted 2, 7, 6, 5, 4, 3, 2, 1 is
// divisible by 11.
bool IsCvrNumber(std::string_view text);

}  // namespace helhed::residents
