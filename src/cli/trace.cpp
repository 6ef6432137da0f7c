#include "cli/trace.hpp"

#include "cli/sanitize_for_terminal.hpp"

#include <iostream>
#include <string_view>
#include <unistd.h>

namespace coauth::cli
{
namespace
{

// Each line is marked with its direction.
void show(std::string_view text, terminal const& where)
{
    std::string const mark = where.dim(text.starts_with("HTTP/") ? "<" : ">");
    while (!text.empty())
    {
        auto const end = text.find('\n');
        auto shown = text.substr(0, end);
        if (shown.ends_with('\r'))
            shown.remove_suffix(1);
        std::clog << mark << ' ' << sanitize_for_terminal(shown) << '\n';
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    std::clog << '\n' << std::flush;
}

std::function<void(std::string_view)> shower()
{
    return [where = terminal(STDERR_FILENO)](std::string_view text) { show(text, where); };
}

} // namespace

void trace::watch(client_config& config)
{
    phases_ = std::make_shared<timeline>();
    config.observer = phases_;
    config.debug = shower();
}

void trace::watch(discovery_options& options)
{
    options.debug = shower();
}

void trace::end() const
{
    if (!phases_)
        return;
    auto const chart = phases_->chart(terminal(STDERR_FILENO));
    if (!chart.empty())
        std::clog << chart << '\n' << std::flush;
}

} // namespace coauth::cli
