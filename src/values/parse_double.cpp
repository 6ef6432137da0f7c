#include "values/parse_double.hpp"

#include <cmath>
#include <version>

// libc++ has the function for floating-point numbers from version 20 on.
#if defined(__cpp_lib_to_chars) || defined(__GLIBCXX__)
#include <charconv>
#define COAUTH_HAS_FROM_CHARS
#else
#include <locale>
#include <sstream>
#include <string>
#endif

namespace coauth::detail
{
namespace
{

#ifdef COAUTH_HAS_FROM_CHARS
bool read_double(std::string_view text, double& value)
{
    auto const* const end = text.data() + text.size();
    auto const [stop, failure] = std::from_chars(text.data(), end, value);
    return failure == std::errc() && stop == end;
}
#else
bool read_double(std::string_view text, double& value)
{
    // Streams accept more: white space, a plus sign, hexadecimal numbers.
    if (text.empty() || text.find_first_not_of("0123456789.eE+-") != text.npos || text[0] == '+')
        return false;
    std::istringstream in{std::string(text)};
    in.imbue(std::locale::classic());
    return in >> value && in.peek() == std::istringstream::traits_type::eof();
}
#endif

} // namespace

std::optional<double> parse_double(std::string_view text)
{
    double value = 0;
    if (!read_double(text, value) || !std::isfinite(value))
        return std::nullopt;
    return value;
}

} // namespace coauth::detail
