#ifndef COAUTH_SRC_VALUES_PARSE_DOUBLE_HPP
#define COAUTH_SRC_VALUES_PARSE_DOUBLE_HPP

#include <optional>
#include <string_view>

namespace coauth::detail
{

// A decimal number that is the whole of the text, whatever the locale. Empty: it is none, or is not
// finite. Throws `std::bad_alloc`.
std::optional<double> parse_double(std::string_view text);

} // namespace coauth::detail

#endif
