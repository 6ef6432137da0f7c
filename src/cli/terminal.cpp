#include "cli/terminal.hpp"

#include <cstdlib>
#include <unistd.h>

namespace coauth::cli
{
namespace
{

std::string_view environment_variable(char const* name)
{
    char const* const value = std::getenv(name);
    return value != nullptr ? value : "";
}

bool wants_colour(int descriptor)
{
    return isatty(descriptor) == 1 && environment_variable("NO_COLOR").empty() &&
           environment_variable("TERM") != "dumb";
}

// The first of these variables that is set decides (POSIX). If none is, as in a bare container, the
// terminal probably supports UTF-8.
bool supports_unicode()
{
    for (char const* const name : {"LC_ALL", "LC_CTYPE", "LANG"})
    {
        auto const locale = environment_variable(name);
        if (locale.empty())
            continue;
        for (char const* const word : {"UTF-8", "utf-8", "UTF8", "utf8"})
            if (locale.find(word) != std::string_view::npos)
                return true;
        return false;
    }
    return true;
}

} // namespace

terminal::terminal(int descriptor) : colour_(wants_colour(descriptor)), unicode_(supports_unicode())
{
}

std::string terminal::styled(char const* code, std::string_view text) const
{
    if (!colour_)
        return std::string(text);
    return std::string("\x1b[").append(code).append("m").append(text).append("\x1b[0m");
}

} // namespace coauth::cli
