#include "observation.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

namespace soak
{

namespace
{

constexpr double mib = 1024.0 * 1024.0;
// Tolerances for the varying work, and for caches that are not full in a short run.
constexpr double allowed_growth = 1.03;
constexpr double allowed_mib = 2;
constexpr double allowed_mib_of_short_run = 16;
constexpr double short_run = 90;

template <class Value>
std::string line_of(std::vector<sample> const& samples, Value value)
{
    static constexpr char const* steps[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    constexpr std::size_t columns = 60;
    double largest = 1e-9;
    for (auto const& one : samples)
        largest = std::max(largest, static_cast<double>(value(one)));
    std::string line;
    auto const width = std::min(columns, samples.size());
    for (std::size_t i = 0; i < width; ++i)
    {
        auto const height =
            static_cast<double>(value(samples[i * samples.size() / width])) / largest;
        line += steps[static_cast<std::size_t>(height * 7.49)];
    }
    return line + "  at most " + std::to_string(static_cast<std::size_t>(largest + 0.5));
}

template <class Value>
bool grew(std::vector<sample> const& samples, Value value)
{
    auto const third = static_cast<std::ptrdiff_t>(samples.size() / 3);
    auto const less = [&](sample const& a, sample const& b) { return value(a) < value(b); };
    auto const largest = [&](auto from, auto to)
    { return value(*std::max_element(from, to, less)); };
    double const middle = largest(samples.end() - 2 * third, samples.end() - third);
    double const last = largest(samples.end() - third, samples.end());
    double const tolerance =
        samples.back().seconds < short_run ? allowed_mib_of_short_run : allowed_mib;
    return last > middle * allowed_growth + tolerance;
}

} // namespace

memory memory_now()
{
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> pages;
    auto const resident = static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
    auto const heap = ::mallinfo2();
    return {resident / mib, static_cast<double>(heap.uordblks + heap.hblkhd) / mib};
}

std::size_t descriptors_now()
{
    std::filesystem::directory_iterator const all("/proc/self/fd");
    // Without the descriptor of the iterator.
    return static_cast<std::size_t>(std::distance(begin(all), end(all))) - 1;
}

void allow_many_descriptors()
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void show(std::vector<sample> const& samples)
{
    auto const line = [&](char const* what, auto value)
    { std::cout << what << line_of(samples, value) << '\n'; };
    line("resident, MiB   ", [](sample const& one) { return one.used.resident; });
    line("in use, MiB     ", [](sample const& one) { return one.used.in_use; });
    line("descriptors     ", [](sample const& one) { return one.descriptors; });
    line("in flight       ", [](sample const& one) { return one.in_flight; });
    line("on connections  ", [](sample const& one) { return one.on_connections; });
    line("tokens/s        ", [](sample const& one) { return one.tokens; });
    line("failures/s      ", [](sample const& one) { return one.failures; });
}

void write_table(std::vector<sample> const& samples, std::string const& file)
{
    std::ofstream out(file);
    out << "seconds,resident,in_use,descriptors,in_flight,on_connections,tokens,failures\n";
    for (auto const& one : samples)
        out << one.seconds << ',' << one.used.resident << ',' << one.used.in_use << ','
            << one.descriptors << ',' << one.in_flight << ',' << one.on_connections << ','
            << one.tokens << ',' << one.failures << '\n';
}

bool grew(std::vector<sample> const& samples)
{
    if (sanitized || samples.size() < 3)
        return false;
    return grew(samples, [](sample const& one) { return one.used.resident; }) ||
           grew(samples, [](sample const& one) { return one.used.in_use; });
}

} // namespace soak
