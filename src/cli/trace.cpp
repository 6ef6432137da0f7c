#include "cli/trace.hpp"

#include "cli/sanitize_for_terminal.hpp"

#include <iostream>
#include <string_view>
#include <unistd.h>

namespace coauth::cli
{
namespace
{

// Marks each line with its direction.
void print(std::string_view text, terminal const& output)
{
    std::string const mark = output.dim(text.starts_with("HTTP/") ? "<" : ">");
    while (!text.empty())
    {
        auto const end = text.find('\n');
        auto line = text.substr(0, end);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        std::clog << mark << ' ' << sanitize_for_terminal(line) << '\n';
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    std::clog << '\n' << std::flush;
}

std::function<void(std::string_view)> make_printer()
{
    return [output = terminal(STDERR_FILENO)](std::string_view text) { print(text, output); };
}

log_observer::write_function make_event_printer()
{
    return [output = terminal(STDERR_FILENO)](log_level level, std::string_view line)
    {
        std::string const text = sanitize_for_terminal(line);
        std::clog << output.dim("*") << ' '
                  << (level >= log_level::warning ? output.red(text) : output.dim(text)) << '\n'
                  << std::flush;
    };
}

} // namespace

void trace::attach(client_config& config)
{
    timeline_ = std::make_shared<timeline>(log_level::debug, make_event_printer());
    config.observer = timeline_;
    config.debug = make_printer();
}

void trace::attach(discovery_options& options)
{
    options.debug = make_printer();
}

void trace::print_timeline() const
{
    if (!timeline_)
        return;
    auto const chart = timeline_->chart(terminal(STDERR_FILENO));
    if (!chart.empty())
        std::clog << chart << '\n' << std::flush;
}

} // namespace coauth::cli
