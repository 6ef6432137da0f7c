#include "cli/timeline.hpp"

#include "cli/sanitize_for_terminal.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace coauth::cli
{
namespace
{

using duration = std::chrono::steady_clock::duration;

// Number of character cells from the left edge to the end of the last bar.
constexpr std::size_t chart_width = 48;
constexpr std::size_t name_width = 8;

double to_milliseconds(duration d)
{
    return std::chrono::duration<double, std::milli>(d).count();
}

std::string right_aligned(duration d)
{
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%9.1f ms", to_milliseconds(d));
    return text.data();
}

std::string padded(std::string_view name)
{
    std::string text(name);
    text.resize(std::max(name_width, text.size()), ' ');
    return text;
}

// The length is in eighths of a character cell.
std::string unicode_bar(std::size_t eighths)
{
    static constexpr std::array<char const*, 8> partial = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    std::string bar;
    for (std::size_t i = 0; i < eighths / 8; ++i)
        bar += "█";
    return bar + partial[eighths % 8];
}

std::string ascii_bar(std::size_t eighths)
{
    return std::string(std::max<std::size_t>(1, (eighths + 4) / 8), '=');
}

std::size_t scaled(duration part, duration whole, std::size_t units)
{
    double const share = to_milliseconds(part) / std::max(to_milliseconds(whole), 0.001);
    return static_cast<std::size_t>(std::lround(share * static_cast<double>(units)));
}

std::string row(phase_ended const& event, duration whole, terminal const& output)
{
    std::size_t const start = std::min(scaled(event.start, whole, chart_width), chart_width - 1);
    std::size_t const eighths = std::clamp<std::size_t>(
        scaled(event.duration, whole, chart_width * 8), 1, (chart_width - start) * 8);
    std::string const bar = output.unicode() ? unicode_bar(eighths) : ascii_bar(eighths);
    std::string line = "  " + output.dim(padded(to_string(event.phase))) +
                       right_aligned(event.duration) + "  " + std::string(start, ' ');
    if (!event.failure)
        return line + output.cyan(bar) + '\n';
    return line + output.red(bar) + '\n' + std::string(name_width + 16, ' ') +
           output.red("failed: " + sanitize_for_terminal(event.failure.message())) + '\n';
}

} // namespace

std::string timeline::chart(terminal const& output) const
{
    if (phases_.empty())
        return {};
    auto const& last = phases_.back();
    duration const whole = last.start + last.duration;
    std::string drawn;
    for (auto const& event : phases_)
        drawn += row(event, whole, output);
    drawn += "  " + output.bold(padded("total")) + right_aligned(whole) + '\n';
    return drawn;
}

} // namespace coauth::cli
